package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Each file of testdata/bad says beside the line what must be reported there:
// all of it, at those lines, and nothing else.
func TestBadFiles(t *testing.T) {
	files, _ := filepath.Glob("testdata/bad/*.toml")
	if len(files) == 0 {
		t.Fatal("no files")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse(file, string(text))
			var got Problems
			if !errors.As(err, &got) {
				t.Fatalf("accepted, or a foreign error: %v", err)
			}
			wanted := 0
			for i, line := range strings.Split(string(text), "\n") {
				if _, want, ok := strings.Cut(line, "# WANT "); ok {
					wanted++
					if !mentions(got, i+1, want) {
						t.Errorf("line %d: missing %q", i+1, want)
					}
				}
			}
			if wanted != len(got) && wanted > 0 {
				t.Errorf("%d problems expected, got %d:\n%v", wanted, len(got), got)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("a secret is in the error: %v", err)
			}
		})
	}
}

func mentions(problems Problems, line int, text string) bool {
	for _, p := range problems {
		if p.Line == line && strings.Contains(p.Error(), text) {
			return true
		}
	}
	return false
}

func TestSyntaxErrorHasItsLine(t *testing.T) {
	_, err := Load("testdata/bad/syntax.toml")
	if err == nil || !strings.HasPrefix(err.Error(), "testdata/bad/syntax.toml:2: ") {
		t.Errorf("got %v", err)
	}
}

func TestEverything(t *testing.T) {
	cfg, err := Load("testdata/good/everything.toml")
	if err != nil {
		t.Fatal(err)
	}
	first, second := cfg.Listeners[0], cfg.Listeners[1]
	if first.Mode != "sign" || first.SocketGroup != "postfix" || first.SocketMode != "0660" {
		t.Errorf("first listener: %+v", first)
	}
	if second != DefaultListener() {
		t.Errorf("an empty row is not the default: %+v", second)
	}
	s := cfg.Sign
	if s.Headers.Preset != "mail-assure" || len(s.Oversign) != 0 || len(s.OversignAbsent) != 4 || time.Duration(s.Expire) != 14*24*time.Hour {
		t.Errorf("sign: %+v", s)
	}
	if len(cfg.Users) != 3 || !cfg.Users[0].Sign || !cfg.Users[1].Reauth || cfg.Users[2].Sign || cfg.Limits.FrameTimeout != Duration(90*time.Second) {
		t.Errorf("users %+v, limits %+v", cfg.Users, cfg.Limits)
	}
}

func TestEmptyFileIsTheDefault(t *testing.T) {
	cfg, err := Parse("empty.toml", "")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	cfg.Path, cfg.lines = "", nil
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got %+v\nwant %+v", cfg, want)
	}
}

func TestPrintReadsBack(t *testing.T) {
	cfg, err := Load("testdata/good/everything.toml")
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := cfg.Print(&text); err != nil {
		t.Fatal(err)
	}
	again, err := Parse("printed.toml", text.String())
	if err != nil {
		t.Fatalf("%v in\n%s", err, text.String())
	}
	again.Path, again.lines = cfg.Path, cfg.lines
	if !reflect.DeepEqual(again, cfg) {
		t.Errorf("printed\n%s\ngot  %+v\nwant %+v", text.String(), again, cfg)
	}
}

func TestParseAddress(t *testing.T) {
	for _, c := range []struct{ in, network, address string }{
		{"inet:8891@127.0.0.1", "tcp4", "127.0.0.1:8891"},
		{"inet:127.0.0.1:8891", "tcp4", "127.0.0.1:8891"},
		{"inet:8891@localhost", "tcp4", "127.0.0.1:8891"},
		{"inet:0@127.0.0.1", "tcp4", "127.0.0.1:0"},
		{"inet6:8891@::1", "tcp6", "[::1]:8891"},
		{"inet6:[::1]:8891", "tcp6", "[::1]:8891"},
		{"inet6:8891@[::1]", "tcp6", "[::1]:8891"},
		{"unix:/run/p.sock", "unix", "/run/p.sock"},
		{"local:/run/p.sock", "unix", "/run/p.sock"},
		{"fd:milter", "fd", "milter"},
		{"inet:8891", "", ""},
		{"inet:mail.example.com:8891", "", ""},
		{"inet:8891@::1", "", ""},
		{"inet:-1@127.0.0.1", "", ""},
		{"unix:", "", ""},
		{"unix:/" + strings.Repeat("x", 107), "", ""},
		{"8891", "", ""},
		{"", "", ""},
	} {
		network, address, err := ParseAddress(c.in)
		if network != c.network || address != c.address || (err == nil) != (c.network != "") {
			t.Errorf("%q: got %q %q %v", c.in, network, address, err)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge.toml")
	if err := os.WriteFile(huge, bytes.Repeat([]byte("# comment\n"), 1<<17), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "missing.toml"): "does not exist",
		dir:                                "cannot read it",
		huge:                               "larger than 1 MiB",
	} {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.toml", "testdata/good/*.toml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := Parse("fuzz.toml", text)
		if cfg == nil && err == nil {
			t.Error("neither a configuration nor an error")
		}
		var problems Problems
		if err != nil && !errors.As(err, &problems) {
			t.Errorf("not Problems: %v", err)
		}
		for _, p := range problems {
			if p.Line < 0 || p.Line > strings.Count(text, "\n")+1 {
				t.Errorf("an invented line: %v", p)
			}
		}
	})
}

func TestParseHTTPAddress(t *testing.T) {
	for _, c := range []struct {
		in, network, address string
		warns                bool
	}{
		{"127.0.0.1:9891", "tcp", "127.0.0.1:9891", false},
		{"127.9.9.9:0", "tcp", "127.9.9.9:0", false},
		{"[::1]:9891", "tcp", "[::1]:9891", false},
		{"localhost:9891", "tcp", "localhost:9891", false},
		{"unix:/run/postseal/metrics.sock", "unix", "/run/postseal/metrics.sock", false},
		{"fd:metrics", "fd", "metrics", false},
		{":9891", "tcp", ":9891", true},
		{"0.0.0.0:9891", "tcp", "0.0.0.0:9891", true},
		{"[2001:db8::1]:9891", "tcp", "[2001:db8::1]:9891", true},
		{"9891", "", "", false},
		{"127.0.0.1", "", "", false},
		{"127.0.0.1:http", "", "", false},
		{"127.0.0.1:65536", "", "", false},
		{"mail.example.com:9891", "", "", false},
		{"inet:9891@127.0.0.1", "", "", false},
		{"unix:metrics.sock", "", "", false},
		{"http://127.0.0.1:9891", "", "", false},
		{"", "", "", false},
	} {
		network, address, err := ParseHTTPAddress(c.in)
		if network != c.network || address != c.address || (err == nil) != (c.network != "") {
			t.Errorf("%q: got %q %q %v", c.in, network, address, err)
		}
		cfg := Default()
		cfg.Metrics.Listen = c.in
		if got := cfg.Warnings(); (len(got) > 0) != c.warns {
			t.Errorf("%q: warnings %v", c.in, got)
		}
	}
}

func TestPrintHidesPasswords(t *testing.T) {
	for address, want := range map[string]string{
		"postgres://postseal:hunter2@db.example.net/postseal":          "postgres://postseal:xxxxx@db.example.net/postseal",
		"postgres://postseal@db.example.net/postseal?password=hunter2": "password=xxxxx",
		"postgres://postseal:hunter2%zz@db/x":                          "postgres:…",
		"postgres://db.example.net/postseal?sslpassword=hunter2":       "sslpassword=xxxxx",
		"host=db user=postseal password=hunter2":                       `url = "…"`,
		"postgres:postseal:hunter2@db.example.net/postseal":            "postgres:…",
		"sqlite:/var/lib/postseal/postseal.db":                         "sqlite:/var/lib/postseal/postseal.db",
	} {
		cfg := Default()
		cfg.Store.URL = address
		var out bytes.Buffer
		if err := cfg.Print(&out); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "hunter2") || !strings.Contains(out.String(), want) {
			t.Errorf("%s: want %s in\n%s", address, want, &out)
		}
		if cfg.Store.URL != address {
			t.Error("printing changed the configuration")
		}
	}
}
