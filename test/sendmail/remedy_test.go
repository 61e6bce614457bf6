package sendmail

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sendmail"
	"github.com/postseal/postseal/test/internal/sink"
)

// remedies are the lines of sendmail.mc that docs/sendmail.md recommends.
const remedies = "define(`confMUST_QUOTE_CHARS', `')dnl\n" +
	"define(`SMTP_MAILER_LL', `0')dnl\n" +
	"define(`SMTP_MAILER_FLAGS', `8')dnl\n" +
	"define(`confDONT_EXPAND_CNAMES', `True')dnl\n"

// another starts a Sendmail with further settings, which listens on address.
func another(t *testing.T, address, settings string) {
	t.Helper()
	other, err := sendmail.Start(sendmail.Config{
		Root:       filepath.Join(sandbox.Dir(), fmt.Sprint("sendmail-", count.Add(1))),
		Daemons:    []sendmail.Daemon{{Name: daemonName, Address: address, Milters: []string{"postseal"}}},
		Submission: address,
		NextHop:    sinkAddress,
		Routes:     map[string]string{"old.in.test": oldAddress},
		Settings:   mta.Settings + settings,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := other.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// With them more survives. The log cannot know of them, and warns all the same.
func TestRemediesOfTheManualWork(t *testing.T) {
	const remedied = "127.7.0.7"
	another(t, remedied, remedies)
	if err := dns.Set("alias.test", "CNAME", "lab.test."); err != nil {
		t.Fatal(err)
	}
	s := begin(t, setup{})
	for _, c := range []struct{ name, fields, body, to, warnings string }{
		{"name with an apostrophe", "To: Pat O'Brien <a@in.test>\r\n", "hello\r\n", "reader@in.test", "rewritten-address"},
		{"name with a dot", "To: =?utf-8?q?Dr._M=C3=BCller?= <a@in.test>\r\n", "hello\r\n", "reader@in.test", "rewritten-address"},
		{"long lines", "Subject: " + strings.Repeat("x", 1500) + "\r\n", strings.Repeat("x", 5000) + "\r\n", "reader@in.test", "long-line"},
		{"8-bit body", "To: a@in.test\r\n", "Gr\xc3\xbc\xc3\x9fe\r\n", "reader@old.in.test", "eight-bit-body"},
		{"alias of a domain", "To: a@alias.test\r\n", "hello\r\n", "reader@in.test", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			session := s.connect(localAddress)
			before := s.send(session, compose("alice@lab.test", c.fields, c.body), c.to)
			s.Must(session.Quit())
			s.breaks(before.Data)

			session = s.connect(remedied)
			after := s.send(session, compose("alice@lab.test", c.fields, c.body), c.to)
			s.Must(session.Quit())
			s.verifies(after)
			if before.line.Warnings != c.warnings || after.line.Warnings != c.warnings {
				t.Errorf("warnings=%s and %s, want %s", before.line.Warnings, after.line.Warnings, c.warnings)
			}
		})
	}
}

// MASQUERADE_AS and its like write From anew after the milter, which cannot know: it is for the manual to say.
func TestMasqueradingBreaksTheSignature(t *testing.T) {
	const masked = "127.7.0.8"
	another(t, masked, "MASQUERADE_AS(`masked.test')dnl\nMASQUERADE_DOMAIN(`lab.test')dnl\n")
	s := begin(t, setup{})
	session := s.connect(masked)
	d := s.send(session, letter("alice@lab.test"))
	s.Must(session.Quit())
	if from := sink.Values(d.Data, "From"); len(from) != 1 || from[0] != " alice@masked.test" {
		t.Errorf("From: %q", from)
	}
	s.breaks(d.Data)
}

// What the manual says to write is what these tests ran with.
func TestManualHasTheseLines(t *testing.T) {
	page, err := os.ReadFile("../../docs/sendmail.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(packaged + remedies) {
		if !strings.HasPrefix(line, "dnl ") && !strings.Contains(string(page), "    "+line) {
			t.Errorf("docs/sendmail.md lacks %s", line)
		}
	}
}
