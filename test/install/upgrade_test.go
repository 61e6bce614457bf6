package install

import (
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/test/internal/judge"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/submit"
)

// later is the package under test with a higher version and another postseal.toml, as the next release has it.
func later(t *testing.T) string {
	t.Helper()
	file, err := makeLater()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

var makeLater = sync.OnceValues(func() (string, error) {
	now, err := filepath.Abs(packages.deb)
	if err != nil {
		return "", err
	}
	dir := newPlace()
	script := `mkdir "$1"; cd "$1"
dpkg-deb -R "$2" tree
sed -i 's/^Version: .*/&.later/' tree/DEBIAN/control
echo '# Said by the later version.' >>tree/etc/postseal/postseal.toml
dpkg-deb --root-owner-group -Znone -b tree later.deb
rm -r tree`
	if out, err := exec.Command("sh", "-ec", script, "sh", dir, now).CombinedOutput(); err != nil {
		return "", fmt.Errorf("a later package: %w\n%s", err, out)
	}
	return filepath.Join(dir, "later.deb"), nil
})

func version(t *testing.T, p place) string {
	t.Helper()
	return must(t, p, "dpkg-query", "-W", "-f", "${Version}", "postseal").Stdout
}

// traffic is a client that submits message after message, as any mail server does: what is deferred is sent again.
type traffic struct {
	name     string
	sent     atomic.Int64 // messages that Postfix took
	deferred atomic.Int64 // refusals for the time being
	stop     chan struct{}
	done     chan error
}

func startTraffic(name string) *traffic {
	tr := &traffic{name: name, stop: make(chan struct{}), done: make(chan error, 1)}
	go func() { tr.done <- tr.run() }()
	return tr
}

func (tr *traffic) run() error {
	for {
		select {
		case <-tr.stop:
			return nil
		default:
		}
		err := tr.next()
		if refusal := (*textproto.Error)(nil); errors.As(err, &refusal) && refusal.Code/100 == 4 {
			tr.deferred.Add(1)
		} else if err != nil {
			return err
		}
	}
}

// next submits the next message, in a session of its own.
func (tr *traffic) next() error {
	s, err := submit.Open(submit.Options{Address: mailServer})
	if err != nil {
		return err
	}
	defer s.Drop()
	if err := s.Send("ada@example.com", []string{"bob@example.net"}, message(tr.subject(tr.sent.Load()))); err != nil {
		return err
	}
	tr.sent.Add(1)
	return nil
}

func (tr *traffic) subject(n int64) string { return fmt.Sprintf("%s %d", tr.name, n) }

// more waits until n more messages were taken.
func (tr *traffic) more(t *testing.T, n int64) {
	t.Helper()
	want := tr.sent.Load() + n
	eventually(t, "more messages to be taken", func() bool { return tr.sent.Load() >= want })
}

// arrived ends the traffic and checks that each message that was taken came out once and signed.
func (tr *traffic) arrived(t *testing.T) {
	t.Helper()
	close(tr.stop)
	if err := <-tr.done; err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages, %d refused for the time being", tr.sent.Load(), tr.deferred.Load())
	for n := range tr.sent.Load() {
		subject := tr.subject(n)
		msg := delivered(t, subject)
		if c := nextHop.Count(about(subject)); c != 1 {
			t.Errorf("%s was delivered %d times", subject, c)
		}
		verdicts, err := judge.MsgAuth(msg)
		if err != nil || len(verdicts) != 1 || !verdicts[0].Pass {
			t.Errorf("%s: %v, %v", subject, verdicts, err)
		}
	}
}

func TestUpgrade(t *testing.T) {
	alone(t)
	next := later(t)
	m := signer(t)
	tables := read(t, m, "/etc/postseal/keytable") + read(t, m, "/etc/postseal/signingtable")
	key := read(t, m, "/etc/postseal/keys/example.com.s2026.pem")

	t.Run("in the middle of traffic", func(t *testing.T) {
		must(t, m, "postconf", "milter_default_action=tempfail")
		reloadPostfix(t, m)
		before := pid(t, m)
		mail := startTraffic("upgraded")
		mail.more(t, 10)
		dpkg(t, m, next)
		mail.more(t, 10)
		mail.arrived(t)
		if pid(t, m) == before {
			t.Error("the old program goes on running")
		}
		is(t, "version", version(t, m)[len(version(t, m))-len(".later"):], ".later")
	})
	t.Run("what the administrator wrote is kept", func(t *testing.T) {
		is(t, "tables", read(t, m, "/etc/postseal/keytable")+read(t, m, "/etc/postseal/signingtable"), tables)
		is(t, "key", read(t, m, "/etc/postseal/keys/example.com.s2026.pem"), key)
		is(t, "owners", owners(t, m), packagedOwners)
	})
	t.Run("what nobody changed becomes the new one", func(t *testing.T) {
		says(t, "postseal.toml", read(t, m, "/etc/postseal/postseal.toml"), "Said by the later version.")
	})
	t.Run("a changed file is kept beside the new one", func(t *testing.T) {
		appendTo(t, m, "/etc/postseal/postseal.toml", "# Said by the administrator.\n")
		dpkg(t, m, packages.deb) // downgrades are as good
		says(t, "postseal.toml", read(t, m, "/etc/postseal/postseal.toml"), "Said by the administrator.")
		if strings.Contains(read(t, m, "/etc/postseal/postseal.toml.dpkg-dist"), "Said by") {
			t.Error("postseal.toml.dpkg-dist is not the package's")
		}
	})
	t.Run("a stopped service stays stopped", func(t *testing.T) {
		must(t, m, "systemctl", "stop", "postseal")
		dpkg(t, m, next)
		is(t, "ActiveState", value(t, m, unit, "ActiveState"), "inactive")
		must(t, m, "systemctl", "start", "postseal")
	})
	t.Run("a row that cannot work is no obstacle", func(t *testing.T) {
		appendTo(t, m, "/etc/postseal/keytable", "lost example.org:s1:/etc/postseal/keys/lost.pem\n")
		before := pid(t, m)
		said := dpkg(t, m, packages.deb)
		if pid(t, m) == before {
			t.Errorf("the old program goes on running:\n%s", said)
		}
	})
	t.Run("with a configuration that it cannot read, the old one goes on", func(t *testing.T) {
		before := pid(t, m)
		must(t, m, "chown", "root:root", "/etc/postseal/postseal.toml")
		said := dpkg(t, m, next)
		says(t, "the upgrade", said, "/etc/postseal/postseal.toml", "permission denied", "the old one goes on running", "systemctl restart postseal")
		is(t, "MainPID", pid(t, m), before)
		send(t, "signed by the old one")
		signed(t, delivered(t, "signed by the old one"))
		must(t, m, "chgrp", "postseal", "/etc/postseal/postseal.toml")
	})
}

// An administrator edited the postseal.toml of the first package, which had no store, no panel and no drivers: every later one
// works with that file as it is.
func TestUpgradeKeepsTheFirstConfiguration(t *testing.T) {
	alone(t)
	m := signer(t)
	must(t, m, "dpkg", "--force-confnew", "--install", inPlace(t, m, earlier(t)))
	appendTo(t, m, tomlFile, "# Said by the administrator.\n")
	first := read(t, m, tomlFile)
	if strings.Contains(first, "[store]") {
		t.Fatal("there is a store in it, so nothing is shown")
	}
	must(t, m, "sh", "-c", "systemctl stop postseal; rm /var/lib/postseal/*; systemctl start postseal")

	said := dpkg(t, m, packages.deb)
	is(t, "postseal.toml", read(t, m, tomlFile), first)
	is(t, "ActiveState", value(t, m, unit, "ActiveState"), "active")
	send(t, "with the first configuration")
	signed(t, delivered(t, "with the first configuration"))
	must(t, m, "postseal", "check-config")
	out := run(t, m, "postseal", "domain", "list")
	if out.Code != 78 {
		t.Errorf("domain list without a store: exit code %d", out.Code)
	}
	says(t, "domain list without a store", out.Text(), "no store is configured")
	if strings.Contains(said, "WARNING") {
		t.Errorf("the upgrade warns: %s", said)
	}
	if there(m, "/var/lib/postseal/postseal.db") {
		t.Error("a store was made that nobody asked for")
	}
}

// earlier is the package under test with a lower version and the first postseal.toml.
func earlier(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script := `dpkg-deb -R "$1" tree
sed -i 's/^Version: .*/Version: 0.0~0/' tree/DEBIAN/control
cp "$2" tree/etc/postseal/postseal.toml
dpkg-deb --root-owner-group -Znone -b tree earlier.deb`
	cmd := exec.Command("sh", "-ec", script, "sh", absolute(t, packages.deb), absolute(t, "testdata/first.toml"))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "earlier.deb")
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	a, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// While systemd holds the socket, a session that begins in the moment of a restart waits for it. What a client has to send again
// is what it was sending when the daemon ended its session.
func TestSocketActivation(t *testing.T) {
	alone(t)
	next := later(t)
	m := signer(t)
	must(t, m, "postconf", "milter_default_action=tempfail")
	reloadPostfix(t, m)
	follow(t, m, readme(t, "socket activation")...)
	is(t, "ActiveState before the first message", value(t, m, unit, "ActiveState"), "inactive")

	mail := startTraffic("activated")
	mail.more(t, 5)
	is(t, "ActiveState", value(t, m, unit, "ActiveState"), "active")
	must(t, m, "systemctl", "restart", "postseal")
	mail.more(t, 5)
	dpkg(t, m, next)
	mail.more(t, 5)
	mail.arrived(t)
	log := must(t, m, "journalctl", "-t", "postfix/smtpd", "-o", "cat").Stdout
	if strings.Contains(log, "connect to Milter service") {
		t.Errorf("Postfix could not connect:\n%s", log)
	}
}

// A mistake in the configuration, and systemd holds the socket: no endless loop of starts, and a way back that the manual names.
func TestSocketActivationWithAMistake(t *testing.T) {
	alone(t)
	m := boot(t, bare.Path())
	dpkg(t, m, packages.deb)
	follow(t, m, readme(t, "socket activation")...)
	appendTo(t, m, tomlFile, "[log]\n")
	// A start in vain takes longer where much is going on; what the unit says is judged in the next test.
	overrideUnit(t, m, socketUnit, "[Socket]", "TriggerLimitIntervalSec=10min")
	must(t, m, "systemctl", "restart", socketUnit)

	connect := func() error {
		c, err := net.Dial("tcp", "127.0.0.1:8891")
		if err == nil {
			err = c.Close() // systemd has seen it
		}
		return err
	}
	if err := connect(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the tries", func() bool { return value(t, m, socketUnit, "Result") == "trigger-limit-hit" })
	is(t, "exit code", value(t, m, unit, "ExecMainStatus"), "78")
	starts := strings.Count(must(t, m, "journalctl", "-u", unit, "-o", "cat").Stdout, "/etc/postseal/postseal.toml:")
	if starts < 1 || starts > 3 {
		t.Errorf("tried %d times, want up to 3", starts)
	}
	if err := connect(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the socket should be closed, so that the mail server goes on: %v", err)
	}

	must(t, m, "sed", "-i", "$d", tomlFile)
	follow(t, m, page(t, "docs/operating.md", "socket after a mistake")...)
	is(t, "ActiveState of the service", value(t, m, unit, "ActiveState"), "active")
	if err := connect(); err != nil {
		t.Error(err)
	}
}

// While the database is away the socket stays: what is tried again by systemd is not tried by each connection.
func TestSocketActivationWithoutTheStore(t *testing.T) {
	alone(t)
	m := boot(t, bare.Path())
	dpkg(t, m, packages.deb)
	follow(t, m, readme(t, "socket activation")...)
	must(t, m, "sed", "-i", `s|^url = .*|url = "postgres://postseal@127.0.0.1:1/postseal?sslmode=disable"|`, tomlFile)
	c, err := net.Dial("tcp", "127.0.0.1:8891")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	eventually(t, "two tries", func() bool {
		return strings.Count(run(t, m, "journalctl", "-u", unit, "-o", "cat").Stdout, "code=exited, status=6/") >= 2
	})
	// Each try counts as one of the connection's.
	pause, errPause := time.ParseDuration(value(t, m, unit, "RestartUSec"))
	within, errWithin := time.ParseDuration(value(t, m, socketUnit, "TriggerLimitIntervalUSec"))
	burst, errBurst := strconv.Atoi(value(t, m, socketUnit, "TriggerLimitBurst"))
	if err := errors.Join(errPause, errWithin, errBurst); err != nil || pause*time.Duration(burst) <= within {
		t.Errorf("tried each %v, closed after %d in %v: it will be closed (%v)", pause, burst, within, err)
	}
	is(t, "ActiveState of the socket", value(t, m, socketUnit, "ActiveState"), "active")
	must(t, m, "sed", "-i", `s|^url = .*|url = ""|`, tomlFile)
	eventually(t, "the service", func() bool { return value(t, m, unit, "ActiveState") == "active" })
}

// A disk that is full in the middle of an upgrade: the old version works on, and the upgrade can be made up for.
func TestUpgradeOnAFullDisk(t *testing.T) {
	alone(t)
	next := later(t)
	m := bootWith(t, bare.Path(), "160m")
	dpkg(t, m, packages.deb)
	copyInto(t, m, next, "/root")
	before, running := version(t, m), pid(t, m)
	must(t, m, "sh", "-c", "dd if=/dev/zero of=/fill bs=64k status=none; test -s /fill")

	out := run(t, m, "dpkg", "--install", "/root/later.deb")
	if out.Code == 0 {
		t.Fatal("the disk is not full")
	}
	is(t, "version", version(t, m), before)
	is(t, "MainPID", pid(t, m), running)
	is(t, "ActiveState", value(t, m, unit, "ActiveState"), "active")

	must(t, m, "rm", "/fill")
	dpkg(t, m, next)
}

// owners are owner, group and mode of what the package puts into /etc/postseal.
func owners(t *testing.T, p place) string {
	t.Helper()
	return must(t, p, "stat", "-c", "%n %U %G %a", "/etc/postseal", "/etc/postseal/keys", "/etc/postseal/keytable", "/etc/postseal/postseal.toml", "/etc/postseal/signingtable").Stdout
}

const packagedOwners = `/etc/postseal root postseal 750
/etc/postseal/keys root postseal 750
/etc/postseal/keytable root postseal 640
/etc/postseal/postseal.toml root postseal 640
/etc/postseal/signingtable root postseal 640
`

func appendTo(t *testing.T, p place, file, text string) {
	t.Helper()
	f, err := os.OpenFile(p.Path(file), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func has(line string) func(*sink.Message) bool {
	return func(m *sink.Message) bool { return strings.Contains(string(m.Header()), line+"\r\n") }
}
