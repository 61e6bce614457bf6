package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/postseal/postseal/test/internal/judge"
)

// A content filter hands each message back to Postfix, whose second smtpd has the milter too: no second signature.
func TestReinjectedMessageKeepsItsOneSignature(t *testing.T) {
	s := begin(t, setup{})
	session := s.connect("", directAddress)
	d := s.send(session, compose("alice@lab.test"))
	s.isSigned(d, plain, "lab.test/r1")

	again := s.send(session, d.filtered(""))
	s.Must(session.Quit())
	s.agree(again, plain, "unsigned", "")
	if again.line.Reason != "already-signed" {
		t.Errorf("reason %q, want already-signed", again.line.Reason)
	}
	s.verifies(again, "lab.test/r1")
}

// What a filter has changed needs a new signature; it stands above the broken one.
func TestReinjectedMessageThatWasChangedIsSignedAnew(t *testing.T) {
	s := begin(t, setup{})
	session := s.connect("", directAddress)
	d := s.send(session, compose("alice@lab.test"))
	s.verifies(d, "lab.test/r1")

	again := s.send(session, d.filtered("-- \r\nseen by a filter\r\n"))
	s.Must(session.Quit())
	s.agree(again, plain, "signed", "lab.test/r1")
	for _, j := range judge.All {
		if v := s.verdicts(j, again.Data, 2); len(v) == 2 && (!v[0].Pass || v[1].Pass) {
			t.Errorf("%s: want the upper signature alone to pass: %v", j.Name, v)
		}
	}
}

// A key that has not signed yet does so, and only that one.
func TestReinjectedMessageGetsTheSignatureThatIsMissing(t *testing.T) {
	s := begin(t, setup{})
	session := s.connect("", directAddress)
	d := s.send(session, compose("alice@lab.test"))
	s.verifies(d, "lab.test/r1")

	s.Write("keytable", key("lab", "r1")+key("lab", "e1"))
	s.reload()
	again := s.send(session, d.filtered(""))
	s.Must(session.Quit())
	s.agree(again, plain, "signed", "lab.test/e1")
	s.verifies(again, "lab.test/r1", "lab.test/e1")
}

// filtered is the delivered message as a content filter hands it back: with a field on top, and footer at the end.
func (d delivery) filtered(footer string) mail {
	m := mail{from: d.author, token: fmt.Sprintf("scan-%d-", mails.Add(1))}
	m.data = slices.Concat([]byte("X-Scanned: "+m.token+"\r\n"), d.Data, []byte(footer))
	return m
}
