package e2e

import (
	"strings"
	"testing"
)

// What Postfix does to a message after the milter. Its smtp client turns 8-bit bodies into quoted-printable for a next hop that
// does not announce 8BITMIME, and breaks lines of more than 998 octets; both break the signature, and the milter, which cannot
// know the next hop, warns of both. disable_mime_output_conversion = yes and smtp_line_length_limit = 0 cure it: cured.in.test
// is delivered that way, to the same old next hop as old.in.test.
func TestWhatBreaksAfterTheMilterIsWarnedOf(t *testing.T) {
	const (
		mime     = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
		ascii    = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n"
		eightBit = "Sch\xc3\xb6ne Gr\xc3\xbc\xc3\x9fe\r\n"
		sevenBit = "Schoene Gruesse\r\n"
	)
	line := func(n int) string { return strings.Repeat("long ", n/5) + strings.Repeat("x", n%5) + "\r\n" }
	const modern, old, cured = "reader@in.test", "reader@old.in.test", "reader@cured.in.test"
	for _, c := range []struct {
		name, fields, body, to string
		warnings               string
		breaks                 bool
	}{
		{"nothing special", ascii, sevenBit, modern, "", false},
		{"nothing special to a next hop without 8BITMIME", ascii, sevenBit, old, "", false},
		{"8-bit body to a next hop with 8BITMIME", mime, eightBit, modern, "eight-bit-body", false},
		{"8-bit body to one without", mime, eightBit, old, "eight-bit-body", true},
		{"8-bit label on ASCII text", mime, sevenBit, old, "eight-bit-body", true},
		{"8-bit body without a label to one without", "", eightBit, old, "eight-bit-body", false}, // Postfix goes by the label; others do not
		{"8-bit body to one without, not converted", mime, eightBit, cured, "eight-bit-body", false},
		{"line of 998 octets", "", line(998), modern, "", false},
		{"line of 999 octets", "", line(999), modern, "long-line", true},
		{"line of 999 octets at the end of much text", "", strings.Repeat(line(900), 100) + line(999), modern, "long-line", true},
		{"line of 999 octets, not broken", "", line(999), cured, "long-line", false},
		{"field of 998 octets", "X: y\r\nIn-Reply-To: " + strings.Repeat("x", 985) + "\r\n", sevenBit, modern, "", false},
		{"field of 999 octets", "X: y\r\nIn-Reply-To: " + strings.Repeat("x", 986) + "\r\n", sevenBit, modern, "long-line", true},
		{"both to a next hop without 8BITMIME", mime, line(5000) + eightBit, old, "eight-bit-body,long-line", true},
		{"both, neither converted nor broken", mime, line(5000) + eightBit, cured, "eight-bit-body,long-line", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t, setup{})
			session := s.connect("", directAddress)
			d := s.send(session, composeWith("alice@lab.test", "Subject: as it was\r\n"+c.fields, c.body), c.to)
			s.Must(session.Quit())
			s.agree(d, plain, "signed", "lab.test/r1")
			if d.line.Warnings != c.warnings {
				t.Errorf("log: warnings=%s, want %s", d.line.Warnings, c.warnings)
			}
			if c.breaks {
				s.breaks("message", d.Data, 1)
			} else {
				s.verifies(d, "lab.test/r1")
			}
		})
	}
}
