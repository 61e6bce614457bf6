// Package dkim speaks the language of DKIM (RFC 6376, 8301, 8463): algorithms and private keys, the DNS record that
// publishes a key, the header fields of a message, which of them a signature covers, and the octets that it signs.
//
//	key, err := dkim.LoadPrivateKey("/etc/postseal/keys/mail.pem")
//	fmt.Println(key.PublicRecord()) // v=DKIM1; k=rsa; p=MIIB…
package dkim

import (
	"fmt"
	"strings"
)

// Algorithm is a signing algorithm with its hash, the value of an a= tag.
type Algorithm uint8

// The algorithms that RFC 8301 section 3.1 and RFC 8463 section 3 leave. rsa-sha1 is not among them.
const (
	RSASHA256 Algorithm = iota + 1
	Ed25519SHA256
)

// String gives the value of the a= tag.
func (a Algorithm) String() string {
	switch a {
	case RSASHA256:
		return "rsa-sha256"
	case Ed25519SHA256:
		return "ed25519-sha256"
	}
	return fmt.Sprintf("algorithm(%d)", uint8(a))
}

// KeyType gives the value of the k= tag of a key record: "rsa" or "ed25519".
func (a Algorithm) KeyType() string {
	keyType, _, _ := strings.Cut(a.String(), "-")
	return keyType
}

// ParseAlgorithm reads the value of an a= tag in any case, as an ABNF literal has none (RFC 5234 section 2.3).
func ParseAlgorithm(s string) (Algorithm, error) {
	for _, a := range []Algorithm{RSASHA256, Ed25519SHA256} {
		if strings.EqualFold(s, a.String()) {
			return a, nil
		}
	}
	if strings.EqualFold(s, "rsa-sha1") {
		return 0, fmt.Errorf("algorithm %q: RFC 8301 forbids SHA-1; use rsa-sha256", s)
	}
	return 0, fmt.Errorf("algorithm %q: want rsa-sha256 or ed25519-sha256", s)
}

// MarshalText writes what String gives, for JSON.
func (a Algorithm) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what ParseAlgorithm does.
func (a *Algorithm) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAlgorithm(string(text))
	return err
}
