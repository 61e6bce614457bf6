package install

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/debian"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/submit"
)

const (
	unit       = "postseal.service"
	socketUnit = "postseal.socket"
)

func pid(t *testing.T, m *debian.Machine) string { return value(t, m, unit, "MainPID") }

// The hardened unit under a real systemd: it starts, signs, verifies, reloads, and can do no more than it needs.
func TestService(t *testing.T) {
	alone(t)
	m := signer(t)

	t.Run("starts by notification", func(t *testing.T) {
		is(t, "Type", value(t, m, unit, "Type"), "notify")
		is(t, "ActiveState", value(t, m, unit, "ActiveState"), "active")
		says(t, "StatusText", value(t, m, unit, "StatusText"), "1 keys, 1 lines")
	})
	t.Run("signs", func(t *testing.T) {
		send(t, "hardened")
		signed(t, delivered(t, "hardened"))
	})
	t.Run("verifies, by DNS", func(t *testing.T) {
		must(t, m, "postconf", "relay_domains=example.net")
		reloadPostfix(t, m)
		s, err := submit.Open(submit.Options{Address: sandbox.OuterIPv4 + ":25", Source: sandbox.ClientIPv4})
		if err != nil {
			t.Fatal(err)
		}
		send(t, "to verify")
		incoming := append([]byte("X-Way: from outside\r\n"), delivered(t, "to verify")...)
		if err := s.Send("ada@example.com", []string{"bob@example.net"}, incoming); err != nil {
			t.Fatal(err)
		}
		got, err := nextHop.Wait("the message from outside", has("X-Way: from outside"))
		if err != nil {
			t.Fatal(err)
		}
		says(t, "Authentication-Results", string(got.Header()), "Authentication-Results: mail.example.com", "dkim=pass", "header.d=example.com")
	})
	t.Run("reloads", func(t *testing.T) {
		before := pid(t, m)
		appendTo(t, m, "/etc/postseal/signingtable", "*@two.example  example.com\n")
		must(t, m, "systemctl", "reload", "postseal")
		eventually(t, "the outcome of the reload in the status", func() bool {
			return strings.HasPrefix(value(t, m, unit, "StatusText"), "reloaded: 1 keys, 2 lines")
		})

		appendTo(t, m, "/etc/postseal/keytable", "half a line\n")
		must(t, m, "systemctl", "reload", "postseal")
		eventually(t, "the failed reload in the status", func() bool {
			return strings.HasPrefix(value(t, m, unit, "StatusText"), "reload failed")
		})
		says(t, "StatusText", value(t, m, unit, "StatusText"), "/etc/postseal/keytable:")
		is(t, "ActiveState", value(t, m, unit, "ActiveState"), "active")
		is(t, "MainPID", pid(t, m), before)
		send(t, "on the old tables")
		signed(t, delivered(t, "on the old tables"))
		must(t, m, "sed", "-i", "/half a line/d", "/etc/postseal/keytable")
	})
	t.Run("logs fields to the journal", func(t *testing.T) {
		must(t, m, "sed", "-i", `s|^#format = "text"|format = "journal"|`, "/etc/postseal/postseal.toml")
		must(t, m, "systemctl", "restart", "postseal")
		send(t, "for the journal")
		signed(t, delivered(t, "for the journal"))
		eventually(t, "the message in the journal", func() bool {
			out := run(t, m, "journalctl", "-u", "postseal", "POSTSEAL_DECISION=signed", "-o", "json")
			return strings.Contains(out.Stdout, "POSTSEAL_QUEUE_ID")
		})
	})
	t.Run("is restarted by the watchdog", func(t *testing.T) {
		override(t, m, "WatchdogSec=5", "RestartSec=0")
		must(t, m, "systemctl", "restart", "postseal")
		before := pid(t, m)
		must(t, m, "sh", "-c", "kill -STOP "+before)
		eventually(t, "the restart", func() bool {
			return pid(t, m) != before && value(t, m, unit, "ActiveState") == "active" // in this order: the old one was active, too
		})
		eventually(t, "the reason in the journal", func() bool {
			return strings.Contains(journal(t, m, "systemd"), "Failed with result 'watchdog'")
		})
		send(t, "after the watchdog")
		signed(t, delivered(t, "after the watchdog"))
	})
	t.Run("is not restarted with a wrong configuration", func(t *testing.T) {
		appendTo(t, m, "/etc/postseal/postseal.toml", "[log]\n")
		out := run(t, m, "systemctl", "restart", "postseal")
		if out.Code == 0 {
			t.Error("systemctl restart says that all is well")
		}
		is(t, "ActiveState", value(t, m, unit, "ActiveState"), "failed")
		is(t, "exit code", value(t, m, unit, "ExecMainStatus"), "78")
		is(t, "NRestarts", value(t, m, unit, "NRestarts"), "0")
	})
}

// override writes a drop-in for the service, as systemctl edit does.
func override(t *testing.T, m *debian.Machine, lines ...string) {
	t.Helper()
	overrideUnit(t, m, unit, append([]string{"[Service]"}, lines...)...)
}

func overrideUnit(t *testing.T, m *debian.Machine, unit string, lines ...string) {
	t.Helper()
	dir := "/etc/systemd/system/" + unit + ".d"
	must(t, m, "mkdir", "-p", dir)
	write(t, m, dir+"/test.conf", strings.Join(lines, "\n")+"\n")
	must(t, m, "systemctl", "daemon-reload")
}

// What a process of the unit cannot do, tried by a shell in its place.
func TestConfinement(t *testing.T) {
	alone(t)
	m := boot(t, bare.Path())
	dpkg(t, m, packages.deb)
	must(t, m, "sh", "-c", "install -d -o postseal -m 0700 /srv/elsewhere; install -d -m 0755 /home/ada; echo mine >/home/ada/file; install -m 4755 /usr/bin/id /usr/local/bin/id-of-root")
	override(t, m, "Type=oneshot", "WatchdogSec=0", "Restart=no", "ExecStart=", "ExecStart=/bin/sh -c '. /etc/postseal/probe >/var/lib/postseal/said 2>&1'")
	for _, c := range []struct {
		name, command string
		can           bool
	}{
		{"writes its state", "echo x >/var/lib/postseal/probe", true},
		{"reads its keys", "ls /etc/postseal/keys", true},
		{"asks over the network", "getent ahosts ns.lab.test", true},
		{"writes temporary files", "echo x >/tmp/file", true},
		{"logs", "logger -t probe said", true},
		{"changes its configuration", "echo x >>/etc/postseal/keytable", false},
		{"writes elsewhere, where the file system would let it", "echo x >/srv/elsewhere/file", false},
		{"reads home directories", "cat /home/ada/file", false},
		{"sees processes of others", "test -e /proc/1/status", false},
		{"makes namespaces", "unshare --user true", false},
		{"sets the set-user-id bit", "touch /var/lib/postseal/s && chmod u+s /var/lib/postseal/s", false},
		{"makes code as it runs", makesCode, false},
		{"becomes somebody else", "setpriv --reuid=nobody true", false},
		{"runs a set-user-id program as its owner", "test $(/usr/local/bin/id-of-root -u) = 0", false},
		{"reloads another service", "systemctl reload dbus", false},
		{"has a capability", "! grep -qx 'CapBnd:[[:space:]]*0*' /proc/self/status", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, m, "/etc/postseal/probe", c.command+"\n")
			must(t, m, "chmod", "0644", "/etc/postseal/probe")
			out := run(t, m, "systemctl", "restart", "postseal")
			said, _ := os.ReadFile(m.Path("/var/lib/postseal/said"))
			if could := out.Code == 0; could != c.can {
				t.Errorf("%s: could = %v, want %v\n%s%s", c.command, could, c.can, said, out.Text())
			}
		})
	}
}

func TestUnitsAreGood(t *testing.T) {
	alone(t)
	m := boot(t, bare.Path())
	dpkg(t, m, packages.deb)
	units := []string{"/usr/lib/systemd/system/postseal.service", "/usr/lib/systemd/system/postseal.socket"}
	if out := must(t, m, "systemd-analyze", "verify", "--man=no", units[0], units[1]); out.Text() != "" {
		t.Errorf("systemd-analyze verify: %s", out.Text())
	}
	if out := run(t, m, "systemd-analyze", "security", "--offline=true", "--threshold=15", units[0]); out.Code != 0 {
		t.Errorf("more exposed than 1.5:\n%s", out.Text())
	}
}

// lint runs a linter of this host.
func lint(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	lint(t, "lintian", "--allow-root", "--fail-on", "error,warning", packages.deb, packages.otherDeb)
	lint(t, "rpmlint", "--config", "../../packaging/rpm/rpmlint.toml", packages.rpm, packages.otherRPM)
}
