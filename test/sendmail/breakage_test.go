package sendmail

import (
	"strings"
	"testing"
)

// What Sendmail's SMTP client does to a body: it breaks lines of more than 990 octets, in the header too, and converts 8-bit
// text for a next hop that does not announce 8BITMIME. The milter cannot know the next hop, and warns of 8 bits in any case.
func TestBodiesThatMayBreakAreWarnedOf(t *testing.T) {
	const (
		mime     = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
		eightBit = "Sch\xc3\xb6ne Gr\xc3\xbc\xc3\x9fe\r\n"
		sevenBit = "Schoene Gruesse\r\n"
	)
	const modern, old = "reader@in.test", "reader@old.in.test"
	x := func(n int) string { return strings.Repeat("x", n) }
	s := begin(t, setup{})
	session := s.connect(localAddress)
	for _, c := range []struct {
		name, fields, body, to string
		warnings               string
		breaks                 bool
	}{
		{"nothing special", "", sevenBit, modern, "", false},
		{"nothing special to a next hop without 8BITMIME", "", sevenBit, old, "", false},
		{"8-bit body to a next hop with 8BITMIME", mime, eightBit, modern, "eight-bit-body", false},
		{"8-bit body to one without", mime, eightBit, old, "eight-bit-body", true},
		{"8-bit body without a label to one without", "", eightBit, old, "eight-bit-body", true},
		{"8-bit label on ASCII text", mime, sevenBit, old, "eight-bit-body", false}, // Postfix converts this one
		{"line of 990 octets", "", x(990) + "\r\n", modern, "", false},
		{"line of 991 octets", "", x(991) + "\r\n", modern, "long-line", true},
		{"line of 991 octets at the end of much text", "", strings.Repeat(x(900)+"\r\n", 100) + x(991), modern, "long-line", true},
		{"field of 990 octets", "Subject: " + x(981) + "\r\n", sevenBit, modern, "", false},
		{"field of 991 octets", "Subject: " + x(982) + "\r\n", sevenBit, modern, "long-line", true},
		{"field of 991 octets that is not signed", "X-Trace: " + x(982) + "\r\n", sevenBit, modern, "", false},
		{"both to a next hop without 8BITMIME", mime, x(5000) + "\r\n" + eightBit, old, "eight-bit-body,long-line", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			d := s.send(session, compose("alice@lab.test", "To: a@in.test\r\n"+c.fields+"X-End: y\r\n", c.body), c.to)
			s.agree(d, daemonName, "signed", strings.Join(keys, ","))
			if d.line.Warnings != c.warnings {
				t.Errorf("log: warnings=%s, want %s", d.line.Warnings, c.warnings)
			}
			if c.breaks {
				s.breaks(d.Data)
			} else {
				s.verifies(d)
			}
		})
	}
	s.Must(session.Quit())
}

func TestAwkwardMailKeepsItsSignatureInEveryCanonicalization(t *testing.T) {
	const fields = "To: reader@in.test\r\nSubject:  two blanks,\r\n\t a fold,\r\n  another \r\nIn-Reply-To:<none@lab.test>\r\nX-Eight: Gr\xe9gory\r\n"
	const body = "\r\n  indented \t \r\n.dot\r\n..dots\r\nfrom here \xe9 and \xc3\xa9\r\nFrom here\r\n\r\n \r\nno trailing blank\r\n\r\n\r\n"
	for _, canonicalization := range []string{"relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"} {
		t.Run(canonicalization, func(t *testing.T) {
			s := begin(t, setup{sign: `canonicalization = "` + canonicalization + `"`})
			session := s.connect(localAddress)
			s.isSigned(s.send(session, compose("alice@lab.test", fields, body)), daemonName)
			s.isSigned(s.send(session, compose("alice@lab.test", fields, "")), daemonName)
			s.Must(session.Quit())
		})
	}
}
