// Package domains sees that other people's name servers and tools read what postseal writes for them: BIND's zone checker, Knot
// DNS, and both of their clients for dynamic updates.
package domains

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"testing"

	"github.com/postseal/postseal/test/internal/child"
	"github.com/postseal/postseal/test/internal/place"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// world is a name server for example.test, and postseal with a store that asks it.
type world struct{ *place.Place }

func TestMain(m *testing.M) { sandbox.Main(m) }

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

// postseal.toml: DIR, NAMESERVER.
const configuration = `
[store]
url = "sqlite:%[1]s/db/postseal.db"
identity = "%[1]s/identity/identity"
[dns]
nameservers = ["%[2]s"]
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
	w := &world{place.New(t)}
	w.Write("knot.conf", fmt.Sprintf(knot, w.Dir, w.Port))
	w.Write("postseal.toml", fmt.Sprintf(configuration, w.Dir, w.NameServer()))
	w.Write("example.test.zone", fmt.Sprintf(apex, 1))
	server, err := child.Start(exec.Command("knotd", "-c", w.Path("knot.conf")), w.Path("knot.log"))
	w.Must(err)
	t.Cleanup(func() { server.Stop() })
	for _, address := range []string{w.NameServer(), w.Path("knot.sock")} {
		w.Must(server.Ready(address))
	}
	return w
}

// run runs postseal as root and gives its output and exit code.
func (w *world) run(args ...string) (out string, code int) {
	w.Helper()
	cmd := w.Postseal(args...)
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
	w.Must(json.Unmarshal([]byte(w.ok("domain", "records", "--all", "--json")), &sheets))
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
		if got := w.Texts(name); len(got) != 1 || got[0] != text {
			w.Errorf("%s: the name server has %q, want %q", name, got, text)
		}
	}
}
