package sendmail

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/sendmail"
)

func TestUnixSocketReachesTheMilter(t *testing.T) {
	s := begin(t, setup{listeners: []listener{{"unix:" + mta.Milter(socketName), "both"}}})
	session := s.connect(socketAddress)
	d := s.send(session, letter("alice@lab.test"))
	s.Must(session.Quit())
	s.isSigned(d, daemonName)
}

// Sendmail sends no ABORT between two messages, only on RSET, and the macros of the envelope once, with MAIL: those of one
// message must not be taken for those of the next.
func TestMessagesOfOneConnectionLeakNothingIntoEachOther(t *testing.T) {
	for _, reset := range []bool{true, false} {
		t.Run(fmt.Sprintf("RSET between: %t", reset), func(t *testing.T) {
			s := begin(t, setup{})
			session := s.login(mxAddress, sendmail.Alice)
			var got []delivery
			for _, from := range []string{"alice@lab.test", "someone@keyless.test", "bob@lab.test"} {
				got = append(got, s.send(session, letter(from)))
				if reset {
					s.Must(session.Reset())
				}
			}
			s.Must(session.Quit())
			s.isSigned(got[0], submissionName)
			s.isLeftAlone(got[1], submissionName, "no-key")
			s.isSigned(got[2], submissionName)
			for i, d := range got {
				if d.line.User != sendmail.Alice {
					t.Errorf("message %d: user=%q", i+1, d.line.User)
				}
			}
			if a, b, c := got[0].queueID, got[1].queueID, got[2].queueID; a == b || b == c || a == c {
				t.Errorf("queue ids %s %s %s", a, b, c)
			}
			if n := len(s.daemon.Messages()); n != 3 {
				t.Errorf("%d lines about messages in the log, want 3", n)
			}
		})
	}
}

func TestAbandonedMessageLeavesTheNextOneWhole(t *testing.T) {
	s := begin(t, setup{})
	session := s.connect(localAddress)
	s.Must(session.Envelope("someone@keyless.test", "reader@in.test"))
	s.Must(session.Reset())
	d := s.send(session, letter("alice@lab.test"))
	s.Must(session.Quit())
	s.isSigned(d, daemonName)
}

func TestTenRecipientsGetOneSignedMessage(t *testing.T) {
	s := begin(t, setup{})
	var to []string
	for i := range 10 {
		to = append(to, fmt.Sprintf("reader%d@in.test", i))
	}
	session := s.connect(localAddress)
	d := s.send(session, letter("alice@lab.test"), to...)
	s.Must(session.Quit())
	s.isSigned(d, daemonName)
	if len(d.To) != 10 {
		t.Errorf("delivered to %v", d.To)
	}
}

func TestThirtyMegabytesAreSigned(t *testing.T) {
	s := begin(t, setup{})
	line := strings.Repeat("0123456789 abcdef ", 4) + "\r\n"
	m := compose("alice@lab.test", "To: reader@in.test\r\nSubject: big\r\n", strings.Repeat(line, 30<<20/len(line)+1))
	session := s.login(mxAddress, sendmail.Alice)
	d := s.send(session, m)
	s.Must(session.Quit())
	s.isSigned(d, submissionName)
	if d.line.Size < 30<<20 {
		t.Errorf("log: size=%d", d.line.Size)
	}
}
