package panel

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// setup is what differs in the configuration of a story.
type setup struct {
	panel   string            // lines of [panel]; only those of everybody if empty
	domains string            // lines of [domains]
	tables  string            // further tables
	tenants []string          // each has somebody with a token
	files   map[string]string // their names in the configuration become paths
}

// story is a running daemon, and whoever uses its panel.
type story struct {
	*testing.T
	place
	dir    string
	config string
	daemon *daemon.Daemon
	tokens map[string]string // by who holds it: "admin", or the tenant
	people []*person
	looked map[string]bool // pages that have been inspected, by title
	got    []delivery
}

// begin starts a daemon with a panel, as the service user. "admin" has a token that opens everything.
func begin(t *testing.T, c setup) *story {
	t.Helper()
	return beginAt(t, newPlace(t), c)
}

// beginAt is begin where the configuration has to name the place.
func beginAt(t *testing.T, at place, c setup) *story {
	t.Helper()
	s := &story{T: t, place: at, tokens: map[string]string{}, looked: map[string]bool{}}
	s.dir = filepath.Join(sandbox.Dir(), "stories", strings.ReplaceAll(t.Name(), "/", "-"))
	s.must(os.MkdirAll(s.dir, 0o755))
	for _, dir := range []string{"db", "identity"} {
		s.must(os.MkdirAll(s.path(dir), 0o700))
		s.must(os.Chown(s.path(dir), sandbox.ServiceID, sandbox.ServiceID))
	}
	s.config = s.path("postseal.toml")
	text := s.configuration(c)
	for name, content := range c.files {
		text = strings.ReplaceAll(text, name, s.write(name, content))
	}
	s.write("postseal.toml", text)
	s.writeTokens(c.tenants)
	var err error
	s.daemon, err = program.Serve(s.config, s.path("log"), sandbox.ServiceID, s.milter, s.panel)
	s.must(err)
	t.Cleanup(s.end)
	return s
}

func (s *story) configuration(c setup) string {
	return fmt.Sprintf(`[[listener]]
address = "inet:%s"
mode = "sign"

[sign]
keytable = ""
signingtable = ""

[store]
url = "sqlite:%s"
identity = "%s"

[check]
via = "authoritative"

[panel]
listen = "%s"
token_file = "%s"
%s

[domains]
%s

[log]
format = "json"

%s
`, s.milter, s.path("db/postseal.db"), s.path("identity/identity"), s.panel, s.path("tokens"), c.panel, cmp.Or(c.domains, `candidates = []`), c.tables)
}

// writeTokens makes a token for the operator and one for each tenant.
func (s *story) writeTokens(tenants []string) {
	s.Helper()
	lines := "# who may come in\n"
	for _, who := range append([]string{"admin"}, tenants...) {
		secret := make([]byte, 32)
		rand.Read(secret)
		s.tokens[who] = hex.EncodeToString(secret)
		lines += who + " " + s.tokens[who]
		if who != "admin" {
			lines += " tenant=" + who
		}
		lines += "\n"
	}
	s.must(os.WriteFile(s.path("tokens"), []byte(lines), 0o600))
	s.must(os.Chown(s.path("tokens"), sandbox.ServiceID, sandbox.ServiceID))
}

// end stops the daemon, and after a failure prints and keeps all that may tell why.
func (s *story) end() {
	for _, p := range s.people {
		p.leave()
	}
	if err := s.daemon.Stop(); err != nil {
		s.Errorf("postseal's end: %v", err)
	}
	if !s.Failed() {
		return
	}
	s.Logf("log of postseal:\n%s", s.daemon.Log())
	for _, d := range s.got[max(0, len(s.got)-3):] {
		s.Logf("delivered from <%s> to %v:\n%.3000s", d.Message.From, d.Message.To, d.Data)
	}
}

// within runs a part of the story as a subtest; its failures are the subtest's own.
func (s *story) within(name string, part func()) {
	s.Helper()
	parent := s.T
	ok := parent.Run(name, func(t *testing.T) {
		s.T = t
		defer func() { s.T = parent }()
		part()
	})
	if !ok {
		s.FailNow() // what follows stands on it
	}
}

func (s *story) path(name string) string { return filepath.Join(s.dir, name) }

// write writes a file of the story and tells its path.
func (s *story) write(name, text string) string {
	s.Helper()
	s.must(os.WriteFile(s.path(name), []byte(text), 0o644))
	return s.path(name)
}

func (s *story) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// run runs a verb as root, on the same store. It has to succeed.
func (s *story) run(args ...string) string {
	s.Helper()
	out, err := program.Do(append(args, "--config", s.config)...)
	s.must(err)
	if out.Code > 1 { // 1: done, with a warning
		s.Fatalf("postseal %s: exit code %d\n%s%s", strings.Join(args, " "), out.Code, out.Out, out.Err)
	}
	return out.Out
}
