package keytable

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"
	"weak"

	"github.com/postseal/postseal/dkim"
)

// Ruling 14: what did not change is shared, not parsed again.
func TestReloadSharesKeys(t *testing.T) {
	s := newSite(t)
	inline := "mail example.com:s1:./rsa1.pem\nnet example.net:s1:" + derOf(ed1()) + "\n"
	before := s.load(inline, "refile:", "*@example.com mail\n*@example.net net\n", nil)
	after := s.load("# a line more\n"+inline, "refile:", "*@example.com mail\n*@example.net net\n", before)
	for _, sender := range []string{"a@example.com", "a@example.net"} {
		old, err := private(t, before, sender)
		if err != nil {
			t.Fatal(err)
		}
		if key, err := private(t, after, sender); key != old {
			t.Errorf("%s: another key (%v)", sender, err)
		}
	}
}

// What Validate found good need not be validated again after a reload.
func TestReloadRemembersGoodKeys(t *testing.T) {
	s := newSite(t)
	s.write("keytable", oneKey+"net example.net:s1:./ed1.pem\n")
	o := Options{KeyTable: s.path("keytable"), KeysCached: 1}
	before, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "problems", s.problems(before), nil)
	o.Prev = before
	after, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	for key := range after.All() {
		if key.Algorithm == 0 {
			t.Errorf("%v is unknown again", key)
		}
	}
}

// Ruling 8: a row whose key turned bad signs on with the key that it had, and
// says so, over as many reloads as it takes.
func TestReloadKeepsLastGoodKey(t *testing.T) {
	tests := []struct {
		name, keytable string
		spoil          func(s site)
		problem        string
	}{
		{
			"missing", oneKey, func(s site) { os.Remove(s.path("rsa1.pem")) },
			"keytable:1: key file rsa1.pem does not exist; the key read before signs on until the next start (bring it back, or make one with postseal keygen, or mend the path)",
		},
		{
			"public", oneKey, func(s site) { os.Chmod(s.path("rsa1.pem"), 0o644) },
			"keytable:1: key file rsa1.pem has mode 0644: every user of this host can read or change it; the key read before signs on until the next start (chmod o-rwx rsa1.pem)",
		},
		{
			"garbage", oneKey, func(s site) { s.write("rsa1.pem", "-----BEGIN PRIVATE KEY-----\n") },
			"keytable:1: key file rsa1.pem: damaged PEM: want whole lines from -----BEGIN to -----END with base64 between them; the key read before signs on until the next start",
		},
		{
			"other path", "mail example.com:s1:./nothere.pem\n", func(site) {},
			"keytable:1: key file nothere.pem does not exist; the key read before signs on until the next start (bring it back, or make one with postseal keygen, or mend the path)",
		},
		{
			"wrong algorithm", "mail example.com:s1:./ed1.pem:rsa-sha256\n", func(site) {},
			"keytable:1: the line says rsa-sha256, but its key is for ed25519-sha256; the key read before signs on until the next start",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			tables := s.load(oneKey, "refile:", "* mail\n", nil)
			if key, err := private(t, tables, "a@example.com"); !samePublic(key, rsa1()) {
				t.Fatal(key, err)
			}
			tt.spoil(s)
			for range 3 {
				tables = s.load(tt.keytable, "refile:", "* mail\n", tables)
				for range 2 {
					if key, err := private(t, tables, "a@example.com"); !samePublic(key, rsa1()) {
						t.Fatalf("signs with %v, %v", key, err)
					}
				}
				equal(t, "problems", s.problems(tables), []string{tt.problem})
			}
		})
	}
}

// The key of another selector is no last good key: its record is another one.
func TestReloadKeepsNoForeignKey(t *testing.T) {
	for name, keytable := range map[string]string{
		"selector": "mail example.com:s2:./nothere.pem\n",
		"domain":   "mail example.net:s1:./nothere.pem\n",
		"name":     "other example.com:s1:./nothere.pem\nmail example.org:s1:./nothere.pem\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			before := s.load(oneKey, "refile:", "* mail\n", nil)
			if _, err := private(t, before, "a@example.com"); err != nil {
				t.Fatal(err)
			}
			after := s.load(keytable, "refile:", "* mail\n", before)
			if key, err := private(t, after, "a@example.com"); err == nil {
				t.Errorf("signs with %v", key)
			}
		})
	}
}

func TestReloadTakesChangedKey(t *testing.T) {
	s := newSite(t)
	before := s.load(oneKey, "refile:", "* mail\n", nil)
	if _, err := private(t, before, "a@example.com"); err != nil {
		t.Fatal(err)
	}
	s.write("rsa1.pem", "longer\n"+pemOf(rsa2()))
	after := s.load(oneKey, "refile:", "* mail\n", before)
	if key, err := private(t, after, "a@example.com"); !samePublic(key, rsa2()) {
		t.Errorf("after: %v, %v", key, err)
	}
	if key, err := private(t, before, "a@example.com"); !samePublic(key, rsa1()) {
		t.Errorf("a message from before the reload: %v, %v", key, err)
	}
}

// A new key renamed into place may have size and time of the old one: clocks are
// coarse, and archives keep times.
func TestReloadTakesKeyOfSameSizeAndTime(t *testing.T) {
	s := newSite(t)
	const table = "mail example.com:s1:./ed1.pem\n"
	old, err := os.Stat(s.path("ed1.pem"))
	if err != nil {
		t.Fatal(err)
	}
	before := s.load(table, "refile:", "* mail\n", nil)
	if _, err := private(t, before, "a@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(s.path("ed2.pem"), old.ModTime(), old.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.path("ed2.pem"), s.path("ed1.pem")); err != nil {
		t.Fatal(err)
	}
	after := s.load(table, "refile:", "* mail\n", before)
	if key, err := private(t, after, "a@example.com"); !samePublic(key, ed2()) {
		t.Errorf("after: %v, %v", key, err)
	}
}

// A key in the cache must not hold the text of the tables that it was read for: in
// a year of reloads that would be many tables.
func TestCachedKeysLetGoOfTheirTables(t *testing.T) {
	s := newSite(t)
	tables := s.load("mail example.com:s1:"+s.path("ed1.pem")+"\n", "refile:", "* mail\n", nil)
	key, err := private(t, tables, "a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	text := weak.Make(unsafe.StringData(tables.keys.table.text))
	tables = s.load("# moved down\nmail example.com:s1:"+s.path("ed1.pem")+"\n", "refile:", "* mail\n", tables)
	runtime.GC()
	if text.Value() != nil {
		t.Error("the old table's text is still in memory")
	}
	if same, err := private(t, tables, "a@example.com"); same != key {
		t.Errorf("the key was not kept: %v, %v", same, err)
	}
}

// A duplicate signs with neither key, good in memory or not: one of them is a
// retired one.
func TestReloadDuplicateKeepsNothing(t *testing.T) {
	s := newSite(t)
	before := s.load(oneKey, "refile:", "* mail\n", nil)
	if _, err := private(t, before, "a@example.com"); err != nil {
		t.Fatal(err)
	}
	after := s.load(oneKey+"mail example.com:s2:./rsa2.pem\n", "refile:", "* mail\n", before)
	s.problems(after)
	if key, err := private(t, after, "a@example.com"); err == nil {
		t.Errorf("signs with %v", key)
	}
}

func TestReloadThatFailsLeavesPrev(t *testing.T) {
	s := newSite(t)
	before := s.load(oneKey, "refile:", "* mail\n", nil)
	s.write("keytable", "mail\n")
	if after, err := Load(Options{KeyTable: s.path("keytable"), Prev: before}); err == nil || after != nil {
		t.Fatalf("Load = %v, %v", after, err)
	}
	if _, err := private(t, before, "a@example.com"); err != nil {
		t.Error(err)
	}
}

func TestValidateStops(t *testing.T) {
	s := newSite(t)
	tables := s.load("a example.com:s1:"+strings.Repeat("A", 60)+"\nb example.com:s1:./notakey.pem\nc example.com:s1:"+strings.Repeat("B", 60)+"\n", "file:", "", nil)
	ctx, cancel := context.WithCancel(t.Context())
	var told []Problem
	err := tables.Validate(ctx, func(p Problem) { told = append(told, p); cancel() })
	if err != context.Canceled || len(told) != 1 || told[0].Line != 1 {
		t.Errorf("Validate = %v after %v", err, told)
	}
}

// Lookups, keys and validation while tables are replaced and files change; for
// the race detector, and no message may come to another key than its own.
func TestConcurrentReload(t *testing.T) {
	s := newSite(t)
	var keytable strings.Builder
	for i := range 20 {
		fmt.Fprintf(&keytable, "k%d d%d.example:s:./rsa%d.pem\n", i, i, 1+i%2)
		fmt.Fprintf(&keytable, "k%d d%d.example:e:./ed%d.pem\n", i, i, 1+i%2)
	}
	var signing strings.Builder
	for i := range 20 {
		fmt.Fprintf(&signing, "*@d%d.example k%d\n", i, i)
	}
	s.write("keytable", keytable.String())
	s.write("signingtable", signing.String())
	o := Options{KeyTable: s.path("keytable"), SigningTable: "refile:" + s.path("signingtable"), KeysCached: 3, Notice: func(Problem) {}}
	first, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	var current atomic.Pointer[Tables]
	current.Store(first)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := w; !stop.Load(); i++ {
				sender := address(t, fmt.Sprintf("a@d%d.example", i%20))
				for _, key := range current.Load().Find(Query{Sender: sender})[0].Keys {
					private, err := key.Private()
					if err != nil || key.Domain != sender.Domain || (private.Algorithm().KeyType() == "rsa") != (key.Selector == "s") {
						t.Errorf("%v for %v: %v, %v", key, sender, private, err)
						return
					}
				}
			}
		})
	}
	for range 30 {
		o.Prev = current.Load()
		next, err := Load(o)
		if err != nil {
			t.Error(err)
			break
		}
		current.Store(next)
		if err := next.Validate(t.Context(), func(p Problem) {
			if !p.Warning {
				t.Error(p)
			}
		}); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	wg.Wait()
}

// Two keys of a name that both turn bad are no duplicates of each other.
func TestReloadKeepsBothLastGoodKeys(t *testing.T) {
	const dual = "mail example.com:r1:./rsa1.pem\nmail example.com:e1:./ed1.pem\n"
	s := newSite(t)
	sign := func(tables *Tables) {
		t.Helper()
		keys := tables.Find(Query{Sender: address(t, "a@example.com")})[0].Keys
		if len(keys) != 2 {
			t.Fatalf("%d keys", len(keys))
		}
		for _, key := range keys {
			if _, err := key.Private(); err != nil {
				t.Error(err)
			}
		}
	}
	before := s.load(dual, "refile:", "* mail\n", nil)
	sign(before)
	s.write("rsa1.pem", "spoilt")
	s.write("ed1.pem", "spoilt")
	after := s.load(dual, "refile:", "* mail\n", before)
	sign(after)
	sign(after)
}

// What names a pair is known without reading it again: of keys that left the cache, over
// reloads, and of each domain that a line with "%" found.
func TestFingerprints(t *testing.T) {
	s := newSite(t)
	s.write("keys/example.com.pem", pemOf(ed1()))
	s.write("keys/example.net.pem", pemOf(ed2()))
	s.write("keytable", oneKey+"all %:s1:./keys/%.pem\n")
	want := map[string]dkim.Fingerprint{"mail example.com": rsa1().Fingerprint(), "all example.com": ed1().Fingerprint(), "all example.net": ed2().Fingerprint()}
	o := Options{KeyTable: s.path("keytable"), KeysCached: 1}
	for range 2 {
		tables, err := Load(o)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "problems", s.problems(tables), nil)
		o.Prev = tables
	}
	for _, name := range []string{"rsa1.pem", "keys/example.com.pem", "keys/example.net.pem"} {
		if err := os.Remove(s.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]dkim.Fingerprint{}
	for key := range o.Prev.All() {
		print, err := key.Fingerprint()
		if err != nil {
			t.Errorf("%v: %v", key, err)
		}
		got[key.Name+" "+key.Domain] = print
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A key file that is replaced in place is known by its new pair once that was read.
func TestFingerprintFollowsTheFile(t *testing.T) {
	s := newSite(t)
	s.write("keytable", oneKey+"net example.net:s1:./ed1.pem\n")
	tables, err := Load(Options{KeyTable: s.path("keytable"), KeysCached: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for key := range tables.All() {
			if private, err := key.Private(); err != nil || key.Domain != "example.com" {
				continue // the other pushes the first out of the cache
			} else if print, err := key.Fingerprint(); err != nil || print != private.Fingerprint() {
				t.Errorf("named %v (%v), and signs as %v", print, err, private.Fingerprint())
			}
		}
		s.write("rsa1.pem", pemOf(rsa2()))
	}
}
