package install

import (
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/postseal/postseal/test/internal/debian"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// What machines are copies of. All mail for others goes to nextHop.
var (
	bare = debian.Recipe{Name: "bare"} // no mail server, no group postfix

	// Debian's Postfix as it comes
	withPostfix = debian.Recipe{Name: "postfix", Answers: postfixAnswers, Packages: "postfix", Finish: postfixRelay}

	// and Debian's PostgreSQL beside it
	withPostgres = debian.Recipe{Name: "postgres", Answers: postfixAnswers, Packages: "postfix postgresql", Finish: postfixRelay}

	// Debian's Sendmail; provider.m4 is where Debian wants the next hop. However busy the machine is that the tests run on, it
	// takes mail.
	withSendmail = debian.Recipe{
		Name:     "sendmail",
		Packages: "sendmail",
		Finish: "cat >/etc/mail/m4/provider.m4 <<'M4'\n" +
			"define(`SMART_HOST', `esmtp:[" + nextHopAddress + "]')dnl\n" +
			"define(`ESMTP_MAILER_ARGS', `TCP $h " + nextHopPort + "')dnl\n" +
			"define(`confREFUSE_LA', `1000')dnl\n" +
			"define(`confQUEUE_LA', `1000')dnl\n" +
			"M4\nsed -i '/^FEATURE(`msp/i define(confQUEUE_LA, 1000)dnl' /etc/mail/submit.mc\nmake -C /etc/mail",
	}
)

const (
	postfixAnswers = "postfix postfix/main_mailer_type select Internet Site\npostfix postfix/mailname string " + debian.Hostname
	postfixRelay   = "postconf relayhost=[" + nextHopAddress + "]:" + nextHopPort
)

// network is what machines share, with its ports: one of them runs at a time.
var network sync.Mutex

// alone waits for the network, and keeps it to the end of the test. What others had delivered is gone.
func alone(t *testing.T) {
	t.Helper()
	t.Parallel()
	network.Lock()
	nextHop.Forget()
	t.Cleanup(network.Unlock)
}

var places atomic.Int64

func newPlace() string {
	return filepath.Join(sandbox.Dir(), "place"+strconv.FormatInt(places.Add(1), 10))
}

// boot starts a machine that lives as long as the test, which is alone. If the test fails, its journal is shown.
func boot(t *testing.T, base string) *debian.Machine { return bootWith(t, base, "") }

func bootWith(t *testing.T, base, size string) *debian.Machine {
	t.Helper()
	m, err := debian.Boot(base, newPlace(), size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			if out, err := m.Run("journalctl", "--no-pager", "-o", "short-precise", "-n", "60"); err == nil {
				t.Log(out.Text())
			}
		}
		if err := m.PowerOff(); err != nil {
			t.Error(err)
		}
	})
	return m
}

var (
	wiring sync.Once
	wired  string // the mail server of signer, switched off
	record string // what keygen printed there
)

// signer boots a mail server on which the package is installed and wired as the README says. The test is alone.
func signer(t *testing.T) *debian.Machine {
	t.Helper()
	wiring.Do(func() {
		m := boot(t, withPostfix.Path())
		dpkg(t, m, packages.deb)
		record = follow(t, m, readme(t, "a key")...)
		follow(t, m, readme(t, "Postfix")...)
		var err error
		if wired, err = m.Freeze(); err != nil {
			t.Fatal(err)
		}
	})
	if wired == "" {
		t.Fatal("the mail server that signs could not be made; see the first test that wanted it")
	}
	publishPrinted(t, record) // other machines have other keys of that name
	return boot(t, wired)
}

// unbooted is a root without a service manager, as a chroot or an image that is being built.
func unbooted(t *testing.T) *debian.Chroot {
	t.Helper()
	c, err := debian.NewChroot(bare.Path(), newPlace())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Remove(); err != nil {
			t.Error(err)
		}
	})
	return c
}
