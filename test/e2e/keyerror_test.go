package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/sandbox"
)

// A key that the daemon may not read takes out its own domain only: such mail leaves unsigned, or waits, as on_key_error says.
// Once the key is readable a reload is enough.
func TestUnreadableKeyConcernsItsDomainOnly(t *testing.T) {
	for _, onKeyError := range []string{"accept", "tempfail"} {
		t.Run(onKeyError, func(t *testing.T) {
			secret := filepath.Join(sandbox.Dir(), "secret-"+onKeyError+".pem")
			rootsOnly(t, secret, keyFile("r2"))
			s := begin(t, setup{
				keytable:     key("lab", "r1") + "other other.test:r2:" + secret + "\n",
				signingtable: "*@lab.test lab\n*@other.test other\n",
				sign:         `on_key_error = "` + onKeyError + `"`,
			})

			m := compose("bob@other.test")
			session := s.connect("", directAddress)
			reply := session.Send(m.from, []string{"reader@in.test"}, m.data)
			var refused []mail
			if onKeyError == "tempfail" {
				s.deferred(reply, noKey)
				refused = append(refused, m)
				s.explainsDeferral(m)
			} else {
				s.Must(reply)
				d := s.arrived(m)
				s.isLeftAlone(d, plain, "key-unavailable")
				s.blames(d.line.Detail, secret)
			}
			s.balances(direct, nil, refused)

			s.isSigned(s.send(session, compose("alice@lab.test")), plain, "lab.test/r1") // in the same session

			s.Must(os.Chown(secret, sandbox.ServiceID, sandbox.ServiceID))
			if l := s.reload(); l.Level != "INFO" {
				t.Errorf("reload: %s", l.Text)
			}
			s.isSigned(s.send(session, compose("bob@other.test")), plain, "other.test/r2")
			s.Must(session.Quit())
		})
	}
}

// rootsOnly copies a key file to path, where root alone may read it.
func rootsOnly(t *testing.T, path, file string) {
	t.Helper()
	pem, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, pem, 0o600); err != nil {
		t.Fatal(err)
	}
}

// explainsDeferral checks the log's only line about a message, which was deferred for want of a key, and compares it with postseal explain.
func (s *story) explainsDeferral(m mail) {
	s.Helper()
	lines := s.daemon.Messages()
	if len(lines) != 1 {
		s.Fatalf("%d lines about messages, want 1", len(lines))
	}
	l := lines[0]
	if l.Decision != "unsigned" || l.Reason != "key-unavailable" || !l.Deferred || l.Level != "ERROR" || l.QueueID == "" {
		s.Errorf("log: %s", l.Text)
	}
	s.blames(l.Detail, "secret-tempfail.pem")
	s.agree(delivery{author: m.from, sent: m.data, line: l}, plain, "unsigned", "")
}

// blames checks that text names file and says what is wrong with it.
func (s *story) blames(text, file string) {
	s.Helper()
	if !strings.Contains(text, file) || !strings.Contains(text, "no permission to read it") {
		s.Errorf("%q does not say that %s cannot be read", text, file)
	}
}
