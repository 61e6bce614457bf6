package sendmail

import (
	"errors"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/submit"
	"github.com/postseal/postseal/test/internal/tap"
)

// flags are what F= of INPUT_MAIL_FILTER says of a milter that is not there: nothing, mail goes on; T, it waits; R, it is refused
// for good.
var flags = []struct{ name, address, reply string }{
	{"F=", localAddress, ""},
	{"F=T", waitAddress, "451 4."},
	{"F=R", refuseAddress, "55"},
}

// unserved sees to a message that no milter looked at.
func (s *story) unserved(m mail, heard error, reply string) (arrived, refused []mail) {
	s.Helper()
	if reply != "" {
		s.refused(heard, reply)
		return nil, []mail{m}
	}
	s.Must(heard)
	s.passedBy(s.delivered(m))
	return []mail{m}, nil
}

// The daemon is killed while a client is in its session, between two messages. Sendmail does not come back to a milter within an
// SMTP session; the next session is signed again.
func TestKillBetweenMessagesLosesNothing(t *testing.T) {
	for _, c := range flags {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t, setup{})
			var arrived, refused []mail
			try := func(session *submit.Session) {
				t.Helper()
				m := letter("alice@lab.test")
				a, r := s.unserved(m, s.offer(session, m), c.reply)
				arrived, refused = append(arrived, a...), append(refused, r...)
			}
			first := letter("alice@lab.test")
			session := s.connect(c.address)
			s.isSigned(s.send(session, first), daemonName)
			s.daemon.Kill()
			try(session)

			m := letter("alice@lab.test")
			a, r := s.unserved(m, s.offerAnew(c.address, m), c.reply)
			arrived, refused = append(arrived, a...), append(refused, r...)

			s.start()
			try(session) // it is back, but not for this session
			s.Must(session.Quit())

			last := letter("alice@lab.test")
			session = s.connect(c.address)
			s.isSigned(s.send(session, last), daemonName)
			s.Must(session.Quit())
			s.balances(append(arrived, first, last), refused)
		})
	}
}

// offerAnew sends m in an SMTP session of its own, which may be refused as well as the message.
func (s *story) offerAnew(address string, m mail) error {
	session, err := submit.Open(submit.Options{Address: address + ":25"})
	if err != nil {
		return err
	}
	return errors.Join(s.offer(session, m), session.Quit())
}

// Sendmail reads a message to its end before it shows header and body to the milter: the daemon is killed there, just before
// it would hear of the first header field, of the end of the header, of the body, of the end.
func TestKillInMidMessageLosesNothing(t *testing.T) {
	stages := []struct {
		name    string
		command byte
	}{{"recipient", 'R'}, {"header", 'L'}, {"end of header", 'N'}, {"body", 'B'}, {"end of message", 'E'}}
	for _, c := range flags {
		for _, stage := range stages {
			t.Run(c.name+" "+stage.name, func(t *testing.T) {
				s, wire := tapped(t)
				m := letter("alice@lab.test")
				session := s.connect(c.address)
				held, release := wire.Hold(stage.command)
				t.Cleanup(release)
				heard := make(chan error, 1)
				go func() { heard <- s.offer(session, m) }()
				s.Must(await.Closed("Sendmail shows the milter a message", held))
				s.daemon.Kill()
				release()
				arrived, refused := s.unserved(m, <-heard, c.reply)
				s.Must(session.Drop())

				s.start()
				last := letter("alice@lab.test")
				session = s.connect(c.address)
				s.isSigned(s.send(session, last), daemonName)
				s.Must(session.Quit())
				s.balances(append(arrived, last), refused)
			})
		}
	}
}

// tapped begins a story in which Sendmail reaches the daemon through a tap.
func tapped(t *testing.T) (*story, *tap.Tap) {
	t.Helper()
	const behind = "127.0.0.1:8893"
	wire, err := tap.Listen(inetMilter, behind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { wire.Close() })
	return begin(t, setup{listeners: []listener{{"inet:" + behind, "both"}}}), wire
}

// Mail of sendmail(1) waits in the submission program's queue while the milter is away, and is signed when it is back.
func TestLocalMailWaitsForTheMilter(t *testing.T) {
	s := begin(t, setup{})
	s.daemon.Kill()
	m := letter("root@lab.test")
	s.Must(mta.Submit(sandbox.AnyoneID, m.envelope, []string{"reader@in.test"}, m.lines()))
	if waiting, err := mta.Queued(); err != nil || len(waiting) == 0 {
		t.Errorf("nothing waits: %v", err)
	}
	s.start()
	s.Must(mta.Retry())
	s.verifies(s.arrived(m))
	s.balances([]mail{m}, nil)
}
