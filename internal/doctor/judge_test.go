package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/access"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/domains"
)

// param changes parameters of main.cf.
func param(f *Facts, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		f.Postfix.Params[pairs[i]] = pairs[i+1]
	}
}

// smtpdList is the milters of all services and of sendmail(1).
func smtpdList(f *Facts, list string) { param(f, "smtpd_milters", list, "non_smtpd_milters", list) }

// service adds a line to master.cf.
func service(f *Facts, name, kind string, own map[string]string) {
	f.Postfix.Services = append(f.Postfix.Services, Service{Name: name, Type: kind, Command: "smtpd", Own: own})
}

type judged struct {
	name  string
	from  func() *Facts
	spoil func(f *Facts)
	want  string // severity and word of all findings but notes that were wanted anyway, "error not-wired, note clock"
	says  string // in the finding's texts, if not empty
}

// Each case spoils one thing of an installation that lacks nothing.
var cases = []judged{
	// Postfix
	{"not wired", healthy, func(f *Facts) { smtpdList(f, "") }, "error not-wired", "smtpd_milters = inet:127.0.0.1:8891"},
	{"another's milter only", healthy, func(f *Facts) { smtpdList(f, "inet:127.0.0.1:8893") }, "error not-wired", "smtpd_milters = inet:127.0.0.1:8891, inet:127.0.0.1:8893"},
	{"wrong port", healthy, func(f *Facts) { smtpdList(f, "inet:127.0.0.1:8892") }, "error wrong-address", "inet:127.0.0.1:8892; postseal listens at inet:127.0.0.1:8891"},
	{"wrong path", onSocket, func(f *Facts) { smtpdList(f, "unix:/run/postseal/other.sock") }, "error wrong-address", "smtpd_milters = unix:postseal/milter.sock"},
	{"no_milters everywhere", healthy, func(f *Facts) { param(f, "receive_override_options", "no_milters") }, "error milters-off", ""},
	{"a service with a list of its own", healthy, func(f *Facts) { service(f, "2525", "inet", map[string]string{"smtpd_milters": ""}) }, "warning service-not-wired", "-o { smtpd_milters = inet:127.0.0.1:8891 }"},
	{"a service without milters", healthy, func(f *Facts) { f.Postfix.Services[1].Own["receive_override_options"] = "no_milters" }, "warning service-not-wired", "submission/inet"},
	{"all services with a list of their own", healthy, func(f *Facts) {
		f.Postfix.Services[0].Own["smtpd_milters"], f.Postfix.Services[1].Own["smtpd_milters"] = "inet:127.0.0.1:8893", "inet:127.0.0.1:8893"
	}, "error service-not-wired, error service-not-wired", "-o { smtpd_milters = inet:127.0.0.1:8891, inet:127.0.0.1:8893 }"},
	{"a service of this host alone without milters", healthy, func(f *Facts) { service(f, "127.0.0.1:10025", "inet", map[string]string{"smtpd_milters": ""}) }, "", ""},
	{"users hand in to the verifier", healthy, func(f *Facts) {
		f.Ours.Config.Listeners = append(f.Ours.Config.Listeners, config.Listener{Address: "inet:8892@127.0.0.1", Mode: "verify"})
		f.Sockets[Endpoint{"tcp", "127.0.0.1:8892"}] = answered(serviceName)
		f.Postfix.Services[1].Own["smtpd_milters"] = "inet:127.0.0.1:8892"
	}, "warning submission-unsigned", "submission/inet"},
	{"by name", healthy, func(f *Facts) {
		f.Hosts = map[string][]netip.Addr{"milter.lan": addrs("127.0.0.1")}
		smtpdList(f, "inet:milter.lan:8891")
	}, "", ""},
	{"localhost", healthy, func(f *Facts) { smtpdList(f, "inet:localhost:8891") }, "", ""},
	{"with options", healthy, func(f *Facts) { smtpdList(f, "{ inet:127.0.0.1:8891, default_action=accept, connect_timeout=5s }") }, "", ""},
	{"a listener at all addresses", healthy, func(f *Facts) { f.Ours.Config.Listeners[0].Address = "inet:8891@0.0.0.0" }, "warning listener-open", ""},
	{"maps", healthy, func(f *Facts) { param(f, "smtpd_milter_maps", "cidr:/etc/postfix/milters") }, "note milter-maps", ""},
	{"sendmail(1) forgotten", healthy, func(f *Facts) { param(f, "non_smtpd_milters", "") }, "warning non-smtpd-forgotten", "non_smtpd_milters = $smtpd_milters"},
	{"sendmail(1) to another", healthy, func(f *Facts) { param(f, "non_smtpd_milters", "unix:clamav/clamav-milter.ctl") }, "warning non-smtpd-forgotten", "non_smtpd_milters = unix:clamav/clamav-milter.ctl, inet:127.0.0.1:8891"},
	{"sendmail(1) with a verifier alone", healthy, func(f *Facts) {
		f.Ours.Config.Listeners[0].Mode = "verify"
		param(f, "non_smtpd_milters", "")
		f.Postfix.Services = f.Postfix.Services[:1]
	}, "", ""},
	{"old protocol", healthy, func(f *Facts) { param(f, "milter_protocol", "2") }, "warning old-protocol", "milter_protocol = 6"},
	{"old protocol for this milter", healthy, func(f *Facts) { smtpdList(f, "{ inet:127.0.0.1:8891, protocol=3 }") }, "warning old-protocol", ""},
	{"old protocol and simple", healthy, func(f *Facts) {
		param(f, "milter_protocol", "4")
		f.Ours.Config.Sign.Canonicalization = "simple/simple"
	}, "error old-protocol", ""},
	{"mail waits", healthy, func(f *Facts) { param(f, "milter_default_action", "tempfail") }, "note default-action", "default_action=accept"},
	{"mail is refused", healthy, func(f *Facts) { param(f, "milter_default_action", "reject") }, "warning default-action", "refused for good"},
	{"mail is held", healthy, func(f *Facts) { smtpdList(f, "{ inet:127.0.0.1:8891, default_action=quarantine }") }, "note default-action", "default_action of inet:127.0.0.1:8891"},
	{"this milter's own action", healthy, func(f *Facts) {
		param(f, "milter_default_action", "reject")
		smtpdList(f, "{ inet:127.0.0.1:8891, default_action=accept }")
	}, "", ""},
	{"no login name", healthy, func(f *Facts) { param(f, "milter_mail_macros", "i {auth_type}") }, "warning macros-missing", "without {auth_authen}"},
	{"no sign of a login", healthy, func(f *Facts) { param(f, "milter_mail_macros", "i") }, "error macros-missing", "{auth_type}, {auth_authen}"},
	{"no name of ours", healthy, func(f *Facts) { param(f, "milter_connect_macros", "v") }, "warning macros-missing", "without j"},
	{"bounces", healthy, func(f *Facts) { param(f, "internal_mail_filter_classes", "") }, "note bounces-unsigned", "internal_mail_filter_classes = bounce"},

	// trust
	{"ORIGINATING for all", healthy, func(f *Facts) { param(f, "milter_macro_daemon_name", "ORIGINATING") }, "error strangers-trusted", "smtp/inet"},
	{"ORIGINATING behind postscreen", healthy, func(f *Facts) {
		service(f, "smtpd", "pass", map[string]string{"milter_macro_daemon_name": "ORIGINATING"})
	}, "error strangers-trusted", "smtpd/pass"},
	{"a name that nobody knows", healthy, func(f *Facts) { f.Postfix.Services[1].Own["milter_macro_daemon_name"] = "SUBMIT" }, "note daemon-name-unknown", `trusted_daemons = ["ORIGINATING", "SUBMIT"]`},
	{"a network too many", healthy, func(f *Facts) { f.Ours.Config.Sign.TrustedNetworks = []string{"127.0.0.0/8", "10.0.0.0/8"} }, "warning networks-wide", "10.0.0.0/8, not in"},
	{"a network too many, perhaps", healthy, func(f *Facts) {
		f.Ours.Config.Sign.TrustedNetworks = []string{"10.0.0.0/8"}
		param(f, "mynetworks", "hash:/etc/postfix/nets")
	}, "", ""},
	{"a network too few", healthy, func(f *Facts) { param(f, "mynetworks", "127.0.0.0/8 192.0.2.0/24") }, "note networks-unsigned", `trusted_networks = ["127.0.0.0/8", "::1", "192.0.2.0/24"]`},
	{"the host's own addresses by default", healthy, func(f *Facts) {
		delete(f.Postfix.Set, "mynetworks")
		param(f, "mynetworks", "127.0.0.1/32 192.0.2.5/32")
	}, "", ""},
	{"a gateway", healthy, func(f *Facts) {
		f.Ours.Config.Sign.TrustedNetworks = []string{"127.0.0.0/8", "192.0.2.0/24"}
		param(f, "mynetworks", "127.0.0.0/8 192.0.2.0/24", "smtpd_authorized_xforward_hosts", "127.0.0.0/8 192.0.2.9")
	}, "warning gateway-trusted", "192.0.2.9/32"},
	{"a gateway that is an exception is not in the network", healthy, func(f *Facts) { param(f, "smtpd_authorized_xforward_hosts", "192.0.2.9") }, "", ""},
	{"reinjection", healthy, func(f *Facts) {
		param(f, "content_filter", "smtp:[127.0.0.1]:10024")
		service(f, "127.0.0.1:10025", "inet", nil)
	}, "error reinjection", "127.0.0.1:10025/inet"},
	{"reinjection from a proxy", healthy, func(f *Facts) {
		f.Postfix.Services[0].Own["smtpd_proxy_filter"] = "127.0.0.1:10024"
		service(f, "localhost:10025", "inet", nil)
	}, "error reinjection", "127.0.0.1:10024"},
	{"reinjection that is not trusted", healthy, func(f *Facts) {
		f.Ours.Config.Sign.TrustedNetworks = nil
		param(f, "content_filter", "smtp:[127.0.0.1]:10024")
		service(f, "127.0.0.1:10025", "inet", nil)
	}, "warning reinjection", ""},
	{"reinjection without milters", healthy, func(f *Facts) {
		param(f, "content_filter", "smtp:[127.0.0.1]:10024")
		service(f, "127.0.0.1:10025", "inet", map[string]string{"receive_override_options": "no_header_body_checks, no_milters"})
	}, "", ""},

	// order
	{"OpenDMARC first", healthy, func(f *Facts) { smtpdList(f, "unix:opendmarc/opendmarc.sock inet:127.0.0.1:8891") }, "warning reader-first", "smtpd_milters = inet:127.0.0.1:8891, unix:opendmarc/opendmarc.sock"},
	{"OpenDMARC second", healthy, func(f *Facts) { smtpdList(f, "inet:127.0.0.1:8891 unix:opendmarc/opendmarc.sock") }, "", ""},
	{"OpenDMARC that believes another name", healthy, func(f *Facts) {
		smtpdList(f, "inet:127.0.0.1:8891 unix:opendmarc/opendmarc.sock")
		f.OpenDMARC = &OpenDMARC{Path: "/etc/opendmarc.conf", Trusted: []string{"old.example.net"}}
	}, "warning reader-trusts-others", "TrustedAuthservIDs mx.example.net"},
	{"OpenDMARC that believes us", healthy, func(f *Facts) {
		smtpdList(f, "inet:127.0.0.1:8891 unix:opendmarc/opendmarc.sock")
		f.OpenDMARC = &OpenDMARC{Trusted: []string{"MX.example.net"}}
	}, "", ""},
	{"a virus filter behind us at one service", healthy, func(f *Facts) {
		f.Postfix.Services[1].Own["smtpd_milters"] = "inet:127.0.0.1:8891 unix:clamav/clamav-milter.ctl"
	}, "warning changed-after-signing", "smtpd_milters of submission/inet in /etc/postfix/master.cf"},
	{"a virus filter behind us", healthy, func(f *Facts) { smtpdList(f, "inet:127.0.0.1:8891 unix:clamav/clamav-milter.ctl") }, "warning changed-after-signing", "smtpd_milters = unix:clamav/clamav-milter.ctl, inet:127.0.0.1:8891"},
	{"a virus filter behind the verifier", healthy, func(f *Facts) {
		f.Ours.Config.Listeners[0].Mode = "verify"
		smtpdList(f, "inet:127.0.0.1:8891 unix:clamav/clamav-milter.ctl")
		f.Postfix.Services = f.Postfix.Services[:1]
	}, "", ""},
	{"a program that is known by who listens", healthy, func(f *Facts) {
		smtpdList(f, "inet:127.0.0.1:8891 inet:127.0.0.1:7000")
		f.Sockets[Endpoint{"tcp", "127.0.0.1:7000"}] = answered("mimedefang")
	}, "warning changed-after-signing", "MIMEDefang"},
	{"OpenDKIM still there", healthy, func(f *Facts) { smtpdList(f, "unix:opendkim/opendkim.sock inet:127.0.0.1:8891") }, "warning two-signers", "OpenDKIM"},
	{"SPF results removed", healthy, func(f *Facts) { smtpdList(f, "unix:spf/pyspf.sock inet:127.0.0.1:8891") }, "warning results-removed", `spare_methods = ["spf"]`},
	{"SPF results spared", healthy, func(f *Facts) {
		smtpdList(f, "unix:spf/pyspf.sock inet:127.0.0.1:8891")
		f.Ours.Config.Verify.SpareMethods = []string{"spf"}
	}, "", ""},
	{"nobody's results spared", healthy, func(f *Facts) { f.Ours.Config.Verify.SpareMethods = []string{"spf"} }, "warning spared-needlessly", "spare_methods = []"},

	// behind the milter
	{"generic maps", healthy, func(f *Facts) { param(f, "smtp_generic_maps", "hash:/etc/postfix/generic") }, "warning rewritten-afterwards", "addresses in From"},
	{"client's header checks", healthy, func(f *Facts) { param(f, "smtp_header_checks", "pcre:/etc/postfix/h") }, "warning rewritten-afterwards", ""},
	{"checks of what milters add", healthy, func(f *Facts) { param(f, "milter_header_checks", "pcre:/etc/postfix/h") }, "warning rewritten-afterwards", "such as our signature"},
	{"what acts before the milter", healthy, func(f *Facts) {
		param(f, "canonical_maps", "hash:/c", "header_checks", "pcre:/h", "always_bcc", "archive@example.net", "masquerade_domains", "example.net")
	}, "", ""},
	{"short lines", healthy, func(f *Facts) { param(f, "smtp_line_length_limit", "512") }, "warning lines-broken", "512"},
	{"no limit of lines", healthy, func(f *Facts) { param(f, "smtp_line_length_limit", "0") }, "", ""},
	{"seven bits", healthy, func(f *Facts) { param(f, "smtp_discard_ehlo_keywords", "dsn, 8BITMIME") }, "warning eight-bit-converted", ""},
	{"seven bits without conversion", healthy, func(f *Facts) {
		param(f, "smtp_discard_ehlo_keywords", "8bitmime", "disable_mime_output_conversion", "yes")
	}, "", ""},
	{"a relay that signs", healthy, func(f *Facts) { param(f, "relayhost", "[email-smtp.eu-west-1.amazonaws.com]:587") }, "note relay-signs", "Amazon SES"},
	{"a relay that does not", healthy, func(f *Facts) { param(f, "relayhost", "smtp.notsendgrid.net:25") }, "", ""},

	// Sendmail
	{"no filter", withSendmail, func(f *Facts) { f.Sendmail = parseSendmail("/etc/mail/sendmail.cf", "") }, "error not-wired-sendmail", "INPUT_MAIL_FILTER(`postseal', `S=inet:8891@127.0.0.1, F=, T=S:10s;R:10s;E:5m')dnl"},
	{"filter at another port", withSendmail, func(f *Facts) { f.Sendmail.Filters[0].Milter, _ = parseMilter("inet:8892@127.0.0.1") }, "error not-wired-sendmail", "postseal at inet:8892@127.0.0.1"},
	{"filter in no list", withSendmail, func(f *Facts) { delete(f.Sendmail.Options, "InputMailFilters") }, "error filter-unused", ""},
	{"not built", withSendmail, func(f *Facts) {
		f.Sendmail = parseSendmail("/etc/mail/sendmail.cf", "")
		f.Sendmail.source("/etc/mail/sendmail.mc", "INPUT_MAIL_FILTER(`postseal', `S=inet:8891@127.0.0.1')dnl\n", now, now)
	}, "error cf-not-built", ""},
	{"commented out", withSendmail, func(f *Facts) {
		f.Sendmail = parseSendmail("/etc/mail/sendmail.cf", "")
		f.Sendmail.source("/etc/mail/sendmail.mc", "dnl INPUT_MAIL_FILTER(`postseal', `S=inet:8891@127.0.0.1')dnl\n", now, now)
	}, "error not-wired-sendmail", ""},
	{"changed since", withSendmail, func(f *Facts) { f.Sendmail.source("/etc/mail/sendmail.mc", "", now, now.Add(-time.Hour)) }, "warning cf-older-than-mc", "sendmailconfig"},
	{"a daemon with a list of its own", withSendmail, func(f *Facts) { f.Sendmail.Daemons[1] = SendmailDaemon{Name: "MSP-v4", Own: true} }, "warning daemon-not-wired", "the daemon MSP-v4"},
	{"mail waits for Sendmail", withSendmail, func(f *Facts) { f.Sendmail.Filters[0].Flag = "T" }, "note filter-flag", "F=T"},
	{"mail is lost by Sendmail", withSendmail, func(f *Facts) { f.Sendmail.Filters[0].Flag = "R" }, "error filter-flag", "refused for good"},
	{"Sendmail's macros", withSendmail, func(f *Facts) { f.Sendmail.Options["Milter.macros.envfrom"] = "i, {auth_type}" }, "warning macros-missing", "without {auth_authen}"},
	{"Sendmail's macros, no login", withSendmail, func(f *Facts) { f.Sendmail.Options["Milter.macros.envfrom"] = "i" }, "error macros-missing", "confMILTER_MACROS_ENVFROM"},
	{"Sendmail's default macros", withSendmail, func(f *Facts) { delete(f.Sendmail.Options, "Milter.macros.envfrom") }, "", ""},
	{"simple with Sendmail", withSendmail, func(f *Facts) { f.Ours.Config.Sign.Canonicalization = "simple/relaxed" }, "warning lists-folded", "relaxed/relaxed"},
	{"Bcc with Sendmail", withSendmail, func(f *Facts) { f.Ours.Config.Sign.Headers.Preset = "mail-assure" }, "warning bcc-signed", ""},
	{"stock Sendmail", withSendmail, func(f *Facts) {
		f.Sendmail.Options["MustQuoteChars"] = ".'"
		delete(f.Sendmail.Options, "DontExpandCnames")
		f.Sendmail.Mailers["esmtp"] = "	P=[IPC], F=mDFMuXa, E=\\r\\n, L=990, A=TCP $h"
	}, "note sendmail-rewrites", "define(`confMUST_QUOTE_CHARS', `')dnl\ndefine(`SMTP_MAILER_LL', `0')dnl\ndefine(`SMTP_MAILER_FLAGS', `8')dnl\ndefine(`confDONT_EXPAND_CNAMES', `True')dnl"},
	{"masquerade", withSendmail, func(f *Facts) { f.Sendmail.Macros["M"] = "example.net" }, "warning masqueraded", "MASQUERADE_AS(example.net)"},
	{"genericstable", withSendmail, func(f *Facts) { f.Sendmail.Maps["generics"] = "hash /etc/mail/generics" }, "warning masqueraded", "genericstable"},
	{"Sendmail's order", withSendmail, func(f *Facts) {
		f.Sendmail.Filters = append(f.Sendmail.Filters, Filter{Name: "opendmarc", Milter: Milter{Text: "local:/run/dmarc.sock", Network: "unix", Address: "/run/dmarc.sock"}})
		f.Sendmail.Options["InputMailFilters"] = "opendmarc,postseal"
	}, "warning reader-first", "postseal, opendmarc"},

	// sockets
	{"nobody answers", healthy, func(f *Facts) { f.Sockets[inetEnd] = Socket{Err: syscall.ECONNREFUSED} }, "error not-answering", "connection refused"},
	{"nobody answers, says systemd", healthy, func(f *Facts) {
		f.Sockets[inetEnd] = Socket{Err: syscall.ECONNREFUSED}
		f.Unit = &Unit{Loaded: true, Active: "failed"}
	}, "error not-answering, warning unit-inactive", "postseal.service is failed"},
	{"no socket", onSocket, func(f *Facts) { f.Sockets[sockEnd] = Socket{Err: &os.PathError{Op: "connect", Err: syscall.ENOENT}} }, "error not-answering", ""},
	{"OpenDKIM has the port", healthy, func(f *Facts) { f.Sockets[inetEnd] = answered("opendkim") }, "error other-program", "opendkim"},
	{"a web server has the port", healthy, func(f *Facts) {
		f.Sockets[inetEnd] = Socket{Reached: true, Err: fmt.Errorf("%w: %q", errNoMilter, "HTTP")}
	}, "error other-program", ""},
	{"a milter of another kind", healthy, func(f *Facts) { f.Sockets[inetEnd] = Socket{Reached: true, Answer: Answer{Version: 6}} }, "error other-program", "does not want to add header fields"},
	{"a socket that is not ours to try", onSocket, func(f *Facts) { f.Sockets[sockEnd] = Socket{Err: fs.ErrPermission} }, "note not-seen", ""},
	{"a socket for its owner", onSocket, func(f *Facts) { f.Sockets[sockEnd].Nodes[5].Mode = fs.ModeSocket | 0o600 }, "error socket-denied", "for the user postfix"},
	{"a socket of another group", onSocket, func(f *Facts) { f.Sockets[sockEnd].Nodes[5].GID = 900 }, "error socket-denied", ""},
	{"a user in that other group", onSocket, func(f *Facts) { f.Sockets[sockEnd].Nodes[5].GID = 900; f.Users["postfix"].Groups = []uint32{101, 900} }, "", ""},
	{"a closed directory", onSocket, func(f *Facts) { f.Sockets[sockEnd].Nodes[4].GID = 900 }, "error directory-denied", "chmod o+x /var/spool/postfix/postseal"},
	{"a directory that is not ours to see", onSocket, func(f *Facts) {
		f.Sockets[sockEnd].Nodes[5] = access.Node{Path: sockEnd.Address, Err: fs.ErrPermission}
	}, "", ""},
	{"outside the chroot", onSocket, func(f *Facts) {
		f.Ours.Config.Listeners[0].Address = "unix:/run/postseal/milter.sock"
		f.Sockets = map[Endpoint]Socket{{"unix", "/run/postseal/milter.sock"}: answered(serviceName)}
		smtpdList(f, "unix:/run/postseal/milter.sock")
	}, "error socket-outside-chroot", "/var/spool/postfix/run/postseal/milter.sock"},
	{"the same without a chroot", onSocket, func(f *Facts) {
		f.Ours.Config.Listeners[0].Address = "unix:/run/postseal/milter.sock"
		f.Sockets = map[Endpoint]Socket{{"unix", "/run/postseal/milter.sock"}: answered(serviceName)}
		smtpdList(f, "unix:/var/run/postseal/milter.sock")
		f.Links = map[string]string{"/var/run/postseal/milter.sock": "/run/postseal/milter.sock"}
		for i := range f.Postfix.Services {
			f.Postfix.Services[i].Chroot = false
		}
	}, "", ""},
	{"systemd's socket", healthy, func(f *Facts) {
		f.Ours.Config.Listeners[0].Address = "fd:milter"
		f.Unit = &Unit{Loaded: true, Active: "active", Sockets: []string{"127.0.0.1:8891"}}
	}, "", ""},
	{"systemd's socket that is not there", healthy, func(f *Facts) { f.Ours.Config.Listeners[0].Address = "fd:milter" }, "warning listener-unknown", "fd:milter"},
	{"people on the host", healthy, func(f *Facts) { f.Shells = []string{"ada"} }, "note socket-tighter", "install -d -o postseal -g postfix -m 2750 /var/spool/postfix/postseal"},
	{"people on the host, and a unix socket", onSocket, func(f *Facts) { f.Shells = []string{"ada"} }, "", ""},

	// own files
	{"a mistake in the file", healthy, func(f *Facts) { f.Ours.Errs = []error{errors.New("postseal.toml:3: nmae: did you mean name?")} }, "error config-broken", "did you mean"},
	{"a doubt about the file", healthy, func(f *Facts) { f.Ours.Warnings = []error{errors.New("metrics.listen: anybody may read it")} }, "warning config-doubtful", ""},
	{"a row that cannot work", healthy, func(f *Facts) { f.Ours.Rows = []error{errors.New("keytable:1: no such file")} }, "error row-out-of-service", "keytable:1"},
	{"a key that a plain user cannot read", healthy, func(f *Facts) {
		f.Ours.Files[0].Closed = true
		f.Ours.Rows = []error{errors.New("keytable:1: key file /etc/postseal/keys/s1.pem: no permission to read it")}
		f.Domains[0].Rows[0] = Row{Where: "signingtable:1", Out: f.Ours.Rows[0].Error()}
	}, "note not-seen", ""},
	{"a weak key", healthy, func(f *Facts) { f.Ours.Weak = []error{errors.New("keytable:1: 1024 bits")} }, "warning weak-key", ""},
	{"a key for root alone", healthy, func(f *Facts) { f.Ours.Files = []File{file("key", "/etc/k.pem", 0o600, 0)} }, "error service-cannot-read", "chgrp postseal /etc/k.pem && chmod g+r /etc/k.pem"},
	{"a closed directory above a key", healthy, func(f *Facts) { f.Ours.Files[0].Nodes[1].Mode = fs.ModeDir | 0o700 }, "error service-cannot-read", "chmod o+x /etc"},
	{"no user", healthy, func(f *Facts) { delete(f.Users, serviceName) }, "note no-service-user", ""},
	{"a key of last winter", healthy, func(f *Facts) { f.Ours.Files[0].Time = now.AddDate(0, -9, 0) }, "note key-old", ""},
	{"a key of the year before", healthy, func(f *Facts) { f.Ours.Files[0].Time = now.AddDate(-2, 0, 0) }, "warning key-old", "2024-11-21"},
	{"empty tables", healthy, func(f *Facts) { f.Ours.Keys = 0 }, "note nothing-signed", ""},
	{"empty tables of a verifier", healthy, func(f *Facts) {
		f.Ours.Keys = 0
		f.Ours.Config.Listeners[0].Mode = "verify"
		f.Postfix.Services = f.Postfix.Services[:1]
	}, "", ""},
	{"not started", healthy, func(f *Facts) { f.Unit = &Unit{Loaded: true, Active: "inactive"} }, "warning unit-inactive", ""},
	{"a failed reload", healthy, func(f *Facts) {
		f.Unit = &Unit{Loaded: true, Active: "active", Status: "reload failed, running on the old configuration: x"}
	}, "warning reload-failed", ""},
	{"another unit's business", healthy, func(f *Facts) { f.Unit = &Unit{Active: "inactive"} }, "", ""},

	// domains
	{"no record", healthy, func(f *Facts) {
		f.Domains[0].Keys[0].Result.Findings = []check.Finding{{Code: "D101", Severity: check.Error, Title: "the name does not exist", Change: "publish"}}
	}, "error D101, warning dmarc-unsigned", "p=reject"},
	{"no telling", healthy, func(f *Facts) {
		f.Domains[0].Keys[0].Result.Findings = []check.Finding{{Code: "D103", Severity: check.Unsettled}}
	}, "warning D103", ""},
	{"a note about a key", healthy, func(f *Facts) {
		f.Domains[0].Keys[0].Result.Findings = []check.Finding{{Code: "D605", Severity: check.Note}}
	}, "", ""},
	{"no line", healthy, func(f *Facts) { f.Domains[0].Rows = nil }, "note domain-without-row", "*@example.com"},
	{"tables that were not read", healthy, func(f *Facts) { f.Ours.Tabled, f.Domains[0].Rows, f.Domains[0].Keys = false, nil, nil }, "", ""},
	{"a line that cannot work", healthy, func(f *Facts) { f.Domains[0].Rows[0] = Row{Where: "signingtable:1", Out: "no such file"} }, "warning dmarc-unsigned", ""},
	{"another domain's key", healthy, func(f *Facts) { f.Domains[0].Rows[0].Signs = []string{"example.net"} }, "warning not-aligned, warning dmarc-unsigned", ""},
	{"a parent's key", healthy, func(f *Facts) { f.Domains[0].Name = "news.example.com" }, "", ""},
	{"a parent's key, strictly", healthy, func(f *Facts) { f.Domains[0].Name = "news.example.com"; f.Domains[0].DMARC.Strict = true }, "warning not-aligned, warning dmarc-unsigned", ""},
	{"a public suffix in common", healthy, func(f *Facts) {
		f.Domains[0].Name = "a.co.uk"
		f.Domains[0].Rows[0].Signs = []string{"b.co.uk"}
		f.Domains[0].DMARC.Request = "none"
	}, "warning not-aligned", ""},
	{"no DMARC", healthy, func(f *Facts) { f.Domains[0].DMARC = Policy{} }, "note dmarc-missing", "v=DMARC1; p=none"},
	{"two of DMARC", healthy, func(f *Facts) { f.Domains[0].DMARC.Texts = []string{"v=DMARC1; p=none", "v=DMARC1; p=reject"} }, "warning dmarc-broken", "2 records"},
	{"DMARC that cannot be read", healthy, func(f *Facts) { f.Domains[0].DMARC.Err = errors.New("no p") }, "warning dmarc-broken", ""},
	{"no SPF", healthy, func(f *Facts) { f.Domains[0].SPF = nil }, "note spf-missing", ""},
	{"two of SPF", healthy, func(f *Facts) { f.Domains[0].SPF = []string{"v=spf1 mx -all", "v=spf1 a -all"} }, "warning spf-broken", "2 records"},
	{"SPF for all", healthy, func(f *Facts) { f.Domains[0].SPF = []string{"v=spf1 mx +all"} }, "warning spf-broken", "everybody"},
	{"SPF for an include with all in its name", healthy, func(f *Facts) { f.Domains[0].SPF = []string{"v=spf1 include:all.example.net ?all"} }, "", ""},
	{"DMARC not to be had", healthy, func(f *Facts) { f.Domains[0].Err = errors.New("time-out") }, "note not-seen", ""},
	{"many domains", healthy, func(f *Facts) { f.Skipped = 5 }, "note domains-skipped", "5 were not"},

	// host
	{"the clock is behind our files", healthy, func(f *Facts) { f.Now = now.AddDate(0, -1, 0) }, "warning clock", "/etc/postseal/keys/s1.pem"},
	{"nothing keeps the clock", healthy, func(f *Facts) { f.Clock.Unsynchronized = true }, "note clock", ""},
	{"no clock to ask", healthy, func(f *Facts) { f.Clock = Clock{Unsynchronized: true, Err: syscall.EPERM} }, "", ""},
	{"no resolver", healthy, func(f *Facts) { f.Resolver = &Resolver{Err: "127.0.0.1:53: i/o timeout"} }, "error resolver-silent", ""},
	{"a resolver that does not validate", healthy, func(f *Facts) { f.Resolver.Secure = false }, "note resolver-unvalidated", ""},
	{"no MTA", healthy, func(f *Facts) { f.Postfix = nil }, "warning no-mta", ""},
	{"not readable", healthy, func(f *Facts) { f.unread("keytable", fs.ErrPermission) }, "note not-seen", "as root"},

	// The mail log
	{"mail that comes back", healthy, func(f *Facts) { f.Deliveries = &Deliveries{Log: "/var/log/mail.log", Sent: 50, Bounced: 50} }, "warning bounces", "50 of 100 deliveries"},
	{"a log that ends early", healthy, func(f *Facts) { f.Deliveries = &Deliveries{Log: "mail.log", Sent: 50, Err: errors.New("i/o")} }, "note bounces, note not-seen", "the end of mail.log"},

	// The managed store
	{"a store that is away", withStore, func(f *Facts) { *f.Managed = Managed{Name: "store postgres://db/x", Err: errors.New("no answer")} }, "error store-unreadable", "store postgres://db/x no answer"},
	{"an identity that opens nothing", withStore, func(f *Facts) { f.Managed.Sealed = errors.New("sealed for others") }, "error identity-unusable", "sealed for others"},
	{"a store open to all", withStore, func(f *Facts) { f.Ours.Files[1] = file("store", "/var/lib/postseal/postseal.db", 0o644, 900) }, "warning store-open", "chmod o-rwx /var/lib/postseal/postseal.db"},
	{"an identity that the service cannot read", withStore, func(f *Facts) {
		f.Ours.Files = append(f.Ours.Files, file("identity", "/var/lib/postseal-identity/identity", 0o600, 0))
	}, "error service-cannot-read", "the identity /var/lib/postseal-identity/identity"},
	{"keys in plain text", withStore, func(f *Facts) { f.Ours.Plain = []string{"/etc/postseal/keys/old.pem"} }, "warning key-plaintext", "/etc/postseal/keys/old.pem"},
	{"a key that DNS lost", withStore, func(f *Facts) {
		row := held("lost.example", day, domains.Active)
		row.Keys[0].Health = domains.Health{Status: domains.Broken, Reason: domains.ReasonAbsent, Code: "D101", Text: "the record is gone"}
		row.Status = domains.StatusOf(row.Domain, row.Keys, now)
		f.Managed.Rows = append(f.Managed.Rows, row)
	}, "warning managed-unwell", "postseal domain show lost.example "},
	{"a domain without a key", withStore, func(f *Facts) {
		f.Managed.Rows = append(f.Managed.Rows, Managing{domains.Row{Domain: domains.Domain{Name: "none.example", Enabled: true}, Status: domains.StatusOf(domains.Domain{Enabled: true}, nil, now)}, nil})
	}, "warning domain-without-key", "postseal domain add none.example makes one"},
	{"a key of half a year", withStore, func(f *Facts) { f.Managed.Rows[0] = held("managed.example", 181*day, domains.Active) }, "note managed-key-old", "ps1._domainkey.managed.example (2026-05-24)"},
	{"a key of a year", withStore, func(f *Facts) { f.Managed.Rows[0] = held("managed.example", 366*day, domains.Active) }, "warning managed-key-old", "older than 365 days"},
	{"a replaced key of a year", withStore, func(f *Facts) {
		old := held("managed.example", 366*day, domains.Retired).Keys[0]
		f.Managed.Rows[0].Keys = append(f.Managed.Rows[0].Keys, old)
	}, "", ""},
	{"a queue that keeps mail long", withStore, func(f *Facts) { param(f, "maximal_queue_lifetime", "10") }, "warning retires-early", `a replaced key is kept for 7d; mail waits up to 10d in the queue`},
	{"a queue with a margin of the TTL alone", withStore, func(f *Facts) { param(f, "maximal_queue_lifetime", "1w") }, "warning retires-early", "maximal_queue_lifetime in /etc/postfix/main.cf"},
	{"a queue of hours", withStore, func(f *Facts) { param(f, "maximal_queue_lifetime", "167h") }, "", ""},
	{"Sendmail's queue", withStore, func(f *Facts) {
		f.Postfix, f.Sendmail = nil, withSendmail().Sendmail
		f.Sendmail.Options["Timeout.queuereturn"] = "6d24h30m"
	}, "warning retires-early", "Timeout.queuereturn in /etc/mail/sendmail.cf"},
	{"a disabled domain with a key", withStore, func(f *Facts) { f.Managed.Rows[0].Domain.Enabled = false }, "note key-unused", "postseal domain enable managed.example"},
	{"a disabled domain whose key a user has", withStore, func(f *Facts) {
		f.Managed.Rows[0].Domain.Enabled = false
		f.Managed.Users = []domains.User{{Match: "sasl:ada", Key: "managed.example/ps1"}}
	}, "", ""},
	{"mail of a domain without a key", withStore, func(f *Facts) {
		f.Managed.Candidates = []domains.Candidate{{Domain: "new.example", Source: "mail", Count: 12, LastSeen: now}}
	}, "warning candidates", "new.example (12 messages, the last on 2026-11-21)"},
	{"a domain of the mail server without a key", withStore, func(f *Facts) {
		f.Managed.Candidates = []domains.Candidate{{Domain: "new.example", Source: "postfix"}, {Domain: "new.example", Source: "file:/etc/users"}}
	}, "note candidates", "new.example postseal domain add"},
}

func TestJudge(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := c.from()
			c.spoil(f)
			var got []string
			var text strings.Builder
			for _, x := range Judge(f) {
				got = append(got, string(x.Severity)+" "+x.Word)
				fmt.Fprintln(&text, x.Title, x.Looked, x.Found, x.Change)
			}
			slices.Sort(got)
			want := strings.Split(c.want, ", ")
			slices.Sort(want)
			if strings.Join(got, ", ") != strings.Join(want, ", ") {
				t.Errorf("got %v, want %v\n%s", got, want, &text)
			}
			if !strings.Contains(text.String(), c.says) {
				t.Errorf("nothing says %q:\n%s", c.says, &text)
			}
		})
	}
}

// One domain: what concerns it, wherever its keys are, and whether the MTA asks us at all.
func TestJudgeDomainOfTheStore(t *testing.T) {
	words := func(f *Facts) (all []string) {
		f.Domains = []Domain{{Name: "managed.example", Held: true, Rows: []Row{{Where: "the store", Keys: []string{"managed.example/ps1"}, Signs: []string{"managed.example"}}}, DMARC: Policy{Texts: []string{"v=DMARC1; p=none"}, Request: "none"}, SPF: []string{"v=spf1 -all"}}}
		for _, x := range JudgeDomain(f) {
			all = append(all, string(x.Severity)+" "+x.Word)
		}
		return all
	}
	if got := words(withStore()); len(got) > 0 {
		t.Errorf("nothing is wrong, and got %v", got)
	}
	f := withStore()
	f.Managed.Rows = append(f.Managed.Rows, held("other.example", 400*day, domains.Active))
	f.Managed.Candidates = []domains.Candidate{{Domain: "new.example", Source: "mail"}}
	if got := words(f); len(got) > 0 {
		t.Errorf("what concerns others: %v", got)
	}
	f.Managed.Rows[0] = held("managed.example", 400*day, domains.Active)
	smtpdList(f, "")
	if got := strings.Join(words(f), ", "); got != "error not-wired, warning managed-key-old" {
		t.Errorf("got %s", got)
	}
}

// Who asks for one domain hears what was not seen, too.
func TestJudgeDomainTellsWhatWasNotSeen(t *testing.T) {
	f := healthy()
	f.Unread = []Unread{{"the tables", errors.New("permission denied")}}
	if got := JudgeDomain(f); len(got) != 1 || got[0].Word != "not-seen" || got[0].Looked != "the tables" {
		t.Errorf("got %+v", got)
	}
}

// Networks as Postfix and people write them.
func TestPrefixes(t *testing.T) {
	for _, c := range []struct {
		in, want string
		whole    bool
	}{
		{"127.0.0.0/8", "127.0.0.0/8", true},
		{"[::ffff:127.0.0.0]/104", "127.0.0.0/8", true},
		{"::ffff:192.0.2.1", "192.0.2.1/32", true},
		{"[::1]/128", "::1/128", true},
		{"192.0.2.9/24", "192.0.2.0/24", true},
		{"2001:db8::7", "2001:db8::7/128", true},
		{"hash:/etc/postfix/networks", "", false},
	} {
		got, whole := prefixes([]string{c.in})
		if text := strings.Trim(fmt.Sprint(got), "[]"); text != c.want || whole != c.whole {
			t.Errorf("%s: %s, %v", c.in, text, whole)
		}
	}
}

func TestQueueTimes(t *testing.T) {
	for text, want := range map[string]time.Duration{"5d": 5 * day, "5": 5 * day, "1w": 7 * day, "36h": 36 * time.Hour, "90m": 90 * time.Minute, "30s": 30 * time.Second, "432000s": 5 * day, "": 0, "soon": 0, "d": 0, "1x": 0, "99999999d": 0} {
		if got := postfixTime(text); got != want {
			t.Errorf("Postfix: %q is %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string]time.Duration{"5d": 5 * day, "5": 5 * day, "1d12h": 36 * time.Hour, "4h30m": 4*time.Hour + 30*time.Minute, "": 0} {
		if got := sendmailTime(text); got != want {
			t.Errorf("Sendmail: %q is %v, want %v", text, got, want)
		}
	}
	if days(36*time.Hour) != "36h" || days(7*day) != "7d" {
		t.Error(days(36*time.Hour), days(7*day))
	}
}

// Keys of others (D612) are told to who asked for one domain.
func TestOtherSelectors(t *testing.T) {
	f := healthy()
	f.Selectors = []Known{{"google", "Google Workspace"}, {"s2", "SendGrid and others"}}
	got := JudgeDomain(f)
	if len(got) != 1 || got[0].Word != "other-selectors" || got[0].Severity != Note || got[0].Found != "google (Google Workspace), s2 (SendGrid and others)" {
		t.Errorf("got %+v", got)
	}
	if n := len(catalog().selectors); n < 30 {
		t.Errorf("only %d selectors are known", n)
	}
}

// Every word of the catalog has a case that brings it about, and no text has a fact left open.
func TestEveryFindingHasItsCase(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range cases {
		f := c.from()
		c.spoil(f)
		for _, x := range Judge(f) {
			seen[x.Word] = true
			for _, text := range []string{x.Title, x.Looked, x.Found, x.Change} {
				for _, k := range openFacts(text) {
					t.Errorf("%s: %s: %s is left in %q", c.name, x.Word, k, text)
				}
			}
		}
	}
	seen["other-selectors"] = true // TestOtherSelectors
	for _, k := range Kinds() {
		if !seen[k.Word] {
			t.Errorf("no case brings about %s", k.Word)
		}
	}
}

// openFacts finds facts that nobody filled in; the macros of MTAs look alike.
func openFacts(text string) (open []string) {
	macros := []string{"{auth_type}", "{auth_authen}", "{auth_author}", "{auth_ssf}", "{mail_addr}", "{mail_host}", "{mail_mailer}", "{daemon_name}", "{daemon_addr}", "{j}"}
	for _, m := range braces.FindAllString(text, -1) {
		if !slices.Contains(macros, m) {
			open = append(open, m)
		}
	}
	return open
}
