// Package domains sees that other people's name servers and tools read what postseal writes for them: BIND's zone checker, Knot
// DNS, and both of their clients for dynamic updates. They listen on loopback ports of their own.
package domains

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/child"
)

// nobody owns the store: root has to become this user before touching it.
const nobody = 65534

// world is a name server for example.test, and postseal with a store that asks it.
type world struct {
	*testing.T
	dir      string
	port     int
	postseal string
}

// knot.conf: DIR, PORT.
const knot = `
server:
    rundir: "%[1]s"
    listen: "127.0.0.1@%[2]d"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: warning
database:
    storage: "%[1]s"
control:
    listen: "%[1]s/knot.sock"
acl:
  - id: local
    address: 127.0.0.1
    action: update
zone:
  - domain: example.test
    file: "%[1]s/example.test.zone"
    zonefile-sync: -1
    zonefile-load: whole
    acl: local
`

// postseal.toml: DIR, PORT.
const configuration = `
[store]
url = "sqlite:%[1]s/db/postseal.db"
identity = "%[1]s/identity/identity"
[dns]
nameservers = ["127.0.0.1:%[2]d"]
[check]
via = "resolver"
[key_zone]
name = "keys.test"
former = ["old.test"]
name_servers = ["ns1.example.test"]
hostmaster = "dns.admin@example.test"
`

// apex is the beginning of the zone, with its serial.
const apex = `$TTL 300
@   IN SOA ns1.example.test. hostmaster.example.test. ( %d 3600 600 86400 300 )
@   IN NS  ns1.example.test.
ns1 IN A   127.0.0.1
mail IN A  127.0.0.1
`

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, postseal: os.Getenv("POSTSEAL")}
	if w.postseal == "" {
		t.Fatal("POSTSEAL has to name the postseal binary: make build; POSTSEAL=$PWD/bin/postseal go test ./test/domains")
	}
	var err error
	if w.dir, err = os.MkdirTemp("", "postseal-domains-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(w.dir) })
	w.port = freePort(t)
	w.must(os.Chmod(w.dir, 0o755))
	for _, dir := range []string{"db", "identity"} {
		path := filepath.Join(w.dir, dir)
		w.must(os.Mkdir(path, 0o700))
		w.must(os.Chown(path, nobody, nobody))
	}
	w.write("knot.conf", fmt.Sprintf(knot, w.dir, w.port))
	w.write("postseal.toml", fmt.Sprintf(configuration, w.dir, w.port))
	w.write("example.test.zone", fmt.Sprintf(apex, 1))
	server, err := child.Start(exec.Command("knotd", "-c", w.path("knot.conf")), w.path("knot.log"))
	w.must(err)
	t.Cleanup(func() { server.Stop() })
	w.must(server.Ready(fmt.Sprintf("127.0.0.1:%d", w.port)))
	return w
}

// freePort is free for UDP and TCP.
func freePort(t *testing.T) int {
	t.Helper()
	for range 50 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		p, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", port))
		l.Close()
		if err == nil {
			p.Close()
			return port
		}
	}
	t.Fatal("no port is free for UDP and TCP")
	return 0
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name, text string) {
	w.Helper()
	w.must(os.WriteFile(w.path(name), []byte(text), 0o644))
}

// run runs postseal as root and gives its output and exit code.
func (w *world) run(args ...string) (out string, code int) {
	w.Helper()
	cmd := exec.Command(w.postseal, append(args, "--config", w.path("postseal.toml"))...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.Fatal(err)
	}
	if stderr.Len() > 0 {
		w.Logf("%v: %s", args, &stderr)
	}
	return stdout.String(), cmd.ProcessState.ExitCode()
}

// ok runs postseal, which has to end well, or with warnings.
func (w *world) ok(args ...string) string {
	w.Helper()
	out, code := w.run(args...)
	if code > 1 {
		w.Fatalf("%v: exit code %d\n%s", args, code, out)
	}
	return out
}

// tool runs somebody else's program with an input.
func (w *world) tool(input, name string, args ...string) string {
	w.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// texts asks the name server for the TXT records of a name.
func (w *world) texts(name string) []string {
	w.Helper()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", w.port))
	}}
	texts, err := r.LookupTXT(w.Context(), name+".")
	var missing *net.DNSError
	if errors.As(err, &missing) && missing.IsNotFound {
		return nil
	}
	w.must(err)
	return texts
}

// wanted is what postseal says has to be in DNS: text by name.
func (w *world) wanted() map[string]string {
	w.Helper()
	var sheets []struct {
		Zone    struct{ Name string }
		Records []struct {
			Value string
			Host  struct{ Absolute string }
		}
	}
	w.must(json.Unmarshal([]byte(w.ok("domain", "records", "--all", "--json")), &sheets))
	all := map[string]string{}
	for _, s := range sheets {
		if s.Zone.Name != "example.test" {
			w.Errorf("the zone is %q", s.Zone.Name)
		}
		for _, r := range s.Records {
			all[r.Host.Absolute] = r.Value
		}
	}
	return all
}

// addKeys makes keys of all sizes, in the zone and below it.
func (w *world) addKeys() {
	w.Helper()
	w.ok("domain", "add", "example.test", "--selector", "rsa", "--bits", "2048", "--algorithm", "rsa,ed25519")
	w.ok("domain", "add", "mail.example.test", "--selector", "big.2026", "--bits", "4096")
	w.ok("domain", "add", "sales@example.test", "--selector", "small", "--bits", "1024")
}

// published sees that the name server gives exactly what was wanted.
func (w *world) published(wanted map[string]string) {
	w.Helper()
	if len(wanted) != 4 {
		w.Errorf("%d records are wanted, not 4", len(wanted))
	}
	for name, text := range wanted {
		if got := w.texts(name); len(got) != 1 || got[0] != text {
			w.Errorf("%s: the name server has %q, want %q", name, got, text)
		}
	}
}
