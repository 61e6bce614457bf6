package keytable

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/mailaddr"
)

// Private keys are made at test time; the small RSA size only saves time.
var (
	rsa1 = sync.OnceValue(func() *dkim.PrivateKey { return generate(dkim.RSASHA256, dkim.MinBits) })
	rsa2 = sync.OnceValue(func() *dkim.PrivateKey { return generate(dkim.RSASHA256, dkim.MinBits) })
	ed1  = sync.OnceValue(func() *dkim.PrivateKey { return generate(dkim.Ed25519SHA256, 0) })
	ed2  = sync.OnceValue(func() *dkim.PrivateKey { return generate(dkim.Ed25519SHA256, 0) })
)

func generate(a dkim.Algorithm, bits int) *dkim.PrivateKey {
	key, err := dkim.Generate(a, bits)
	if err != nil {
		panic(err)
	}
	return key
}

func pemOf(key *dkim.PrivateKey) string {
	text, err := key.PEM()
	if err != nil {
		panic(err)
	}
	return string(text)
}

// derOf is a key as a KeyTable has it inline: base64 without armour.
func derOf(key *dkim.PrivateKey) string {
	block, _ := pem.Decode([]byte(pemOf(key)))
	return base64.StdEncoding.EncodeToString(block.Bytes)
}

// site is a directory with tables and keys.
type site struct {
	t   testing.TB
	dir string
}

// newSite has the key files rsa1.pem, rsa2.pem, ed1.pem and ed2.pem.
func newSite(t testing.TB) site {
	t.Helper()
	s := site{t, t.TempDir()}
	s.write("rsa1.pem", pemOf(rsa1()))
	s.write("rsa2.pem", pemOf(rsa2()))
	s.write("ed1.pem", pemOf(ed1()))
	s.write("ed2.pem", pemOf(ed2()))
	return s
}

func (s site) path(name string) string { return filepath.Join(s.dir, name) }

func (s site) write(name, text string) {
	s.t.Helper()
	path := s.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// load reads the tables with these texts; spec is "file:" or "refile:".
func (s site) load(keytable, spec, signingtable string, prev *Tables) *Tables {
	s.t.Helper()
	s.write("keytable", keytable)
	s.write("signingtable", signingtable)
	tables, err := Load(Options{KeyTable: s.path("keytable"), SigningTable: spec + s.path("signingtable"), Prev: prev})
	if err != nil {
		s.t.Fatal(err)
	}
	return tables
}

// relative takes the site's directory out of a text.
func (s site) relative(text string) string { return strings.ReplaceAll(text, s.dir+"/", "") }

// problems are those of Load and then those that Validate adds.
func (s site) problems(t *Tables) (all []string) {
	s.t.Helper()
	if err := t.Validate(s.t.Context(), func(Problem) {}); err != nil {
		s.t.Fatal(err)
	}
	for _, p := range t.Problems() {
		all = append(all, s.relative(p.String()))
	}
	return all
}

func address(t testing.TB, text string) mailaddr.Address {
	t.Helper()
	a, err := mailaddr.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// lines are the places of the matches, "3 7".
func lines(matches []Match) string {
	var all []string
	for _, m := range matches {
		all = append(all, fmt.Sprint(m.Row.Line))
	}
	return strings.Join(all, " ")
}

// keysOf says who signs: "mail/example.com/s1".
func keysOf(matches []Match) []string {
	all := []string{}
	for _, m := range matches {
		for _, key := range m.Keys {
			all = append(all, key.Name+"/"+key.Domain+"/"+key.Selector)
		}
	}
	return all
}

func equal(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}
