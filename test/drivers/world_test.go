// Package drivers has postseal write into the zones of real name servers: BIND and Knot by dynamic updates, Knot by zone files
// and by a program. The servers' configuration is that of docs/drivers.md. They listen on loopback ports of their own.
package drivers

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/child"
)

// nobody owns the store: root has to become this user before touching it.
const nobody = 65534

// zone is what all servers serve.
const zone = "example.test"

// apex is the beginning of the zone.
const apex = `$TTL 1
@   IN SOA ns1.example.test. hostmaster.example.test. ( 2026112101 3600 600 86400 1 )
@   IN NS  ns1.example.test.
ns1 IN A   127.0.0.1
`

// world is a name server for example.test, and postseal with a store that asks it.
type world struct {
	*testing.T
	dir      string
	port     int
	postseal string
	server   *child.Process
	start    func() *child.Process // of the server, again
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, postseal: os.Getenv("POSTSEAL")}
	if w.postseal == "" {
		t.Fatal("POSTSEAL has to name the postseal binary: make build; POSTSEAL=$PWD/bin/postseal go test ./test/drivers")
	}
	var err error
	if w.dir, err = os.MkdirTemp("", "postseal-drivers-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(w.dir) })
	w.port = freePort(t)
	w.must(os.Chmod(w.dir, 0o755))
	for _, dir := range []string{"db", "identity", "zones"} {
		w.must(os.Mkdir(w.path(dir), 0o700))
		w.must(os.Chown(w.path(dir), nobody, nobody))
	}
	w.must(os.Chmod(w.path("zones"), 0o755))
	w.writeKey("ddns.key", "postseal.example", secretOf('s'))
	w.write("zones/example.test.zone", apex)
	return w
}

// secretOf makes a secret that looks like none.
func secretOf(c byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{c}, 32))
}

// writeKey writes a key as tsig-keygen does, for the group of the service.
func (w *world) writeKey(file, name, secret string) {
	w.Helper()
	w.write(file, fmt.Sprintf("key \"%s\" {\n\talgorithm hmac-sha256;\n\tsecret \"%s\";\n};\n", name, secret))
	w.must(os.Chown(w.path(file), 0, nobody))
	w.must(os.Chmod(w.path(file), 0o640))
}

// configure writes postseal.toml with a [[driver]] called ns.
func (w *world) configure(driver string, more ...string) {
	w.Helper()
	w.write("postseal.toml", fmt.Sprintf(`
[[listener]]
address = "inet:0@127.0.0.1"
[sign]
keytable = ""
signingtable = ""
[store]
url = "sqlite:%[1]s/db/postseal.db"
identity = "%[1]s/identity/identity"
[dns]
nameservers = ["127.0.0.1:%[2]d"]
[check]
via = "resolver"
[[driver]]
name = "ns"
zones = ["example.test"]
timeout = "5s"
%[3]s
`, w.dir, w.port, driver)+strings.Join(more, "\n"))
}

// updates is the driver for dynamic updates.
func (w *world) updates() string {
	return fmt.Sprintf("type = \"rfc2136\"\nserver = \"127.0.0.1:%d\"\nkey_file = \"%s\"\n", w.port, w.path("ddns.key"))
}

// bind starts a named.
func (w *world) bind() {
	w.Helper()
	w.must(os.Chown(w.path("zones"), 0, 0)) // its journal stands there, and it gives up root's right to write anywhere
	w.write("named.conf", fmt.Sprintf(`
options {
	directory "%[1]s";
	pid-file none;
	session-keyfile none;
	listen-on port %[2]d { 127.0.0.1; };
	listen-on-v6 { none; };
	recursion no;
	dnssec-validation no;
};
controls { };
include "%[1]s/ddns.key";
zone "example.test" {
	type primary;
	file "%[1]s/zones/example.test.zone";
	update-policy { grant postseal.example zonesub TXT CNAME; };
};
zone "closed.test" {
	type primary;
	file "%[1]s/zones/example.test.zone.closed";
};
`, w.dir, w.port))
	w.write("zones/example.test.zone.closed", strings.ReplaceAll(apex, "example.test", "closed.test"))
	w.start = func() *child.Process {
		p, err := child.Start(exec.Command("named", "-g", "-n", "1", "-c", w.path("named.conf")), w.path("named.log"))
		w.must(err)
		return p
	}
	w.run()
}

// knot starts a knotd, by another command if one is given (as faketime).
func (w *world) knot(by ...string) {
	w.Helper()
	w.write("knot.conf", fmt.Sprintf(`
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
key:
  - id: postseal.example
    algorithm: hmac-sha256
    secret: %[3]s
acl:
  - id: postseal
    key: postseal.example
    action: update
    update-type: [TXT, CNAME]
zone:
  - domain: example.test
    file: "%[1]s/zones/example.test.zone"
    zonefile-sync: -1
    acl: postseal
`, w.dir, w.port, secretOf('s')))
	w.start = func() *child.Process {
		command := append(by, "knotd", "-c", w.path("knot.conf"))
		p, err := child.Start(exec.Command(command[0], command[1:]...), w.path("knot.log"))
		w.must(err)
		return p
	}
	w.run()
	w.must(await.That("knotd takes orders", func() bool { return exec.Command("knotc", "-s", w.path("knot.sock"), "status").Run() == nil }))
	w.must(os.Chmod(w.path("knot.sock"), 0o666)) // a service would be in the group knot
}

func (w *world) run() {
	w.Helper()
	w.server = w.start()
	w.must(w.server.Ready(fmt.Sprintf("127.0.0.1:%d", w.port)))
	w.Cleanup(func() { w.server.Stop() })
	w.must(await.That("the zone is served", func() bool {
		_, err := w.resolver().LookupHost(w.Context(), "ns1.example.test.")
		return err == nil
	}))
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

// exits runs postseal as root, wants an exit code, and gives both outputs.
func (w *world) exits(want int, args ...string) string {
	w.Helper()
	cmd := exec.Command(w.postseal, append(args, "--config", w.path("postseal.toml"))...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != want {
		w.Fatalf("postseal %v: exit code %d, want %d\n%s", args, code, want, out)
	}
	return string(out)
}

func (w *world) ok(args ...string) string { w.Helper(); return w.exits(0, args...) }

// says wants texts in an output.
func (w *world) says(out string, texts ...string) {
	w.Helper()
	for _, want := range texts {
		if !strings.Contains(out, want) {
			w.Errorf("no %q in\n%s", want, out)
		}
	}
}

// serve starts the daemon as the owner of the store.
func (w *world) serve() {
	w.Helper()
	cmd := exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", w.postseal, "serve", "--config", w.path("postseal.toml"))
	p, err := child.Start(cmd, w.path("postseal.log"))
	w.must(err)
	w.Cleanup(func() {
		p.Stop()
		if w.Failed() {
			w.Logf("the daemon's log:\n%s\nthe server's:\n%s", p.Log(), w.server.Log())
		}
	})
}

func (w *world) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", w.port))
	}}
}

// text is the TXT record of a name, "" without one, several with bars.
func (w *world) text(name string) string {
	w.Helper()
	texts, err := w.resolver().LookupTXT(w.Context(), name+".")
	var missing *net.DNSError
	if errors.As(err, &missing) && missing.IsNotFound {
		return ""
	}
	w.must(err)
	return strings.Join(texts, " | ")
}

// holds waits until the server has a text for a name.
func (w *world) holds(name, want string) {
	w.Helper()
	w.until(fmt.Sprintf("%s has %.40q", name, want), func() bool { return w.text(name) == want })
}

// until waits for what takes its time: DNS is looked at twice, half a minute apart.
func (w *world) until(what string, done func() bool) {
	w.Helper()
	if err := await.Patiently(what, done); err != nil {
		w.Fatalf("%v\n%s", err, w.ok("domain", "show", zone))
	}
}

// row is a domain as `domain show --json` has it.
type row struct {
	Status struct{ Label, Text string }
	Keys   []struct{ Selector, State, Record string }
}

func (w *world) show(domain string) (r row) {
	w.Helper()
	w.must(json.Unmarshal([]byte(w.ok("domain", "show", domain, "--json")), &r))
	return r
}

// record is what a selector has to have in DNS.
func (w *world) record(domain, selector string) string {
	w.Helper()
	for _, k := range w.show(domain).Keys {
		if k.Selector == selector {
			return k.Record
		}
	}
	w.Fatalf("%s has no key %s", domain, selector)
	return ""
}

func (w *world) becomes(selector, state string) {
	w.Helper()
	w.until(selector+" is "+state, func() bool {
		for _, k := range w.show(zone).Keys {
			if k.Selector == selector && k.State == state {
				return true
			}
		}
		return false
	})
}
