package install

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/judge"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/submit"
)

const mailServer = "127.0.0.1:25"

func message(subject string) []byte {
	return fmt.Appendf(nil, "From: Ada <ada@example.com>\r\nTo: bob@example.net\r\nSubject: %s\r\n\r\nHello.\r\n", subject)
}

// send submits a message over SMTP, from this host.
func send(t *testing.T, subject string) {
	t.Helper()
	s, err := submit.Open(submit.Options{Address: mailServer})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send("ada@example.com", []string{"bob@example.net"}, message(subject)); err != nil {
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

// signed has dkimpy judge a message: one signature of example.com that passes.
func signed(t *testing.T, msg []byte) {
	t.Helper()
	verdicts, err := judge.DKIMPy(msg)
	if err != nil {
		t.Fatal(err)
	}
	if len(verdicts) != 1 || !verdicts[0].Pass || verdicts[0].Domain != "example.com" || verdicts[0].Selector != "s2026" {
		t.Errorf("dkimpy says %v of\n%s", verdicts, msg)
	}
}
