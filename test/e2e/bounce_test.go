package e2e

import (
	"bytes"
	"testing"

	"github.com/postseal/postseal/test/internal/postfix"
)

// Postfix shows its own bounces to the milter with internal_mail_filter_classes = bounce, which direct has.
func TestBounceIsSigned(t *testing.T) {
	s := begin(t, setup{})
	bounce := s.bounced(direct)
	var err error
	bounce.line, err = s.daemon.Message(bounce.queueID)
	s.Must(err)
	bounce.sent = withoutFirstField(bounce.Data) // Postfix wrote it: what the milter was shown is what arrived, less the signature
	s.isSigned(bounce, plain, "lab.test/r1")
}

// withoutFirstField is msg without the field at its top, folds and all.
func withoutFirstField(msg []byte) []byte {
	for rest := msg; ; {
		_, after, _ := bytes.Cut(rest, []byte("\r\n"))
		if len(after) == 0 || after[0] != ' ' && after[0] != '\t' {
			return after
		}
		rest = after
	}
}

// Without that setting, which is Postfix's default, no milter sees a bounce: it leaves unsigned, and the log cannot know of it.
func TestBounceThatPostfixKeepsFromTheMilterIsNotSigned(t *testing.T) {
	s := begin(t, setup{})
	s.passedBy(s.bounced(lenient))
}

// bounced has root's mail to an unknown user returned, and waits for what comes back.
func (s *story) bounced(pf *postfix.Postfix) delivery {
	s.Helper()
	m := compose("alice@lab.test")
	s.Must(pf.Sendmail(0, m.from, []string{"reject@in.test"}, m.lines()))
	bounce := s.delivered(mail{from: "MAILER-DAEMON@lab.test", token: m.token}) // it quotes the Message-ID
	if bounce.From != "" {
		s.Errorf("a bounce from <%s>", bounce.From)
	}
	s.Must(pf.Emptied())
	return bounce
}

// A null sender is no sender, but a milter signs for the author in From.
func TestMailWithANullSenderIsSignedForItsAuthor(t *testing.T) {
	s := begin(t, setup{})
	m := compose("vacation@lab.test")
	session := s.connect("", directAddress)
	s.Must(session.Send("", []string{"reader@in.test"}, m.data))
	s.Must(session.Quit())
	d := s.arrived(m)
	if d.From != "" {
		t.Errorf("arrived from <%s>", d.From)
	}
	s.isSigned(d, plain, "lab.test/r1")
}
