package install

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/debian"
	"github.com/postseal/postseal/test/internal/nameserver"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
)

// The roots that machines are copies of, below the directory that the environment variable rootsVar names. Where it is set
// beforehand, they are made there once and kept for the next run.
const (
	rootsVar = "POSTSEAL_ROOTS"

	bare        = "bare"    // no mail server, no group postfix
	withPostfix = "postfix" // Debian's Postfix as it comes, for mail.example.com
)

const postfixAnswers = `postfix postfix/main_mailer_type select Internet Site
postfix postfix/mailname string mail.example.com`

const nextHopAddress = "127.7.0.9"

var (
	dns     *nameserver.Server
	nextHop *sink.Sink
)

func TestMain(m *testing.M) {
	if sandbox.Inside() {
		sandbox.MainWith(func() int {
			if err := build(); err != nil {
				fmt.Fprintln(os.Stderr, "install:", err)
				return 1
			}
			return m.Run()
		})
	}
	remove, err := makeRoots()
	if err != nil {
		fmt.Fprintln(os.Stderr, "install:", errors.Join(err, remove()))
		os.Exit(1)
	}
	code := sandbox.Enter()
	if err := remove(); err != nil {
		fmt.Fprintln(os.Stderr, "install:", err)
		code = 1
	}
	os.Exit(code)
}

// makeRoots runs outside the sandbox, where Debian's mirrors are.
func makeRoots() (remove func() error, err error) {
	remove = func() error { return nil }
	dir := os.Getenv(rootsVar)
	if dir == "" {
		if dir, err = os.MkdirTemp("", "postseal-roots-"); err != nil {
			return remove, err
		}
		remove = func() error { return os.RemoveAll(dir) }
		if err := errors.Join(os.Chmod(dir, 0o755), os.Setenv(rootsVar, dir)); err != nil {
			return remove, err
		}
	}
	if exists(filepath.Join(dir, withPostfix)) {
		return remove, nil
	}
	if err := debian.Bootstrap(filepath.Join(dir, bare)); err != nil {
		return remove, err
	}
	return remove, debian.Install(filepath.Join(dir, bare), filepath.Join(dir, withPostfix), postfixAnswers, "postfix")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func root(name string) string { return filepath.Join(os.Getenv(rootsVar), name) }

// build is what all stories share, inside the sandbox.
func build() (err error) {
	if err := findPackages(); err != nil {
		return err
	}
	if dns, err = nameserver.Start(filepath.Join(sandbox.Dir(), "dns"), sandbox.Resolver, sandbox.OuterIPv4); err != nil {
		return err
	}
	nextHop, err = sink.Listen(nextHopAddress + ":2525")
	return err
}

var machines int

// boot starts a machine that lives as long as the test. If the test fails, its journal is shown.
func boot(t *testing.T, base string) *debian.Machine { return bootWith(t, base, "") }

func bootWith(t *testing.T, base, size string) *debian.Machine {
	t.Helper()
	machines++
	m, err := debian.Boot(root(base), filepath.Join(sandbox.Dir(), "machine"+strconv.Itoa(machines)), size)
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

// bootMailServer boots a machine whose Postfix hands all mail for others to nextHop.
func bootMailServer(t *testing.T) *debian.Machine {
	t.Helper()
	m := boot(t, withPostfix)
	must(t, m, "postconf", "relayhost=["+nextHopAddress+"]:2525")
	must(t, m, "postfix", "reload")
	return m
}

// unbooted is a root without a service manager, as a chroot or an image that is being built.
func unbooted(t *testing.T, base string) *debian.Chroot {
	t.Helper()
	machines++
	c, err := debian.NewChroot(root(base), filepath.Join(sandbox.Dir(), "chroot"+strconv.Itoa(machines)))
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

// place is a machine or an unbooted root.
type place interface {
	Run(command ...string) (debian.Output, error)
	Path(file string) string
}

// run runs a command, whatever its exit code.
func run(t *testing.T, p place, command ...string) debian.Output {
	t.Helper()
	out, err := p.Run(command...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// must runs a command that has to end with 0.
func must(t *testing.T, p place, command ...string) debian.Output {
	t.Helper()
	out := run(t, p, command...)
	if out.Code != 0 {
		t.Fatalf("%s: exit code %d\n%s", strings.Join(command, " "), out.Code, out.Text())
	}
	return out
}

func copyInto(t *testing.T, p place, file, dir string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, p, filepath.Join(dir, filepath.Base(file)), string(b))
}

func write(t *testing.T, p place, file, text string) {
	t.Helper()
	if err := os.WriteFile(p.Path(file), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, p place, file string) string {
	t.Helper()
	b, err := os.ReadFile(p.Path(file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func publish(t *testing.T, name, record string) {
	t.Helper()
	if err := dns.SetTXT(name, record); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	if err := await.That(what, done); err != nil {
		t.Fatal(err)
	}
}

// host runs a command of this host.
func host(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out)
}

// contains tells whether text has all words.
func contains(text string, words ...string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}
