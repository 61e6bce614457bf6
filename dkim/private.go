package dkim

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
)

// Sizes of RSA moduli in bits.
const (
	MinBits         = 1024 // RFC 8301 section 3.2: signers MUST use at least this
	RecommendedBits = 2048 // RFC 8301 section 3.2: signers SHOULD use at least this
	MaxBits         = 4096 // the largest that verifiers MUST validate; beyond it signatures are a gamble
)

// PrivateKey is a signing key. It is safe for concurrent use, and no way of printing it shows the secret.
type PrivateKey struct {
	rsa *rsa.PrivateKey    // one of the two is set
	ed  ed25519.PrivateKey // 64 octets: seed and public half

	print atomic.Pointer[Fingerprint] // once somebody asked
}

// Algorithm tells what the key signs with.
func (k *PrivateKey) Algorithm() Algorithm {
	if k.rsa != nil {
		return RSASHA256
	}
	return Ed25519SHA256
}

// Bits is the size of the RSA modulus, or 256 for Ed25519.
func (k *PrivateKey) Bits() int {
	if k.rsa != nil {
		return k.rsa.N.BitLen()
	}
	return 8 * ed25519.PublicKeySize
}

// Weak reports an RSA key that is allowed but below RecommendedBits: worth a warning.
func (k *PrivateKey) Weak() bool { return k.rsa != nil && k.Bits() < RecommendedBits }

// Public returns the public half, an *rsa.PublicKey or an ed25519.PublicKey.
func (k *PrivateKey) Public() crypto.PublicKey {
	if k.rsa != nil {
		return &k.rsa.PublicKey
	}
	return k.ed.Public()
}

// Sign signs a SHA-256 digest: with PKCS#1 v1.5 for RSA (RFC 6376 section 3.3.2), and for Ed25519 as PureEdDSA over the 32
// octets of the digest (RFC 8463 section 3). Both are deterministic.
func (k *PrivateKey) Sign(digest []byte) ([]byte, error) {
	if len(digest) != sha256.Size {
		return nil, fmt.Errorf("dkim: a digest of %d octets, want %d", len(digest), sha256.Size)
	}
	if k.rsa != nil {
		return rsa.SignPKCS1v15(nil, k.rsa, crypto.SHA256, digest)
	}
	return ed25519.Sign(k.ed, digest), nil
}

// PEM encodes the private key as PKCS#8, the form that OpenDKIM, OpenSSL and postseal read.
func (k *PrivateKey) PEM() ([]byte, error) {
	var key any = k.ed
	if k.rsa != nil {
		key = k.rsa
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// PublicRecord is the text of the TXT record that publishes the key: "v=DKIM1; k=rsa; p=…". For RSA p= is the
// SubjectPublicKeyInfo (RFC 6376 section 3.6.1, erratum 3017), for Ed25519 the bare 32 octets (RFC 8463 section 4).
func (k *PrivateKey) PublicRecord() string {
	public := []byte(nil)
	if k.rsa != nil {
		public, _ = x509.MarshalPKIXPublicKey(&k.rsa.PublicKey) // cannot fail for this type
	} else {
		public = k.ed.Public().(ed25519.PublicKey)
	}
	return "v=DKIM1; k=" + k.Algorithm().KeyType() + "; p=" + base64.StdEncoding.EncodeToString(public)
}

// String describes the key without the secret: "rsa-sha256 private key, 2048 bits".
func (k *PrivateKey) String() string {
	if k == nil {
		return "no private key"
	}
	return fmt.Sprintf("%v private key, %d bits", k.Algorithm(), k.Bits())
}

// GoString is String, for %#v.
func (k *PrivateKey) GoString() string { return k.String() }

// Format writes String for every verb, so that no flag digs out the fields.
func (k *PrivateKey) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue is String, for slog.
func (k *PrivateKey) LogValue() slog.Value { return slog.StringValue(k.String()) }
