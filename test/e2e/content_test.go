package e2e

import (
	"testing"

	"github.com/postseal/postseal/test/internal/postfix"
)

func TestRSAAndEd25519SignTogether(t *testing.T) {
	s := begin(t, setup{keytable: key("lab", "r1") + key("lab", "e1")})
	session := s.login(direct, "", directAddress, postfix.Alice)
	d := s.send(session, compose("alice@lab.test"))
	s.Must(session.Quit())
	s.isSigned(d, originating, "lab.test/r1", "lab.test/e1")
}

// What the milter protocol changes on its way (blanks after the colon, line ends in folded fields, bytes above 127) must
// arrive as it was signed, in every canonicalization.
func TestAwkwardHeadersAndBodiesKeepTheirSignature(t *testing.T) {
	const fields = "Subject:  two blanks,\r\n\t a fold,\r\n  another \r\n" +
		"Reply-To:\"no blank, J\xc3\xb6rg\" <joerg@lab.test>,\r\n\t\"Gr\xe9gory\" <gregory@lab.test>\r\nCc:\r\n\treader2@in.test\r\n"
	const body = "\r\n  indented \t \r\n.dot\r\n..dots\r\nfrom here \xe9 and \xc3\xa9\r\nFrom here\r\n\r\n \r\nno trailing blank\r\n\r\n\r\n"
	for _, canonicalization := range []string{"relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"} {
		t.Run(canonicalization, func(t *testing.T) {
			s := begin(t, setup{
				keytable: key("lab", "r1") + key("lab", "e1"),
				sign:     `canonicalization = "` + canonicalization + `"`,
			})
			session := s.login(direct, "", directAddress, postfix.Alice)
			d := s.send(session, composeWith("alice@lab.test", fields, body))
			s.Must(session.Quit())
			s.isSigned(d, originating, "lab.test/r1", "lab.test/e1")
		})
	}
}

func TestEmptyBodyIsSigned(t *testing.T) {
	s := begin(t, setup{})
	session := s.login(direct, "", directAddress, postfix.Alice)
	d := s.send(session, composeWith("alice@lab.test", "Subject: nothing to say\r\n", ""))
	s.Must(session.Quit())
	s.isSigned(d, originating, "lab.test/r1")
}
