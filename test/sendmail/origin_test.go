package sendmail

import (
	"bytes"
	"testing"

	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sendmail"
	"github.com/postseal/postseal/test/internal/sink"
)

// A client that authenticates is trusted wherever it is; Sendmail tells by {auth_type} and {auth_authen} in each MAIL.
func TestAuthenticatedSubmissionFromOutsideIsSigned(t *testing.T) {
	s := begin(t, setup{})
	session := s.login(mxAddress, sendmail.Alice)
	d := s.send(session, letter("alice@lab.test"))
	s.Must(session.Quit())
	s.isSigned(d, submissionName)
	s.breaks(changed(d.Data, "\r\n\r\n"))
	s.breaks(changed(d.Data, "\r\nSubject:"))
	if d.line.User != sendmail.Alice || d.line.Client != sandbox.ClientIPv4 {
		t.Errorf("log: user=%q client=%q", d.line.User, d.line.Client)
	}
}

// {daemon_name} is the Name of DAEMON_OPTIONS.
func TestSubmissionDaemonCanBeTrustedByItsName(t *testing.T) {
	s := begin(t, setup{sign: "trusted_networks = []\ntrusted_daemons = [\"" + daemonName + "\"]"})
	session := s.connect(localAddress)
	d := s.send(session, letter("alice@lab.test"))
	s.Must(session.Quit())
	s.isSigned(d, daemonName)
}

func TestSigningTableLineForOneUserIsForThatUserOnly(t *testing.T) {
	s := begin(t, setup{})
	s.Write("signingtable", "*@lab.test lab user="+sendmail.Alice+"\n")
	if l, err := s.daemon.Reload(); err != nil || l.Level != "INFO" {
		t.Fatalf("reload: %s, %v", l.Text, err)
	}
	session := s.login(mxAddress, sendmail.Alice)
	s.isSigned(s.send(session, letter("office@lab.test")), submissionName)
	s.Must(session.Quit())

	session = s.login(mxAddress, sendmail.Bob)
	d := s.send(session, letter("office@lab.test"))
	s.Must(session.Quit())
	s.isLeftAlone(d, submissionName, "no-key")
}

// sendmail(1) hands mail to the submission program, and that to the MTA by SMTP from 127.0.0.1. What the former adds, Date and
// Message-ID, is there before the milter sees the message, and is signed.
func TestSendmailCommandIsSignedForRootAndForUsers(t *testing.T) {
	s := begin(t, setup{})
	for name, uid := range map[string]uint32{"root": 0, sandbox.Anyone: sandbox.AnyoneID} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			m := raw(name+"@lab.test", "From: "+name+"@lab.test\r\nTo: reader@in.test,other@in.test\r\nSubject: by hand\r\n\r\nhello\r\n")
			s.Must(mta.Submit(uid, m.envelope, []string{"reader@in.test"}, m.lines()))
			d := s.arrived(m)
			s.verifies(d)
			if d.line.Decision != "signed" || d.line.Warnings != "" { // the list was respaced before
				t.Errorf("log: %s", d.line.Text)
			}
			for _, field := range []string{"Date", "Message-ID"} {
				if values := sink.Values(d.Data, field); len(values) != 1 || !covers(d.Data, field) {
					t.Errorf("%s: %q, signed: %t", field, values, covers(d.Data, field))
				}
			}
		})
	}
}

func TestStrangersCannotBorrowASignatureByTheirFromField(t *testing.T) {
	s := begin(t, setup{listeners: []listener{{"inet:" + inetMilter, "sign"}}})
	for _, server := range []string{sandbox.OuterIPv4, sandbox.OuterIPv6} {
		t.Run(server, func(t *testing.T) {
			s := s.in(t)
			session := s.connect(server)
			d := s.send(session, letter("alice@lab.test"))
			s.Must(session.Quit())
			s.isLeftAlone(d, daemonName, "not-trusted")
			if d.line.Client != outside[server] {
				t.Errorf("log: client=%q, want %s", d.line.Client, outside[server])
			}
		})
	}
}

// Sendmail shows the mail that it writes itself to no milter: bounces leave unsigned, and the log cannot know of them.
func TestBouncesAreNotSigned(t *testing.T) {
	s := begin(t, setup{})
	m := letter("alice@lab.test")
	session := s.connect(localAddress)
	s.Must(s.offer(session, m, "reject@in.test"))
	s.Must(session.Quit())
	bounce, err := nextHop.Wait("the bounce", func(got *sink.Message) bool {
		return got.From == "" && bytes.Contains(got.Data, []byte(m.envelope))
	})
	s.Must(err)
	s.isUnsigned(delivery{Message: bounce})
	if all := s.daemon.Messages(); len(all) != 1 || all[0].Decision != "signed" {
		t.Errorf("the log says %+v", all)
	}
}
