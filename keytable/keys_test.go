package keytable

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
)

// private returns the key that signs for a sender, whose row has only one.
func private(t *testing.T, tables *Tables, sender string) (*dkim.PrivateKey, error) {
	t.Helper()
	got := tables.Find(Query{Sender: address(t, sender)})
	if len(got) != 1 {
		t.Fatalf("%s: %d matches", sender, len(got))
	}
	if len(got[0].Keys) != 1 {
		return nil, errors.New(got[0].OutOfService)
	}
	return got[0].Keys[0].Private()
}

func samePublic(a, b *dkim.PrivateKey) bool {
	return a != nil && b != nil && a.PublicRecord() == b.PublicRecord()
}

// RSA and Ed25519 under one NAME sign both, in the order of the lines.
func TestTwoAlgorithms(t *testing.T) {
	s := newSite(t)
	tables := s.load("mail example.com:e1:./ed1.pem\nmail example.com:r1:./rsa1.pem\n", "refile:", "* mail\n", nil)
	got := tables.Find(Query{Sender: address(t, "a@example.com")})
	equal(t, "keys", keysOf(got), []string{"mail/example.com/e1", "mail/example.com/r1"})
	for i, want := range []*dkim.PrivateKey{ed1(), rsa1()} {
		if key, err := got[0].Keys[i].Private(); err != nil || !samePublic(key, want) {
			t.Errorf("key %d: %v, %v", i, key, err)
		}
	}
}

// Ruling 10: of two keys of one algorithm neither signs, even if nobody has
// validated the tables and only the first is asked for.
func TestDuplicateFoundWhileServing(t *testing.T) {
	for name, keytable := range map[string]string{
		"lines": "mail example.com:s1:./rsa1.pem\nmail example.com:s2:./rsa2.pem\n",
		"scans": "mail %:s1:./keys/%/a.pem\nmail %:s2:./keys/%/b.pem\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.write("keys/example.com/a.pem", pemOf(rsa1()))
			s.write("keys/example.com/b.pem", pemOf(rsa2()))
			var noticed []string
			s.write("keytable", keytable)
			s.write("signingtable", "example.com mail\n")
			tables, err := Load(Options{
				KeyTable: s.path("keytable"), SigningTable: s.path("signingtable"),
				Notice: func(p Problem) { noticed = append(noticed, s.relative(p.String())) },
			})
			if err != nil {
				t.Fatal(err)
			}
			before := tables.Find(Query{Sender: address(t, "a@example.com")})
			if key, err := before[0].Keys[0].Private(); err == nil {
				t.Errorf("the first line signs with %v", key)
			}
			if got := tables.Find(Query{Sender: address(t, "a@example.com")}); len(got[0].Keys) != 0 {
				t.Errorf("still %d keys", len(got[0].Keys))
			}
			if len(noticed) != 2 || !strings.Contains(noticed[0], "the same algorithm") {
				t.Errorf("noticed %q", noticed)
			}
		})
	}
}

// The same where the lines themselves say so, and their keys come from a scan.
func TestDuplicateScans(t *testing.T) {
	s := newSite(t)
	s.write("keys/example.com/a.pem", pemOf(rsa1()))
	s.write("keys/example.com/b.pem", pemOf(rsa2()))
	tables := s.load("mail %:s1:./keys/%/a.pem:rsa-sha256\nmail %:s2:./keys/%/b.pem:rsa-sha256\n", "refile:", "* mail\n", nil)
	got := tables.Find(Query{Sender: address(t, "a@example.com")})
	if len(got) != 1 || len(got[0].Keys) != 0 || !strings.Contains(got[0].OutOfService, "the same algorithm") {
		t.Errorf("got %+v", got)
	}
}

// Ruling 10: "%" in a path stands for the names that are there at load.
func TestScan(t *testing.T) {
	s := newSite(t)
	s.write("keys/example.com/s1.pem", pemOf(rsa1()))
	s.write("keys/Example.NET/s1.pem", pemOf(rsa2()))
	s.write("keys/bücher.example/s1.pem", pemOf(ed1()))
	s.write("keys/nokey.example/readme", "")
	s.write("keys/file.example", "")
	s.write("keys/-bad-.example/s1.pem", pemOf(rsa1()))
	s.write("keys/localhost/s1.pem", pemOf(rsa1()))
	s.write("flat/mail.example.com.example.com.pem", pemOf(ed2()))
	s.write("flat/mail.example.com.example.net.pem", pemOf(ed2()))
	s.write("fixed/example.org/k.pem", pemOf(ed1()))
	const keytable = `
dirs   %:s1:./keys/%/s1.pem
flat   %:s2:./flat/mail.%.%.pem
fixed  example.org:s3:./fixed/%/k.pem
`
	tables := s.load(keytable, "refile:", "flat@* flat\n*@example.org fixed\n* dirs\n", nil)
	equal(t, "problems", s.problems(tables), nil)
	for sender, want := range map[string]*dkim.PrivateKey{
		"a@example.com":     rsa1(),
		"a@example.net":     rsa2(),
		"a@bücher.example":  ed1(),
		"flat@example.com":  ed2(),
		"a@example.org":     ed1(),
		"a@nokey.example":   nil,
		"a@file.example":    nil,
		"a@-bad-.example":   nil,
		"a@localhost":       nil,
		"a@other.example":   nil,
		"flat@example.net":  nil,
		"a@sub.example.com": nil,
	} {
		key, err := private(t, tables, sender)
		if want == nil && err == nil || want != nil && !samePublic(key, want) {
			t.Errorf("%s: %v, %v, want %v", sender, key, err, want)
		}
	}
	got := tables.Find(Query{Sender: address(t, "a@other.example")})[0].OutOfService
	if want := "keytable:2 has no key file for other.example"; s.relative(got) != want {
		t.Errorf("reason %q, want %q", got, want)
	}

	s.write("keys/other.example/s1.pem", pemOf(rsa1()))
	if _, err := private(t, tables, "a@other.example"); err == nil {
		t.Error("a directory made after the load is seen without a reload")
	}
	tables = s.load(keytable, "refile:", "* dirs\n", tables)
	if key, err := private(t, tables, "a@other.example"); !samePublic(key, rsa1()) {
		t.Errorf("after the reload: %v, %v", key, err)
	}
}

func TestAllAndCounts(t *testing.T) {
	s := newSite(t)
	s.write("keys/example.net/k.pem", pemOf(ed1()))
	tables := s.load("mail example.com:s1:./rsa1.pem\nany %:s2:./rsa1.pem\nscan %:s3:./keys/%/k.pem\nbad example.com:s4:./nothere.pem:ed25519-sha256\n",
		"refile:", "* mail\nnever mail\n", nil)
	var got []string
	for key := range tables.All() {
		_, line := key.Table()
		problem := ""
		if p := key.Problem(); p != nil {
			problem = " out of service"
		}
		got = append(got, s.relative(key.String()+" "+key.File())+problem)
		if line == 0 {
			t.Errorf("%v has no line", key)
		}
	}
	equal(t, "keys", got, []string{
		`key "mail" (example.com, selector s1, keytable:1) rsa1.pem`,
		`key "any" (%, selector s2, keytable:2) rsa1.pem`,
		`key "bad" (example.com, selector s4, keytable:4) nothere.pem out of service`,
		`key "scan" (example.net, selector s3, keytable:3) keys/example.net/k.pem`,
	})
	if tables.KeyCount() != 4 || tables.RowCount() != 1 {
		t.Errorf("%d keys, %d rows", tables.KeyCount(), tables.RowCount())
	}
	for range tables.All() {
		break // an iterator that goes on after this panics
	}
}

func TestKeysOf(t *testing.T) {
	const keytable = `
mail   example.com:s1:./rsa1.pem
mail   example.com:e1:./ed1.pem
again  example.com:s1:./rsa1.pem
net    example.net:s1:./rsa2.pem
net2   example.net:s9:./nothere.pem
any    %:s2:./rsa1.pem
a/b    example.org:s7:./rsa1.pem
idn    bücher.example:s8:./rsa1.pem
`
	tests := []struct {
		name string
		keys []string // NAME/SELECTOR
		err  string
	}{
		{name: "mail", keys: []string{"mail/s1", "mail/e1"}},
		{name: "example.com", keys: []string{"mail/s1", "mail/e1"}},
		{name: "Example.com/e1", keys: []string{"mail/e1"}},
		{name: "example.net", keys: []string{"net/s1", "net2/s9"}},
		{name: "/s7", keys: []string{"a/b/s7"}},
		{name: "a/b", keys: []string{"a/b/s7"}},
		{name: "bücher.example", keys: []string{"idn/s8"}},
		{name: "/s1", err: `the selector "s1" is that of example.com and of example.net; write DOMAIN/SELECTOR`},
		{name: "/s5", err: `no key with the selector "s5" in the KeyTable`},
		{name: "/s2", err: `no key with the selector "s2" in the KeyTable`},
		{name: "any", err: `key "any" (%, selector s2, keytable:7) has no domain of its own`},
		{name: "example.com/s9", err: `no key "example.com/s9" in the KeyTable; want NAME, DOMAIN or DOMAIN/SELECTOR`},
		{name: "%", err: `no key "%" in the KeyTable; want NAME, DOMAIN or DOMAIN/SELECTOR`},
		{name: "", err: `no key "" in the KeyTable; want NAME, DOMAIN or DOMAIN/SELECTOR`},
	}
	s := newSite(t)
	tables := s.load(keytable, "file:", "", nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refs, err := tables.KeysOf(tt.name)
			var got []string
			for _, ref := range refs {
				got = append(got, ref.Name+"/"+ref.Selector)
			}
			if !slices.Equal(got, tt.keys) {
				t.Errorf("keys %q, want %q", got, tt.keys)
			}
			if tt.err != "" && (err == nil || s.relative(err.Error()) != tt.err) || tt.err == "" && err != nil {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

// A key file that goes bad behind the tables' back takes its row out of service
// when the key is asked for, and is told once.
func TestBadWhileServing(t *testing.T) {
	s := newSite(t)
	s.write("keytable", oneKey)
	s.write("signingtable", "* mail\n")
	var noticed []string
	tables, err := Load(Options{
		KeyTable: s.path("keytable"), SigningTable: s.path("signingtable"),
		Notice: func(p Problem) { noticed = append(noticed, s.relative(p.String())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.path("rsa1.pem")); err != nil {
		t.Fatal(err)
	}
	refs := tables.Find(Query{Sender: address(t, "a@example.com")})[0].Keys
	for range 2 {
		key, err := refs[0].Private()
		var p Problem
		if key != nil || !errors.As(err, &p) {
			t.Fatalf("Private = %v, %v", key, err)
		}
	}
	want := []string{"keytable:1: key file rsa1.pem does not exist (bring it back, or make one with postseal keygen, or mend the path)"}
	equal(t, "noticed", noticed, want)
	equal(t, "problems", s.problems(tables), want)
	if got := tables.Find(Query{Sender: address(t, "a@example.com")}); got[0].OutOfService == "" || len(got[0].Keys) > 0 {
		t.Errorf("still in service: %+v", got)
	}
}

// A key that was not in memory is read from the file as it is now, and that is
// told.
func TestChangedWhileServing(t *testing.T) {
	s := newSite(t)
	s.write("keytable", oneKey)
	s.write("signingtable", "* mail\n")
	var noticed []string
	tables, err := Load(Options{
		KeyTable: s.path("keytable"), SigningTable: s.path("signingtable"),
		Notice: func(p Problem) { noticed = append(noticed, s.relative(p.String())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.write("rsa1.pem", "a comment, so that the size changes\n"+pemOf(rsa2()))
	for range 2 {
		if key, err := private(t, tables, "a@example.com"); !samePublic(key, rsa2()) {
			t.Fatalf("%v, %v", key, err)
		}
	}
	equal(t, "noticed", noticed, []string{
		"keytable:1: key file rsa1.pem has changed since the tables were loaded; the new key is in use (reload, so that the other keys of the tables fit it)",
	})
}
