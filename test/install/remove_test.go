package install

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	tomlFile = "/etc/postseal/postseal.toml"
	keyFile  = "/etc/postseal/keys/example.com.s2026.pem"
)

func there(p place, file string) bool {
	_, err := os.Lstat(p.Path(file))
	return err == nil
}

func TestRemove(t *testing.T) {
	alone(t)
	m := signer(t)
	appendTo(t, m, tomlFile, "# Said by the administrator.\n")
	key := read(t, m, keyFile)
	must(t, m, "postseal", "domain", "add", "managed.example")

	t.Run("says first that mail still needs it", func(t *testing.T) {
		said := must(t, m, "dpkg", "--remove", "postseal").Text()
		says(t, "the removal", said, "WARNING: /etc/postfix/main.cf still names the milter", "postfix reload")
		if strings.Contains(said, "master.cf") {
			t.Errorf("master.cf does not name it: %s", said)
		}
	})
	t.Run("leaves configuration and keys", func(t *testing.T) {
		says(t, "postseal.toml", read(t, m, tomlFile), "Said by the administrator.")
		is(t, "key", read(t, m, keyFile), key)
	})
	t.Run("leaves nothing that runs", func(t *testing.T) {
		is(t, "ActiveState", value(t, m, unit, "ActiveState"), "inactive")
		is(t, "LoadState", value(t, m, unit, "LoadState"), "not-found")
		if there(m, "/usr/bin/postseal") {
			t.Error("the program is still there")
		}
	})
	t.Run("an installation after it goes on where it was", func(t *testing.T) {
		dpkg(t, m, packages.deb)
		is(t, "ActiveState", value(t, m, unit, "ActiveState"), "active")
		send(t, "installed again")
		signed(t, delivered(t, "installed again"))
	})
	t.Run("purge leaves keys and says where", func(t *testing.T) {
		must(t, m, "postconf", "-X", "smtpd_milters", "non_smtpd_milters")
		said := must(t, m, "dpkg", "--purge", "postseal").Text()
		says(t, "the purge", said, "/etc/postseal/keys is left", "/var/lib/postseal is left", "/var/lib/postseal-identity is left")
		if strings.Contains(said, "still names the milter") {
			t.Errorf("nothing names it any more: %s", said)
		}
		is(t, "key", read(t, m, keyFile), key)
		for _, gone := range []string{tomlFile, "/etc/postseal/keytable", "/etc/postseal/signingtable", "/etc/systemd/system/multi-user.target.wants/" + unit} {
			if there(m, gone) {
				t.Error("still there: " + gone)
			}
		}
		if out := run(t, m, "dpkg-query", "-W", "-f", "${Status}", "postseal"); out.Code == 0 && out.Stdout != "unknown ok not-installed" {
			t.Errorf("the package is %q", out.Stdout)
		}
	})
	t.Run("an installation after the purge starts afresh beside the keys", func(t *testing.T) {
		dpkg(t, m, packages.deb)
		is(t, "ActiveState", value(t, m, unit, "ActiveState"), "active")
		is(t, "key", read(t, m, keyFile), key)
		is(t, "owners", owners(t, m), packagedOwners)
		says(t, "domain list", must(t, m, "postseal", "domain", "list").Stdout, "managed.example")
		is(t, "state that is not the service's", must(t, m, "find", "/var/lib/postseal", "/var/lib/postseal-identity", "!", "-user", "postseal", "-o", "-perm", "/077").Stdout, "")
	})
}

// What prerm looks for, in the spellings that people use.
func TestWiringIsFound(t *testing.T) {
	t.Parallel()
	c := unbooted(t)
	dpkg(t, c, packages.deb)
	for _, f := range []struct {
		name, file, text string
		found            bool
	}{
		{"Postfix inet", "/etc/postfix/main.cf", "smtpd_milters = inet:127.0.0.1:8891\n", true},
		{"Postfix host name", "/etc/postfix/main.cf", "smtpd_milters = inet:localhost:8891\n", true},
		{"Postfix IPv6", "/etc/postfix/main.cf", "smtpd_milters = inet:[::1]:8891\n", true},
		{"Postfix unix socket", "/etc/postfix/main.cf", "smtpd_milters = unix:postseal/milter.sock\n", true},
		{"Postfix, one service", "/etc/postfix/master.cf", "  -o smtpd_milters=inet:127.0.0.1:8891\n", true},
		{"Postfix comment", "/etc/postfix/main.cf", "# smtpd_milters = inet:127.0.0.1:8891\n", false},
		{"Postfix, another milter", "/etc/postfix/main.cf", "smtpd_milters = inet:127.0.0.1:11332\n", false},
		{"Sendmail", "/etc/mail/sendmail.mc", "INPUT_MAIL_FILTER(`dkim', `S=inet:8891@127.0.0.1, F=')dnl\n", true},
		{"Sendmail comment", "/etc/mail/sendmail.mc", "dnl INPUT_MAIL_FILTER(`postseal', `S=inet:8891@127.0.0.1')\n", false},
		{"sendmail.cf", "/etc/mail/sendmail.cf", "Xpostseal, S=inet:8891@127.0.0.1, F=\n", true},
	} {
		t.Run(f.name, func(t *testing.T) {
			must(t, c, "mkdir", "-p", filepath.Dir(f.file))
			write(t, c, f.file, f.text)
			said := must(t, c, "/var/lib/dpkg/info/postseal.prerm", "remove").Text()
			must(t, c, "rm", f.file)
			if found := strings.Contains(said, "WARNING: "+f.file); found != f.found {
				t.Errorf("%q: warned = %v, want %v: %s", f.text, found, f.found, said)
			}
		})
	}
}
