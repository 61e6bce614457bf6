package e2e

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/submit"
)

func TestMessageOverALimitLeavesUnsigned(t *testing.T) {
	for _, c := range []struct{ name, limits, fields, detail string }{
		{"header_bytes", "header_bytes = 16384", "Subject: much\r\nX-Much: " + strings.Repeat("text ", 4000) + "\r\n", "limits.header_bytes"},
		{"header_fields", "header_fields = 50", "Subject: many\r\n" + strings.Repeat("X-Many: one\r\n", 50), "limits.header_fields"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t, setup{limits: c.limits})
			session := s.connect("", directAddress)
			d := s.send(session, composeWith("alice@lab.test", c.fields, "all is well\r\n"))
			s.isLeftAlone(d, plain, "limit")
			if !strings.Contains(d.line.Detail, c.detail) {
				t.Errorf("log: detail=%q, want one that names %s", d.line.Detail, c.detail)
			}
			s.isSigned(s.send(session, compose("alice@lab.test")), plain, "lab.test/r1") // the next one, in the same session
			s.Must(session.Quit())
		})
	}
}

// With one connection at a time SMTP sessions wait for each other: they are served in turn, none is refused and no message lost.
func TestSessionsOverTheConnectionLimitAreServedInTurn(t *testing.T) {
	const waiting = 4
	s := begin(t, setup{limits: "connections = 1"})
	first := compose("alice@lab.test")
	session := s.connect("", directAddress)
	rest := s.half(session, first)

	mails := []mail{first}
	var wg sync.WaitGroup
	var greeted atomic.Int32 // Postfix greets a client once the milter has answered
	for range waiting {
		m := compose("bob@lab.test")
		mails = append(mails, m)
		wg.Go(func() {
			session, err := submit.Open(submit.Options{Address: directAddress + ":25"})
			if err != nil {
				t.Error(err)
				return
			}
			greeted.Add(1)
			if err := errors.Join(session.Send(m.from, []string{"reader@in.test"}, m.data), session.Quit()); err != nil {
				t.Error(err)
			}
		})
	}
	s.Must(await.That("all sessions knock at the milter", func() bool { return sandbox.Connections(inetMilter) == 1+waiting }))
	s.Must(s.finish(session, rest)) // time enough for another one, if it were served
	s.agreesAndVerifies(s.arrived(first))
	if n := greeted.Load(); n != 0 {
		t.Errorf("%d sessions were served beside the first one", n)
	}
	s.Must(session.Quit())
	wg.Wait()
	for _, m := range mails[1:] {
		s.agreesAndVerifies(s.arrived(m))
	}
	s.balances(direct, mails, nil)
}
