package dkim

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
)

// MaxVerifyBits is the largest RSA modulus that anything here computes with, whatever is configured. A verification costs the
// square of the size, and the sender of a message chooses the key.
const MaxVerifyBits = 8192

// ErrBadSignature says that a signature is not one of the given digest with the given key.
var ErrBadSignature = errors.New("the signature does not match")

// PublicKey is a key from DNS. It does not change and may be shared.
type PublicKey struct {
	rsa *rsa.PublicKey    // one of the two is set
	ed  ed25519.PublicKey // 32 octets
}

// Algorithm tells what signatures the key verifies.
func (k *PublicKey) Algorithm() Algorithm {
	if k.rsa != nil {
		return RSASHA256
	}
	return Ed25519SHA256
}

// Bits is the size of the RSA modulus, or 256 for Ed25519.
func (k *PublicKey) Bits() int {
	if k.rsa != nil {
		return k.rsa.N.BitLen()
	}
	return 8 * ed25519.PublicKeySize
}

// Key returns the key itself, an *rsa.PublicKey or an ed25519.PublicKey.
func (k *PublicKey) Key() crypto.PublicKey {
	if k.rsa != nil {
		return k.rsa
	}
	return k.ed
}

// Equal tells whether other, an *rsa.PublicKey or an ed25519.PublicKey, is the same key.
func (k *PublicKey) Equal(other crypto.PublicKey) bool {
	if k.rsa != nil {
		return k.rsa.Equal(other)
	}
	return k.ed.Equal(other)
}

// Verify checks a signature of a SHA-256 digest: PKCS#1 v1.5 for RSA (RFC 6376 section 3.3.2), PureEdDSA over the 32 octets of the
// digest for Ed25519 (RFC 8463 section 3). It returns ErrBadSignature if it does not match, and computes nothing with an RSA key
// of fewer than MinBits or more than MaxVerifyBits.
func (k *PublicKey) Verify(digest, signature []byte) error {
	if len(digest) != sha256.Size {
		return fmt.Errorf("dkim: a digest of %d octets, want %d", len(digest), sha256.Size)
	}
	if k.rsa == nil {
		if !ed25519.Verify(k.ed, digest, signature) {
			return ErrBadSignature
		}
		return nil
	}
	if bits := k.Bits(); bits < MinBits || bits > MaxVerifyBits {
		return fmt.Errorf("dkim: an RSA key of %d bits, want %d to %d", bits, MinBits, MaxVerifyBits)
	}
	if rsa.VerifyPKCS1v15(k.rsa, crypto.SHA256, digest, signature) != nil {
		return ErrBadSignature
	}
	return nil
}

// parsePublicKey reads the octets of p=. bare tells that an RSA key came without the SubjectPublicKeyInfo around it.
func parsePublicKey(a Algorithm, data []byte) (key *PublicKey, bare bool, err error) {
	if a == Ed25519SHA256 {
		if len(data) != ed25519.PublicKeySize { // RFC 8463 section 4: the key itself, nothing around it
			return nil, false, fmt.Errorf("an Ed25519 key of %d octets, want %d", len(data), ed25519.PublicKeySize)
		}
		if isSmallOrder([ed25519.PublicKeySize]byte(data)) {
			return nil, false, errors.New("an Ed25519 key of small order, for which anybody can make signatures")
		}
		return &PublicKey{ed: ed25519.PublicKey(data)}, false, nil
	}
	public, err := parseRSA(data)
	if err != nil {
		if public, _ = x509.ParsePKCS1PublicKey(data); public == nil {
			return nil, false, err
		}
		bare = true
	}
	if public.N.Bit(0) == 0 || public.E&1 == 0 || public.E < 3 || public.E > math.MaxInt32 { // as crypto/rsa has it
		return nil, false, errors.New("the numbers of this RSA key are no modulus and exponent")
	}
	return &PublicKey{rsa: public}, bare, nil
}

// smallOrder has the y coordinates, in hex, of the eight points whose multiples are few: with such a key a signature can be made of any
// text, or of one text in two, four or eight, without a private half. A placeholder of zeros is one. The last two are 0 and 1 again, not
// reduced, which crypto/ed25519 takes.
var smallOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

func isSmallOrder(key [ed25519.PublicKeySize]byte) bool {
	key[len(key)-1] &= 0x7f // the sign of x (RFC 8032 section 5.1.2)
	return slices.Contains(smallOrder, hex.EncodeToString(key[:]))
}

// parseRSA reads a SubjectPublicKeyInfo, which is what signers publish (RFC 6376 section 3.6.1 with erratum 3017).
func parseRSA(der []byte) (*rsa.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("no RSA public key inside: cut short, damaged or of another kind")
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("a key of another kind than RSA")
	}
	return public, nil
}
