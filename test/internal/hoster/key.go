package hoster

import (
	"encoding/asn1"
	"encoding/pem"
	"math/big"
)

// rsaPrivateKey is RFC 8017 appendix A.1.2.
type rsaPrivateKey struct {
	Version          int
	N                *big.Int
	E                *big.Int
	D, P, Q          *big.Int
	DP, DQ, QInverse *big.Int
}

// RSA makes a key of that many bits, of too few if wanted.
func RSA(bits int) ([]byte, error) {
	primes, err := pool(2, bits/2)
	if err != nil {
		return nil, err
	}
	return keyOf(primes[0], primes[1])
}

// keyOf makes the RSA key of two primes, in PEM (PKCS#1). crypto/rsa would
// check it all over again; this takes a tenth of the time.
func keyOf(a, b prime) ([]byte, error) {
	phi := new(big.Int).Mul(a.p1, b.p1)
	der, err := asn1.Marshal(rsaPrivateKey{
		N: new(big.Int).Mul(a.p, b.p),
		E: exponent,
		D: inverseOfExponent(phi),
		P: a.p, Q: b.p,
		DP: a.d, DQ: b.d,
		QInverse: new(big.Int).ModInverse(b.p, a.p),
	})
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der}), nil
}

// inverseOfExponent is 1/e modulo phi: (1+k*phi)/e with the k that makes it whole.
func inverseOfExponent(phi *big.Int) *big.Int {
	k := new(big.Int).Mod(phi, exponent)
	k.ModInverse(k, exponent)
	k.Sub(exponent, k)
	d := k.Mul(k, phi)
	d.Add(d, big.NewInt(1))
	return d.Quo(d, exponent)
}
