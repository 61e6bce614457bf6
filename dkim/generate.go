package dkim

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
)

// Generate makes a new key. bits is the size of an RSA modulus, MinBits to MaxBits, or 0 for RecommendedBits; Ed25519 has but one
// size and takes 0 or 256.
func Generate(a Algorithm, bits int) (*PrivateKey, error) {
	switch a {
	case RSASHA256:
		if bits == 0 {
			bits = RecommendedBits
		}
		if err := checkBits(bits); err != nil {
			return nil, err
		}
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			return nil, fmt.Errorf("make an RSA key: %w", err)
		}
		return &PrivateKey{rsa: key}, nil
	case Ed25519SHA256:
		if bits != 0 && bits != 8*ed25519.PublicKeySize {
			return nil, fmt.Errorf("an Ed25519 key has 256 bits, not %d; leave the size out", bits)
		}
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("make an Ed25519 key: %w", err)
		}
		return &PrivateKey{ed: key}, nil
	}
	return nil, fmt.Errorf("make a key: no such %v", a)
}
