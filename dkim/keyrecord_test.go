package dkim

import (
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
)

var testRSA = sync.OnceValue(func() *PrivateKey {
	key, err := Generate(RSASHA256, 1024)
	if err != nil {
		panic(err)
	}
	return key
})

// p is the value of p= that publishes the test key.
func p() string { return p64(spki(testRSA().rsa.N, big.NewInt(65537))) }

func p64(der []byte) string { return base64.StdEncoding.EncodeToString(der) }

func pkcs1(n, e *big.Int) []byte {
	der, err := asn1.Marshal(struct{ N, E *big.Int }{n, e})
	if err != nil {
		panic(err)
	}
	return der
}

// spki wraps an RSA key as x509 does, but takes any numbers.
func spki(n, e *big.Int) []byte { return wrap(oidRSA, pkcs1(n, e)) }

func wrap(oid asn1.ObjectIdentifier, key []byte) []byte {
	type identifier struct {
		OID  asn1.ObjectIdentifier
		Null asn1.RawValue
	}
	der, err := asn1.Marshal(struct {
		Algorithm identifier
		Key       asn1.BitString
	}{identifier{oid, asn1.NullRawValue}, asn1.BitString{Bytes: key, BitLength: 8 * len(key)}})
	if err != nil {
		panic(err)
	}
	return der
}

func TestParseKeyRecord(t *testing.T) {
	ed := generate(t, Ed25519SHA256, 0)
	edText := p64(ed.Public().(ed25519.PublicKey))
	tests := []struct {
		name, text string
		ok         func(*KeyRecord) bool
	}{
		{"KR-2/full", "v=DKIM1; k=rsa; p=" + p(), func(r *KeyRecord) bool { return r.Public.Bits() == 1024 && r.Deviations == nil }},
		{"KR-2/no version", "p=" + p(), func(r *KeyRecord) bool { return r.deviates(DeviationNoVersion, "v") }},
		{"KR-3/default", "v=DKIM1; p=" + p(), func(r *KeyRecord) bool { return r.KeyType == "rsa" }},
		{"KR-3/k= behind p=", "v=DKIM1; p=" + edText + "; k=ed25519", func(r *KeyRecord) bool { return r.Public.Algorithm() == Ed25519SHA256 }},
		{"KR-3/case", "v=DKIM1; k=RSA; p=" + p(), nil},
		{"KR-4", "v=DKIM1; h=sha1 : sha256:x; p=" + p(), func(r *KeyRecord) bool { return slices.Equal(r.Hashes, []string{"sha1", "sha256", "x"}) }},
		{"KR-5", "v=DKIM1; s=tlsrpt:*; p=" + p(), func(r *KeyRecord) bool { return slices.Equal(r.Services, []string{"tlsrpt", "*"}) }},
		{"KR-7", "v=DKIM1; t=y:s; p=" + p(), func(r *KeyRecord) bool { return r.Testing() && r.hasFlag("s") }},
		{"KR-8/revoked", "v=DKIM1; p=", func(r *KeyRecord) bool { return r.Revoked && r.Public == nil }},
		{"KR-8/revoked with blanks", "v=DKIM1; p= \t", func(r *KeyRecord) bool { return r.Revoked }},
		{"KR-8/revoked, of any type", "v=DKIM1; k=foo; p=", func(r *KeyRecord) bool { return r.Revoked }},
		{"KR-9/PKCS1", "v=DKIM1; p=" + p64(pkcs1(testRSA().rsa.N, big.NewInt(65537))), func(r *KeyRecord) bool {
			return r.Public.Equal(testRSA().Public()) && r.deviates(DeviationPKCS1, "p")
		}},
		{"KR-10/blanks in p=", "v=DKIM1; p=" + p()[:20] + " " + p()[20:90] + "\t" + p()[90:], func(r *KeyRecord) bool {
			return r.Public.Equal(testRSA().Public()) && r.deviates(DeviationSpaceInKey, "p")
		}},
		{"KR-10/final semicolon", "v=DKIM1; p=" + p() + "; ", nil},
		{"KR-10/unknown tag", "v=DKIM1; foo=bar; p=" + p(), func(r *KeyRecord) bool { return r.deviates(DeviationUnknownTag, "foo") }},
		{"KR-10/n= empty", "v=DKIM1; n=; p=" + p(), nil},
		{"KR-10/n= not ASCII", "v=DKIM1; n=Schl\xfcssel; p=" + p(), func(r *KeyRecord) bool { return r.deviates(DeviationNonASCII, "n") }},
		{"KR-11", "v=DKIM1; g=bob; p=" + p(), func(r *KeyRecord) bool { return r.deviates(DeviationUnknownTag, "g") }},
		{"KR-13/exponent 3", "v=DKIM1; p=" + p64(spki(testRSA().rsa.N, big.NewInt(3))), nil},
		{"KR-14", "v=DKIM1; k=ed25519; p=" + edText, func(r *KeyRecord) bool { return r.Public.Equal(ed.Public()) && r.Public.Bits() == 256 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := ParseKeyRecord(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if tt.ok != nil && !tt.ok(r) {
				t.Errorf("%+v", r)
			}
		})
	}
}

func (r *KeyRecord) deviates(kind DeviationKind, tag string) bool {
	return slices.Contains(r.Deviations, Deviation{kind, tag})
}

func TestParseKeyRecordRefuses(t *testing.T) {
	n, e := testRSA().rsa.N, big.NewInt(65537)
	der := spki(n, e)
	edSPKI, err := x509.MarshalPKIXPublicKey(generate(t, Ed25519SHA256, 0).Public())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string
		reason     Reason
	}{
		{"KR-2/not first", "k=rsa; v=DKIM1; p=" + p(), ReasonKeySyntax},
		{"KR-2/case", "v=dkim1; p=" + p(), ReasonKeySyntax},
		{"KR-2/another", "v=DKIM2; p=" + p(), ReasonKeySyntax},
		{"KR-3/unknown", "v=DKIM1; k=foo; p=" + p(), ReasonKeyType},
		{"KR-8/no p=", "v=DKIM1; k=rsa", ReasonKeySyntax},
		{"KR-10/bad base64", "v=DKIM1; p=MIG!", ReasonKeySyntax},
		{"KR-10/quoted", `v=DKIM1; p="` + p() + `"`, ReasonKeySyntax},
		{"KR-10/PEM", "v=DKIM1; p=-----BEGIN PUBLIC KEY-----" + p() + "-----END PUBLIC KEY-----", ReasonKeySyntax},
		{"KR-10/wrong OID", "v=DKIM1; p=" + p64(wrap(oidEC, pkcs1(n, e))), ReasonKeySyntax},
		{"KR-10/truncated base64", "v=DKIM1; p=" + p()[:len(p())-3], ReasonKeySyntax},
		{"KR-10/truncated DER", "v=DKIM1; p=" + p64(der[:len(der)-6]), ReasonKeySyntax},
		{"KR-10/garbage behind", "v=DKIM1; p=" + p64(append(slices.Clone(der), 0)), ReasonKeySyntax},
		{"KR-10/negative modulus", "v=DKIM1; p=" + p64(spki(new(big.Int).Neg(n), e)), ReasonKeySyntax},
		{"KR-10/modulus zero", "v=DKIM1; p=" + p64(spki(new(big.Int), e)), ReasonKeySyntax},
		{"KR-10/even modulus", "v=DKIM1; p=" + p64(spki(new(big.Int).Add(n, big.NewInt(1)), e)), ReasonKeySyntax},
		{"KR-13/exponent 1", "v=DKIM1; p=" + p64(spki(n, big.NewInt(1))), ReasonKeySyntax},
		{"KR-13/exponent 0", "v=DKIM1; p=" + p64(spki(n, big.NewInt(0))), ReasonKeySyntax},
		{"KR-13/exponent even", "v=DKIM1; p=" + p64(spki(n, big.NewInt(65536))), ReasonKeySyntax},
		{"KR-13/exponent 2^33+1", "v=DKIM1; p=" + p64(spki(n, big.NewInt(1<<33+1))), ReasonKeySyntax},
		{"KR-13/exponent of 1030 bits", "v=DKIM1; p=" + p64(spki(n, new(big.Int).Lsh(big.NewInt(1), 1030))), ReasonKeySyntax},
		{"KR-13/record of 66 KB", "v=DKIM1; n=" + strings.Repeat("x", 66000) + "; p=" + p(), ReasonKeySyntax},
		{"KR-14/31 octets", "v=DKIM1; k=ed25519; p=" + p64(make([]byte, 31)), ReasonKeySyntax},
		{"KR-14/33 octets", "v=DKIM1; k=ed25519; p=" + p64(make([]byte, 33)), ReasonKeySyntax},
		{"KR-14/SPKI", "v=DKIM1; k=ed25519; p=" + p64(edSPKI), ReasonKeySyntax},
		{"SE-9/ed25519 key as RSA", "v=DKIM1; p=" + p64(edSPKI), ReasonKeySyntax},
		{"KR-17/SPF", "v=spf1 include:_spf.example.com -all", ReasonKeySyntax},
		{"KR-17/garbage", "hello, world", ReasonKeySyntax},
		{"KR-17/empty", "", ReasonKeySyntax},
		{"T27", "v=DKIM1; p=" + p() + "; p=" + p(), ReasonKeySyntax},
		{"backslashes", `v=DKIM1\; k=rsa\; p=` + p(), ReasonKeySyntax},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := ParseKeyRecord(tt.text)
			var fault *Fault
			if r == nil || !errors.As(err, &fault) || fault.Status != PermError || fault.Reason != tt.reason {
				t.Errorf("%+v, %v; want permerror %s", r, err, tt.reason)
			}
		})
	}
}

// KR-14: each point of the list is one for which signatures are made without a key, and none of them is taken.
func TestSmallOrder(t *testing.T) {
	nobodys := append([]byte{1}, make([]byte, ed25519.SignatureSize-1)...) // R is the neutral point, S is 0
	for _, y := range smallOrder {
		for _, sign := range []byte{0, 0x80} {
			key, err := hex.DecodeString(y)
			if err != nil {
				t.Fatal(err)
			}
			key[31] |= sign
			forged := false
			for text := byte(0); !forged && text < 255; text++ {
				digest := sha256.Sum256([]byte{text})
				forged = ed25519.Verify(key, digest[:], nobodys)
			}
			if !forged && sign == 0 {
				t.Errorf("%x: no signature forged", key)
			}
			if _, err := ParseKeyRecord("v=DKIM1; k=ed25519; p=" + p64(key)); err == nil {
				t.Errorf("%x is taken", key)
			}
		}
	}
}

func TestKeyRecordPermits(t *testing.T) {
	ed := generate(t, Ed25519SHA256, 0).PublicRecord()
	tests := []struct {
		name, record string
		tags         []string
		reason       Reason // empty if permitted
	}{
		{"KR-3/fits", "p=" + p(), nil, ""},
		{"SE-9/RSA key, Ed25519 signature", "p=" + p(), []string{"a=ed25519-sha256"}, ReasonKeyType},
		{"SE-9/Ed25519 key, RSA signature", ed, nil, ReasonKeyType},
		{"KR-4/sha256", "h=foo:sha256; p=" + p(), nil, ""},
		{"KR-4/sha1 only", "h=sha1; p=" + p(), nil, ReasonKeyHash},
		{"KR-5/email", "s=other:email; p=" + p(), nil, ""},
		{"KR-5/all", "s=*; p=" + p(), nil, ""},
		{"KR-5/other", "s=other; p=" + p(), nil, ReasonKeyService},
		{"KR-6/same", "t=s; p=" + p(), []string{"i=joe@Example.COM"}, ""},
		{"KR-6/no i=", "t=s; p=" + p(), nil, ""},
		{"KR-6/below", "t=y:s; p=" + p(), []string{"i=@mx.example.com"}, ReasonKeyIdentity},
		{"KR-6/without t=s", "t=y; p=" + p(), []string{"i=@mx.example.com"}, ""},
		{"KR-8", "p=", nil, ReasonKeyRevoked},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := ParseKeyRecord(tt.record)
			if err != nil {
				t.Fatal(err)
			}
			s, err := ParseSignature([]byte(with(tt.tags...)))
			if err != nil {
				t.Fatal(err)
			}
			var fault *Fault
			if err := r.Permits(s); tt.reason == "" && err != nil ||
				tt.reason != "" && (!errors.As(err, &fault) || fault.Reason != tt.reason || fault.Status != PermError) {
				t.Errorf("%v, want %q", err, tt.reason)
			}
		})
	}
}

func TestPublicKeyVerify(t *testing.T) {
	digest := sha256.Sum256([]byte("hello"))
	for name, key := range map[string]*PrivateKey{"rsa": testRSA(), "KR-15/ed25519": generate(t, Ed25519SHA256, 0)} {
		t.Run(name, func(t *testing.T) {
			r, err := ParseKeyRecord(key.PublicRecord())
			if err != nil {
				t.Fatal(err)
			}
			b, err := key.Sign(digest[:])
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Public.Verify(digest[:], b); err != nil {
				t.Error(err)
			}
			if r.Public.Bits() != key.Bits() || r.Public.Algorithm() != key.Algorithm() {
				t.Errorf("%d bits, %v", r.Public.Bits(), r.Public.Algorithm())
			}
			other := sha256.Sum256([]byte("hello!"))
			for what, err := range map[string]error{
				"another digest":      r.Public.Verify(other[:], b),
				"KR-16/garbage":       r.Public.Verify(digest[:], append(slices.Clone(b), 0)),
				"KR-16/leading zero":  r.Public.Verify(digest[:], append([]byte{0}, b...)),
				"VF-7/cut":            r.Public.Verify(digest[:], b[:len(b)-1]),
				"VF-7/empty":          r.Public.Verify(digest[:], nil),
				"VF-7/as long as 1MB": r.Public.Verify(digest[:], make([]byte, 1<<20)),
			} {
				if !errors.Is(err, ErrBadSignature) {
					t.Errorf("%s: %v", what, err)
				}
			}
			if err := r.Public.Verify(digest[:31], b); err == nil || errors.Is(err, ErrBadSignature) {
				t.Errorf("short digest: %v", err)
			}
		})
	}
}

// KR-12, KR-13: sizes that must not count, and sizes that must not cost, are not computed with.
func TestPublicKeySizes(t *testing.T) {
	digest := make([]byte, 32)
	for bits, want := range map[int]bool{512: false, 1023: false, 1024: true, 4096: true, 8192: true, 8193: false, 16384: false} {
		n := new(big.Int).SetBit(new(big.Int), bits-1, 1)
		r, err := ParseKeyRecord("p=" + p64(spki(n.SetBit(n, 0, 1), big.NewInt(65537))))
		if err != nil {
			t.Fatalf("%d: %v", bits, err)
		}
		if r.Public.Bits() != bits {
			t.Errorf("%d bits, want %d", r.Public.Bits(), bits)
		}
		if err := r.Public.Verify(digest, make([]byte, (bits+7)/8)); errors.Is(err, ErrBadSignature) != want {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
}

// SE-9: a signature for exponent 3 that only looks right at its beginning (Bleichenbacher 2006) does not verify.
func TestForgedCube(t *testing.T) {
	digest := sha256.Sum256([]byte("hello"))
	prefix := []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
	block := make([]byte, 128)
	copy(block, append(append([]byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}, prefix...), digest[:]...))
	root := cubeRoot(new(big.Int).SetBytes(block))
	key := &PublicKey{rsa: &rsa.PublicKey{N: testRSA().rsa.N, E: 3}}
	if err := key.Verify(digest[:], root.FillBytes(make([]byte, 128))); !errors.Is(err, ErrBadSignature) {
		t.Errorf("%v", err)
	}
	if cubed := new(big.Int).Exp(root, big.NewInt(3), nil).FillBytes(make([]byte, 128)); !slices.Equal(cubed[:40], block[:40]) {
		t.Errorf("no forgery: %x", cubed)
	}
}

// cubeRoot returns the least number whose cube is n or more.
func cubeRoot(n *big.Int) *big.Int {
	root := new(big.Int)
	for bit := n.BitLen()/3 + 1; bit >= 0; bit-- {
		root.SetBit(root, bit, 1)
		if new(big.Int).Exp(root, big.NewInt(3), nil).Cmp(n) >= 0 {
			root.SetBit(root, bit, 0)
		}
	}
	return root.Add(root, big.NewInt(1))
}

func FuzzParseKeyRecord(f *testing.F) {
	f.Add("v=DKIM1; k=rsa; t=y:s; h=sha256; s=email; n=x; g=; p=" + p())
	f.Add("v=DKIM1; p=" + p64(pkcs1(testRSA().rsa.N, big.NewInt(3))))
	f.Add("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=") // RFC 8463 appendix A.2
	f.Add("v=DKIM1; p=")
	f.Add("v=spf1 -all")
	f.Fuzz(func(t *testing.T, txt string) {
		r, err := ParseKeyRecord(txt)
		if r == nil {
			t.Fatal("no record")
		}
		if err != nil {
			var fault *Fault
			if !errors.As(err, &fault) || fault.Status != PermError || r.Public != nil {
				t.Fatalf("%#v, %+v", err, r)
			}
			return
		}
		if r.Revoked != (r.Public == nil) {
			t.Fatalf("%+v", r)
		}
		if r.Public != nil {
			r.Public.Verify(make([]byte, 32), make([]byte, (r.Public.Bits()+7)/8))
		}
	})
}
