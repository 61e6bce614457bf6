package e2e

import (
	"testing"

	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// {daemon_name} of the two ports.
const (
	originating = "ORIGINATING" // submission: milter_macro_daemon_name
	plain       = sandbox.Hostname
)

func TestAuthenticatedSubmissionFromOutsideIsSigned(t *testing.T) {
	s := begin(t, setup{sign: `trusted_daemons = []`}) // only {auth_authen} is left to say that this is our user
	session := s.login(direct, sandbox.ClientIPv4, sandbox.OuterIPv4, postfix.Alice)
	d := s.send(session, compose("alice@lab.test"))
	s.Must(session.Quit())
	s.isSigned(d, originating, "lab.test/r1")
	if d.line.User != postfix.Alice || d.line.Client != sandbox.ClientIPv4 {
		t.Errorf("log: user=%q client=%q", d.line.User, d.line.Client)
	}
}

func TestSigningTableLineForOneUserIsForThatUserOnly(t *testing.T) {
	s := begin(t, setup{signingtable: "*@lab.test lab user=" + postfix.Alice + "\n"})
	session := s.login(direct, sandbox.ClientIPv4, sandbox.OuterIPv4, postfix.Alice)
	s.isSigned(s.send(session, compose("office@lab.test")), originating, "lab.test/r1")
	s.Must(session.Quit())

	session = s.login(direct, sandbox.ClientIPv4, sandbox.OuterIPv4, postfix.Bob)
	d := s.send(session, compose("office@lab.test"))
	s.Must(session.Quit())
	s.isLeftAlone(d, originating, "no-key")
}

func TestSendmailCommandIsSignedForRootAndForUsers(t *testing.T) {
	s := begin(t, setup{})
	for name, uid := range map[string]uint32{"root": 0, sandbox.Anyone: sandbox.AnyoneID} {
		t.Run(name, func(*testing.T) {
			m := compose(name + "@lab.test")
			s.Must(direct.Sendmail(uid, m.from, []string{"reader@in.test"}, m.lines()))
			s.isSigned(s.arrived(m), plain, "lab.test/r1")
		})
	}
}

func TestStrangersCannotBorrowASignatureByTheirFromField(t *testing.T) {
	s := begin(t, setup{})
	for _, c := range []struct{ name, source, server string }{
		{"IPv4", sandbox.ClientIPv4, sandbox.OuterIPv4},
		{"IPv6", sandbox.ClientIPv6, sandbox.OuterIPv6},
	} {
		t.Run(c.name, func(t *testing.T) {
			session := s.connect(c.source, c.server)
			d := s.send(session, compose("alice@lab.test"))
			s.Must(session.Quit())
			s.isLeftAlone(d, plain, "not-trusted")
			if d.line.Client != c.source {
				t.Errorf("log: client=%q, want %s", d.line.Client, c.source)
			}
		})
	}
}
