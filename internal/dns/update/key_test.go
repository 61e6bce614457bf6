package update

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// secret is no key of anybody: the octets 0 to 31.
const secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func TestParseKey(t *testing.T) {
	for _, test := range []struct {
		name, text, key, algorithm string
		want                       string // NAME ALGORITHM, or a part of the error
	}{
		{"as tsig-keygen writes it", "key \"Postseal.\" {\n\talgorithm hmac-sha512;\n\tsecret \"" + secret + "\";\n};\n", "", "", "postseal hmac-sha512"},
		{"without quotes, on a line", "key k { secret " + secret + "; algorithm HMAC-SHA256; };", "", "", "k hmac-sha256"},
		{"comments", "# a\n// b\n/* c\nd */ key k { algorithm hmac-sha256; secret \"" + secret + "\"; }; # e", "", "", "k hmac-sha256"},
		{"one of two", "key a { algorithm hmac-sha256; secret \"" + secret + "\"; }; key b { algorithm hmac-sha384; secret \"" + secret + "\"; };", "B.", "", "b hmac-sha384"},
		{"which of two", "key a { algorithm hmac-sha256; secret \"" + secret + "\"; }; key b { algorithm hmac-sha384; secret \"" + secret + "\"; };", "", "", "has 2 keys"},
		{"none of two", "key a { algorithm hmac-sha256; secret \"" + secret + "\"; };", "c", "", "no key c, but a"},
		{"a secret alone", secret + "\n", "k", "", "k hmac-sha256"},
		{"a secret alone with an algorithm", "\n " + secret, "k", "hmac-sha1", "k hmac-sha1"},
		{"a secret of slashes", "//8=", "k", "", "k hmac-sha256"},
		{"a secret without a name", secret, "", "", "say the key's name"},
		{"another algorithm", "key k { algorithm hmac-sha256; secret \"" + secret + "\"; };", "", "hmac-sha512", "is for hmac-sha256"},
		{"HMAC-MD5", "key k { algorithm hmac-md5; secret \"" + secret + "\"; };", "", "", "none of hmac-sha256"},
		{"no base64", "key k { algorithm hmac-sha256; secret \"se*ret\"; };", "", "", "not base64"},
		{"no secret", "key k { algorithm hmac-sha256; };", "", "", "not base64"},
		{"nothing", "", "k", "", "no TSIG key"},
		{"not closed", "key k { algorithm hmac-sha256; secret \"" + secret, "", "", "no TSIG key"},
		{"another statement", "zone k { type master; file \"x\"; };", "", "", "no TSIG key"},
		{"no name", "key \"\" { algorithm hmac-sha256; secret \"" + secret + "\"; };", "", "", "no domain name"},
		{"endless", strings.Repeat("a ", 70000), "k", "", "too long"},
	} {
		t.Run(test.name, func(t *testing.T) {
			key, err := ParseKey([]byte(test.text), test.key, test.algorithm)
			if err != nil {
				if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "AAEC") || strings.Contains(err.Error(), "se*ret") {
					t.Errorf("got %v, want %q and no secret", err, test.want)
				}
				return
			}
			if got := key.Name + " " + key.Algorithm; got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestReadKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ddns.key")
	if err := os.WriteFile(path, []byte(secret), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKey(path, "k", ""); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	var unsafe *UnsafeFileError
	if _, err := ReadKey(path, "k", ""); !errors.As(err, &unsafe) || !strings.Contains(err.Error(), "chmod o-rwx") {
		t.Errorf("got %v", err)
	}
	if _, err := ReadKey(filepath.Dir(path), "k", ""); err == nil {
		t.Error("a directory was read")
	}
	if _, err := ReadKey(path+"x", "k", ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add("key \"k\" { algorithm hmac-sha256; secret \""+secret+"\"; };", "")
	f.Add(secret, "k")
	f.Add("/* key */ // \n# \nkey a{secret AA==;algorithm hmac-sha1;};key b{};", "b")
	f.Fuzz(func(t *testing.T, text, name string) {
		key, err := ParseKey([]byte(text), name, "")
		if (key == nil) == (err == nil) {
			t.Fatalf("%v, %v", key, err)
		}
		if err != nil && len(text) > 12 && strings.Contains(err.Error(), text) {
			t.Errorf("the error quotes the file: %v", err)
		}
	})
}
