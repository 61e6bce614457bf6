package filter

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
)

// What Sendmail 8.17 really does to these is shown by test/sendmail.
func TestSendmailRewrites(t *testing.T) {
	var (
		same        = rewriting{}
		respaced    = rewriting{respaced: true}
		rewritten   = rewriting{rewritten: true}
		unqualified = rewriting{unqualified: true}
	)
	for value, want := range map[string]rewriting{
		"":                                       same,
		" ":                                      same,
		"a@x.example":                            same,
		" a@x.example":                           same,
		" a@x.example ":                          same,
		" a@x.example, b@x.example":              same,
		" a@x.example,\r\n\tb@x.example":         same,
		" a@x.example,  b@x.example":             same,
		` "A, B" <a@x.example>, b@x.example`:     same,
		` "A,\"B" <a@x.example>`:                 same,
		" a@x.example (one,two), b@x.example":    same,
		" (c) a@x.example":                       same,
		" (just a comment)":                      same,
		" (only), a@x.example":                   same,
		" a@x.example, (only)":                   same,
		" Friends: a@x.example, b@x.example;":    same,
		" A: a@x.example;, B: b@x.example;":      same,
		" Friends: ;":                            same,
		" undisclosed-recipients:;":              same,
		" Joe<a@x.example>":                      same,
		" Joe  Doe   <a@x.example> (c)":          same,
		" Joe <a@x.example> Doe":                 same,
		" Joe\r\n\tDoe\r\n\t<a@x.example>":       same,
		" Joe (J. Boss) <a@x.example>":           same,
		` Joe "X." Doe <a@x.example>`:            same,
		" =?utf-8?q?J=2E?= <a@x.example>":        same,
		" J\xc3\xb6rg <a@x.example>":             same,
		" Joe & Co/2 #1 *+=?^{|}~ <a@x.example>": same,
		` "a b"@x.example`:                       same,
		" a..b'c%d@x.example":                    same,
		" a@[192.0.2.77]":                        same,
		" a@[IPv6:2001:db8::77]":                 same,
		" <>":                                    same,

		" a@x.example,b@x.example":    respaced,
		" a@x.example , b@x.example":  respaced,
		" a@x.example\t, b@x.example": respaced,
		" a@x.example,, b@x.example":  respaced,
		" a@x.example,":               respaced,
		" Joe <a@x.example>, ":        respaced,
		" ,":                          respaced,
		" Joe < a@x.example >":        respaced,
		" a @ x.example":              respaced,
		" a@x.example b@x.example":    respaced,
		" a@x.example(c)":             respaced,
		" a(c)@x.example":             respaced,
		" Friends: a@x.example ;":     respaced,
		" Friends: a@x.example,;":     respaced,
		" a@x.example; b@x.example":   respaced,

		" O'Brien <a@x.example>":               rewritten,
		" J. Doe <a@x.example>":                rewritten,
		" =?utf-8?q?J._D?= <a@x.example>":      rewritten,
		` "Joe" J. Doe <a@x.example>`:          rewritten,
		" a@x.example <a@x.example>":           rewritten,
		" Joe [x] <a@x.example>":               rewritten,
		` Joe \x <a@x.example>`:                rewritten,
		" J. Friends: a@x.example;":            rewritten,
		" <@r.example:a@x.example>":            rewritten,
		" <@r.example,@s.example:a@x.example>": rewritten,
		" a@x.example.":                        rewritten,
		" a@x.example:":                        rewritten,
		" a@":                                  rewritten,
		" Joe <<a@x.example>>":                 rewritten,
		" Joe <a@x.example":                    rewritten,
		" a@x.example>":                        rewritten,
		` a@x.example\`:                        rewritten,

		" bob":                    unqualified,
		" a@x.example, bob":       unqualified,
		" Bob <bob>, a@x.example": unqualified,
		` "quoted@inside"`:        unqualified,
		" bob%host":               unqualified,
		" host!bob":               unqualified,
		" bob@localhost":          unqualified,
		" bob, joe":               unqualified,

		" a@x.example, " + strings.Repeat("b", 985) + "@x.example": {long: true},
		strings.Repeat(" a@x.example,", 500) + " b@x.example":      same,
	} {
		if got := sendmailRewrites([]byte(value), sendmailLine-4); got != want {
			t.Errorf("%.80q: got %+v, want %+v", value, got, want)
		}
	}
}

func TestHeaderWarnings(t *testing.T) {
	all, err := dkim.MailAssure().Compile()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		header string
		signed func(dkim.Selection) dkim.Selection
		want   []string
	}{
		"all that there is": {
			header: "From: O'Brien <a@x.example>\r\nTo: a@x.example,b@x.example\r\nCc: bob\r\nBcc: secret@x.example\r\n",
			want:   []string{warnDropped, warnRespaced, warnRewritten, warnUnqualified},
		},
		"nothing is dropped that is not there": {
			header: "From: a@x.example\r\nTo: a@x.example,b@x.example\r\n",
			want:   []string{warnRespaced},
		},
		"what is not signed may change": {
			header: "From: a@x.example\r\nTo: a@x.example,b@x.example\r\nBcc: secret@x.example\r\nErrors-To: bob\r\n",
			signed: func(s dkim.Selection) dkim.Selection { return s.Omit("To", "Bcc") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			headers := all
			if c.signed != nil {
				if headers, err = c.signed(dkim.MailAssure()).Compile(); err != nil {
					t.Fatal(err)
				}
			}
			fields, _, err := dkim.ParseFields([]byte(c.header + "\r\n"))
			if err != nil {
				t.Fatal(err)
			}
			if got, long := headerWarnings(fields, FragileOf(headers), false); !slices.Equal(got, c.want) || long {
				t.Errorf("got %v %t, want %v", got, long, c.want)
			}
		})
	}
}

func TestLongLinesOfSignedFields(t *testing.T) {
	headers, err := dkim.Default().Compile()
	if err != nil {
		t.Fatal(err)
	}
	line := func(start string, n int) string { return start + strings.Repeat("x", n-len(start)) }
	for name, c := range map[string]struct {
		header string
		folded []string
		want   bool
	}{
		"of 998 octets":             {line("Subject: ", 998), nil, false},
		"of 999 octets":             {line("Subject: ", 999), nil, true},
		"of 999 octets, folded":     {"Subject: a\r\n" + line(" ", 999), nil, true},
		"much, in short lines":      {"Subject: a" + strings.Repeat("\r\n "+line("", 900), 3), nil, false},
		"not signed":                {line("X-Trace: ", 2000), nil, false},
		"folded anew by Sendmail":   {line("to: ", 2000), []string{"To"}, false},
		"an address list elsewhere": {line("To: ", 2000), nil, true},
	} {
		fields, _, err := dkim.ParseFields([]byte(c.header + "\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := hasLongLine(fields, headers, postfixLine, c.folded); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

func TestSendmailFolds(t *testing.T) {
	for value, want := range map[string]bool{
		"":                           false,
		" ":                          true,
		" a@x.example":               false,
		"  a@x.example":              false,
		" a@x.example ":              true,
		" a@x.example, b@x.example":  false,
		" a@x.example,  b@x.example": true,
		" a@x.example,\tb@x.example": true,
		" a@x.example,b@x.example":   true,
		" a@x.example,":              true,
		" Joe\r\n\t<a@x.example>":    true,
		" " + strings.Repeat("a", 80) + "@x.example":        false,
		strings.Repeat(" a@x.example,", 6) + " b@x.example": true,
	} {
		if got := sendmailFolds([]byte(value)); got != want {
			t.Errorf("%q: %t, want %t", value, got, want)
		}
	}
}

// The reader sees what strangers wrote. A fold is a blank like any other.
func FuzzSendmailRewrites(f *testing.F) {
	f.Add([]byte(` "A, B" <a@x.example>, (c(d)\) e) b@[192.0.2.1];, F: <@r:a`))
	f.Add([]byte("a@x.example,\n\tb@x.example\\"))
	f.Fuzz(func(t *testing.T, value []byte) {
		unfolded := bytes.ReplaceAll(value, []byte("\n"), []byte(" "))
		if a, b := sendmailRewrites(value, sendmailLine), sendmailRewrites(unfolded, sendmailLine); a != b {
			t.Errorf("%q: %+v, unfolded %+v", value, a, b)
		}
	})
}
