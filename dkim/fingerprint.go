package dkim

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
)

// Fingerprint names a pair by its public half: the SHA-256 of its SubjectPublicKeyInfo.
type Fingerprint [sha256.Size]byte

// FingerprintOf names the pair of a public key, an *rsa.PublicKey or an ed25519.PublicKey; it is zero for anything else.
func FingerprintOf(public crypto.PublicKey) Fingerprint {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return Fingerprint{}
	}
	return sha256.Sum256(der)
}

// Fingerprint names the pair.
func (k *PrivateKey) Fingerprint() Fingerprint {
	print := k.print.Load()
	if print == nil {
		made := FingerprintOf(k.Public())
		print = &made
		k.print.Store(print)
	}
	return *print
}

// String is "SHA256:" and the hash in hex.
func (f Fingerprint) String() string { return "SHA256:" + hex.EncodeToString(f[:]) }
