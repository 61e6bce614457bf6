package e2e

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/submit"
)

// endOfMessage is the packet at which these stories hold a message: the daemon has decided to sign it and waits for its end.
const endOfMessage = 'E'

// SIGTERM lets a message that is under way end, signed, while nobody new is served.
func TestStopWaitsForTheMessageInFlight(t *testing.T) {
	s, wire := tapped(t, setup{limits: `stop_timeout = "30s"`})
	inFlight, turnedAway, next := compose("alice@lab.test"), compose("alice@lab.test"), compose("alice@lab.test")
	session := s.connect("", directAddress)
	reply, release := s.hold(wire, endOfMessage, session, inFlight)
	s.terminate()

	other := s.connect("", unixAddress)
	s.deferred(other.Send(turnedAway.from, []string{"reader@in.test"}, turnedAway.data), noMilter)
	s.Must(other.Quit())

	release()
	s.Must(<-reply)
	s.Must(session.Quit())
	s.isSigned(s.arrived(inFlight), plain, "lab.test/r1")
	if err := s.daemon.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
	s.start()
	session = s.connect("", directAddress)
	s.isSigned(s.send(session, next), plain, "lab.test/r1")
	s.Must(session.Quit())
	s.balances(direct, []mail{inFlight, next}, []mail{turnedAway})
}

// The same for a message of which the daemon was told no more than the envelope: Postfix hands the rest over when it has all of it.
func TestStopWaitsForTheMessageThatHasBegun(t *testing.T) {
	s := begin(t, setup{limits: `stop_timeout = "30s"`})
	sessions, rest, begun := map[string]*submit.Session{}, map[string][]byte{}, map[string]mail{}
	for _, address := range []string{directAddress, unixAddress, jailedAddress} {
		begun[address] = compose("alice@lab.test")
		sessions[address] = s.connect("", address)
		rest[address] = s.half(sessions[address], begun[address])
	}
	s.terminate()
	for address, session := range sessions {
		s.Must(s.finish(session, rest[address]))
		s.agreesAndVerifies(s.arrived(begun[address]))
		s.Must(session.Quit())
	}
	if err := s.daemon.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
	s.start()
}

// A restart need not wait for that: the next daemon opens the sockets that the last one has given up already, and the
// last one's end leaves them alone.
func TestNextDaemonServesWhileTheLastOneEnds(t *testing.T) {
	s, wire := tapped(t, setup{limits: `stop_timeout = "30s"`})
	slow := compose("alice@lab.test")
	session := s.connect("", directAddress)
	reply, release := s.hold(wire, endOfMessage, session, slow)
	s.terminate()
	last := s.daemon
	s.start()
	served := func() {
		t.Helper()
		for _, address := range []string{directAddress, unixAddress, jailedAddress} {
			session := s.connect("", address)
			s.agreesAndVerifies(s.send(session, compose("alice@lab.test")))
			s.Must(session.Quit())
		}
	}
	served()

	release()
	s.Must(<-reply)
	s.Must(session.Quit())
	s.agreesAndVerifies(s.arrived(slow))
	s.Must(last.Wait())
	served()
}

// A message that stalls holds the daemon up for stop_timeout and no longer; here it stays until the daemon has ended.
func TestStopDoesNotWaitForAStalledMessage(t *testing.T) {
	for _, c := range mtas {
		t.Run(c.action, func(t *testing.T) {
			s, wire := tapped(t, setup{limits: `stop_timeout = "1s"`})
			stalled := compose("alice@lab.test")
			session := s.connect("", c.address)
			reply, release := s.hold(wire, endOfMessage, session, stalled)
			s.terminate()
			if err := s.daemon.Wait(); err != nil {
				t.Errorf("exit: %v", err)
			}
			if _, err := s.daemon.Says("messages were cut off"); err != nil {
				t.Error(err)
			}
			release()
			err := <-reply
			s.Must(session.Quit())
			s.start()
			if c.action == "accept" {
				s.Must(err)
				d := s.arrived(stalled)
				if d.line.Decision != "aborted" || d.line.Reason != "stopped" || d.signatures() != 0 {
					t.Errorf("%d signatures, log: %s", d.signatures(), d.line.Text)
				}
				s.balances(*c.pf, []mail{stalled}, nil)
				return
			}
			s.deferred(err, noMilter)
			s.balances(*c.pf, nil, []mail{stalled})
			session = s.connect("", c.address) // the client tries again
			s.isSigned(s.send(session, stalled), plain, "lab.test/r1")
			s.Must(session.Quit())
			s.balances(*c.pf, []mail{stalled}, nil)
		})
	}
}

// terminate sends SIGTERM, and returns when the daemon answers nowhere any more.
func (s *story) terminate() {
	s.Helper()
	s.Must(s.daemon.Signal(syscall.SIGTERM))
	for _, address := range s.listen {
		network := "tcp"
		if address[0] == '/' {
			network = "unix"
		}
		s.Must(await.That(address+" refuses connections", func() bool {
			c, err := net.Dial(network, address)
			if err == nil {
				c.Close()
			}
			return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, os.ErrNotExist)
		}))
	}
}
