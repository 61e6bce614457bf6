package sendmail

import (
	"fmt"
	"strings"
	"testing"
)

// What Sendmail 8.17 makes of an address list after the milter. A list that it changes beyond what relaxed canonicalization
// forgives breaks the signature, and the log has said so; all others survive, and the log was silent.
var lists = []struct {
	list     string
	warnings string
}{
	{"a@in.test", ""},
	{"a@in.test, b@in.test", ""},
	{"a@in.test,  b@in.test", ""},
	{"a@in.test,\tb@in.test", ""},
	{"a@in.test,\r\n\t  b@in.test", ""},
	{"\r\n\ta@in.test", ""},
	{" two blanks <a@in.test> ", ""},
	{"<a@in.test>", ""},
	{"Joe<a@in.test>", ""},
	{"Joe  Doe   <a@in.test>", ""},
	{"Joe\r\n\tDoe\r\n\t<a@in.test>", ""},
	{"Joe <a@in.test> Doe", ""},
	{"A  B\t<a@in.test>  (c)", ""},
	{"\"Q, Uoted\" <a@in.test>, b@in.test", ""},
	{"Joe \"X.\" Doe <a@in.test>", ""},
	{"Joe (J. Boss, Ph.D.) <a@in.test>", ""},
	{"a@in.test (one,two), (c) b@in.test", ""},
	{"a@in.test\r\n\t(folded\r\n\tcomment)", ""},
	{"(only), a@in.test", ""},
	{"=?utf-8?q?J=C3=B6rg?= <a@in.test>", ""},
	{"J\xc3\xb6rg <a@in.test>", ""},
	{"\"J\xc3\xb6rg. X\" <a@in.test>", ""},
	{"Joe & Co/2 #1 *+=?^{|}~ <a@in.test>", ""},
	{"undisclosed-recipients:;", ""},
	{"Friends: a@in.test, b@in.test;", ""},
	{"A: a@in.test;, B: b@in.test;", ""},
	{"\"a b\"@IN.Test", ""},
	{"a..b'c%d@in.test", ""},
	{"a@[192.0.2.77]", ""},
	{"a@[IPv6:2001:db8::77]", ""},
	{"<>", ""},
	{"", ""},
	{folded(60), ""},                                    // one address a line
	{strings.ReplaceAll(folded(60), "\r\n\t", " "), ""}, // all on one line of 2 KB
	{strings.ReplaceAll(folded(60), ",\r\n", " ,\r\n"), "respaced-addresses"},

	{"a@in.test,b@in.test", "respaced-addresses"},
	{"a@in.test , b@in.test", "respaced-addresses"},
	{"<a@in.test>,<b@in.test>", "respaced-addresses"},
	{"a@in.test,, b@in.test", "respaced-addresses"},
	{"a@in.test,", "respaced-addresses"},
	{"Joe < a@in.test >", "respaced-addresses"},
	{"a @ in.test", "respaced-addresses"},
	{"a@in.test b@in.test", "respaced-addresses"},
	{"a@in.test(c)", "respaced-addresses"},
	{"Friends: a@in.test ;", "respaced-addresses"},
	{"Friends: a@in.test,b@in.test;", "respaced-addresses"},
	{"a@in.test; b@in.test", "respaced-addresses"},
	{"O'Brien <a@in.test>", "rewritten-address"},
	{"J. Doe <a@in.test>", "rewritten-address"},
	{"=?utf-8?q?Dr._M=C3=BCller?= <a@in.test>", "rewritten-address"},
	{"\"Joe\" J. Doe <a@in.test>", "rewritten-address"},
	{"a@in.test <a@in.test>", "rewritten-address"},
	{"Joe [x] <a@in.test>", "rewritten-address"},
	{"J. Friends: a@in.test;", "rewritten-address"},
	{"<@relay.test:a@in.test>", "rewritten-address"},
	{"a@in.test.", "rewritten-address"},
	{"Joe <a@in.test", "rewritten-address"},
	{"bob", "unqualified-address"},
	{"Bob <bob>, a@in.test", "unqualified-address"},
	{"\"bob@inside\"", "unqualified-address"},
	{"bob@localhost", "unqualified-address"},
	{"bob@mx", "unqualified-address"},
	{"bob, joe,O'Brien <a@in.test>", "respaced-addresses,rewritten-address,unqualified-address"},
	{strings.Repeat("b", 985) + "@in.test", "long-line"},
}

// folded is a list as mail programs fold it.
func folded(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("Reader Number %d <reader%d@in.test>", i, i))
	}
	return strings.Join(all, ",\r\n\t")
}

func TestAddressListsThatBreakAreWarnedOfAndOthersSurvive(t *testing.T) {
	s := begin(t, setup{})
	session := s.connect(localAddress)
	for _, c := range lists {
		t.Run(fmt.Sprintf("%.60q", c.list), func(t *testing.T) {
			s := s.in(t)
			s.survivesUnless(c.warnings, s.send(session, compose("alice@lab.test", "To: "+c.list+"\r\nX-End: y\r\n", "hello\r\n")))
		})
	}
	s.Must(session.Quit())
}

// Simple canonicalization of the header forgives nothing.
func TestListsUnderSimpleCanonicalization(t *testing.T) {
	s := begin(t, setup{sign: `canonicalization = "simple/relaxed"`})
	session := s.connect(localAddress)
	for list, warnings := range map[string]string{
		" a@in.test":                               "",
		"a@in.test":                                "",
		"  Joe  Doe <a@in.test>":                   "",
		" a@in.test, b@in.test":                    "",
		" a@in.test,  b@in.test":                   "respaced-addresses",
		" a@in.test,\tb@in.test":                   "respaced-addresses",
		" a@in.test,\r\n b@in.test":                "respaced-addresses",
		"\r\n\ta@in.test":                          "respaced-addresses",
		" a@in.test ":                              "respaced-addresses",
		" " + folded(9):                            "respaced-addresses",
		" " + strings.Repeat("b", 75) + "@in.test": "",
	} {
		t.Run(fmt.Sprintf("%.60q", list), func(t *testing.T) {
			s := s.in(t)
			s.survivesUnless(warnings, s.send(session, compose("alice@lab.test", "To:"+list+"\r\nX-End: y\r\n", "hello\r\n")))
		})
	}
	s.Must(session.Quit())
}

// survivesUnless checks that the log warns of just these, and that the signatures hold unless it does.
func (s *story) survivesUnless(warnings string, d delivery) {
	s.Helper()
	s.agree(d, daemonName, "signed", strings.Join(keys, ","))
	if d.line.Warnings != warnings {
		s.Errorf("log: warnings=%s, want %s", d.line.Warnings, warnings)
	}
	if warnings == "" {
		s.verifies(d)
	} else {
		s.breaks(d.Data)
	}
}

// The other fields that Sendmail writes anew, adds or removes.
func TestFieldsThatSendmailChanges(t *testing.T) {
	s := begin(t, setup{})
	session := s.connect(localAddress)
	const date, id = "Date: Sat, 21 Nov 2026 21:00:00 +0000\r\n", "Message-ID: <1@lab.test>\r\n"
	for _, c := range []struct {
		name, header string
		warnings     string
		has, hasNot  string // of the delivered header
	}{
		{"From with an apostrophe", "From: Pat O'Brien <alice@lab.test>\r\n" + date + id, "rewritten-address", "From: \"Pat O'Brien\" <", ""},
		{"quoted From", "From: \"Pat O'Brien\" <alice@lab.test>\r\n" + date + id, "", "From: \"Pat O'Brien\" <", ""},
		{"Cc", "From: alice@lab.test\r\nCc: a@in.test,b@in.test\r\n" + date + id, "respaced-addresses", "Cc: a@in.test, b@in.test", ""},
		{"Reply-To", "From: alice@lab.test\r\nReply-To: bob\r\n" + date + id, "unqualified-address", "Reply-To: bob@mx.lab.test", ""},
		{"a field that is not signed", "From: alice@lab.test\r\nErrors-To: bob,joe\r\n" + date + id, "", "Errors-To: bob@mx.lab.test, joe@mx.lab.test", ""},
		{"Date is added", "From: alice@lab.test\r\n" + id, "", "Date: ", ""},
		{"Message-ID is added", "From: alice@lab.test\r\n" + date, "", "Message-Id: <", ""},
		{"both are added", "From: alice@lab.test\r\n", "", "Message-Id: <", ""},
		{"Bcc is dropped", "From: alice@lab.test\r\nTo: a@in.test\r\nBcc: secret@in.test\r\n" + date + id, "", "To: a@in.test", "Bcc"},
		{"Return-Path is dropped", "Return-Path: <x@y.test>\r\nFrom: alice@lab.test\r\n" + date + id, "", "From:", "Return-Path"},
		{"Resent-Date is added", "Resent-From: alice@lab.test\r\nFrom: alice@lab.test\r\n" + date + id, "", "Resent-Date:", ""},
		{"leading blanks and folds", "From:alice@lab.test\r\nSubject:  two blanks,\r\n\t a fold,\r\n  another \r\nX-Empty:\r\n" + date + id, "", "Subject:  two blanks,\r\n\t a fold,\r\n  another \r\n", ""},
		{"many references, folded", "From: alice@lab.test\r\n" + date + id + "References: <1@lab.test>" + strings.Repeat("\r\n <a@lab.test>", 200) + "\r\n", "", "References:", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			d := s.send(session, raw("alice@lab.test", c.header+"\r\nhello\r\n"))
			s.survivesUnless(c.warnings, d)
			if header := string(d.Header()); !strings.Contains(header, c.has) || c.hasNot != "" && strings.Contains(header, "\r\n"+c.hasNot+":") {
				t.Errorf("want %q and no %q in\n%s", c.has, c.hasNot, header)
			}
		})
	}
	s.Must(session.Quit())
}

// Whoever signs what does not survive is told, and can leave it out.
func TestSignedBccBreaksAndIsWarnedOf(t *testing.T) {
	s := begin(t, setup{sign: `headers = "mail-assure"`})
	session := s.connect(localAddress)
	bcc := compose("alice@lab.test", "To: a@in.test\r\nBcc: secret@in.test\r\n", "hello\r\n")
	s.survivesUnless("dropped-field", s.send(session, bcc))
	s.survivesUnless("", s.send(session, letter("alice@lab.test")))
	s.Must(session.Quit())
}

func TestOmittedFieldMayChange(t *testing.T) {
	s := begin(t, setup{sign: `omit_headers = ["To"]`})
	session := s.connect(localAddress)
	s.survivesUnless("", s.send(session, compose("alice@lab.test", "To: a@in.test,bob\r\n", "hello\r\n")))
	s.Must(session.Quit())
}
