package install

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/debian"
	"github.com/postseal/postseal/test/internal/nameserver"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
)

const (
	nextHopAddress = "127.7.0.9"
	nextHopPort    = "2525"
)

var (
	dns     *nameserver.Server
	nextHop *sink.Sink
)

func TestMain(m *testing.M) {
	if sandbox.Inside() {
		sandbox.MainWith(func() int {
			// Most tests wait: for a machine, or for the network that machines share.
			err := errors.Join(flag.Set("test.parallel", "20"), build())
			if err != nil {
				fmt.Fprintln(os.Stderr, "install:", err)
				return 1
			}
			return m.Run()
		})
	}
	// Debian's mirrors are outside the sandbox.
	if err := debian.Make(bare, withPostfix, withSendmail, withPostgres); err != nil {
		fmt.Fprintln(os.Stderr, "install:", err)
		os.Exit(1)
	}
	os.Exit(sandbox.Enter())
}

// build is what all stories share, inside the sandbox.
func build() (err error) {
	if err := findPackages(); err != nil {
		return err
	}
	if dns, err = nameserver.Start(filepath.Join(sandbox.Dir(), "dns"), sandbox.Resolver, sandbox.OuterIPv4); err != nil {
		return err
	}
	// Sendmail takes no mail from a domain that nobody could answer.
	if err := dns.Set("example.com", "MX", "10 mail.example.com."); err != nil {
		return err
	}
	nextHop, err = sink.Listen(nextHopAddress + ":" + nextHopPort)
	return err
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
