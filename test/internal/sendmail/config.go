package sendmail

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// stock are Debian's configurations, from which an administrator starts.
const (
	stockMTA = "usr/share/sendmail/cf/debian/sendmail.mc"
	stockMSP = "usr/share/sendmail/cf/debian/submit.mc"
)

// replaced are the beginnings of stock lines that listen elsewhere, or slow down a client that sends much.
var replaced = []string{
	"DAEMON_OPTIONS(", "FEATURE(`greet_pause'", "FEATURE(`conncontrol'", "FEATURE(`ratecontrol'", "define(`confCONNECTION_RATE_THROTTLE'",
}

// site is what the tests need of any Sendmail: a next hop for all mail, SMTP AUTH by sasldb, STARTTLS, big messages at once.
// 1 next hop.
const site = "define(`confDOMAIN_NAME', `mx.lab.test')dnl\n" +
	"define(`SMART_HOST', `esmtp:[%[1]s]')dnl\n" +
	"define(`confLOG_LEVEL', `14')dnl\n" +
	"define(`confMILTER_LOG_LEVEL', `14')dnl\n" +
	"define(`confTO_IDENT', `0')dnl\n" +
	busy +
	"define(`confREFUSE_LA', `1000')dnl\n" +
	"define(`confDELAY_LA', `1000')dnl\n" +
	"define(`confMAX_QUEUE_CHILDREN', `0')dnl\n" +
	"define(`confAUTH_MECHANISMS', `PLAIN')dnl\n" +
	"TRUST_AUTH_MECH(`PLAIN')dnl\n" +
	"define(`confCACERT_PATH', `/etc/mail/tls')dnl\n" +
	"define(`confCACERT', `/etc/mail/tls/cert.pem')dnl\n" +
	"define(`confSERVER_CERT', `/etc/mail/tls/cert.pem')dnl\n" +
	"define(`confSERVER_KEY', `/etc/mail/tls/key.pem')dnl\n" +
	"FEATURE(`accept_unresolvable_domains')dnl\n" +
	"FEATURE(`accept_unqualified_senders')dnl\n" +
	"FEATURE(`mailertable')dnl\n"

// busy: the machine may be, with other tests; mail is delivered at once all the same.
const busy = "define(`confQUEUE_LA', `1000')dnl\n"

// writeConfiguration makes sendmail.cf and submit.cf with Debian's m4 files.
func (s *Sendmail) writeConfiguration() error {
	mta, err := os.ReadFile(s.path(stockMTA))
	if err != nil {
		return err
	}
	msp, err := os.ReadFile(s.path(stockMSP))
	if err != nil {
		return err
	}
	const end = "MAILER_DEFINITIONS\n" // settings stand above
	head, tail, found := strings.Cut(string(mta), "\n"+end)
	if !found {
		return fmt.Errorf("the stock sendmail.mc has no line %q", end)
	}
	files := map[string]string{
		"sendmail.mc":      without(head) + "\n" + s.settings() + end + tail,
		"submit.mc":        strings.Replace(string(msp), "FEATURE(`msp', `[127.0.0.1]'", busy+"FEATURE(`msp', `["+s.Submission+"]'", 1),
		"access":           "Connect:127\tRELAY\nTo:in.test\tRELAY\n",
		"mailertable":      s.routes(),
		"local-host-names": "",
		"m4/dialup.m4":     "",
		"m4/provider.m4":   "",
	}
	for name, text := range files {
		if err := os.WriteFile(s.path("etc/mail", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return s.run("sh", "-ec", "cd /etc/mail; for c in sendmail submit; do m4 $c.mc >$c.cf; done; "+
		"for m in access mailertable; do /usr/libexec/sendmail/makemap hash $m <$m; done")
}

// settings are the lines of sendmail.mc that the stock file does not have.
func (s *Sendmail) settings() string {
	var b strings.Builder
	fmt.Fprintf(&b, site, s.NextHop)
	for _, d := range s.Daemons {
		options := []string{"Family=inet", "Name=" + d.Name, "Addr=" + d.Address}
		if strings.Contains(d.Address, ":") {
			options[0] = "Family=inet6"
		}
		options = append(options, "InputMailFilters="+strings.Join(d.Milters, ";"))
		fmt.Fprintf(&b, "DAEMON_OPTIONS(`%s')dnl\n", strings.Join(append(options, "Port=smtp"), ", "))
		if d.MSA != "" {
			options[1] = "Name=" + d.MSA
			fmt.Fprintf(&b, "DAEMON_OPTIONS(`%s')dnl\n", strings.Join(append(options, "Port=submission", "M=Ea"), ", "))
		}
	}
	return b.String() + s.Settings
}

// routes is the mailertable.
func (s *Sendmail) routes() string {
	var b strings.Builder
	for _, domain := range slices.Sorted(maps.Keys(s.Routes)) {
		fmt.Fprintf(&b, "%s\tesmtp:[%s]\n", domain, s.Routes[domain])
	}
	return b.String()
}

// without drops the replaced lines.
func without(mc string) string {
	var kept strings.Builder
	for line := range strings.Lines(mc) {
		if !slices.ContainsFunc(replaced, func(beginning string) bool { return strings.HasPrefix(line, beginning) }) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}
