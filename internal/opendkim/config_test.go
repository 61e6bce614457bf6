package opendkim

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/config"
)

// Each row adds lines to an installation that signs for example.com, and names what postseal.toml then says.
func TestOptionsBecomeConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		conf string
		want []string
	}{
		"nothing set": {"", []string{
			`canonicalization = "simple/simple"`, `trusted_networks = ["127.0.0.1", "::1"]`, `trusted_daemons = []`, `report_unsigned = false`,
			`bad_signature = "accept"`, `dns_error = "tempfail"`, `internal_error = "tempfail"`, `on_key_error = "tempfail"`, `on_internal_error = "tempfail"`,
			`security = "accept"`, `oversign_absent = []`, `oversign = []`, `signatures = 3`, `header_bytes = 65536`, `timeout = "5s"`, `clock_skew = "300s"`,
			`partial_body = "pass"`, `multiple_from = "first"`, `mode = "both"`, `strict = true`,
		}},
		"signer":                     {"Mode s", []string{`mode = "sign"`}},
		"verifier":                   {"Mode v", []string{`mode = "verify"`, `keytable = ""`, `signingtable = ""`}},
		"the last one counts":        {"Mode s\nmode v", []string{`mode = "verify"`}},
		"one canonicalization":       {"Canonicalization relaxed", []string{`canonicalization = "relaxed/simple"`}},
		"both canonicalizations":     {"Canonicalization Simple/Relaxed", []string{`canonicalization = "simple/relaxed"`}},
		"bare path":                  {"Socket /run/x.sock\nUMask 007", []string{`address = "unix:/run/x.sock"`, `socket_mode = "0770"`}},
		"unix":                       {"Socket unix:/run/x.sock", []string{`address = "unix:/run/x.sock"`, `socket_mode = "0755"`}},
		"relative path":              {"Socket local:x.sock\nBaseDirectory /run/d", []string{`address = "unix:/run/d/x.sock"`}},
		"umask in decimal":           {"Socket local:/x\nUMask 2", []string{`socket_mode = "0775"`}},
		"every address":              {"Socket inet:8892", []string{`address = "inet:8892@0.0.0.0"`}},
		"IPv6":                       {"Socket inet6:8892@[::1]", []string{`address = "inet6:8892@::1"`}},
		"every IPv6 address":         {"Socket inet6:8892", []string{`address = "inet6:8892@::"`}},
		"internal hosts":             {"InternalHosts 192.0.2.0/24, !192.0.2.1,.example.net", []string{`trusted_networks = ["192.0.2.0/24", "!192.0.2.1", ".example.net"]`}},
		"nobody":                     {"InternalHosts -", []string{`trusted_networks = []`}},
		"entries that never matched": {"InternalHosts 10.0.0.1/8,[192.0.2.1],2001:DB8::1,::1", []string{`trusted_networks = ["::1"]`}},
		"peers":                      {"PeerList csl:192.0.2.7", []string{`peers = ["192.0.2.7"]`}},
		"MTA":                        {"MTA ORIGINATING,submission", []string{`trusted_daemons = ["ORIGINATING", "submission"]`}},
		"macros":                     {"MacroList {verify}=yes|1,other", []string{`trusted_macros = ["verify=yes|1", "other"]`}},
		"sender headers":             {"SenderHeaders Sender,From", []string{`sender_headers = ["Sender", "From"]`}},
		"exempt":                     {"ExemptDomains example.org,.dead.example", []string{`exempt_domains = ["example.org"]`}},
		"recipients":                 {"DontSignMailTo list@example.org,example.org", []string{`dont_sign_mail_to = ["list@example.org"]`}},
		"ttl":                        {"SignatureTTL 86400", []string{`expire = "86400s"`}},
		"own list of fields":         {"SignHeaders From,Subject,X-Foo\nOmitHeaders x-foo", []string{`headers = ["From", "Subject"]`}},
		"omitted by default":         {"SignHeaders From,Comments,Received,To", []string{`headers = ["From", "To"]`}},
		"omit nothing":               {"SignHeaders From,Comments\nOmitHeaders .", []string{`headers = ["From", "Comments"]`}},
		"delta":                      {"SignHeaders *,+X-Foo,-Reply-To\nOmitHeaders *,+List-*,+Resent-*", []string{`headers = ["From", "Subject", "Date", "To", "Cc", "In-Reply-To", "References", "X-Foo"]`}},
		"oversign":                   {"OversignHeaders From,Date,List-Id", []string{`oversign = ["Date", "List-Id"]`, `oversign_absent = ["From"]`}},
		"authserv-id":                {"AuthservID mx.example.net", []string{`authserv_id = "mx.example.net"`}},
		"host name":                  {"AuthservID HOSTNAME", []string{`authserv_id = "host.example"`}},
		"report unsigned":            {"AlwaysAddARHeader true", []string{`report_unsigned = true`}},
		"bad signatures":             {"On-BadSignature r", []string{`bad_signature = "reject"`, `malformed = "reject"`, `key_not_found = "accept"`}},
		"no signature":               {"On-NoSignature quarantine", []string{`no_signature = "quarantine"`}},
		"no action where reported":   {"On-NoSignature reject\nAlwaysAddARHeader yes", []string{`no_signature = "accept"`, `report_unsigned = true`}},
		"all":                        {"On-DNSError accept\nOn-Default tempfail", []string{`bad_signature = "tempfail"`, `dns_error = "accept"`, `security = "tempfail"`}},
		"security":                   {"On-Security reject", []string{`security = "reject"`}},
		"faults":                     {"On-InternalError reject", []string{`internal_error = "reject"`, `on_internal_error = "tempfail"`, `on_key_error = "tempfail"`}},
		"faults are accepted":        {"On-InternalError accept", []string{`on_internal_error = "accept"`, `on_key_error = "accept"`}},
		"whole body":                 {"Minimum 100%", []string{`partial_body = "policy"`}},
		"no minimum":                 {"Minimum 0", []string{`partial_body = "pass"`}},
		"key bits":                   {"MinimumKeyBits 2048", []string{`min_key_bits = 2048`}},
		"too few key bits":           {"MinimumKeyBits 512", []string{`min_key_bits = 1024`}},
		"limits":                     {"MaximumSignaturesToVerify 7\nMaximumHeaders 0", []string{`signatures = 7`, `header_bytes = 67108864`}},
		"clock":                      {"ClockDrift 60", []string{`clock_skew = "60s"`}},
		"results of others":          {"RemoveARAll yes\nRemoveARFrom a.example,.b.example", []string{`spare_methods = []`, `remove_authserv_ids = ["a.example", ".b.example"]`}},
		"resolver":                   {"Nameservers 192.0.2.53,192.0.2.54\nDNSTimeout 9", []string{`nameservers = ["192.0.2.53", "192.0.2.54"]`, `timeout = "9s"`}},
		"Include":                    {"Include DIR/more", []string{`expire = "60s"`}},
	} {
		t.Run(name, func(t *testing.T) {
			files := key()
			files["more"] = "SignatureTTL 60 # seconds\n"
			r, _ := imported(t, single+c.conf+"\n", files)
			text := r.Config("/out")
			for _, want := range c.want {
				if !strings.Contains(text, "\n"+want+"\n") {
					t.Errorf("no line %s in\n%s", want, text)
				}
			}
			if _, err := config.Parse("postseal.toml", text); err != nil {
				t.Errorf("not a configuration: %v\n%s", err, text)
			}
		})
	}
}

func TestEachOptionOfTheConfigurationSaysItsSource(t *testing.T) {
	r, dir := imported(t, single+"SignatureTTL 60\n", key())
	for _, want := range []string{
		"# " + filepath.Join(dir, "opendkim.conf") + ":5: SignatureTTL\nexpire = \"60s\"\n",
		"# OpenDKIM's default for Canonicalization\ncanonicalization = ",
	} {
		if text := r.Config("/out"); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// What cannot be had is a problem with its place, and nothing comes of the import.
func TestProblems(t *testing.T) {
	for name, c := range map[string]struct {
		conf  string // instead of all of opendkim.conf
		files map[string]string
		want  string
	}{
		"nonsense":             {"<html>\nhello there\n", nil, "DIR/opendkim.conf:1: \"<html>\" has no value"},
		"another file":         {"listen 80\nroot /var\n", nil, "DIR/opendkim.conf: no option of OpenDKIM in it"},
		"no text":              {"Mode v\x00\n", nil, "it holds NUL octets"},
		"no value":             {"Mode v\nDomain\n", nil, "DIR/opendkim.conf:2: \"Domain\" has no value"},
		"missing Include":      {"Mode v\nInclude DIR/none\n", nil, "DIR/opendkim.conf:2: cannot read DIR/none"},
		"Include of itself":    {"Mode v\nInclude DIR/opendkim.conf\n", nil, "more than 5 files include each other"},
		"no keys":              {"Mode s\n", nil, "DIR/opendkim.conf: it signs (Mode), and has neither"},
		"bad mode":             {"Mode x\n", nil, "DIR/opendkim.conf:1: Mode x is no mode"},
		"bad flag":             {"Mode v\nAlwaysAddARHeader maybe\n", nil, "DIR/opendkim.conf:2: AlwaysAddARHeader maybe is neither true nor false"},
		"bad number":           {"Mode v\nClockDrift long\n", nil, "DIR/opendkim.conf:2: ClockDrift long is no number"},
		"bad action":           {"Mode v\nOn-DNSError explode\n", nil, "DIR/opendkim.conf:2: On-DNSError explode is no action"},
		"bad canonicalization": {"Mode v\nCanonicalization nowsp\n", nil, "DIR/opendkim.conf:2: Canonicalization nowsp is none"},
		"bad socket":           {"Mode v\nSocket tcp:1\n", nil, "DIR/opendkim.conf:2: \"tcp:1\" is no socket"},
		"no key file":          {"Domain a.example\nSelector s\nKeyFile DIR/none\n", nil, "DIR/opendkim.conf:3: key file DIR/none: no such file"},
		"no key in it":         {"Domain a.example\nSelector s\nKeyFile DIR/text\n", map[string]string{"text": "hello\n"}, "DIR/opendkim.conf:3: key file DIR/text"},
		"rows without keys":    {"SigningTable DIR/st\n", nil, "DIR/opendkim.conf:1: SigningTable without KeyTable"},
		"keys without rows":    {"KeyTable DIR/kt\n", nil, "DIR/opendkim.conf:1: KeyTable without SigningTable"},
		"a script for rows":    {"KeyTable DIR/kt\nSetupPolicyScript x\n", nil, "write a SigningTable"},
		"SQL":                  {"KeyTable dsn:mysql://x\nSigningTable DIR/st\n", nil, "DIR/opendkim.conf:1: KeyTable names a data set of type dsn, which cannot be read from here (export"},
		"LDAP":                 {"Mode v\nPeerList ldap://x\n", nil, "DIR/opendkim.conf:2: PeerList names a data set of type ldap"},
		"unknown data set":     {"Mode v\nPeerList foo:/x\n", nil, "DIR/opendkim.conf:2: PeerList: no data set type in"},
		"no data base tool":    {"Mode v\nPeerList db:DIR/x\n", nil, "run `db_dump -p DIR/x > DIR/x.dump`"},
		"broken dump":          {"Mode v\nPeerList db:DIR/x\n", map[string]string{"x.dump": "VERSION=3\nformat=print\nHEADER=END\n a\n"}, "DIR/x.dump: not the whole output of db_dump"},
		"missing table":        {"KeyTable DIR/none\nSigningTable DIR/st\n", map[string]string{"st": "x k\n"}, "DIR/opendkim.conf:1: KeyTable: cannot read DIR/none: no such file"},
		"relative table":       {"KeyTable file:kt\nSigningTable DIR/st\nBaseDirectory DIR/sub\n", map[string]string{"st": "x k\n"}, "a relative path begins in DIR/sub"},
	} {
		t.Run(name, func(t *testing.T) {
			files := c.files
			if files == nil {
				files = map[string]string{}
			}
			path := install(t, c.conf, files)
			r, err := Import(path, testOptions)
			want := strings.ReplaceAll(c.want, "DIR", filepath.Dir(path))
			if err == nil || r != nil || !strings.Contains(err.Error(), want) {
				t.Errorf("have %v, %v, want an error with %s", r, err, want)
			}
		})
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"List-*", "list-id", true},
		{"*", "From", true},
		{"*-ID", "Message-Id", true},
		{"L*-*t", "List-Post", true},
		{"L*-*t", "List-Owner", false},
		{"a*ba", "aba", true},
		{"a*ba", "ab", false},
		{"Date", "date", true},
		{".", "Date", false},
		{strings.Repeat("*a", 40), strings.Repeat("a", 39) + "b", false},
	} {
		if have := matches(c.pattern, c.name); have != c.want {
			t.Errorf("%s and %s: have %t", c.pattern, c.name, have)
		}
	}
}

// Under the packaged unit such a socket could not be made.
func TestSocketsOutOfReachAreTold(t *testing.T) {
	for path, told := range map[string]bool{
		"/run/opendkim/opendkim.sock": true, "/var/spool/postfix/opendkim/opendkim.sock": true,
		"/run/postseal/milter.sock": false, "/var/spool/postfix/postseal/milter.sock": false,
	} {
		r, _ := imported(t, "Domain example.com\nSelector s\nKeyFile DIR/key\nSocket local:"+path+"\n", key())
		if have := slices.ContainsFunc(r.Notes, func(n Note) bool {
			return n.Fate == Differs && strings.Contains(n.Text, "ReadWritePaths="+filepath.Dir(path))
		}); have != told {
			t.Errorf("%s: told is %v, want %v", path, have, told)
		}
	}
}
