package migrate

import "strings"

// factor is something that an installation has in one of several ways: levels are lines of opendkim.conf. DIR in them
// is the installation's directory, in the way that the factor "paths" says.
type factor struct {
	name   string
	levels []string
}

// unset leaves an option at its default.
const unset = ""

// The factors, those with most levels first: that gives the shortest list of configurations.
var factors = []factor{
	{"keys", []string{
		"Domain a.test\nSelector sa\nKeyFile DIR/keys/a.pem",
		"Domain A.test, b.test\nSelector sa\nKeyFile DIR/keys/a.pem",
		"Domain *\nSelector sa\nKeyFile DIR/keys/a.pem",
		"Domain file:DIR/domains\nSelector sa\nKeyFile DIR/keys/a.pem",
		"Domain refile:DIR/patterns\nSelector sa\nKeyFile DIR/keys/a.pem",
		"KeyTable file:DIR/kt\nSigningTable refile:DIR/st.refile",
		"KeyTable refile:DIR/kt\nSigningTable file:DIR/st.plain",
		"KeyTable csl:ka=a.test:sa:DIR/keys/a.pem,kb=b.test:sb:DIR/keys/b.pem\nSigningTable csl:a.test=ka,b.test=kb:@%,.test=ka",
		"KeyTable file:DIR/kt.percent\nSigningTable refile:DIR/st.all",
		"KeyTable file:DIR/kt\nSigningTable refile:DIR/st.named",
		"KeyTable file:DIR/kt\nSigningTable refile:DIR/st.wide",
		"KeyTable db:DIR/kt.db\nSigningTable DIR/st.db",
	}},
	{"InternalHosts", []string{unset, "InternalHosts 127.0.0.1,192.0.2.0/24,!192.0.2.66", "InternalHosts file:DIR/hosts", "InternalHosts .inside.test,2001:db8::/32"}},
	{"Canonicalization", []string{unset, "Canonicalization relaxed/relaxed", "Canonicalization relaxed", "Canonicalization simple/relaxed"}},
	{"OversignHeaders", []string{unset, "OversignHeaders From", "OversignHeaders From,Subject,Reply-To"}},
	{"SignHeaders", []string{unset, "SignHeaders From,To,Subject,Comments,X-Own", "SignHeaders *,+X-Own,-Date"}},
	{"OmitHeaders", []string{unset, "OmitHeaders Reply-To,Subject", "OmitHeaders *,+List-*"}},
	{"Mode", []string{unset, "Mode s", "Mode v"}},
	{"MacroList", []string{unset, "MacroList mail_host=in.test|out.test", "MacroList file:DIR/macros"}},
	{"DontSignMailTo", []string{unset, "DontSignMailTo List@dont.test", "DontSignMailTo refile:DIR/recipients"}},
	{"On-BadSignature", []string{unset, "On-BadSignature reject", "On-BadSignature d"}},
	{"On-NoSignature", []string{unset, "On-NoSignature reject", "On-NoSignature tempfail"}},
	{"On-KeyNotFound", []string{unset, "On-KeyNotFound reject", "On-Default accept"}},
	{"AuthservID", []string{unset, "AuthservID results.test", "AuthservID HOSTNAME"}},
	{"paths", []string{"absolute", "BaseDirectory", "working directory"}},
	{"SubDomains", []string{unset, "SubDomains yes"}},
	{"MultipleSignatures", []string{unset, "MultipleSignatures yes"}},
	{"SignatureTTL", []string{unset, "SignatureTTL 3600"}},
	{"MTA", []string{unset, "MTA ORIGINATING"}},
	{"PeerList", []string{unset, "PeerList 192.0.2.200"}},
	{"ExemptDomains", []string{unset, "ExemptDomains exempt.test,stranger.exempt.test"}},
	{"SenderHeaders", []string{unset, "SenderHeaders Sender,From"}},
	{"AlwaysAddARHeader", []string{unset, "AlwaysAddARHeader yes"}},
	{"StrictHeaders", []string{unset, "StrictHeaders yes"}},
	{"TestPublicKeys", []string{"TestPublicKeys DIR/records", "TestDNSData file:DIR/records"}},
	{"MinimumKeyBits", []string{unset, "MinimumKeyBits 2048"}},
	{"MaximumSignaturesToVerify", []string{unset, "MaximumSignaturesToVerify 1"}},
	{"RemoveARAll", []string{unset, "RemoveARAll yes"}},
	{"Include", []string{unset, "Include DIR/more.conf"}},
	{"UMask", []string{"UMask 0", "UMask 002"}},
}

// files are those of an installation, beside keys and records.
var files = map[string]string{
	"domains":    "# ours\na.test\nb.test\n",
	"patterns":   "*.a.test\nb.test\n",
	"kt":         "# NAME DOMAIN:SELECTOR:KEY\nka\ta.test:sa:DIR/keys/a.pem\nkb  b.test:sb:DIR/keys/b.pem # the other\nsub a.test:ss:DIR/keys/b.pem\na.test a.test:sa:DIR/keys/a.pem\nb.test b.test:sb:DIR/keys/b.pem\nka a.test:old:DIR/keys/b.pem\n",
	"kt.blanks":  "ka a.test : sa :DIR/keys/a.pem\nkb b.test:sb: DIR/keys/b.pem\n",
	"st.blanks":  "*@a.test ka\n*@b.test kb\n",
	"kt.percent": "any %:sp:HERE/domains.d/%/k.pem\n",
	"st.refile":  "ada@sub.a.test sub:ada@sub.a.test\n*@a.test ka\n*@*.a.test ka:@a.test\n*@b.test kb:@%\nada@* kb:elsewhere@c.test\n",
	"st.plain":   "ada@sub.a.test sub\n.a.test ka:@a.test\na.test ka\nA.TEST kb\nb.test kb:@%\nada@* kb\n*@b.test never\n",
	"st.all":     "*@* any\n",
	"st.named":   "*@*.a.test a.test\n*@*.test %\n",
	"st.wide":    "eve@* kb\n* ka:@%\n",
	"hosts":      "127.0.0.1\n192.0.2.5 # one\n10.0.0.1/8\n",
	"macros":     "mail_host in.test|out.test\nauth_author\n",
	"recipients": "*@dont.test\n",
	"more.conf":  "SignatureTTL 7200\n",
}

// configuration is an installation to be: one level of each factor.
type configuration map[string]string

// level is the level of a factor.
func (c configuration) level(factor string) string { return c[factor] }

// configurations are the pairwise ones.
func configurations() (all []configuration) {
	var levels []int
	for _, f := range factors {
		levels = append(levels, len(f.levels))
	}
	for _, chosen := range pairwise(levels) {
		c := configuration{}
		for i, level := range chosen {
			c[factors[i].name] = factors[i].levels[level]
		}
		all = append(all, c)
	}
	return append(all, byHand...)
}

// byHand are combinations of more than two that decide something together. What is not named is unset.
var byHand = []configuration{
	{"keys": factors[0].levels[5], "MultipleSignatures": "MultipleSignatures yes"},
	{"keys": factors[0].levels[6], "MultipleSignatures": "MultipleSignatures yes"},
	{"keys": factors[0].levels[10], "MultipleSignatures": "MultipleSignatures yes"},
	{"keys": factors[0].levels[1], "SubDomains": "SubDomains yes", "StrictHeaders": "StrictHeaders yes"},
	{"keys": factors[0].levels[4], "SubDomains": "SubDomains yes"},
	{"keys": "Domain *, a.test\nSelector sa\nKeyFile DIR/keys/a.pem", "SubDomains": "SubDomains yes"},
	{"keys": "Domain a.test\nSelector ed\nKeyFile DIR/keys/ed25519.pem", "OversignHeaders": "OversignHeaders From,X-Own,Date\nSignatureAlgorithm ed25519-sha256"},
	{"keys": "KeyTable file:DIR/kt.blanks\nSigningTable refile:DIR/st.blanks", "OversignHeaders": "OversignHeaders From,Subject,from,From"},
}

// text is opendkim.conf for an installation in dir.
func (c configuration) text(dir string) string {
	lines := []string{"Syslog no", "RequireSafeKeys no", "Socket local:" + dir + "/milter.sock"}
	if c["TestPublicKeys"] == unset {
		lines = append(lines, "TestPublicKeys "+dir+"/records")
	}
	for _, f := range factors {
		if f.name != "paths" && c[f.name] != unset {
			lines = append(lines, c[f.name])
		}
	}
	text := strings.Join(lines, "\n") + "\n"
	if c["paths"] == "BaseDirectory" {
		text += "BaseDirectory " + dir + "\n"
	}
	// opendkim reads what Include names before it changes to BaseDirectory.
	text = strings.ReplaceAll(text, "Include DIR", "Include "+dir)
	text = strings.ReplaceAll(text, "SigningTable DIR/st.db", "SigningTable "+dir+"/st.db") // a list without its slash
	return c.place(text, dir)
}

// place writes the paths of a file as the configuration has them.
func (c configuration) place(text, dir string) string {
	text = strings.ReplaceAll(text, "HERE", dir)
	if c["paths"] == "BaseDirectory" || c["paths"] == "working directory" {
		return strings.ReplaceAll(text, "DIR", ".")
	}
	return strings.ReplaceAll(text, "DIR", dir)
}
