package dkim

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// openssl makes key material that Go would not make.
func openssl(t testing.TB, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("openssl", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return out
}

func opensslRSA(t testing.TB, bits int) []byte {
	return openssl(t, "genrsa", fmt.Sprint(bits))
}

func generate(t testing.TB, a Algorithm, bits int) *PrivateKey {
	t.Helper()
	key, err := Generate(a, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encodePEM(t testing.TB, kind string, der []byte) []byte {
	t.Helper()
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pkcs8DER(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func b64(der []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(der)) }

// inLines is b64 in lines, with blanks that an editor may leave.
func inLines(der []byte) []byte {
	var out []byte
	for line := range slices.Chunk(b64(der), 64) {
		out = append(append(out, line...), " \r\n\t"...)
	}
	return out
}

func TestParsePrivateKeyForms(t *testing.T) {
	r, e := generate(t, RSASHA256, 1024), generate(t, Ed25519SHA256, 0)
	pkcs1 := x509.MarshalPKCS1PrivateKey(r.rsa)
	tests := []struct {
		name string
		data []byte
		want *PrivateKey
	}{
		{"PEM PKCS#1", encodePEM(t, "RSA PRIVATE KEY", pkcs1), r},
		{"PEM PKCS#8 RSA", encodePEM(t, "PRIVATE KEY", pkcs8DER(t, r.rsa)), r},
		{"PEM PKCS#8 Ed25519", encodePEM(t, "PRIVATE KEY", pkcs8DER(t, e.ed)), e},
		{"PEM with CRLF", bytes.ReplaceAll(encodePEM(t, "RSA PRIVATE KEY", pkcs1), []byte("\n"), []byte("\r\n")), r},
		{"PEM behind text", append([]byte("Bag Attributes: mail\n\n"), encodePEM(t, "PRIVATE KEY", pkcs8DER(t, r.rsa))...), r},
		{"base64 PKCS#1", b64(pkcs1), r},
		{"base64 PKCS#8 RSA", b64(pkcs8DER(t, r.rsa)), r},
		{"base64 PKCS#8 Ed25519", b64(pkcs8DER(t, e.ed)), e},
		{"base64 in lines", inLines(pkcs1), r},
		{"base64 seed, as dkimpy writes it", append(b64(e.ed.Seed()), '\n'), e},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParsePrivateKey(tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if got.Algorithm() != tt.want.Algorithm() || got.PublicRecord() != tt.want.PublicRecord() {
				t.Errorf("%v with %s, want %v", got, got.PublicRecord(), tt.want)
			}
		})
	}
}

func TestParsePrivateKeyReadsOpenSSL(t *testing.T) {
	for name, args := range map[string][]string{
		"genrsa":              {"genrsa", "1024"},
		"genrsa -traditional": {"genrsa", "-traditional", "1024"},
		"genpkey ed25519":     {"genpkey", "-algorithm", "ed25519"},
		"genpkey rsa 4096":    {"genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:4096"},
		"exponent 3":          {"genrsa", "-3", "1024"},
		"three primes":        {"genrsa", "-primes", "3", "1024"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParsePrivateKey(openssl(t, args...)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestParsePrivateKeyRefuses(t *testing.T) {
	good := generate(t, RSASHA256, 1024)
	goodPEM := encodePEM(t, "PRIVATE KEY", pkcs8DER(t, good.rsa))
	flipped := x509.MarshalPKCS1PrivateKey(good.rsa)
	flipped[40] ^= 1 // in the modulus
	public, err := x509.MarshalPKIXPublicKey(good.Public())
	if err != nil {
		t.Fatal(err)
	}
	ec := openssl(t, "ecparam", "-name", "prime256v1", "-genkey")
	ecPKCS8 := openssl(t, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1")
	ecBlock, _ := pem.Decode(ecPKCS8)
	x25519 := openssl(t, "genpkey", "-algorithm", "x25519")
	edKey := generate(t, Ed25519SHA256, 0)
	brokenEd := pkcs8DER(t, edKey.ed)
	brokenEd[13] = 0x05 // the tag of the inner octet string

	tests := []struct {
		name string
		data []byte
		is   error
		says string
	}{
		{"empty", nil, nil, "empty"},
		{"blanks", []byte(" \n\t"), nil, "empty"},
		{"garbage", []byte("hello, world!"), nil, "neither PEM nor base64"},
		{"base64 of garbage", b64([]byte("this is no key at all, whatever it says")), nil, "no private key inside"},
		{"seed of 31 octets", b64(make([]byte, 31)), nil, "no private key inside"},
		{"seed of 33 octets", b64(make([]byte, 33)), nil, "no private key inside"},
		{"PEM cut off", goodPEM[:len(goodPEM)/2], nil, "damaged PEM"},
		{"PEM without line ends", bytes.ReplaceAll(goodPEM, []byte("\n"), nil), nil, "damaged PEM"},
		{"RSA with one octet changed", encodePEM(t, "RSA PRIVATE KEY", flipped), nil, "damaged"},
		{"RSA made of the public half", b64(forged(t, &good.rsa.PublicKey, big.NewInt(3))), nil, "do not fit"},
		{"RSA with a prime of 8 KB", b64(forged(t, &good.rsa.PublicKey, new(big.Int).Lsh(big.NewInt(3), 8<<13))), nil, "octets for an RSA key of 1024 bits"},
		{"PKCS#8 Ed25519 with one octet changed", encodePEM(t, "PRIVATE KEY", brokenEd), nil, "damaged"},
		{"two keys", append(bytes.Clone(goodPEM), goodPEM...), nil, "more than one PEM block"},
		{"key and cut-off block", append(bytes.Clone(goodPEM), "-----BEGIN CERT"+"IFICATE-----\n"...), nil, "more than one PEM block"},
		{"RSA public key", encodePEM(t, "PUBLIC KEY", public), nil, "public half"},
		{"RSA public key, base64", b64(public), nil, "public half"},
		{"RSA public key PKCS#1", b64(x509.MarshalPKCS1PublicKey(&good.rsa.PublicKey)), nil, "public half"},
		{"key record", []byte(edKey.PublicRecord()), nil, "neither PEM nor base64"},
		{"certificate", encodePEM(t, "CERTIFICATE", []byte{1}), nil, "certificate"},
		{"OpenSSH", encodePEM(t, "OPENSSH PRIVATE KEY", []byte{1}), nil, "ssh-keygen"},
		{"other PEM", encodePEM(t, "DH PARAMETERS", []byte{1}), nil, "not a private key"},
		{"EC with parameters", ec, nil, "an EC key"},
		{"EC in PKCS#8", ecPKCS8, nil, "an EC key"},
		{"EC in PKCS#8, base64", b64(ecBlock.Bytes), nil, "an EC key"},
		{"X25519", x25519, nil, "another kind"},
		{"encrypted PKCS#8", openssl(t, "genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:x"), ErrKeyEncrypted, "openssl pkey"},
		{"encrypted PKCS#1", openssl(t, "genrsa", "-traditional", "-aes128", "-passout", "pass:x", "1024"), ErrKeyEncrypted, "openssl pkey"},
		{"RSA 512", opensslRSA(t, 512), ErrKeyTooSmall, "512 bits"},
		{"RSA 1023", opensslRSA(t, 1023), ErrKeyTooSmall, "1023 bits"},
		{"RSA 4104", opensslRSA(t, 4104), ErrKeyTooLarge, "at most 4096"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := ParsePrivateKey(tt.data)
			if err == nil {
				t.Fatalf("accepted as %v", key)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %q does not say %q", err, tt.says)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %q is not %q", err, tt.is)
			}
			if len(tt.data) > 0 && strings.Contains(err.Error(), string(tt.data)) {
				t.Errorf("the error quotes the data: %q", err)
			}
		})
	}
}

// forged is what anybody can write who knows a public key: one of three primes, whose product nobody looks at.
func forged(t testing.TB, public *rsa.PublicKey, p *big.Int) []byte {
	t.Helper()
	type third struct{ Prime, Exp, Coeff *big.Int }
	one := big.NewInt(1)
	der, err := asn1.Marshal(struct {
		Version               int
		N                     *big.Int
		E                     int
		D, P, Q, Dp, Dq, Qinv *big.Int
		Third                 []third
	}{1, public.N, public.E, big.NewInt(65537), p, big.NewInt(5), one, one, one, []third{{big.NewInt(7), one, one}}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func FuzzParsePrivateKey(f *testing.F) {
	key := generate(f, RSASHA256, 1024)
	f.Add(encodePEM(f, "PRIVATE KEY", pkcs8DER(f, key.rsa)))
	f.Add(b64(x509.MarshalPKCS1PrivateKey(key.rsa)))
	f.Add(b64(make([]byte, ed25519.SeedSize)))
	f.Add(b64(forged(f, &key.rsa.PublicKey, big.NewInt(3))))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := ParsePrivateKey(data)
		if err != nil {
			return
		}
		if _, err := key.Sign(make([]byte, 32)); err != nil {
			t.Errorf("a key that cannot sign: %v", err)
		}
		again, err := key.PEM()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParsePrivateKey(again); err != nil || back.PublicRecord() != key.PublicRecord() {
			t.Errorf("did not survive PEM: %v, %v", back, err)
		}
	})
}
