package authres_test

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/authres"
)

// spellings are fields that a stranger may send. Those that stay are other people's.
var spellings = []struct {
	name, value string
	stays       bool
}{
	// T40: a forged field in fourteen spellings.
	{"T40/1 plain", " mx.example.net; dkim=pass header.d=bank.example", false},
	{"T40/2 upper case", " MX.Example.NET; dkim=pass header.d=bank.example", false},
	{"T40/3 version", " mx.example.net 1; dkim=pass header.d=bank.example", false},
	{"T40/4 folds", "\n\tmx.example.net\r\n\t; dkim=pass\n header.d=bank.example", false},
	{"T40/5 no blanks", "mx.example.net;dkim=pass", false},
	{"T40/6 comment before", " (by me) mx.example.net; dkim=pass", false},
	{"T40/7 nested comments", " (a (b \\) c) d)mx.example.net(e(f)) 1 (g) ; dkim=pass", false},
	{"T40/8 quoted string", ` "mx.example.net"; dkim=pass`, false},
	{"T40/9 quoted pairs", ` "\m\x\.example.net" ; dkim=pass`, false},
	{"T40/10 no semicolon", " mx.example.net dkim=pass", false},
	{"T40/11 comment without end", " (mx.example.net; dkim=pass", false},
	{"T40/12 in pieces", ` mx . "example" (x) . net; dkim=pass`, false},
	{"T40/13 id of another", " mx.example.org; dkim=pass (for mx.example.net)", true},
	{"T40/14 id that begins as ours", " mx.example.net.evil.example; dkim=pass", true},

	{"name only", "mx.example.net", false},
	{"final dot", "mx.example.net.; dkim=pass", false},
	{"slash", "mx.example.net/1; dkim=pass", false},
	{"word as version", "mx.example.net v1; dkim=pass", false},
	{"NUL", "mx.example.net\x00; dkim=pass", false},
	{"NUL in quotes", "\"mx.example.net\x00\"; dkim=pass", false},
	{"text behind a NUL in quotes", "\"mx.example.net\x00.example.org\"; dkim=pass", false},
	{"folded quotes", "\"mx.exa\n mple.net\"; dkim=pass", false},
	{"quotes without end", `"mx.example.net; dkim=pass`, false},
	{"half quoted", `"mx.example".net; dkim=pass`, false},
	{"address", "mx.example.net@x; dkim=pass", false},
	{"encoded word", "=?utf-8?q?mx=2Eexample.net?=; dkim=pass", false},
	{"encoded word in any character set", "=?koi8-r?b?bXguZXhhbXBsZS5uZXQ=?=; dkim=pass", false},
	{"encoded word with a language", "=?utf-8*en?b?bXguZXhhbXBsZS5uZXQ=?=; dkim=pass", false},
	{"encoded word without padding", "=?utf-8?b?bXguZXhhbXBsZS5uZXQ?=; dkim=pass", false},
	{"encoded word in the middle", "mx.=?utf-8?b?ZXhhbXBsZQ==?=.net; dkim=pass", false},
	{"encoded word behind a comment", "(;) =?utf-8?q?mx=2Eexample.net?=; dkim=pass", false},
	{"encoded word behind quotes", "\";\" =?utf-8?q?mx=2Eexample.net?=; dkim=pass", false},
	{"encoded word in quotes", "\"=?utf-8?b?bXguZXhhbXBsZS5uZXQ=?=\"; dkim=pass", false},
	{"encoded word in a comment", "(=?utf-8?q?=29_mx.example.net=3B_dkim=3Dpass_=28?=) mx.example.org; none", false},
	{"no-break space before", "\u00a0mx.example.net; dkim=pass", false},
	{"no-break space behind", "mx.example.net\u00a0; dkim=pass", false},
	{"no-break space before the version", "mx.example.net\u00a01; dkim=pass", false},
	{"em space", "mx.example.net\u2003; dkim=pass", false},
	{"next line", "\u0085mx.example.net; dkim=pass", false},
	{"byte order mark", "\ufeffmx.example.net; dkim=pass", false},
	{"not UTF-8", "mx.example.net\xff; dkim=pass", false},
	{"no-break space of Latin-1", "\xa0mx.example.net; dkim=pass", false},
	{"comment for those who cannot nest", "(a (b) mx.example.net; dkim=pass;) mx.example.org; none", false},
	{"full-width letters", "\uff4d\uff58.example.net; dkim=pass", false},
	{"results of no sense", "mx.example.net; ;; (", false},
	{"nothing but a semicolon", "mx.example.net;", false},

	{"host below ours", "a.mx.example.net; dkim=pass", true},
	{"domain above ours", "example.net; dkim=pass", true},
	{"ends as ours", "evilmx.example.net; dkim=pass", true},
	{"ours in a comment", "(mx.example.net) mx.example.org; dkim=pass", true},
	{"ours as a property", "mx.example.org; dkim=pass header.d=mx.example.net", true},
	{"another's, of no sense", "mx.example.org; ;; mx.example.net (", true},
	{"another's, unparsable", "mx.example.org dkim=pass", true},
	{"another's, nested comments", "((a) b) mx.example.org; dkim=pass (mx.example.net)", true},
	{"another's, not UTF-8", "mx.example.org\xff; dkim=pass (mx.example.net)", true},
	{"another's, with letters before", "\u00e9mx.example.net; dkim=pass", true},
	{"another's, encoded word in a property", "mx.example.org; dkim=pass header.i=\"=?utf-8?q?x?=\"", true},
	{"another's, encoded word in the comment of a result", "mx.example.org; dkim=pass (=?utf-8?q?x?=)", true},
	{"empty", "", true},
}

func TestRemoves(t *testing.T) {
	for _, s := range spellings {
		t.Run(s.name, func(t *testing.T) {
			if got := (authres.Removal{ID: ours}).Removes([]byte(s.value)); got == s.stays {
				t.Errorf("removed %v: %q", got, s.value)
			}
		})
	}
}

func TestRemovesByRule(t *testing.T) {
	tests := []struct {
		name    string
		rules   authres.Removal
		value   string
		removes bool
	}{
		{"AR-2", authres.Removal{ID: "MX.Example.net"}, "mx.example.NET; none", true},
		{"AR-2 U-label", authres.Removal{ID: "mx.xn--bcher-kva.example"}, "MX.B\u00dcCHER.example; dkim=pass", true},
		{"AR-2 A-label", authres.Removal{ID: "mx.xn--bcher-kva.example"}, "mx.XN--BCHER-KVA.example; dkim=pass", true},
		{"AR-6", authres.Removal{ID: ours}, "(c) \"mx.example.\\net\" (c) 1 \n ;\tdkim=pass", true},
		{"AR-8 all methods", authres.Removal{ID: ours}, "mx.example.net; spf=pass", true},
		{"AR-8 spared", authres.Removal{ID: ours, SpareMethods: []string{"SPF", "iprev"}}, "mx.example.net; spf=pass; iprev=pass", false},
		{"AR-8 spared with more", authres.Removal{ID: ours, SpareMethods: []string{"spf"}}, "mx.example.net; spf=pass; dkim=pass", true},
		{"AR-8 spared without results", authres.Removal{ID: ours, SpareMethods: []string{"spf"}}, "mx.example.net; none", true},
		{"AR-8 spared but unparsable", authres.Removal{ID: ours, SpareMethods: []string{"spf"}}, "mx.example.net; spf=pass; dkim", true},
		{"AR-8 hidden in a comment", authres.Removal{ID: ours, SpareMethods: []string{"spf"}}, "mx.example.net; spf=pass (; dkim=pass", true},
		{"AR-8 hidden in quotes", authres.Removal{ID: ours, SpareMethods: []string{"spf"}}, "mx.example.net; spf=pass smtp.mailfrom=a\";dkim=pass\"", true},
		{"AR-9", authres.Removal{ID: ours}, "mx.example.org; dkim=pass", false},
		{"other host", authres.Removal{ID: ours, Others: []string{"mx2.example.net"}}, "MX2.example.net 1; dkim=pass", true},
		{"other host, unparsable", authres.Removal{ID: ours, Others: []string{"mx2.example.net"}}, "mx2.example.net dkim=pass", true},
		{"host below another", authres.Removal{ID: ours, Others: []string{"example.org"}}, "mx.example.org; dkim=pass", false},
		{"domain", authres.Removal{ID: ours, Others: []string{".example.org"}}, "a.mx.Example.org; dkim=pass", true},
		{"domain is not itself", authres.Removal{ID: ours, Others: []string{".example.org"}}, "example.org; dkim=pass", false},
		{"domain at a label", authres.Removal{ID: ours, Others: []string{".example.org"}}, "badexample.org; dkim=pass", false},
		{"another's methods are not spared", authres.Removal{ID: ours, Others: []string{"mx2.example.net"}, SpareMethods: []string{"spf"}}, "mx2.example.net; spf=pass", true},
		{"no id", authres.Removal{}, "mx.example.net/; dkim=pass", false},
		{"empty other", authres.Removal{Others: []string{""}}, "mx.example.net/; dkim=pass", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.rules.Removes([]byte(tt.value)); got != tt.removes {
				t.Errorf("removed %v: %q", got, tt.value)
			}
		})
	}
}

// A stranger's long field takes one pass, however it is made; what takes a pass for each octet would not end within the time of a test.
func TestLinear(t *testing.T) {
	for _, unit := range []string{"(", "()", "((\\)", `"\`, `""`, "=?", "=?utf-8?q?x?=", "=?a?q?", "mx.example.", ";", "a=b;", "a=b(c", "\u00fc", "\r\n "} {
		for _, before := range []string{"", "mx.example.net; ", "(", `"`} {
			value := []byte(before + strings.Repeat(unit, 1<<18/len(unit)))
			authres.Removal{ID: ours, Others: []string{".example.org"}, SpareMethods: []string{"spf"}}.Removes(value)
		}
	}
}
