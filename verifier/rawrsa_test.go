package verifier

import (
	"crypto/rand"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
)

// numbers is an RSA key by its numbers, of sizes and with exponents that crypto/rsa does not make.
type numbers struct{ n, e, d *big.Int }

// newNumbers makes a modulus of exactly so many bits, from many primes where it is large, which is quick.
func newNumbers(bits int, e int64) numbers {
	k := numbers{e: big.NewInt(e)}
	for k.d == nil {
		parts := max(2, bits/512)
		n, phi := big.NewInt(1), big.NewInt(1)
		for i := range parts {
			size := bits / parts
			if i == parts-1 {
				size = bits - n.BitLen() // the product has as many bits as both together, or one less
			}
			p, err := rand.Prime(rand.Reader, size)
			if err != nil {
				panic(err)
			}
			n.Mul(n, p)
			phi.Mul(phi, p.Sub(p, big.NewInt(1)))
		}
		if n.BitLen() == bits {
			k.n, k.d = n, new(big.Int).ModInverse(k.e, phi) // nil if they share a factor
		}
	}
	return k
}

// pad is EMSA-PKCS1-v1_5 (RFC 8017 section 9.2).
func pad(size int, prefix, digest []byte) *big.Int {
	block := make([]byte, size)
	block[1] = 1
	tail := append(append([]byte{0}, prefix...), digest...)
	for i := 2; i < size-len(tail); i++ {
		block[i] = 0xff
	}
	copy(block[size-len(tail):], tail)
	return new(big.Int).SetBytes(block)
}

var (
	prefixSHA256 = []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
	prefixSHA1   = []byte{0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14}
)

func (k numbers) sign(prefix, digest []byte) []byte {
	size := (k.n.BitLen() + 7) / 8
	return new(big.Int).Exp(pad(size, prefix, digest), k.d, k.n).FillBytes(make([]byte, size))
}

// pkcs1 is RSAPublicKey with exponent e.
func (k numbers) pkcs1(e *big.Int) []byte { return der(struct{ N, E *big.Int }{k.n, e}) }

// p is the value of p=, a SubjectPublicKeyInfo with exponent e.
func (k numbers) p(e *big.Int) string {
	type identifier struct {
		OID  asn1.ObjectIdentifier
		Null asn1.RawValue
	}
	key := k.pkcs1(e)
	return base64.StdEncoding.EncodeToString(der(struct {
		Algorithm identifier
		Key       asn1.BitString
	}{identifier{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, asn1.NullRawValue}, asn1.BitString{Bytes: key, BitLength: 8 * len(key)}}))
}

func der(value any) []byte {
	data, err := asn1.Marshal(value)
	if err != nil {
		panic(err)
	}
	return data
}

func (k numbers) key() testKey {
	return testKey{algorithm: "rsa-sha256", record: "v=DKIM1; p=" + k.p(k.e), sign: func(digest []byte) []byte { return k.sign(prefixSHA256, digest) }}
}

// withExponent publishes the key with another exponent, and signs with d = 1, which is right for e = 1.
func (k numbers) withExponent(e *big.Int) testKey {
	k.d = big.NewInt(1)
	return testKey{algorithm: "rsa-sha256", record: "v=DKIM1; p=" + k.p(e), sign: func(digest []byte) []byte { return k.sign(prefixSHA256, digest) }}
}
