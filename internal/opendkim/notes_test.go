package opendkim

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Nothing is dropped in silence, and nothing is told that is not so: each case has the beginnings of all notes about
// entries, rows and differences that it leads to. Notes about whole lines, which every option has, are left out.
func TestEachDifferenceIsTold(t *testing.T) {
	const tables = "KeyTable DIR/kt\nSigningTable refile:DIR/st\n"
	for name, c := range map[string]struct {
		conf, rows string
		want       []string
	}{
		"nothing to tell":                    {tables, "*@example.com k1\n", nil},
		"no option for localhost":            {"Socket inet:8891@localhost\n" + single1, "", nil},
		"a socket's host by name":            {"Socket inet:8891@mail.example\n" + single1, "", []string{"Socket inet:8891@mail.example: differs: postseal wants an IP address"}},
		"a character of regular expressions": {tables, "[ab]*@example.com k1\n", []string{"[ab]*@example.com: differs: every character but * stands for itself"}},
		"an identity for all senders":        {tables, "* k1:@%\n", []string{"* k1:@%: carried: split: with the identity for example.com"}},
		"an identity for many senders":       {tables + "MultipleSignatures yes\n", "* k1:@%\n", []string{"* k1:@%: differs: signs without the identity"}},
		"From is not omitted":                {"OmitHeaders From,Subject\n" + single1, "", []string{"OmitHeaders From,Subject: differs: From is signed all the same"}},
		"others are":                         {"OmitHeaders Subject\n" + single1, "", nil},
		"a pattern of fields":                {"SignHeaders From,X-*\n" + single1, "", []string{"SignHeaders From,X-*: differs: X-* is left out"}},
		"nobody is internal":                 {"InternalHosts -\n" + single1, "", nil},
		"patterns of hosts":                  {"PeerList refile:DIR/words\n" + single1, "", []string{"*.a.example: differs: left out: PeerList takes no patterns"}},
		"patterns of exempt domains":         {"ExemptDomains refile:DIR/words\n" + single1, "", nil},
		"patterns within exempt domains":     {"ExemptDomains refile:DIR/within\n" + single1, "", []string{"a.*.example: differs: left out: exempt_domains takes"}},
		"an exempt address":                  {"ExemptDomains ada@a.example\n" + single1, "", []string{"ada@a.example: needless: left out: no author's domain is written like this"}},
		"patterns of words":                  {"MTA refile:DIR/words\n" + single1, "", []string{"*.a.example: differs: left out: MTA takes no patterns here"}},
		"a small number":                     {"MaximumHeaders 10\n" + single1, "", []string{"MaximumHeaders 10: differs: at least "}},
		"no bound":                           {"MaximumHeaders 0\n" + single1, "", []string{"MaximumHeaders 0: differs: bounded by "}},
		"rsa-sha1":                           {"SignatureAlgorithm rsa-sha1\n" + single1, "", []string{"SignatureAlgorithm rsa-sha1: differs: RSA keys sign with rsa-sha256"}},
		"a name twice for Domain":            {"Domain a.example,A.example\nSelector s\nKeyFile DIR/key\n", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			conf := c.conf
			if !strings.Contains(conf, "Socket") {
				conf = "Socket inet:8891@localhost\n" + conf
			}
			r, _ := imported(t, conf, map[string]string{
				"key": "KEY", "kt": "k1 example.com:s1:DIR/key\n", "st": c.rows, "words": "*.a.example\n", "within": "a.*.example\n",
			})
			var got []string
			for _, n := range r.Notes {
				option, _, _ := strings.Cut(n.What, " ")
				if _, line := known(option); n.Fate == Differs || !line {
					got = append(got, strings.TrimPrefix(n.String(), n.At.String()+": "))
				}
			}
			if !slices.EqualFunc(got, c.want, strings.HasPrefix) {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

// single1 is what signs without tables.
const single1 = "Domain example.com\nSelector s\nKeyFile DIR/key\n"

// What cannot be carried is refused with what to do.
func TestRefusedWithAWay(t *testing.T) {
	for name, c := range map[string]struct{ conf, kt, want string }{
		"a key name that is a pattern":   {"KeyTable refile:DIR/kt\n", "k* example.com:s1:DIR/key\n", `kt:1: key name "k*" is a pattern (name each key)`},
		"a key file with a percent sign": {"KeyTable DIR/kt\nBaseDirectory DIR\n", "k1 example.com:s1:./k%y\n", "kt:1: the key file DIR/k%y has a % in its name, which would stand for a domain (import with --keys copy, or rename the file)"},
		"a table elsewhere":              {"KeyTable file:none/kt\nBaseDirectory DIR\n", "", "a relative path begins in DIR: set BaseDirectory"},
		"a table that is not there":      {"KeyTable DIR/none\n", "", "cannot read DIR/none: no such file or directory\n"},
		"a name of another case":         {"KeyTable DIR/kt\n", "K1 example.com:s1:DIR/key\nK2 example.com:s2:DIR/key\n", "no key named \"k1\"; OpenDKIM defers every mail that comes to this row (names are case-sensitive: there is K1)"},
	} {
		t.Run(name, func(t *testing.T) {
			path := install(t, "Socket inet:1@localhost\nSigningTable refile:DIR/st\n"+c.conf, map[string]string{"key": "KEY", "k%y": "KEY", "kt": c.kt, "st": "* k1\n"})
			want := strings.ReplaceAll(c.want, "DIR", filepath.Dir(path))
			if _, err := Import(path, testOptions); err == nil || !strings.Contains(err.Error()+"\n", want) {
				t.Errorf("have %v, want an error with %s", err, want)
			}
		})
	}
}
