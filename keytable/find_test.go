package keytable

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/mailaddr"
)

// OpenDKIM's order of a plain lookup: with the first n patterns gone, the next one
// decides, wherever in the file it stands.
func TestPlainOrder(t *testing.T) {
	order := []string{
		"user@sub.example.com", "sub.example.com",
		"user@.example.com", ".example.com",
		"user@.com", ".com",
		"user@*", "*",
	}
	s := newSite(t)
	for gone := range order {
		left := slices.Clone(order[gone:])
		for _, reversed := range []bool{false, true} {
			if reversed {
				slices.Reverse(left)
			}
			tables := s.load(oneKey, "file:", strings.Join(left, " mail\n")+" mail\n", nil)
			got := tables.Find(Query{Sender: address(t, "User@Sub.Example.COM")})
			if len(got) != 1 || got[0].Row.Pattern != order[gone] {
				t.Errorf("of %q matches %+v, want %q", left, got, order[gone])
			}
		}
	}
	tables := s.load(oneKey, "file:", strings.Join(order, " mail\n")+" mail\n", nil)
	got := tables.Find(Query{Sender: address(t, "user@sub.example.com"), Multiple: true})
	if lines(got) != "1 2 3 4 5 6 7 8" {
		t.Errorf("multiple: lines %s", lines(got))
	}
}

// What matches and what does not, by the rules of both lookups.
func TestPatterns(t *testing.T) {
	tests := []struct {
		spec, pattern, sender string
		match                 bool
		scope                 Scope
	}{
		{"file:", ".example.com", "a@example.com", false, 0},
		{"file:", ".example.com", "a@x.y.example.com", true, ScopeSeveral},
		{"file:", ".example.com", "a@badexample.com", false, 0},
		{"file:", "a@.example.com", "a@example.com", false, 0},
		{"file:", "a@.example.com", "b@x.example.com", false, 0},
		{"file:", "a@*", "a@b", true, ScopeSeveral},
		{"file:", "*", "a@b", true, ScopeSeveral},
		{"file:", "example.com", "a@example.com", true, ScopeDomain},
		{"file:", "example.com", "a@sub.example.com", false, 0},
		{"file:", "A@Example.Com", "a@example.com", true, ScopeAddress},
		{"file:", "bücher.example", "a@xn--bcher-kva.example", true, ScopeDomain},
		{"file:", "xn--bcher-kva.example", "a@bücher.example", true, ScopeDomain},
		{"file:", "example.com", `"x@bank.example"@example.com`, true, ScopeDomain},
		{"file:", "bank.example", `"x@bank.example"@example.com`, false, 0},
		{"file:", "x@bank.example", `"x@bank.example"@example.com`, false, 0},
		{"file:", "*", "a@[192.0.2.1]", true, ScopeSeveral},

		{"refile:", "a@example.com", "A@EXAMPLE.com", true, ScopeAddress},
		{"refile:", "A@EXAMPLE.com", "a@example.com", true, ScopeAddress},
		{"refile:", "*@example.com", "a@example.com", true, ScopeDomain},
		{"refile:", "*@example.com", "a@sub.example.com", false, 0},
		{"refile:", "*@example.com", `""@example.com`, true, ScopeDomain},
		{"refile:", "@example.com", `""@example.com`, true, ScopeDomain},
		{"refile:", "@example.com", "a@example.com", false, 0},
		{"refile:", "*@*.example.com", "a@example.com", false, 0},
		{"refile:", "*@*.example.com", "a@x.y.example.com", true, ScopeSeveral},
		{"refile:", "*@*.example.com", "a@xexample.com", false, 0},
		{"refile:", "*.example.com", "a@x.example.com", true, ScopeSeveral},
		{"refile:", "*example.com", "a@example.com", true, ScopeSeveral},
		{"refile:", "*example.com", "a@badexample.com", true, ScopeSeveral},
		{"refile:", "*", "a@b", true, ScopeSeveral},
		{"refile:", "*@*", "a@b", true, ScopeSeveral},
		{"refile:", "*@*.com", "a@example.com", true, ScopeSeveral},
		{"refile:", "a@*", "a@example.com", true, ScopeSeveral},
		{"refile:", "a*", "abc@example.com", true, ScopeSeveral},
		{"refile:", "a*", "ba@example.com", false, 0},
		{"refile:", "a+*@example.com", "a+tag@example.com", true, ScopeDomain},
		{"refile:", "a+*@example.com", "aaa@example.com", false, 0},
		{"refile:", "a.b@example.com", "axb@example.com", false, 0},
		{"refile:", "*@example.c*", "a@example.com", true, ScopeSeveral},
		{"refile:", "*a*b*@example.com", "xaxbx@example.com", true, ScopeDomain},
		{"refile:", "*a*b*@example.com", "xbxax@example.com", false, 0},
		{"refile:", "a*a@example.com", "a@example.com", false, 0},
		{"refile:", "*@bücher.example", "a@xn--bcher-kva.example", true, ScopeDomain},
		{"refile:", "*@*.bücher.example", "a@x.bücher.example", true, ScopeSeveral},
		{"refile:", "*@bank.example", `"x@bank.example"@example.com`, false, 0},
		{"refile:", "*@example.com", `"x@bank.example"@example.com`, true, ScopeDomain},
		{"refile:", "*@*ample.com", "a@example.com", true, ScopeSeveral},
		{"refile:", "andré@example.com", "andré@example.com", true, ScopeAddress},
	}
	s := newSite(t)
	for _, tt := range tests {
		t.Run(tt.spec+tt.pattern+" "+tt.sender, func(t *testing.T) {
			tables := s.load(oneKey, tt.spec, tt.pattern+" mail\n", nil)
			if p := s.problems(tables); p != nil {
				t.Fatal(p)
			}
			got := tables.Find(Query{Sender: address(t, tt.sender)})
			if (len(got) == 1) != tt.match {
				t.Fatalf("match %v, want %v", len(got) == 1, tt.match)
			}
			if tt.match && got[0].Row.Scope != tt.scope {
				t.Errorf("scope %v, want %v", got[0].Row.Scope, tt.scope)
			}
		})
	}
}

// The first line of the file wins, by whichever way it is found.
func TestRefileOrder(t *testing.T) {
	all := []string{"a@x.example.com", "*@x.example.com", "*@*.example.com", "*.com", "a@*.com", "*x*", "*"}
	s := newSite(t)
	for i := range all {
		rotated := append(slices.Clone(all[i:]), all[:i]...)
		tables := s.load(oneKey, "refile:", strings.Join(rotated, " mail\n")+" mail\n", nil)
		sender := address(t, "a@x.example.com")
		if got := lines(tables.Find(Query{Sender: sender})); got != "1" {
			t.Errorf("%q: line %s", rotated, got)
		}
		if got := lines(tables.Find(Query{Sender: sender, Multiple: true})); got != "1 2 3 4 5 6 7" {
			t.Errorf("%q, multiple: lines %s", rotated, got)
		}
	}
}

// The index finds what a walk over all lines finds.
func TestIndexAgainstWalk(t *testing.T) {
	parts := []string{"a", "b", "*", "x.example", "example", "y.x.example", "*.example", "*.x.example", "*x*"}
	var patterns []string
	for _, local := range parts[:3] {
		for _, domain := range parts[2:] {
			patterns = append(patterns, local+"@"+domain)
		}
	}
	patterns = append(patterns, "*", "*.example", "*example", "a*", "*a*e")
	patterns = append(patterns, patterns...)
	for i := range patterns { // an order without a plan, the same each time
		j := (i*i*31 + 17*i) % len(patterns)
		patterns[i], patterns[j] = patterns[j], patterns[i]
	}
	s := newSite(t)
	tables := s.load(oneKey, "refile:", strings.Join(patterns, " mail\n")+" mail\n", nil)
	for _, sender := range []string{"a@example", "b@x.example", "a@y.x.example", "c@q.example", "a@x.org", `""@example`, `"."@example`, `"@"@example`} {
		var want []string
		a := address(t, sender)
		for i, p := range patterns {
			if match(p, a.Local+"@"+a.Domain) {
				want = append(want, fmt.Sprint(i+1))
			}
		}
		got := tables.Find(Query{Sender: a, Multiple: true})
		if lines(got) != strings.Join(want, " ") {
			t.Errorf("%s: lines %s, want %v", sender, lines(got), want)
		}
		if first := tables.Find(Query{Sender: a}); len(want) > 0 && lines(first) != want[0] {
			t.Errorf("%s: first line %s, want %s", sender, lines(first), want[0])
		}
	}
}

func TestUsers(t *testing.T) {
	const signing = `
*@example.com  mail  user=alice
*@example.com  mail  user=*@Example.COM
*@example.com  mail  user=list-*
*@example.com  mail
*@example.com  mail  user=bob
`
	tests := []struct {
		user, first, all, required string
	}{
		{"", "5", "5", ""}, // authenticated by a name that the MTA does not tell: a caller asks for no user of others
		{"alice", "2", "2 5", "2"},
		{"ALICE", "2", "2 5", "2"},
		{"alicex", "5", "5", ""},
		{"carol@example.com", "3", "3 5", "3"},
		{"list-7", "4", "4 5", "4"},
		{"bob", "5", "5 6", "6"},
		{"*", "5", "5", ""},
	}
	for _, spec := range []string{"refile:", "file:"} {
		s := newSite(t)
		text := signing
		if spec == "file:" {
			text = strings.ReplaceAll(signing, "*@example.com  ", "example.com  ")
		}
		tables := s.load(oneKey, spec, text, nil)
		for _, tt := range tests {
			t.Run(spec+tt.user, func(t *testing.T) {
				q := Query{Sender: address(t, "x@example.com"), User: tt.user}
				if got := lines(tables.Find(q)); got != tt.first {
					t.Errorf("first: lines %q, want %q", got, tt.first)
				}
				q.Multiple = true
				if got := lines(tables.Find(q)); got != tt.all {
					t.Errorf("all: lines %q, want %q", got, tt.all)
				}
				q.Multiple, q.RequireUser = false, true
				if got := lines(tables.Find(q)); got != tt.required {
					t.Errorf("required: lines %q, want %q", got, tt.required)
				}
			})
		}
	}
	if MatchLogin("*", "") || !MatchLogin("*", "x") || !MatchLogin("A*c", "aBC") || MatchLogin("a", "ab") {
		t.Error("MatchLogin")
	}
}

// A line that narrows to users is passed over for others, down the plain order.
func TestUserAndPlainOrder(t *testing.T) {
	s := newSite(t)
	tables := s.load(oneKey, "file:", "a@example.com mail user=bob\nexample.com mail user=carol\n* mail\n", nil)
	for user, want := range map[string]string{"bob": "1", "carol": "2", "dave": "3", "": "3"} {
		if got := lines(tables.Find(Query{Sender: address(t, "a@example.com"), User: user})); got != want {
			t.Errorf("user %q: line %s, want %s", user, got, want)
		}
	}
}

func TestIdentity(t *testing.T) {
	const keytable = "mail example.com:s1:./rsa1.pem\nany %:s2:./rsa1.pem\nother example.net:s3:./rsa1.pem\n"
	tests := []struct {
		name, line, sender, identity, reason string
		keys                                 []string
	}{
		{name: "none", line: "* mail", sender: "a@example.com", keys: []string{"mail/example.com/s1"}},
		{name: "d= itself", line: "* mail:bob@example.com", sender: "a@x.example", identity: "bob@example.com", keys: []string{"mail/example.com/s1"}},
		{name: "below d=", line: "* mail:@sub.Example.com", sender: "a@x.example", identity: "@sub.example.com", keys: []string{"mail/example.com/s1"}},
		{name: "percent", line: "* any:bounce@%", sender: "a@Example.org", identity: "bounce@example.org", keys: []string{"any/example.org/s2"}},
		{name: "percent below", line: "* any:%@news.%", sender: "a@example.org", identity: "example.org@news.example.org", keys: []string{"any/example.org/s2"}},
		{name: "percent in the local part", line: "* mail:%@example.com", sender: "a@example.org", identity: "example.org@example.com", keys: []string{"mail/example.com/s1"}},
		{name: "percent in A-labels", line: "* any:@%", sender: "a@bücher.example", identity: "@xn--bcher-kva.example", keys: []string{"any/xn--bcher-kva.example/s2"}},
		{name: "percent in a fixed domain, inside", line: "* mail:@%", sender: "a@sub.example.com", identity: "@sub.example.com", keys: []string{"mail/example.com/s1"}},
		{name: "percent in a fixed domain, outside", line: "* mail:@%", sender: "a@example.org", identity: "@example.org", reason: `the identity "@example.org" is not in example.com, the domain of its key`},
		{name: "percent to nonsense", line: "* mail:@x..%", sender: "a@example.com", reason: `the identity "@x..%": invalid domain: empty label`},
		{name: "fixed with a key for all", line: "* any:@example.com", sender: "a@example.org", identity: "@example.com", reason: `the identity "@example.com" is not in example.org, the domain of its key`},
		{name: "no label border", line: "* mail:@%", sender: "a@badexample.com", identity: "@badexample.com", reason: `the identity "@badexample.com" is not in example.com, the domain of its key`},
		{name: "no at-sign", line: "* mail:example.com", sender: "a@example.com", reason: `the identity "example.com" has no @`},
		{name: "percent without at-sign", line: "* mail:%", sender: "a@example.com", reason: `the identity "%" has no @`},
		{name: "for one of two keys", line: "* mail,other:@example.net", sender: "a@example.com", identity: "@example.net", keys: []string{"other/example.net/s3"}},
		{name: "empty", line: "* mail:", sender: "a@example.com", keys: []string{"mail/example.com/s1"}},
	}
	s := newSite(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.load(keytable, "refile:", tt.line+"\n", nil).Find(Query{Sender: address(t, tt.sender)})
			if len(got) != 1 {
				t.Fatalf("%d matches", len(got))
			}
			if got[0].Identity != tt.identity || got[0].OutOfService != tt.reason {
				t.Errorf("identity %q (%s), want %q (%s)", got[0].Identity, got[0].OutOfService, tt.identity, tt.reason)
			}
			equal(t, "keys", keysOf(got), append([]string{}, tt.keys...))
		})
	}
}

// "%" as NAME is the key named as the sender's domain.
func TestNamePercent(t *testing.T) {
	s := newSite(t)
	tables := s.load(
		"example.com example.com:s1:./rsa1.pem\nexample.net example.net:s1:./rsa1.pem\nshared %:s2:./ed1.pem\n",
		"refile:", "*@*.example.com shared\n* %\n", nil)
	equal(t, "example.com", keysOf(tables.Find(Query{Sender: address(t, "a@Example.COM")})), []string{"example.com/example.com/s1"})
	equal(t, "subdomain", keysOf(tables.Find(Query{Sender: address(t, "a@sub.example.com")})), []string{"shared/sub.example.com/s2"})
	got := tables.Find(Query{Sender: address(t, "a@example.org")})
	if want := `no key named "example.org" in keytable`; len(got) != 1 || s.relative(got[0].OutOfService) != want {
		t.Errorf("got %+v, want out of service: %s", got, want)
	}
	got = s.load("any %:s1:./rsa1.pem\n", "refile:", "* any\n", nil).Find(Query{Sender: address(t, "a@[192.0.2.1]")})
	if len(got) != 1 || got[0].OutOfService == "" {
		t.Errorf("a domain literal: %+v, want out of service", got)
	}
}

// Ruling 9: a row out of service ends the search; ruling 43: its siblings sign.
func TestOutOfServiceEndsTheSearch(t *testing.T) {
	const keytable = `
mail  example.com:s1:./nothere.pem
dual  example.com:r1:./rsa1.pem
dual  example.com:e1:./nothere.pem
good  example.com:s2:./rsa2.pem
`
	s := newSite(t)
	tests := []struct {
		line   string
		keys   []string
		reason string
	}{
		{"*@example.com mail", nil, "keytable:2: key file nothere.pem does not exist (bring it back, or make one with postseal keygen, or mend the path)"},
		{"*@example.com nosuch", nil, `no key named "nosuch" in keytable`},
		{"*@example.com dual", []string{"dual/example.com/r1"}, ""},
		{"*@example.com mail,good", []string{"good/example.com/s2"}, ""},
		{"*@example.com good:@example.net", nil, `the identity "@example.net" is not in example.com, the domain of its key`},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			got := s.load(keytable, "refile:", tt.line+"\n* good\n", nil).Find(Query{Sender: address(t, "a@example.com")})
			if lines(got) != "1" || s.relative(got[0].OutOfService) != tt.reason {
				t.Errorf("lines %s, reason %q, want line 1, %q", lines(got), got[0].OutOfService, tt.reason)
			}
			equal(t, "keys", keysOf(got), append([]string{}, tt.keys...))
		})
	}
}

func TestNoSender(t *testing.T) {
	s := newSite(t)
	tables := s.load(oneKey, "refile:", "* mail\n", nil)
	for _, sender := range []mailaddr.Address{{}, {Local: "root"}} {
		if got := tables.Find(Query{Sender: sender}); got != nil {
			t.Errorf("%+v: %+v", sender, got)
		}
	}
}

func TestTrace(t *testing.T) {
	tests := []struct {
		name, spec, signing string
		want                []string
	}{
		{"plain", "file:", "x@example.com mail\na@example.com mail user=bob\nexample.com mail\n", []string{
			`signingtable:2: pattern "a@example.com" passed over: it is for other users`,
			`signingtable:3: pattern "example.com" matches`,
			`signingtable:3: signs with key "mail" (example.com, selector s1, keytable:1)`,
		}},
		{"plain, nothing", "file:", "x@example.com mail\n", []string{
			`signingtable: no line for "a@example.com"`,
			`signingtable: no line for "example.com"`,
			`signingtable: no line for "a@.com"`,
			`signingtable: no line for ".com"`,
			`signingtable: no line for "a@*"`,
			`signingtable: no line for "*"`,
		}},
		{"refile", "refile:", "b* mail\n*@example.com nosuch\n", []string{
			`signingtable: no line for "a@example.com"`,
			`signingtable: no line for "*@*.com"`,
			`signingtable:1: pattern "b*" passed over: its pattern does not match`,
			`signingtable:2: pattern "*@example.com" matches`,
			`signingtable:2: out of service: no key named "nosuch" in keytable`,
		}},
		{"empty", "file:", "", []string{"no sender's domain, or no line in the SigningTable"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			var got []string
			s.load(oneKey, tt.spec, tt.signing, nil).Find(Query{
				Sender: address(t, "a@example.com"),
				Trace:  func(line string) { got = append(got, s.relative(line)) },
			})
			equal(t, "trace", got, tt.want)
		})
	}
	s := newSite(t)
	told := 0
	s.load(oneKey, "refile:", strings.Repeat("b* mail\n", 1000), nil).Find(Query{
		Sender: address(t, "a@example.com"), Trace: func(string) { told++ },
	})
	if told != maxTrace+1 {
		t.Errorf("%d lines", told)
	}
}
