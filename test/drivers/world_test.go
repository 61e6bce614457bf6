// Package drivers has postseal write into the zones of real name servers: BIND and Knot by dynamic updates, Knot by zone files
// and by a program. The servers' configuration is that of docs/drivers.md.
package drivers

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/child"
	"github.com/postseal/postseal/test/internal/place"
	"github.com/postseal/postseal/test/internal/sandbox"
)

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
	*place.Place
	server *child.Process
	start  func() *child.Process // of the server, again
}

func TestMain(m *testing.M) { sandbox.Main(m) }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Place: place.New(t)}
	w.NobodysDir("zones")
	w.Must(os.Chmod(w.Path("zones"), 0o755))
	w.writeKey("ddns.key", "postseal.example", secretOf('s'))
	w.Write("zones/example.test.zone", apex)
	return w
}

// secretOf makes a secret that looks like none.
func secretOf(c byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{c}, 32))
}

// writeKey writes a key as tsig-keygen does, for the group of the service.
func (w *world) writeKey(file, name, secret string) {
	w.Helper()
	w.Write(file, fmt.Sprintf("key \"%s\" {\n\talgorithm hmac-sha256;\n\tsecret \"%s\";\n};\n", name, secret))
	w.Must(os.Chown(w.Path(file), 0, place.Nobody))
	w.Must(os.Chmod(w.Path(file), 0o640))
}

// configure writes postseal.toml with a [[driver]] called ns.
func (w *world) configure(driver string, more ...string) {
	w.Helper()
	w.Write("postseal.toml", fmt.Sprintf(`
[[listener]]
address = "inet:0@127.0.0.1"
[sign]
keytable = ""
signingtable = ""
[store]
url = "sqlite:%[1]s/db/postseal.db"
identity = "%[1]s/identity/identity"
[dns]
nameservers = ["%[2]s"]
[check]
via = "resolver"
[[driver]]
name = "ns"
zones = ["example.test"]
timeout = "5s"
%[3]s
`, w.Dir, w.NameServer(), driver)+strings.Join(more, "\n"))
}

// updates is the driver for dynamic updates.
func (w *world) updates() string {
	return fmt.Sprintf("type = \"rfc2136\"\nserver = \"%s\"\nkey_file = \"%s\"\n", w.NameServer(), w.Path("ddns.key"))
}

// bind starts a named.
func (w *world) bind() {
	w.Helper()
	w.Must(os.Chown(w.Path("zones"), 0, 0)) // its journal stands there, and it gives up root's right to write anywhere
	w.Write("named.conf", fmt.Sprintf(`
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
`, w.Dir, w.Port))
	w.Write("zones/example.test.zone.closed", strings.ReplaceAll(apex, "example.test", "closed.test"))
	w.start = func() *child.Process {
		p, err := child.Start(exec.Command("named", "-g", "-n", "1", "-c", w.Path("named.conf")), w.Path("named.log"))
		w.Must(err)
		return p
	}
	w.run()
}

// knot starts a knotd, by another command if one is given (as faketime).
func (w *world) knot(by ...string) {
	w.Helper()
	w.Write("knot.conf", fmt.Sprintf(`
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
`, w.Dir, w.Port, secretOf('s')))
	w.start = func() *child.Process {
		command := append(by, "knotd", "-c", w.Path("knot.conf"))
		p, err := child.Start(exec.Command(command[0], command[1:]...), w.Path("knot.log"))
		w.Must(err)
		return p
	}
	w.run()
	w.Must(await.That("knotd takes orders", func() bool { return exec.Command("knotc", "-s", w.Path("knot.sock"), "status").Run() == nil }))
	w.Must(os.Chmod(w.Path("knot.sock"), 0o666)) // a service would be in the group knot
}

func (w *world) run() {
	w.Helper()
	w.server = w.start()
	w.Must(w.server.Ready(w.NameServer()))
	w.Cleanup(func() { w.server.Stop() })
	w.Must(await.That("the zone is served", func() bool {
		_, err := w.Resolver().LookupHost(w.Context(), "ns1.example.test.")
		return err == nil
	}))
}

// exits runs postseal as root, wants an exit code, and gives both outputs.
func (w *world) exits(want int, args ...string) string {
	w.Helper()
	cmd := w.Postseal(args...)
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
	cmd := exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", w.Program, "serve", "--config", w.Path("postseal.toml"))
	p, err := child.Start(cmd, w.Path("postseal.log"))
	w.Must(err)
	w.Cleanup(func() {
		p.Stop()
		if w.Failed() {
			w.Logf("the daemon's log:\n%s\nthe server's:\n%s", p.Log(), w.server.Log())
		}
	})
}

// text is the TXT record of a name, "" without one, several with bars.
func (w *world) text(name string) string {
	w.Helper()
	return strings.Join(w.Texts(name), " | ")
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
	w.Must(json.Unmarshal([]byte(w.ok("domain", "show", domain, "--json")), &r))
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
