package dkim

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestGenerateAndSign(t *testing.T) {
	digest := sha256.Sum256([]byte("what b= signs"))
	for _, bits := range []int{1024, 2048, 3072} {
		t.Run(fmt.Sprintf("RSA %d", bits), func(t *testing.T) {
			key := generate(t, RSASHA256, bits)
			if key.Bits() != bits || key.Weak() != (bits < 2048) || key.Algorithm() != RSASHA256 {
				t.Errorf("%v, weak %v", key, key.Weak())
			}
			sig, err := key.Sign(digest[:])
			if err != nil {
				t.Fatal(err)
			}
			if err := rsa.VerifyPKCS1v15(key.Public().(*rsa.PublicKey), crypto.SHA256, digest[:], sig); err != nil {
				t.Error(err)
			}
			if again, _ := key.Sign(digest[:]); !bytes.Equal(sig, again) {
				t.Error("PKCS#1 v1.5 is deterministic, but two signatures differ")
			}
		})
	}
	t.Run("Ed25519", func(t *testing.T) {
		key := generate(t, Ed25519SHA256, 256)
		if key.Bits() != 256 || key.Weak() || key.Algorithm() != Ed25519SHA256 {
			t.Errorf("%v, weak %v", key, key.Weak())
		}
		sig, err := key.Sign(digest[:])
		if err != nil {
			t.Fatal(err)
		}
		if !ed25519.Verify(key.Public().(ed25519.PublicKey), digest[:], sig) {
			t.Error("does not verify over the digest (RFC 8463 section 3)")
		}
	})
	t.Run("default size", func(t *testing.T) {
		if got := generate(t, RSASHA256, 0).Bits(); got != RecommendedBits {
			t.Errorf("%d bits, want %d", got, RecommendedBits)
		}
	})
}

func TestGenerateRefuses(t *testing.T) {
	tests := []struct {
		a    Algorithm
		bits int
		is   error
	}{
		{RSASHA256, 512, ErrKeyTooSmall},
		{RSASHA256, 1023, ErrKeyTooSmall},
		{RSASHA256, 4097, ErrKeyTooLarge},
		{RSASHA256, -1, ErrKeyTooSmall},
		{Ed25519SHA256, 2048, nil},
		{0, 0, nil},
	}
	for _, tt := range tests {
		if key, err := Generate(tt.a, tt.bits); err == nil || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("Generate(%v, %d) = %v, %v", tt.a, tt.bits, key, err)
		}
	}
}

func TestSignWantsADigest(t *testing.T) {
	for _, key := range []*PrivateKey{generate(t, RSASHA256, 1024), generate(t, Ed25519SHA256, 0)} {
		for _, n := range []int{0, 20, 31, 33} {
			if _, err := key.Sign(make([]byte, n)); err == nil {
				t.Errorf("%v signed %d octets", key, n)
			}
		}
	}
}

func TestPublicRecord(t *testing.T) {
	r, e := generate(t, RSASHA256, 1024), generate(t, Ed25519SHA256, 0)
	p, ok := strings.CutPrefix(r.PublicRecord(), "v=DKIM1; k=rsa; p=")
	if !ok {
		t.Fatalf("record %q", r.PublicRecord())
	}
	der, err := base64.StdEncoding.DecodeString(p)
	if err != nil {
		t.Fatal(err)
	}
	if public, err := x509.ParsePKIXPublicKey(der); err != nil || !r.rsa.PublicKey.Equal(public) {
		t.Errorf("p= is not the SubjectPublicKeyInfo of the key: %v", err)
	}
	p, ok = strings.CutPrefix(e.PublicRecord(), "v=DKIM1; k=ed25519; p=")
	if raw, err := base64.StdEncoding.DecodeString(p); !ok || err != nil || !bytes.Equal(raw, e.Public().(ed25519.PublicKey)) {
		t.Errorf("record %q", e.PublicRecord())
	}
}

// No way of printing a key may show more than its kind and size.
func TestPrivateKeyIsNeverShown(t *testing.T) {
	for _, key := range []*PrivateKey{generate(t, RSASHA256, 1024), generate(t, Ed25519SHA256, 0)} {
		want := key.String()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			if got := fmt.Sprintf(verb, key); got != want {
				t.Errorf("%s shows %.60q", verb, got)
			}
			if got := fmt.Sprintf(verb, []any{key}); !strings.Contains(got, want) || len(got) > 2*len(want)+40 {
				t.Errorf("%s of a slice shows %.60q", verb, got)
			}
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("key", "key", key)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", key)
		if strings.Count(log.String(), want) != 2 {
			t.Errorf("slog shows %s", &log)
		}
		if out, err := json.Marshal(map[string]any{"key": key}); err != nil || string(out) != `{"key":{}}` {
			t.Errorf("JSON shows %.60s, %v", out, err)
		}
	}
	if got := fmt.Sprint((*PrivateKey)(nil)); got != "no private key" {
		t.Errorf("nil prints %q", got)
	}
}

func TestParseAlgorithm(t *testing.T) {
	for in, want := range map[string]Algorithm{"rsa-sha256": RSASHA256, "Ed25519-SHA256": Ed25519SHA256} {
		if got, err := ParseAlgorithm(in); got != want || err != nil {
			t.Errorf("ParseAlgorithm(%q) = %v, %v", in, got, err)
		}
	}
	for _, bad := range []string{"", "rsa", "rsa-sha1", "rsa-sha512", "ed25519-sha256 "} {
		if got, err := ParseAlgorithm(bad); err == nil {
			t.Errorf("ParseAlgorithm(%q) = %v", bad, got)
		}
	}
}

// A pair is named by its public half, however the key was read.
func TestFingerprint(t *testing.T) {
	seen := map[Fingerprint]bool{}
	for _, key := range []*PrivateKey{generate(t, RSASHA256, 1024), generate(t, Ed25519SHA256, 0), generate(t, Ed25519SHA256, 0)} {
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("SHA256:%x", sha256.Sum256(der)); key.Fingerprint().String() != want {
			t.Errorf("got %v, want %s", key.Fingerprint(), want)
		}
		pem, err := key.PEM()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePrivateKey(pem)
		if err != nil || again.Fingerprint() != key.Fingerprint() || FingerprintOf(key.Public()) != key.Fingerprint() {
			t.Errorf("read again it is another: %v %v", again.Fingerprint(), err)
		}
		seen[key.Fingerprint()] = true
	}
	if len(seen) != 3 || FingerprintOf("no key") != (Fingerprint{}) {
		t.Errorf("%d of 3 keys told apart", len(seen))
	}
}
