package doctor

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/opendmarc"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
)

func bySubject(subject string) func(*sink.Message) bool {
	return func(m *sink.Message) bool { return bytes.Contains(m.Data, []byte("Subject: "+subject+"\r\n")) }
}

const (
	byPort  = "inet:8891@127.0.0.1"
	bounces = "internal_mail_filter_classes = bounce"
)

// As the package is installed and its lines say; the doctor finds Postfix by itself, asks DNS, and has nothing to say.
func TestAllIsWell(t *testing.T) {
	s := begin(t, byPort, "")
	lines, err := os.ReadFile("../../packaging/mta/main.cf")
	s.Must(err)
	s.postfix(postfix.Config{Milter: "inet:" + inetMilter, Extra: []string{string(lines)}})
	s.serve(inetMilter)
	s.finds(nil)
	code, out := s.doctor(0)
	last := out[strings.LastIndexByte(strings.TrimSpace(out), '\n')+1:]
	if code != 0 || !strings.HasPrefix(last, "all is well") || !strings.Contains(last, "looked at Postfix 3.") || !strings.Contains(last, "DNS of 1 domain") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if !s.sends() {
		t.Error("the doctor says that all is well, and mail is not signed")
	}

	code, out = s.doctor(0, "lab.test")
	if code != 0 || !strings.Contains(out, "lab.test/s1, aligned with lab.test") || !strings.Contains(out, "DMARC      v=DMARC1; p=reject") ||
		!strings.Contains(out, "key        s1._domainkey.lab.test: ok") || !strings.Contains(out, "SPF        v=spf1 mx -all") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	s.finds([]string{"bare.test"}, "warning dmarc-unsigned", "note domain-without-row", "note spf-missing")
}

// An ordinary user hears what could not be read, and nothing false.
func TestOrdinaryUser(t *testing.T) {
	s := begin(t, byPort, "")
	s.postfix(postfix.Config{Milter: "inet:" + inetMilter, Extra: []string{bounces}})
	s.serve(inetMilter)
	s.findsAs(sandbox.AnyoneID, []string{"--no-dns"}, "note not-seen")
	s.Must(os.Chmod(s.config, 0o644))
	s.findsAs(sandbox.AnyoneID, nil, "note not-seen") // the key
	s.findsAs(sandbox.AnyoneID, []string{"lab.test"}, "note not-seen")
}

// The doctor's line for main.cf is taken as it is.
func TestNotWired(t *testing.T) {
	s := begin(t, byPort, "")
	s.postfix(postfix.Config{Extra: []string{bounces}})
	s.serve(inetMilter)
	r := s.finds(nil, "error not-wired")
	if s.sends() {
		t.Error("mail is signed all the same")
	}
	s.edit(r.change("not-wired"), "smtpd_milters=")
	r = s.finds(nil, "warning non-smtpd-forgotten")
	if !s.sends() {
		t.Error("mail is not signed with the doctor's line")
	}
	s.edit(r.change("non-smtpd-forgotten"), "")
	s.finds(nil)
}

// edit adds a line to main.cf, takes an option out of master.cf, and reloads.
func (s *story) edit(line, option string) {
	s.Helper()
	for name, change := range map[string]func(string) string{
		"main.cf":   func(text string) string { return text + line + "\n" },
		"master.cf": func(text string) string { return strings.ReplaceAll(text, "  -o "+option+"\n", "") },
	} {
		path := filepath.Join("/etc/postfix", name)
		text, err := os.ReadFile(path)
		s.Must(err)
		if option != "" || name == "main.cf" {
			s.Must(os.WriteFile(path, []byte(change(string(text))), 0o644))
		}
		s.run("touch", "-d", "-1 hour", path) // Postfix waits for a younger one
	}
	s.run("postfix", "reload")
}

func (s *story) run(name string, args ...string) {
	s.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		s.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

func TestWrongAddress(t *testing.T) {
	s := begin(t, byPort, "")
	s.postfix(postfix.Config{Milter: "inet:127.0.0.1:8890", Extra: []string{bounces}})
	s.serve(inetMilter)
	s.finds(nil, "error wrong-address")
	if s.sends() {
		t.Error("mail is signed all the same")
	}
	s.logs("connect to Milter service inet:127.0.0.1:8890: Connection refused")
}

// Nobody there; then somebody else.
func TestAnotherProgram(t *testing.T) {
	s := begin(t, byPort, "")
	s.postfix(postfix.Config{Milter: "inet:" + inetMilter, Extra: []string{bounces}})
	s.finds(nil, "error not-answering")
	p, err := opendmarc.Start(opendmarc.Config{Dir: s.Path("opendmarc"), Address: inetMilter, AuthservID: sandbox.Hostname})
	s.Must(err)
	t.Cleanup(func() { s.Must(p.Stop()) })
	r := s.finds(nil, "error other-program")
	if !strings.Contains(r.Findings[0].Found, "opendmarc") {
		t.Errorf("it is %s", r.Findings[0].Found)
	}
}

// OpenDMARC in its own port, in either place.
func TestOrder(t *testing.T) {
	const dmarc = "127.0.0.1:8893"
	for name, c := range map[string]struct {
		milters string
		want    []string
	}{
		"behind": {"inet:" + inetMilter + ",inet:" + dmarc, nil},
		"before": {"inet:" + dmarc + ",inet:" + inetMilter, []string{"warning reader-first"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin(t, byPort, "")
			p, err := opendmarc.Start(opendmarc.Config{Dir: s.Path("opendmarc"), Address: dmarc, AuthservID: sandbox.Hostname})
			s.Must(err)
			t.Cleanup(func() { s.Must(p.Stop()) })
			s.postfix(postfix.Config{Milter: c.milters, Extra: []string{bounces}})
			s.serve(inetMilter)
			s.finds(nil, c.want...)
		})
	}
}

// What main.cf and master.cf have beside the wiring.
func TestSettings(t *testing.T) {
	for name, c := range map[string]struct {
		extra, services []string
		want            []string
	}{
		"content filter": {
			[]string{"content_filter = smtp:[127.0.0.1]:10024"},
			[]string{"127.0.0.1:10025 inet n - n - - smtpd -o content_filter="},
			[]string{"error reinjection"},
		},
		"content filter, well": {
			[]string{"content_filter = smtp:[127.0.0.1]:10024"},
			[]string{"127.0.0.1:10025 inet n - n - - smtpd -o content_filter= -o receive_override_options=no_milters"},
			nil,
		},
		"a service with milters of its own": {nil, []string{"192.0.2.1:2525 inet n - n - - smtpd -o smtpd_milters="}, []string{"warning service-not-wired"}},
		"everybody is ours":                 {[]string{"milter_macro_daemon_name = ORIGINATING"}, nil, []string{"error strangers-trusted"}},
		"rewriting and macros": {
			[]string{"smtp_generic_maps = inline:{ {a@lab.test=b@lab.test} }", "milter_mail_macros = i", "milter_protocol = 2", "mynetworks = 127.0.0.0/8, 192.0.2.0/24", "relayhost = [smtp.sendgrid.net]:587"},
			nil,
			[]string{"warning rewritten-afterwards", "error macros-missing", "warning old-protocol", "note networks-unsigned", "note relay-signs"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin(t, byPort, "")
			s.postfix(postfix.Config{Milter: "inet:" + inetMilter, Extra: append(c.extra, bounces), Services: c.services})
			s.serve(inetMilter)
			s.finds([]string{"--no-dns"}, c.want...)
		})
	}
}
