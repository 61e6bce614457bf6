package dkim

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Reasons to refuse a private key that a caller may want to tell apart.
var (
	ErrKeyTooSmall  = errors.New("RSA key too small")
	ErrKeyTooLarge  = errors.New("RSA key too large")
	ErrKeyEncrypted = errors.New("private key is encrypted")
)

// ParsePrivateKey reads one RSA or Ed25519 private key in any form that a DKIM signer is known to keep:
//
//	PEM       PKCS#1 (RSA PRIVATE KEY) or PKCS#8 (PRIVATE KEY); text before the block is skipped
//	base64    of the DER of either, without armour, as in a KeyTable
//	base64    of 32 octets, the seed of an Ed25519 key (dkimpy)
//
// No error quotes the data.
func ParsePrivateKey(data []byte) (*PrivateKey, error) {
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		return parsePEM(data)
	}
	return parseBase64(data)
}

func parsePEM(data []byte) (*PrivateKey, error) {
	block, rest := pem.Decode(data)
	if block == nil {
		return nil, errors.New("damaged PEM: want whole lines from -----BEGIN to -----END with base64 between them")
	}
	key, err := parseBlock(block)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(rest, []byte("-----BEGIN ")) {
		return nil, errors.New("more than one PEM block: keep one private key in each file, and nothing else")
	}
	return key, nil
}

func parseBlock(block *pem.Block) (*PrivateKey, error) {
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
		return nil, fmt.Errorf("%w: nobody is there to type its passphrase; write it out with: openssl pkey -in FILE -out FILE.plain", ErrKeyEncrypted)
	case block.Type == "RSA PRIVATE KEY", block.Type == "PRIVATE KEY":
		return parseDER(block.Bytes)
	case block.Type == "EC PRIVATE KEY", block.Type == "EC PARAMETERS":
		return nil, errNotForDKIM("an EC key")
	case block.Type == "OPENSSH PRIVATE KEY":
		return nil, errors.New("an OpenSSH key file: write it as PKCS#8 with: ssh-keygen -p -m PKCS8 -f FILE")
	case strings.HasSuffix(block.Type, "PUBLIC KEY"):
		return nil, errPublicHalf
	case strings.Contains(block.Type, "CERTIFICATE"):
		return nil, errors.New("a certificate, not a private key")
	}
	return nil, errors.New("not a private key: want a PEM block RSA PRIVATE KEY or PRIVATE KEY")
}

var errPublicHalf = errors.New("the public half of a key: signing needs the private one")

func errNotForDKIM(what string) error {
	return fmt.Errorf("%s: DKIM signs with RSA or Ed25519 only (RFC 8301, RFC 8463)", what)
}

func parseBase64(data []byte) (*PrivateKey, error) {
	text := bytes.Join(bytes.Fields(data), nil)
	if len(text) == 0 {
		return nil, errors.New("empty: want a private key in PEM or base64")
	}
	raw, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return nil, errors.New("neither PEM nor base64: want a private key in PEM (-----BEGIN …), or base64 of it")
	}
	if len(raw) == ed25519.SeedSize {
		return &PrivateKey{ed: ed25519.NewKeyFromSeed(raw)}, nil
	}
	return parseDER(raw)
}

// parseDER reads PKCS#8 or PKCS#1.
func parseDER(der []byte) (*PrivateKey, error) {
	if bits, ok := pkcs1Bits(der); ok {
		return parsePKCS1(der, bits)
	}
	var p8 pkcs8
	if rest, err := asn1.Unmarshal(der, &p8); err != nil || len(rest) > 0 {
		return nil, diagnoseDER(der)
	}
	switch {
	case p8.Algorithm.Algorithm.Equal(oidRSA):
		bits, ok := pkcs1Bits(p8.PrivateKey)
		if !ok {
			return nil, errors.New("damaged: the PKCS#8 wrapping holds no RSA key")
		}
		return parsePKCS1(p8.PrivateKey, bits)
	case p8.Algorithm.Algorithm.Equal(oidEd25519):
		key, err := x509.ParsePKCS8PrivateKey(der)
		if ed, ok := key.(ed25519.PrivateKey); ok && err == nil {
			return &PrivateKey{ed: ed}, nil
		}
		return nil, errors.New("damaged: the PKCS#8 wrapping holds no Ed25519 key")
	case p8.Algorithm.Algorithm.Equal(oidEC):
		return nil, errNotForDKIM("an EC key")
	}
	return nil, errNotForDKIM("a key of another kind (OID " + p8.Algorithm.Algorithm.String() + ")")
}

// maxPKCS1 is ample for a key of MaxBits, which has 2.4 KB: strangers' primes of any length would cost seconds.
const maxPKCS1 = 4 << 10

// parsePKCS1 reads an RSA key whose size is already known, so that one of a wrong size costs nothing and gets our words.
func parsePKCS1(der []byte, bits int) (*PrivateKey, error) {
	if err := checkBits(bits); err != nil {
		return nil, err
	}
	if len(der) > maxPKCS1 {
		return nil, fmt.Errorf("damaged: %d octets for an RSA key of %d bits", len(der), bits)
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err == nil && len(key.Primes) > 2 { // then nothing was compared: to sign proves that d goes with n and e
		_, err = rsa.SignPKCS1v15(nil, key, crypto.SHA256, make([]byte, sha256.Size))
	}
	if err != nil {
		return nil, errors.New("damaged: the numbers of this RSA key do not fit each other")
	}
	return &PrivateKey{rsa: key}, nil
}

func checkBits(bits int) error {
	switch {
	case bits < MinBits:
		return fmt.Errorf("%w: %d bits, want at least %d (RFC 8301 section 3.2), better %d", ErrKeyTooSmall, bits, MinBits, RecommendedBits)
	case bits > MaxBits:
		return fmt.Errorf("%w: %d bits, want at most %d: receivers need not verify larger ones (RFC 8301 section 3.2)", ErrKeyTooLarge, bits, MaxBits)
	}
	return nil
}

// diagnoseDER says what der is, if it is not a private key.
func diagnoseDER(der []byte) error {
	if _, err := x509.ParsePKIXPublicKey(der); err == nil {
		return errPublicHalf
	}
	if _, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return errPublicHalf
	}
	if _, err := x509.ParseECPrivateKey(der); err == nil {
		return errNotForDKIM("an EC key")
	}
	return errors.New("no private key inside: want PKCS#1 or PKCS#8 of an RSA or Ed25519 key, or base64 of a 32-octet Ed25519 seed")
}

var (
	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1} // RFC 8017 appendix A.1
	oidEC      = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}     // RFC 5480 section 2.1.1
	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}             // RFC 8410 section 3
)

// pkcs8 is PrivateKeyInfo (RFC 5208 section 5); the optional attributes behind it are read over.
type pkcs8 struct {
	Version   int
	Algorithm struct {
		Algorithm  asn1.ObjectIdentifier
		Parameters asn1.RawValue `asn1:"optional"`
	}
	PrivateKey []byte
}

// pkcs1Bits reads the size of the modulus of an RSAPrivateKey (RFC 8017 appendix A.1.2) without computing anything.
func pkcs1Bits(der []byte) (bits int, ok bool) {
	var key struct {
		Version                     int
		N, E, D, P, Q, Dp, Dq, Qinv *big.Int
		AdditionalPrimes            []asn1.RawValue `asn1:"optional,omitempty"`
	}
	rest, err := asn1.Unmarshal(der, &key)
	if err != nil || len(rest) > 0 {
		return 0, false
	}
	return key.N.BitLen(), true
}
