package shadow

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"

	"github.com/postseal/postseal/dkim"
)

// Control is what becomes of an old signature over the file as it is, which tells
// whether the file is what was signed.
type Control string

// The outcomes.
const (
	NotTried      Control = "not-tried"      // there is no key to verify it with
	Verifies      Control = "verifies"       // the file is as it was signed, and the key is the right one
	BodyChanged   Control = "body-changed"   // bh= is not the hash of this body
	HeaderChanged Control = "header-changed" // the key is the right one, and a signed field is not as it was
	OtherKey      Control = "other-key"      // the signature was made with another key
	NoMatch       Control = "no-match"       // one of these two
)

// control verifies an old signature over the whole header of the file. sum is the
// hash of the body in the signature's form, nil if the body is too short for it; key may be nil.
func control(s *signature, header *dkim.Fields, sum []byte, key *dkim.PublicKey) Control {
	if s.Algorithm == 0 { // SHA-1, whose body hash we do not compute either (RFC 8301 section 3.1)
		return NotTried
	}
	if !bytes.Equal(sum, s.BodyHash) {
		return BodyChanged
	}
	if key == nil || key.Algorithm() != s.Algorithm {
		return NotTried
	}
	var index dkim.Index
	index.Reset(header)
	k := s.Canonicalization.Header
	input := dkim.AppendFields(nil, k, header, index.Instances(nil, s.HeaderNames, s.field))
	digest := sha256.Sum256(dkim.AppendSignatureField(input, k, header.Raw(s.field)))
	if key.Verify(digest[:], s.B) == nil {
		return Verifies
	}
	public, ok := key.Key().(*rsa.PublicKey)
	switch {
	case !ok || key.Bits() > dkim.MaxVerifyBits:
		return NoMatch
	case madeWith(public, s.B):
		return HeaderChanged
	}
	return OtherKey
}

// digestInfo is what stands before a SHA-256 digest in an RSA signature (RFC 8017 section 9.2, note 1).
var digestInfo = []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}

// madeWith tells whether a signature was made with a key, whatever it is of: applied
// to it, the public key gives the padding of EMSA-PKCS1-v1_5 and some digest (RFC 8017
// section 8.2.2). With any other key it gives noise.
func madeWith(public *rsa.PublicKey, b []byte) bool {
	size := public.Size()
	s := new(big.Int).SetBytes(b)
	if len(b) != size || s.Cmp(public.N) >= 0 {
		return false
	}
	found := new(big.Int).Exp(s, big.NewInt(int64(public.E)), public.N).FillBytes(make([]byte, size))
	tail := append([]byte{0}, digestInfo...)
	padding := size - 2 - len(tail) - sha256.Size
	if padding < 8 {
		return false
	}
	want := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, padding)...)
	return bytes.HasPrefix(found, append(want, tail...))
}
