package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
)

// The field of a signed message, each tag with what it means.
func TestVerifyExplains(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	key, err := dkim.Generate(dkim.Ed25519SHA256, 0)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config := file("c.toml", "[sign]\nkeytable = \"keytable\"\nsigningtable = \"refile:signingtable\"\n[dns]\nrecords_file = \"records\"\nnameservers = [\"127.0.0.1:1\"]\n")
	file("key.pem", string(pem))
	file("keytable", "k example.com:s1:./key.pem\n")
	file("signingtable", "*@example.com k\n")
	file("records", "s1._domainkey.example.com "+key.PublicRecord()+"\n")
	message := file("message.eml", "From: ada@example.com\r\nSubject: hello\r\n\r\ntext\r\n")
	ask := func(args ...string) string {
		var out, told bytes.Buffer
		if code := run(t.Context(), append(args, "--config", config), stdio{in: strings.NewReader(""), out: &out, err: &told}); code != exitDone {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, &out, &told)
		}
		return out.String()
	}
	signed := file("signed.eml", ask("sign", message))
	out := ask("verify", "--explain", signed)
	t.Run("TST-2", func(t *testing.T) {
		for _, want := range []string{
			`a= +algorithm +ed25519-sha256`, `c= +header/body canonicalization +relaxed/relaxed`, `d= +signing domain +example.com`, `s= +selector +s1`,
			`h= +header fields +from:.*subject`, `bh= +body hash, as signed +[A-Za-z0-9+/=]{44}`, `key looked for at +s1._domainkey.example.com`, `\| from:ada@example.com`,
		} {
			if !regexp.MustCompile(`(?mi)^ *` + want).MatchString(out) {
				t.Errorf("no %q in\n%s", want, out)
			}
		}
	})
}

func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{
		"a b: ü€":     "a b: ü€",
		"a\tb\r":      `a\x09b\x0d`,
		"\xff\xfcber": `\xff\xfcber`,
		"\u0085":      `\xc2\x85`,
		"\u202eabc":   `\xe2\x80\xaeabc`, // right-to-left override
		"\ufffd":      `\xef\xbf\xbd`,
		"\x1b[2J":     `\x1b[2J`,
	} {
		if got := printable(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}
