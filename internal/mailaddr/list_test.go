package mailaddr

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func one(local, domain string) List {
	return List{Mailboxes: []Address{{Local: local, Domain: domain}}}
}

// Table T-From of docs/standards: who the author is.
func TestParseListTFrom(t *testing.T) {
	tests := []struct {
		name, from string
		want       List
		err        error
	}{
		{
			name: "group",
			from: "Friends: alice@d.example, bob@d.example;",
			want: List{
				Mailboxes: []Address{{"alice", "d.example"}, {"bob", "d.example"}},
				Groups:    true,
			},
		},
		{
			name: "two authors",
			from: "a@d.example, b@evil.example",
			want: List{Mailboxes: []Address{{"a", "d.example"}, {"b", "evil.example"}}},
		},
		{name: "address in a quoted display name", from: `"ceo@bank.example" <alice@d.example>`, want: one("alice", "d.example")},
		{name: "encoded word", from: "=?utf-8?B?Y2VvQGJhbmsuZXhhbXBsZQ==?= <alice@d.example>", want: one("alice", "d.example")},
		{name: "quoted local part", from: `"a b\"c"@d.example`, want: one(`a b"c`, "d.example")},
		{name: "at-sign in a quoted local part", from: `"x@bank.example"@d.example`, want: one("x@bank.example", "d.example")},
		{name: "comments everywhere", from: `(c1) alice (c2) @ (c3 \) @evil) d.example (c4)`, want: one("alice", "d.example")},
		{name: "obsolete route", from: "<@evil.example,@x.example:alice@d.example>", want: one("alice", "d.example")},
		{name: "two angle addresses", from: "<ceo@bank.example> <alice@d.example>", err: ErrSyntax},
		{name: "empty angle", from: "<>", err: ErrNoMailbox},
		{name: "empty", from: "", err: ErrNoMailbox},
		{name: "junk", from: "@@@ <<>>", err: ErrSyntax},
		{name: "U-label", from: "alice@bücher.example", want: one("alice", "xn--bcher-kva.example")},
		{name: "A-label", from: "alice@xn--bcher-kva.example", want: one("alice", "xn--bcher-kva.example")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkList(t, tt.from, tt.want, tt.err) })
	}
}

func TestParseList(t *testing.T) {
	tests := []struct {
		name, from string
		want       List
		err        error
	}{
		{name: "plain", from: " alice@example.com", want: one("alice", "example.com")},
		{name: "case of the domain", from: "Alice@EXAMPLE.Com", want: one("Alice", "example.com")},
		{name: "display name", from: "Alice B. Cee <alice@example.com>", want: one("alice", "example.com")},
		{name: "no display name", from: "<alice@example.com>", want: one("alice", "example.com")},
		{name: "folded with LF", from: " Alice\n\t<alice@example.com>\n", want: one("alice", "example.com")},
		{name: "folded with CRLF", from: " Alice\r\n <alice@example.com>\r\n", want: one("alice", "example.com")},
		{name: "fold in a quoted name", from: "\"Alice\n B\" <alice@example.com>", want: one("alice", "example.com")},
		{name: "fold in a quoted local part", from: "\"a\r\n b\"@example.com", want: one("a b", "example.com")},
		{name: "line end without fold", from: "alice@example.com\nbob", err: ErrSyntax},
		{name: "bare CR", from: "alice@example.com\r", err: ErrSyntax},
		{name: "nested comments", from: "a(1(2(3)2)1)@(x)example(y).(z)com", want: one("a", "example.com")},
		{name: "comment without end", from: "alice@example.com (who", err: ErrSyntax},
		{name: "comment ends in a backslash", from: `alice@example.com (who\`, err: ErrSyntax},
		{name: "quote without end", from: `"alice@example.com`, err: ErrSyntax},
		{name: "quote ends in a backslash", from: `"alice\`, err: ErrSyntax},
		{name: "angle without end", from: "Alice <alice@example.com", err: ErrSyntax},
		{name: "raw 8-bit display name", from: "Andr\xe9 <a@example.com>", want: one("a", "example.com")},
		{name: "UTF-8 local part", from: "andré@example.com", want: one("andré", "example.com")},
		{name: "obsolete local part", from: `a . "b c" . d@example.com`, want: one("a.b c.d", "example.com")},
		{name: "dots where none may be", from: ".a..b.@example.com", want: one(".a..b.", "example.com")},
		{name: "two words before the at-sign", from: "alice bob@example.com", err: ErrSyntax},
		{name: "name is the address", from: "alice@example.com <alice@example.com>", want: one("alice", "example.com")},
		{name: "name is another address of the domain", from: "info@example.com <alice@example.com>", want: one("alice", "example.com")},
		{name: "name is an address elsewhere", from: "ceo@bank.example <alice@example.com>", err: ErrSyntax},
		{name: "specials in an encoded word", from: "=?utf-8?Q?Cee,_Alice:_ceo@bank.example?= <alice@example.com>", want: one("alice", "example.com")},
		{name: "angle in an encoded word", from: "=?utf-8?Q?<ceo@bank.example>?= <alice@example.com>", err: ErrSyntax},
		{name: "encoded word as local part", from: "=?utf-8?Q?alice?=@example.com", want: one("=?utf-8?Q?alice?=", "example.com")},
		{name: "encoded word with specials as local part", from: "=?utf-8?Q?a@b?=@example.com", err: ErrSyntax},
		{name: "encoded word with a tail", from: "=?utf-8?Q?alice?=x <alice@example.com>", want: one("alice", "example.com")},
		{name: "half an encoded word", from: "=?utf-8 <alice@example.com>", want: one("alice", "example.com")},
		{name: "empty list elements", from: ", alice@example.com,,", want: one("alice", "example.com")},
		{name: "only commas", from: " , ,", err: ErrNoMailbox},
		{name: "only a comment", from: "(nobody)", err: ErrNoMailbox},
		{name: "empty group", from: "undisclosed-recipients:;", err: ErrNoMailbox},
		{name: "group beside a mailbox", from: "A: a@example.com;, b@example.net", want: List{
			Mailboxes: []Address{{"a", "example.com"}, {"b", "example.net"}}, Groups: true,
		}},
		{name: "group without end", from: "A: a@example.com", err: ErrSyntax},
		{name: "group without name", from: ": a@example.com;", err: ErrSyntax},
		{name: "group in a group", from: "A: B: a@example.com;;", err: ErrSyntax},
		{name: "semicolon out of place", from: "a@example.com;", err: ErrSyntax},
		{name: "no domain", from: "root", err: ErrNoDomain},
		{name: "no domain in angles", from: "Root <root>", err: ErrNoDomain},
		{name: "names alone", from: "Cee, Alice <alice@example.com>", err: ErrNoDomain},
		{name: "no local part", from: "@example.com", err: ErrSyntax},
		{name: "no local part in angles", from: "<@example.com>", err: ErrSyntax},
		{name: "empty domain", from: "alice@", err: ErrSyntax},
		{name: "final dot", from: "alice@example.com.", err: ErrSyntax},
		{name: "double dot", from: "alice@example..com", err: ErrSyntax},
		{name: "parenthesis cuts no domain", from: "alice@bank.example(.evil.example", err: ErrSyntax},
		{name: "atext that no domain has", from: "alice@exa!mple.com", err: ErrDomain},
		{name: "slash", from: "alice@../../etc/passwd", err: ErrSyntax},
		{name: "NUL", from: "alice@bank.example\x00.evil.example", err: ErrSyntax},
		{name: "control in a local part", from: "\"a\x01\"@example.com", err: ErrSyntax},
		{name: "quoted line end", from: "\"a\\\nb\"@example.com", err: ErrSyntax},
		{name: "domain literal", from: "alice@[IPv6:2001:DB8::1]", want: one("alice", "[ipv6:2001:db8::1]")},
		{name: "domain literal without end", from: "alice@[192.0.2.1", err: ErrSyntax},
		{name: "folded domain literal", from: "alice@[192.0.\n 2.1]", err: ErrDomain},
		{name: "route without end", from: "<@x.example alice@example.com>", err: ErrSyntax},
		{name: "local part too long", from: strings.Repeat("a", 257) + "@example.com", err: ErrSyntax},
		{name: "domain too long", from: "a@" + strings.Repeat("abcdefgh.", 28) + "ab", err: ErrDomain},
		{name: "too many", from: "a@d.example, b@d.example, c@d.example, d@d.example", err: ErrTooMany},
		{name: "too many in a group", from: "x: a@d.example, b@d.example, c@d.example, d@d.example;", err: ErrTooMany},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkList(t, tt.from, tt.want, tt.err) })
	}
}

func checkList(t *testing.T, from string, want List, wantErr error) {
	t.Helper()
	got, err := ParseList([]byte(from), 3)
	if !errors.Is(err, wantErr) {
		t.Fatalf("ParseList(%q): error %v, want %v", from, err, wantErr)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("ParseList(%q) = %+v, want %+v", from, got, want)
	}
	var pe *ParseError
	if err != nil && !errors.As(err, &pe) {
		t.Errorf("ParseList(%q): %T is no *ParseError", from, err)
	}
}

// A hostile field must not cost more than its length: this one took a recursive
// or backtracking parser's stack or time.
func TestParseListHostile(t *testing.T) {
	const n = 1 << 20
	for name, from := range map[string]string{
		"open comments":   strings.Repeat("(", n),
		"nested comments": strings.Repeat("(", n) + strings.Repeat(")", n) + "a@example.com",
		"encoded words":   strings.Repeat("=?a?q?.", n/8),
		"angles":          strings.Repeat("<", n),
		"groups":          strings.Repeat("a:", n),
		"routes":          "<" + strings.Repeat("@a,", n/4) + "a@example.com>",
		"dots":            strings.Repeat(".", n) + "@example.com",
		"names":           strings.Repeat("a ", n) + "<a@example.com>",
	} {
		t.Run(name, func(t *testing.T) {
			l, err := ParseList([]byte(from), 10)
			if err == nil && (len(l.Mailboxes) != 1 || l.Mailboxes[0].Domain != "example.com") {
				t.Errorf("got %+v", l)
			}
		})
	}
}

func TestErrorQuotesNothing(t *testing.T) {
	_, err := ParseList([]byte("evil\x1b[31m\nlog line@example.com"), 10)
	if err == nil {
		t.Fatal("accepted")
	}
	if strings.ContainsAny(err.Error(), "\x1b\n") || strings.Contains(err.Error(), "evil") {
		t.Errorf("error quotes the text: %q", err)
	}
}

func FuzzParseList(f *testing.F) {
	for _, seed := range []string{
		"Friends: alice@d, bob@d;", `"a b\"c"@d`, `(c1) alice (c2) @ (c3 \) @evil) d (c4)`,
		"<@evil,@x:alice@d>", "=?utf-8?Q?a,b?= <a@b>", "alice@bücher.example", "a@[1.2.3.4]", "\"\"@d", "a@d\r\n\t(x)",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		l, err := ParseList(value, 50)
		if err != nil {
			return
		}
		if len(l.Mailboxes) == 0 || len(l.Mailboxes) > 50 {
			t.Fatalf("%d mailboxes", len(l.Mailboxes))
		}
		for _, a := range l.Mailboxes {
			again, err := Parse(a.String())
			if err != nil || again != a {
				t.Errorf("%+v: Parse(%q) = %+v, %v", a, a.String(), again, err)
			}
		}
	})
}
