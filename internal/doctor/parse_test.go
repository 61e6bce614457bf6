package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseMilters(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{"", ""},
		{"inet:127.0.0.1:8891", "tcp 127.0.0.1:8891"},
		{"inet:localhost:8891, unix:/run/x.sock", "tcp localhost:8891; unix /run/x.sock"},
		{"unix:postseal/milter.sock\tinet:[::1]:8891", "unix postseal/milter.sock; tcp [::1]:8891"},
		{"{ inet:127.0.0.1:8891, default_action = accept, connect_timeout=5s },unix:x", "tcp 127.0.0.1:8891 connect_timeout=5s default_action=accept; unix x"},
		{"{inet:127.0.0.1:8891}", "tcp 127.0.0.1:8891"},
		{"{ inet:127.0.0.1:8891", "tcp 127.0.0.1:8891"},
		{"inet:8891@127.0.0.1 local:/x inet6:8891@::1", "tcp 127.0.0.1:8891; unix /x; tcp [::1]:8891"},
		{"nonsense, inet:8891, unix:, tcp:x", ""},
	} {
		var got []string
		for _, m := range parseMilters(c.value) {
			text := m.Network + " " + m.Address
			for _, name := range slices.Sorted(maps.Keys(m.Options)) {
				text += " " + name + "=" + m.Options[name]
			}
			got = append(got, text)
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%q: got %q, want %q", c.value, got, c.want)
		}
	}
}

// A path means another file within the chroot.
func TestReached(t *testing.T) {
	for _, c := range []struct {
		path   string
		chroot bool
		want   string
	}{
		{"postseal/m.sock", true, "/q/postseal/m.sock"},
		{"postseal/m.sock", false, "/q/postseal/m.sock"},
		{"/run/m.sock", false, "/run/m.sock"},
		{"/run/m.sock", true, "/q/run/m.sock"},
	} {
		if got := (Milter{Network: "unix", Address: c.path}).reached(c.chroot, "/q").Address; got != c.want {
			t.Errorf("%s, chroot %v: got %s, want %s", c.path, c.chroot, got, c.want)
		}
	}
}

func TestParsePostfix(t *testing.T) {
	p := parsePostfix("/etc/postfix", mainCF, "mynetworks = x\n", masterCF+"127.0.0.1:10025 inet n - - - - smtpd -o x=y\nshort line\n", ownCF+"127.0.0.1:10025/inet/smtpd_milters =\nnobody/inet/x = y\n")
	if got := len(p.Services); got != 5 {
		t.Fatalf("%d services", got)
	}
	submission, filter := &p.Services[1], &p.Services[4]
	if submission.String() != "submission/inet" || !submission.Chroot || submission.Own["milter_macro_daemon_name"] != "ORIGINATING" {
		t.Errorf("got %+v", submission)
	}
	if value, own := filter.Own["smtpd_milters"]; !own || value != "" || filter.Chroot {
		t.Errorf("got %+v", filter)
	}
	if !p.Set["mynetworks"] || p.Set["myhostname"] || p.Params["myhostname"] != "mx.example.net" {
		t.Errorf("got %v", p.Set)
	}
	if p.Params["compatibility_level"] = "0"; !p.chroots("-") {
		t.Error("an old configuration chroots by default")
	}
}

func TestServices(t *testing.T) {
	p := &Postfix{Params: map[string]string{}}
	for _, c := range []struct {
		name, kind             string
		own                    map[string]string
		public, local, submits bool
	}{
		{"smtp", "inet", nil, true, false, false},
		{"192.0.2.1:25", "inet", nil, true, false, false},
		{"127.0.0.1:smtp", "inet", nil, true, false, false},
		{"smtpd", "pass", nil, true, false, false},
		{"submission", "inet", nil, false, false, true},
		{"127.0.0.1:587", "inet", nil, false, false, true},
		{"smtps", "inet", nil, false, false, true},
		{"2525", "inet", map[string]string{"smtpd_sasl_auth_enable": "yes"}, false, false, true},
		{"127.0.0.1:10025", "inet", nil, false, true, false},
		{"[::1]:10025", "inet", nil, false, true, false},
		{"localhost:10025", "inet", nil, false, true, false},
		{"192.0.2.1:10025", "inet", nil, false, false, false},
		{"private/in", "unix", nil, false, true, false},
	} {
		s := &Service{Name: c.name, Type: c.kind, Own: c.own}
		if got := fmt.Sprint(s.public(), s.local(), p.submits(s)); got != fmt.Sprint(c.public, c.local, c.submits) {
			t.Errorf("%s: public, local, submits: %s", s, got)
		}
	}
}

func TestParseSendmail(t *testing.T) {
	s := parseSendmail("sendmail.cf", sendmailCF+"X\nO\nO Empty\nO DaemonPortOptions=N=MSA, InputMailFilters=a;postseal\nD{x}y\nKgenerics hash /x\n#Xno, S=inet:1@127.0.0.1\n")
	if len(s.Filters) != 2 || s.Filters[0].Name != "postseal" || s.Filters[0].Address != "127.0.0.1:8891" || s.Filters[0].Flag != "" {
		t.Errorf("got %+v", s.Filters)
	}
	if len(s.Daemons) != 3 || s.Daemons[0].Own || !s.Daemons[2].Own || !slices.Equal(s.Daemons[2].Filters, []string{"a", "postseal"}) {
		t.Errorf("got %+v", s.Daemons)
	}
	if s.Macros["j"] != "Mx.example.net" || s.Macros["x"] != "y" || s.Macros["M"] != "" || s.Maps["generics"] != "hash /x" {
		t.Errorf("got %v %v", s.Macros, s.Maps)
	}
	if value, set := s.Options["Empty"]; !set || value != "" {
		t.Errorf("got %q, %v", value, set)
	}
	if mailer := s.Mailers["esmtp"]; mailerFlags(mailer) != "mDFMuXa8" || !strings.HasSuffix(mailer, "A=TCP $h") {
		t.Errorf("got %q", mailer)
	}
	if s.user() != "root" {
		t.Errorf("runs as %s", s.user())
	}
	if s.Options["RunAsUser"] = "smmta:smmsp"; s.user() != "smmta" {
		t.Errorf("runs as %s", s.user())
	}
}

func TestParseUnit(t *testing.T) {
	u := parseUnit("LoadState=loaded\nActiveState=active\nStatusText=serving x=y\n", "ActiveState=active\nListen=/run/m.sock (Stream)\nListen=127.0.0.1:8891 (Stream)\n")
	if !u.Loaded || u.Active != "active" || u.Status != "serving x=y" || !slices.Equal(u.Sockets, []string{"/run/m.sock", "127.0.0.1:8891"}) {
		t.Errorf("got %+v", u)
	}
	if u := parseUnit("LoadState=not-found\nActiveState=inactive\n", "ActiveState=inactive\nListen=/x (Stream)\n"); u.Loaded || u.Sockets != nil {
		t.Errorf("got %+v", u)
	}
}

func TestParseOpenDMARC(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		"# TrustedAuthservIDs a\n": "",
		"AuthservID HOSTNAME\n":    "HOSTNAME",
		"AuthservID a\nTrustedAuthservIDs b.example, c.example\n": "b.example c.example",
	} {
		if got := strings.Join(parseOpenDMARC("x", text).Trusted, " "); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestShellUsers(t *testing.T) {
	got := shellUsers("root:x:0:0::/root:/bin/bash\nada:x:1000:1000:Ada:/home/ada:/bin/bash\nsvc:x:1001:1001::/:/usr/sbin/nologin\nbob:x:1002:1002::/:/bin/false\nnobody:x:65534:65534::/:/bin/sh\nbroken\n")
	if !slices.Equal(got, []string{"ada"}) {
		t.Errorf("got %v", got)
	}
}

// What others wrote neither acts on a terminal nor fills it.
func TestPrintable(t *testing.T) {
	if got := Printable("a\x1b[31m\x00\xff\u0085\u202eb\nü"); got != "a?[31m????b\nü" {
		t.Errorf("got %q", got)
	}
	if got := Printable(strings.Repeat("é", 10_000)); len(got) > maxText+len("…") {
		t.Errorf("%d octets", len(got))
	}
}

func FuzzPostfix(f *testing.F) {
	f.Add(mainCF, masterCF, ownCF)
	f.Add("smtpd_milters = { inet:1:2, a=b", "x inet n - y - - smtpd\n", "x/inet/smtpd_milters = unix:/\n")
	f.Fuzz(func(t *testing.T, params, services, own string) {
		facts := healthy()
		facts.Postfix = parsePostfix("/etc/postfix", params, params, services, own)
		bounded(t, Judge(facts))
	})
}

func FuzzSendmail(f *testing.F) {
	f.Add(sendmailCF, "INPUT_MAIL_FILTER(`postseal', `S=inet:8891@127.0.0.1')dnl\n")
	f.Add("Xa, S=local:x, F=R\nO InputMailFilters=a\nD\nK\nM\n", "")
	f.Fuzz(func(t *testing.T, cf, mc string) {
		facts := withSendmail()
		facts.Sendmail = parseSendmail("sendmail.cf", cf)
		facts.Sendmail.source("sendmail.mc", mc, time.Time{}, time.Time{})
		bounded(t, Judge(facts))
	})
}

func bounded(t *testing.T, findings []Finding) {
	for _, f := range findings {
		for _, text := range []string{f.Title, f.Looked, f.Found, f.Change} {
			if strings.ContainsRune(text, 0x1b) {
				t.Errorf("%s: %q", f.Word, text)
			}
		}
	}
}
