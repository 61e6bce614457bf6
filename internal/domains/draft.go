package domains

import (
	"crypto/rand"
	"crypto/x509"
	"fmt"

	"github.com/postseal/postseal/dkim"
)

// Draft is a key that is not in the store yet, with its private half.
type Draft struct {
	Key     Key
	Private *dkim.PrivateKey
}

// newDraft describes a pair as a key; selector, owner and state come later.
func newDraft(private *dkim.PrivateKey) (Draft, error) {
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return Draft{}, fmt.Errorf("encode the public half: %w", err)
	}
	return Draft{Private: private, Key: Key{
		ID:        newID(),
		Algorithm: private.Algorithm(),
		Bits:      private.Bits(),
		Record:    private.PublicRecord(),
		Public:    public,
		Print:     private.Fingerprint().String(),
		State:     Generated,
		Health:    Health{Status: Unverified},
	}}, nil
}

// newID is a random UUID (RFC 9562 section 5.4).
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
