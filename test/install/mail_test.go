package install

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/debian"
	"github.com/postseal/postseal/test/internal/judge"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/submit"
)

const mailServer = "127.0.0.1:25"

// taken waits until the mail server takes connections: Sendmail's start ends a little earlier.
func taken(t *testing.T) {
	t.Helper()
	eventually(t, "the mail server answers", func() bool {
		s, err := submit.Open(submit.Options{Address: mailServer})
		return err == nil && s.Quit() == nil
	})
}

// reloadPostfix has Postfix read its configuration anew.
func reloadPostfix(t *testing.T, m *debian.Machine) {
	t.Helper()
	reloading(t, m, func() { must(t, m, "postfix", "reload") })
}

// reloading runs what reloads Postfix, and waits for the end of the processes that were idle with the old configuration: one of
// them could take the next message.
func reloading(t *testing.T, m *debian.Machine, reload func()) {
	t.Helper()
	idle := func() []string {
		return strings.Fields(run(t, m, "sh", "-c", "cd /proc; grep -lxsE 'smtpd|cleanup' [0-9]*/comm").Stdout)
	}
	old := idle()
	reload()
	eventually(t, "the end of the processes from before the reload", func() bool {
		return !slices.ContainsFunc(idle(), func(process string) bool { return slices.Contains(old, process) })
	})
}

func message(subject string) []byte { return messageFrom("example.com", subject) }

func messageFrom(domain, subject string) []byte {
	return fmt.Appendf(nil, "From: Ada <ada@%s>\r\nTo: bob@example.net\r\nSubject: %s\r\n\r\nHello.\r\n", domain, subject)
}

// send submits a message of example.com over SMTP, from this host.
func send(t *testing.T, subject string) {
	t.Helper()
	sendFrom(t, "example.com", subject)
}

func sendFrom(t *testing.T, domain, subject string) {
	t.Helper()
	s, err := submit.Open(submit.Options{Address: mailServer})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send("ada@"+domain, []string{"bob@example.net"}, messageFrom(domain, subject)); err != nil {
		t.Fatal(err)
	}
	if err := s.Quit(); err != nil {
		t.Fatal(err)
	}
}

func about(subject string) func(*sink.Message) bool {
	return func(m *sink.Message) bool {
		return strings.Contains(string(m.Header()), "\r\nSubject: "+subject+"\r\n")
	}
}

func delivered(t *testing.T, subject string) []byte {
	t.Helper()
	m, err := nextHop.Wait("the message "+subject, about(subject))
	if err != nil {
		t.Fatal(err)
	}
	return m.Data
}

// signed has dkimpy judge a message: one signature that passes, of example.com and the key that the README makes.
func signed(t *testing.T, msg []byte) {
	t.Helper()
	signedWith(t, msg, "example.com", "s2026")
}

func signedWith(t *testing.T, msg []byte, domain, selector string) {
	t.Helper()
	verdicts, err := judge.DKIMPy(msg)
	if err != nil {
		t.Fatal(err)
	}
	if len(verdicts) != 1 || !verdicts[0].Pass || verdicts[0].Domain != domain || verdicts[0].Selector != selector {
		t.Errorf("dkimpy says %v of\n%s", verdicts, msg)
	}
}
