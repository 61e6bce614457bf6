package keytable

import (
	"os"
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/mailaddr"
)

func seeds(f *testing.F, names ...string) {
	for _, name := range names {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
		for line := range strings.SplitSeq(string(text), "\n") {
			f.Add(line)
		}
	}
}

// Whatever a KeyTable holds, Load gives tables or problems, and a problem of a
// line names one that exists. Paths are left alone: the fuzzer's are anywhere.
func FuzzKeyTable(f *testing.F) {
	seeds(f, "keytable.faults", "keytable.syntax")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		s := site{t, dir}
		s.write("keytable", strings.NewReplacer("./", "", "/", "").Replace(text))
		tables, err := Load(Options{KeyTable: s.path("keytable")})
		if (tables == nil) == (err == nil) {
			t.Fatalf("Load = %v, %v", tables, err)
		}
		if err != nil {
			return
		}
		count := strings.Count(text, "\n") + 1
		for _, p := range tables.Problems() {
			if p.Line < 1 || p.Line > count {
				t.Errorf("%v in %d lines", p, count)
			}
		}
		for key := range tables.All() {
			if refs, err := tables.KeysOf(key.Name); key.Domain != senderDomain && err == nil && len(refs) == 0 {
				t.Errorf("no keys of %q", key.Name)
			}
		}
	})
}

// Whatever a SigningTable holds, both lookups agree with their rules: the index of
// the refile walk with the patterns themselves.
func FuzzSigningTable(f *testing.F) {
	seeds(f, "refile.faults", "file.faults", "signing.syntax")
	dir := f.TempDir()
	sender := mailaddr.Address{Local: "bob", Domain: "sub.example.com"}
	f.Fuzz(func(t *testing.T, text string) {
		s := site{t, dir}
		s.write("keytable", oneKey)
		s.write("signingtable", text)
		for _, spec := range []string{"file:", "refile:"} {
			tables, err := Load(Options{KeyTable: s.path("keytable"), SigningTable: spec + s.path("signingtable")})
			if err != nil {
				continue
			}
			q := Query{Sender: sender, User: "bob", Multiple: true}
			all := tables.Find(q)
			for _, m := range all {
				if len(m.Keys) == 0 && m.OutOfService == "" {
					t.Errorf("%+v: no keys and no reason", m)
				}
			}
			q.Multiple = false
			if first := tables.Find(q); len(first) != min(len(all), 1) || len(first) == 1 && first[0].Row != all[0].Row {
				t.Errorf("first %+v of %+v", first, all)
			}
			if spec == "refile:" {
				checkWalk(t, tables, all)
			}
		}
	})
}

func checkWalk(t *testing.T, tables *Tables, all []Match) {
	t.Helper()
	var want []int
	for i := range tables.signing.rows {
		r := &tables.signing.rows[i]
		glob, _, _, fault := indexWild(r.pattern)
		if fault == nil && match(glob, "bob@sub.example.com") && (r.user == "" || MatchLogin(r.user, "bob")) {
			want = append(want, int(r.line))
		}
	}
	if len(want) != len(all) {
		t.Fatalf("%d matches, want lines %v", len(all), want)
	}
	for i, m := range all {
		if m.Row.Line != want[i] {
			t.Errorf("match %d is line %d, want %d", i, m.Row.Line, want[i])
		}
	}
}
