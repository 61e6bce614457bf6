package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/postfix"
)

func TestEveryKindOfSocketReachesTheMilter(t *testing.T) {
	s := begin(t, setup{})
	for _, c := range []struct {
		name    string
		pf      *postfix.Postfix
		address string
	}{
		{"TCP", direct, directAddress},
		{"unix socket", direct, unixAddress},
		{"unix socket from Postfix's chroot", jailed, jailedAddress},
	} {
		t.Run(c.name, func(*testing.T) {
			session := s.login(c.pf, "", c.address, postfix.Alice)
			d := s.send(session, compose("alice@lab.test"))
			s.Must(session.Quit())
			s.isSigned(d, originating, "lab.test/r1")
		})
	}
	t.Run("sendmail(1) and a chrooted cleanup", func(*testing.T) {
		m := compose("root@lab.test")
		s.Must(jailed.Sendmail(0, m.from, []string{"reader@in.test"}, m.lines()))
		s.isSigned(s.arrived(m), plain, "lab.test/r1")
	})
}

func TestMessagesOfOneConnectionLeakNothingIntoEachOther(t *testing.T) {
	s := begin(t, setup{})
	session := s.connect("", directAddress)
	var got []delivery
	for _, from := range []string{"alice@lab.test", "someone@keyless.test", "bob@lab.test"} {
		got = append(got, s.send(session, compose(from)))
		s.Must(session.Reset())
	}
	s.Must(session.Quit())
	s.isSigned(got[0], plain, "lab.test/r1")
	s.isLeftAlone(got[1], plain, "no-key")
	s.isSigned(got[2], plain, "lab.test/r1")
	if a, b, c := got[0].queueID, got[1].queueID, got[2].queueID; a == b || b == c || a == c {
		t.Errorf("queue ids %s %s %s", a, b, c)
	}
	if n := len(s.daemon.Messages()); n != 3 {
		t.Errorf("%d lines about messages in the log, want 3", n)
	}
}

func TestAbandonedMessageLeavesTheNextOneWhole(t *testing.T) {
	s := begin(t, setup{})
	session := s.connect("", directAddress)
	s.Must(session.Envelope("someone@keyless.test", "reader@in.test"))
	s.Must(session.Reset())
	d := s.send(session, compose("alice@lab.test"))
	s.Must(session.Quit())
	s.isSigned(d, plain, "lab.test/r1")
}

func TestTenRecipientsGetOneSignedMessage(t *testing.T) {
	s := begin(t, setup{})
	var to []string
	for i := range 10 {
		to = append(to, fmt.Sprintf("reader%d@in.test", i))
	}
	session := s.connect("", directAddress)
	d := s.send(session, compose("alice@lab.test"), to...)
	s.Must(session.Quit())
	s.isSigned(d, plain, "lab.test/r1")
	if len(d.To) != 10 {
		t.Errorf("delivered to %v", d.To)
	}
}

func TestThirtyMegabytesAreSigned(t *testing.T) {
	s := begin(t, setup{keytable: key("lab", "r1") + key("lab", "e1")})
	line := strings.Repeat("0123456789 abcdef ", 4) + "\r\n"
	m := composeWith("alice@lab.test", "Subject: big\r\n", strings.Repeat(line, 30<<20/len(line)+1))
	session := s.login(direct, "", directAddress, postfix.Alice)
	d := s.send(session, m)
	s.Must(session.Quit())
	s.agree(d, originating, "signed", "lab.test/r1,lab.test/e1")
	s.verifies(d, "lab.test/r1", "lab.test/e1") // what a changed byte does, smaller messages show at less expense
	if d.line.Size < 30<<20 {
		t.Errorf("log: size=%d", d.line.Size)
	}
}
