package e2e

import (
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/submit"
)

// mtas are Postfix with either milter_default_action.
var mtas = []struct {
	action  string
	pf      **postfix.Postfix
	address string
}{
	{"tempfail", &direct, directAddress},
	{"accept", &lenient, lenientAddress},
}

// The daemon is killed while a client is in the middle of its message. Postfix does not come back to a milter within
// an SMTP session: what milter_default_action says holds for the rest of it, and the next session is signed again.
func TestKillInMidMessageLosesNothing(t *testing.T) {
	for _, c := range mtas {
		t.Run(c.action, func(t *testing.T) {
			s := begin(t, setup{})
			var arrived, refused []mail
			// unserved sees to a message that no milter looked at
			unserved := func(m mail, reply error) {
				t.Helper()
				if c.action == "tempfail" {
					s.deferred(reply, noMilter)
					refused = append(refused, m)
					return
				}
				s.Must(reply)
				s.passedBy(s.delivered(m))
				arrived = append(arrived, m)
			}
			try := func(session *submit.Session) {
				t.Helper()
				m := compose("alice@lab.test")
				unserved(m, session.Send(m.from, []string{"reader@in.test"}, m.data))
			}

			first := compose("alice@lab.test")
			session := s.connect("", c.address)
			s.isSigned(s.send(session, first), plain, "lab.test/r1")

			m := compose("alice@lab.test")
			rest := s.half(session, m)
			s.daemon.Kill()
			unserved(m, s.finish(session, rest))
			try(session) // the rest of the session

			meanwhile := s.connect("", c.address)
			try(meanwhile)
			s.Must(meanwhile.Quit())

			s.start()
			try(session) // it is back, but not for this session
			s.Must(session.Quit())

			last := compose("alice@lab.test")
			session = s.connect("", c.address)
			s.isSigned(s.send(session, last), plain, "lab.test/r1")
			s.Must(session.Quit())
			s.balances(*c.pf, append(arrived, first, last), refused)
		})
	}
}

// smtpd hands its milters over to cleanup, which speaks to them when it has the whole message: the daemon is killed there,
// just before it would hear of the first header field, of the body, of the end.
func TestKillAtEachStageOfTheContentLosesNothing(t *testing.T) {
	stages := []struct {
		name    string
		command byte
	}{{"header", 'L'}, {"end of header", 'N'}, {"body", 'B'}, {"end of message", 'E'}}
	for _, c := range mtas {
		for _, stage := range stages {
			t.Run(c.action+" "+stage.name, func(t *testing.T) {
				s, wire := tapped(t, setup{})
				pf := *c.pf

				sent := compose("alice@lab.test")
				session := s.connect("", c.address)
				reply, release := s.hold(wire, stage.command, session, sent)
				s.daemon.Kill()
				release()
				err := <-reply
				s.Must(session.Quit())
				var arrived, refused []mail
				if c.action == "tempfail" {
					s.deferred(err, noMilter)
					refused = append(refused, sent)
				} else {
					s.Must(err)
					s.passedBy(s.delivered(sent))
					arrived = append(arrived, sent)
				}

				s.start()
				local := compose("root@lab.test")
				held, release := wire.Hold(stage.command)
				s.Must(pf.Sendmail(0, local.from, []string{"reader@in.test"}, local.lines()))
				s.Must(await.Closed("sendmail's message reaches the milter", held))
				s.daemon.Kill()
				release()
				if c.action == "accept" {
					s.passedBy(s.delivered(local))
				}
				s.start()
				if c.action == "tempfail" { // it waits in maildrop, and is signed when it is tried again
					s.Must(pf.Retry())
					s.agreesAndVerifies(s.arrived(local))
				}

				last := compose("alice@lab.test")
				session = s.connect("", c.address)
				s.agreesAndVerifies(s.send(session, last))
				s.Must(session.Quit())
				s.balances(pf, append(arrived, local, last), refused)
			})
		}
	}
}
