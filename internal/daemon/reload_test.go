package daemon

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/milter/miltertest"
)

// site is a configuration on disk that a test changes under a running daemon.
type site struct{ dir string }

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{dir: t.TempDir()}
	writeKey(t, s.path("one.pem"), dkim.Ed25519SHA256)
	writeKey(t, s.path("two.pem"), dkim.Ed25519SHA256)
	write(t, s.dir, "keytable", "k example.com:one:./one.pem\n")
	write(t, s.dir, "signingtable", "*@example.com k\n")
	s.configure(t, "")
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) configure(t *testing.T, more string) {
	t.Helper()
	write(t, s.dir, "postseal.toml", fmt.Sprintf(
		"[sign]\nkeytable = %q\nsigningtable = %q\n%s\n[[listener]]\naddress = \"inet:0@127.0.0.1\"\n",
		s.path("keytable"), "refile:"+s.path("signingtable"), more))
}

func (s *site) load() (*config.Config, error) { return config.Load(s.path("postseal.toml")) }

// send sends one message from this host and gives its log line.
func send(t *testing.T, d *testDaemon, mta *miltertest.MTA) logLine {
	t.Helper()
	if _, err := mta.Send(miltertest.Message{From: "<a@example.com>", To: []string{"<b@example.net>"}, Raw: []byte("From: a@example.com\r\n\r\nHello\r\n")}); err != nil {
		t.Fatal(err)
	}
	return d.messageLine(t)
}

func localMTA(t *testing.T, d *testDaemon) *miltertest.MTA {
	t.Helper()
	mta := d.dial(t)
	mta.Client = new(situation).client(t)
	return mta
}

func TestReload(t *testing.T) {
	s := newSite(t)
	d := start(t, s.load)
	mta := localMTA(t, d) // one connection through all reloads
	expect := func(want string) {
		t.Helper()
		if line := send(t, d, mta); line.Keys != want {
			t.Errorf("signed with %q (%s %s), want %q", line.Keys, line.Reason, line.Detail, want)
		}
	}
	expect("example.com/one")

	write(t, s.dir, "keytable", "k example.com:two:./two.pem\n")
	expect("example.com/one")
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	expect("example.com/two")

	for name, c := range map[string]struct{ file, text, want string }{
		"broken configuration": {"postseal.toml", "= 1\n", "postseal.toml:1: "},
		"unknown option":       {"postseal.toml", "colour = 1\n", "unknown key"},
		"broken key table":     {"keytable", "k example.com:three\n", "keytable:1: "},
		"missing table":        {"signingtable", "", "signingtable: "},
	} {
		t.Run(name, func(t *testing.T) {
			good, err := os.ReadFile(s.path(c.file))
			if err != nil {
				t.Fatal(err)
			}
			if c.text == "" {
				os.Remove(s.path(c.file))
			} else {
				write(t, s.dir, c.file, c.text)
			}
			if err := d.Reload(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Reload: %v, want %q", err, c.want)
			}
			expect("example.com/two")
			write(t, s.dir, c.file, string(good))
		})
	}

	t.Run("a bad row goes out alone", func(t *testing.T) {
		write(t, s.dir, "keytable", "k example.com:two:./two.pem\nlost lost.example:s:./nowhere.pem\n")
		write(t, s.dir, "signingtable", "*@lost.example lost\n*@example.com k\n")
		if err := d.Reload(); err != nil {
			t.Fatal(err)
		}
		line := d.await(t, "the bad row", func(l logLine) bool { return l.Problem != "" })
		if line.Level != "ERROR" || !strings.Contains(line.Problem, "keytable:2: ") {
			t.Errorf("logged %+v", line)
		}
		expect("example.com/two")
	})

	t.Run("what needs a restart is named", func(t *testing.T) {
		s.configure(t, "[limits]\nconnections = 7\n")
		if err := d.Reload(); err != nil {
			t.Fatal(err)
		}
		if line := d.await(t, "the warning", func(l logLine) bool { return l.Level == "WARN" }); line.Key != "limits" {
			t.Errorf("logged %+v", line)
		}
	})
}

func TestStrictRefusesBadRows(t *testing.T) {
	s := newSite(t)
	write(t, s.dir, "keytable", "k example.com:one:./one.pem\nlost lost.example:s:./nowhere.pem\n")
	cfg, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Strict = true
	_, err = Open(func() (*config.Config, error) { return cfg, nil }, slog.New(slog.DiscardHandler), Environment{})
	if err == nil || !strings.Contains(err.Error(), "keytable:2: ") {
		t.Errorf("got %v", err)
	}
}

// [domains] is what rows without their own go by.
func TestTimingIsConfigured(t *testing.T) {
	cfg, err := config.Parse("good.toml", "[domains]\non_missing = \"suspend:6h\"\nselector = \"{uuid}\"\nretire_after = \"240h\"\nrotate_every = \"4320h\"\n")
	if err != nil {
		t.Fatal(err)
	}
	p := policyOf(cfg)
	if p.OnMissing != "suspend:6h" || p.Selector != "{uuid}" || p.RetireAfter != 240*time.Hour || p.RotateEvery != 4320*time.Hour {
		t.Errorf("%+v", p)
	}
}

func TestBuildReportsEverything(t *testing.T) {
	cfg, err := config.Parse("bad.toml", `[sign]
keytable = "/nonexistent/keytable"
trusted_networks = ["10.0.0.1/8", "nonsense/"]
canonicalization = "strict"
headers = ["Sub ject"]
default_key = "no.example/s"
exempt_domains = ["exa mple"]
dont_sign_mail_to = ["@"]
trusted_macros = ["="]
[[user]]
match = "login:ada"
[domains]
on_missing = "shrug"
selector = "{year}"
`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Build(cfg, Given{})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"/nonexistent/keytable", "bad.toml:3: sign.trusted_networks", "10.0.0.1/8", "nonsense/", "bad.toml:4: sign.canonicalization",
		"bad.toml:5: sign.headers", "bad.toml:7: sign.exempt_domains", "bad.toml:8: sign.dont_sign_mail_to",
		"bad.toml:9: sign.trusted_macros", "bad.toml:11: user[0].match",
		`bad.toml:13: domains.on_missing: on_missing "shrug": want keep, suspend`, "bad.toml:14: domains.selector",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in:\n%v", want, err)
		}
	}
}
