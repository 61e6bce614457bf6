package opendkim

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each case has the two tables, and what is written for them. "/etc" in what is written is the directory.
func TestTables(t *testing.T) {
	const keys = "k1 example.com:s1:DIR/key\nk2 other.example:s2:DIR/key\nany %:s:DIR/key\n"
	for name, c := range map[string]struct {
		conf         string // beside the tables
		keys, rows   string // keys "": the three above
		plain        bool   // the signing table is a file:
		wantK, wantR []string
	}{
		"as they are": {
			keys: "# names\nk1\texample.com:s1:DIR/key  # mine\n", rows: "*@example.com   k1\n",
			wantK: []string{"k1 example.com:s1:DIR/key"}, wantR: []string{"*@example.com k1"},
		},
		"relative paths": {
			conf: "BaseDirectory DIR\n", keys: "k1 example.com:s1:./key\n", rows: "*@example.com k1\n",
			wantK: []string{"k1 example.com:s1:DIR/key"}, wantR: []string{"*@example.com k1"},
		},
		"signing domain in a path": {
			keys: "k1 example.com:s1:DIR/%/key\n", rows: "* k1\n",
			wantK: []string{"k1 example.com:s1:DIR/example.com/key"}, wantR: []string{"* k1"},
		},
		"sender's domain in a path": {
			keys: "k1 %:s1:DIR/%/key\n", rows: "* k1\n",
			wantK: []string{"k1 %:s1:DIR/%/key"}, wantR: []string{"* k1"},
		},
		"algorithm": {
			keys: "k1 example.com:s1:DIR/key:ed25519-sha256\n", rows: "* k1\n",
			wantK: []string{"k1 example.com:s1:DIR/key:ed25519-sha256"}, wantR: []string{"* k1"},
		},
		"second key of a name": {
			keys: "k1 example.com:s1:DIR/key\nk1 example.com:s2:DIR/key\n", rows: "* k1\n",
			wantK: []string{"k1 example.com:s1:DIR/key"}, wantR: []string{"* k1"},
		},
		"comma in a name": {
			keys: "a,b example.com:s1:DIR/key\n", rows: "* a,b\n",
			wantK: []string{"a%2Cb example.com:s1:DIR/key"}, wantR: []string{"* a%2Cb"},
		},
		"domain as the name": {
			keys: "example.com example.com:s1:DIR/key\n", rows: "* %\n",
			wantK: []string{"example.com example.com:s1:DIR/key"}, wantR: []string{"* %"},
		},
		"identity in the domain":        {rows: "*@example.com k1:ada@sub.example.com\n", wantR: []string{"*@example.com k1:ada@sub.example.com"}},
		"identity elsewhere":            {rows: "*@example.com k1:ada@other.example\n", wantR: []string{"*@example.com k1"}},
		"sender's domain for identity":  {rows: "*@sub.example.com k1:@%\n", wantR: []string{"*@sub.example.com k1:@%"}},
		"never the sender's":            {rows: "*@a.example k1:@%\n", wantR: []string{"*@a.example k1"}},
		"below never the sender's":      {rows: "*@*.a.example k1:@%\n", wantR: []string{"*@*.a.example k1"}},
		"all senders, one domain":       {rows: "* k1:@%\n", wantR: []string{"*@example.com k1:@%", "*@*.example.com k1:@%", "* k1"}},
		"all senders, plain":            {plain: true, rows: "* k1:@%\n", wantR: []string{"example.com k1:@%", ".example.com k1:@%", "* k1"}},
		"any key, any identity":         {rows: "* any:@%\n", wantR: []string{"* any:@%"}},
		"cannot be split":               {conf: "MultipleSignatures yes\n", rows: "* k1:@%\n", wantR: []string{"* k1"}},
		"sometimes inside":              {rows: "* any:ada@example.com\n", wantR: []string{"* any"}},
		"pattern without @":             {rows: "example.com k1\n* k2\n", wantR: []string{"* k2"}},
		"pattern with a dot behind @":   {rows: "*@.example.com k1\n* k2\n", wantR: []string{"* k2"}},
		"wildcard in a plain table":     {plain: true, rows: "*@example.com k1\nada@* k1\n* k2\n", wantR: []string{"ada@* k1", "* k2"}},
		"same pattern in a plain table": {plain: true, rows: "example.com k1\nExample.com k2\n", wantR: []string{"example.com k1"}},
		"same pattern in a refile":      {rows: "*@example.com k1\n*@example.com k2\n", wantR: []string{"*@example.com k1", "*@example.com k2"}},
	} {
		t.Run(name, func(t *testing.T) {
			prefix := "refile:"
			if c.plain {
				prefix = "file:"
			}
			table := c.keys
			if table == "" {
				table = keys
			}
			r, dir := imported(t, c.conf+"Socket inet:1@localhost\nKeyTable DIR/kt\nSigningTable "+prefix+"DIR/st\n",
				map[string]string{"kt": table, "st": c.rows, "key": "KEY", "example.com/key": "KEY"})
			if c.wantK != nil {
				compare(t, "key table", r.KeyTable, c.wantK, dir)
			}
			compare(t, "signing table", r.SigningTable, c.wantR, dir)
			if want := prefix + "/out/signingtable"; !strings.Contains(r.Config("/out"), want) {
				t.Errorf("no %s in\n%s", want, r.Config("/out"))
			}
		})
	}
}

func compare(t *testing.T, what string, have []Line, want []string, dir string) {
	t.Helper()
	var texts []string
	for _, l := range have {
		texts = append(texts, strings.ReplaceAll(l.Text, dir, "DIR"))
	}
	if !slices.Equal(texts, want) {
		t.Errorf("%s: have %q, want %q", what, texts, want)
	}
}

func TestBadRows(t *testing.T) {
	for name, c := range map[string]struct{ keys, rows, want string }{
		"no key":              {"k1 example.com:s1\n", "* k1\n", `DIR/kt:1: the row of key "k1" is incomplete (want NAME DOMAIN:SELECTOR:KEY)`},
		"no value":            {"k1\n", "* k1\n", `DIR/kt:1: the row of key "k1" is incomplete`},
		"empty selector":      {"# x\nk1 example.com::DIR/key\n", "* k1\n", `DIR/kt:2: the row of key "k1" is incomplete`},
		"percent in a domain": {"k1 sub.%:s:DIR/key\n", "* k1\n", "DIR/kt:1: OpenDKIM signs with d=sub.% as it stands"},
		"missing key file":    {"k1 example.com:s:DIR/none\n", "* k1\n", "DIR/kt:1: key file DIR/none: no such file"},
		"no domains' keys":    {"k1 %:s:DIR/none/%\n", "* k1\n", "DIR/kt:1: no key file matches DIR/none/%"},
		"unknown key":         {"k1 example.com:s:DIR/key\n", "* k1\n* K1\n", `DIR/st:2: no key named "K1"; OpenDKIM defers every mail that comes to this row (names are case-sensitive: there is k1)`},
		"identity without @":  {"k1 example.com:s:DIR/key\n", "* k1:%\n", `DIR/st:1: the identity "%" has no @`},
		"row without key":     {"k1 example.com:s:DIR/key\n", "*\n", `DIR/st:1: the row of "*" names no key`},
		"no rows":             {"k1 example.com:s:DIR/key\n", "\n", "DIR/opendkim.conf:2: SigningTable has no rows"},
	} {
		t.Run(name, func(t *testing.T) {
			path := install(t, "KeyTable DIR/kt\nSigningTable refile:DIR/st\n", map[string]string{"kt": c.keys, "st": c.rows, "key": "KEY"})
			want := strings.ReplaceAll(c.want, "DIR", filepath.Dir(path))
			if _, err := Import(path, testOptions); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("have %v, want an error with %s", err, want)
			}
		})
	}
}

func TestOneKeyForDomains(t *testing.T) {
	const key = "Selector s\nKeyFile DIR/key\nSocket inet:1@localhost\n"
	for name, c := range map[string]struct {
		conf         string
		wantK, wantR []string
	}{
		"list":        {"Domain A.example, b.example", []string{"a.example a.example:s:DIR/key", "b.example b.example:s:DIR/key"}, []string{"a.example a.example", "b.example b.example"}},
		"sub-domains": {"Domain a.example\nSubDomains yes", []string{"a.example a.example:s:DIR/key"}, []string{"a.example a.example", ".a.example a.example:@a.example"}},
		"any":         {"Domain *", []string{"any %:s:DIR/key"}, []string{"* any"}},
		"any first":   {"Domain a.example,*\nSubDomains yes", []string{"a.example a.example:s:DIR/key", "any %:s:DIR/key"}, []string{"a.example a.example", "* any"}},
		"file":        {"Domain DIR/domains", []string{"c.example c.example:s:DIR/key"}, []string{"c.example c.example"}},
		"patterns":    {"Domain refile:DIR/patterns", []string{"any %:s:DIR/key", "d.example d.example:s:DIR/key"}, []string{"*@*.c.example any", "*@d.example d.example"}},
		"dead":        {"Domain .a.example,*.b.example,d.example", []string{"d.example d.example:s:DIR/key"}, []string{"d.example d.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, dir := imported(t, key+c.conf+"\n", map[string]string{"key": "KEY", "domains": "c.example\n", "patterns": "*.c.example\nd.example\n"})
			compare(t, "key table", r.KeyTable, c.wantK, dir)
			compare(t, "signing table", r.SigningTable, c.wantR, dir)
		})
	}
}

func TestCopies(t *testing.T) {
	path := install(t, "Socket inet:1@localhost\nKeyTable DIR/kt\nSigningTable refile:DIR/st\n", map[string]string{
		"kt":  "a example.com:s:DIR/one\nb example.com:s:DIR/two\nc example.com:s:DIR/one\nd %:m:DIR/all/%/m\ne %:n:DIR/all/%/n\n",
		"st":  "* a\n",
		"one": "KEY", "two": "KEY", "all/x.example/m": "KEY", "all/y.example/m": "KEY", "all/x.example/n": "KEY", "all/not a domain/m": "KEY",
	})
	o := testOptions
	o.CopyKeys = true
	r, err := Import(path, o)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "key table", r.KeyTable, []string{
		"a example.com:s:./keys/example.com.s.pem", "b example.com:s:./keys/example.com.s_.pem", "c example.com:s:./keys/example.com.s.pem",
		"d %:m:./keys/%/m", "e %:n:./keys/%/n",
	}, "\x00")
	var copies []string
	for _, c := range r.Copies {
		copies = append(copies, strings.TrimPrefix(c.From, filepath.Dir(path)+"/")+" "+c.To)
	}
	slices.Sort(copies)
	if want := []string{
		"all/x.example/m keys/x.example/m", "all/x.example/n keys/x.example/n", "all/y.example/m keys/y.example/m",
		"one keys/example.com.s.pem", "two keys/example.com.s_.pem",
	}; !slices.Equal(copies, want) {
		t.Errorf("have %q, want %q", copies, want)
	}
}
