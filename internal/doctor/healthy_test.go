package doctor

import (
	"io/fs"
	"net/netip"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/access"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/milter"
)

var now = time.Date(2026, 11, 21, 20, 54, 30, 0, time.UTC)

// mainCF and masterCF are what postconf prints of a good Postfix on Debian.
const (
	mainCF = `compatibility_level = 3.6
internal_mail_filter_classes = bounce
mail_owner = postfix
mail_version = 3.7.11
milter_connect_macros = j {daemon_name} {daemon_addr} v _
milter_default_action = accept
milter_macro_daemon_name = mx.example.net
milter_mail_macros = i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}
milter_protocol = 6
myhostname = mx.example.net
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
non_smtpd_milters = inet:127.0.0.1:8891
queue_directory = /var/spool/postfix
smtp_line_length_limit = 998
smtpd_milters = inet:127.0.0.1:8891
`
	masterCF = `smtp       inet  n       -       y       -       -       smtpd
submission inet  n       -       y       -       -       smtpd -o smtpd_sasl_auth_enable=yes -o milter_macro_daemon_name=ORIGINATING
cleanup    unix  n       -       y       -       0       cleanup
smtp       unix  -       -       y       -       -       smtp
`
	ownCF = `submission/inet/milter_macro_daemon_name = ORIGINATING
submission/inet/smtpd_sasl_auth_enable = yes
`
	sendmailCF = `# made by m4
DjMx.example.net
DM
O DaemonPortOptions=Family=inet,  Name=MTA-v4, Port=smtp, Addr=0.0.0.0
O DaemonPortOptions=Family=inet,  Name=MSP-v4, Port=submission, M=Ea
O InputMailFilters=postseal
O Milter.macros.envfrom=i, {auth_type}, {auth_authen}, {auth_ssf}, {auth_author}, {mail_mailer}, {mail_host}, {mail_addr}
O MustQuoteChars=
O DontExpandCnames=True
Xpostseal, S=inet:8891@127.0.0.1, F=, T=S:10s;R:10s;E:5m
Mesmtp,		P=[IPC], F=mDFMuXa8, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP, E=\r\n, L=0,
		T=DNS/RFC822/SMTP,
		A=TCP $h
`
)

var (
	inetEnd = Endpoint{"tcp", "127.0.0.1:8891"}
	sockEnd = Endpoint{"unix", "/var/spool/postfix/postseal/milter.sock"}
)

// healthy are the facts of an installation that lacks nothing: one Postfix, one listener, one domain.
func healthy() *Facts {
	cfg := config.Default()
	cfg.Path = "/etc/postseal/postseal.toml"
	return &Facts{
		Now:     now,
		Ours:    Ours{Config: cfg, Tabled: true, Keys: 1, Lines: 1, Files: []File{file("key", "/etc/postseal/keys/s1.pem", 0o640, 900)}},
		Postfix: parsePostfix("/etc/postfix", mainCF, "mynetworks =\n", masterCF, ownCF),
		Sockets: map[Endpoint]Socket{inetEnd: answered(serviceName)},
		Users: map[string]*access.User{
			serviceName: {Name: serviceName, UID: 900, Groups: []uint32{900}},
			"postfix":   {Name: "postfix", UID: 101, Groups: []uint32{101}},
		},
		Resolver: &Resolver{Server: "127.0.0.1:53", Secure: true},
		Domains: []Domain{{
			Name:  "example.com",
			Keys:  []Key{{Selector: "s1", Result: check.Result{Name: "s1._domainkey.example.com", Verdict: check.OK, Passed: true}}},
			Rows:  []Row{{Where: "signingtable:1", Keys: []string{"example.com/s1"}, Signs: []string{"example.com"}}},
			DMARC: Policy{Texts: []string{"v=DMARC1; p=reject"}, Name: "_dmarc.example.com", Request: "reject"},
			SPF:   []string{"v=spf1 mx -all"},
		}},
	}
}

// withSendmail is the same with a Sendmail.
func withSendmail() *Facts {
	f := healthy()
	f.Postfix, f.Sendmail = nil, parseSendmail("/etc/mail/sendmail.cf", sendmailCF)
	return f
}

// onSocket is healthy with a unix socket in the place that the manual describes.
func onSocket() *Facts {
	f := healthy()
	f.Ours.Config.Listeners[0].Address = "unix:" + sockEnd.Address
	f.Postfix.Params["smtpd_milters"] = "unix:postseal/milter.sock"
	f.Postfix.Params["non_smtpd_milters"] = "unix:postseal/milter.sock"
	s := answered(serviceName)
	s.Nodes = []access.Node{
		dir("/", 0o755, 0, 0), dir("/var", 0o755, 0, 0), dir("/var/spool", 0o755, 0, 0), dir("/var/spool/postfix", 0o755, 0, 0),
		dir("/var/spool/postfix/postseal", 0o750|fs.ModeSetgid, 900, 101),
		{Path: sockEnd.Address, Mode: fs.ModeSocket | 0o660, UID: 900, GID: 101},
	}
	f.Sockets = map[Endpoint]Socket{sockEnd: s}
	return f
}

// withStore is healthy with a store that has one domain, whose key signs.
func withStore() *Facts {
	f := healthy()
	param(f, "maximal_queue_lifetime", "5d")
	f.Ours.Files = append(f.Ours.Files, file("store", "/var/lib/postseal/postseal.db", 0o640, 900))
	f.Managed = &Managed{Name: "store sqlite:/var/lib/postseal/postseal.db", Rows: []Managing{held("managed.example", 30*day, domains.Active)}}
	return f
}

const day = 24 * time.Hour

// held is a row with a key of an age in a state.
func held(name string, age time.Duration, state domains.State) Managing {
	k := domains.Key{ID: name, Domain: name, Selector: "ps1", State: state, CreatedAt: now.Add(-age), TTL: 3600, Print: "SHA256:" + name, Health: domains.Health{Status: domains.OK}}
	d := domains.Domain{Name: name, Enabled: true}
	keys := []domains.Key{k}
	return Managing{domains.Row{Domain: d, Keys: keys, Status: domains.StatusOf(d, keys, now)}, map[string]time.Duration{name: 7 * day}}
}

func answered(program string) Socket {
	return Socket{Reached: true, Program: program, Answer: Answer{Version: 6, Actions: milter.ActAddHeader | milter.ActChangeHeader}}
}

func dir(path string, mode fs.FileMode, uid, gid uint32) access.Node {
	return access.Node{Path: path, Mode: fs.ModeDir | mode, UID: uid, GID: gid}
}

func file(what, path string, mode fs.FileMode, gid uint32) File {
	return File{What: what, Name: path, Time: now.Add(-time.Hour), Nodes: []access.Node{dir("/", 0o755, 0, 0), dir("/etc", 0o755, 0, 0), {Path: path, Mode: mode, GID: gid}}}
}

// Nothing is said of what is right.
func TestHealthy(t *testing.T) {
	for name, f := range map[string]*Facts{"Postfix": healthy(), "Sendmail": withSendmail(), "unix socket": onSocket(), "store": withStore()} {
		t.Run(name, func(t *testing.T) {
			for _, x := range Judge(f) {
				t.Errorf("%s %s: %s", x.Severity, x.Word, x.Found)
			}
		})
	}
}

func addrs(list ...string) (all []netip.Addr) {
	for _, s := range list {
		all = append(all, netip.MustParseAddr(s))
	}
	return all
}
