// Package check has the real name servers for postseal check: Knot with a zone for each finding, Unbound as the resolver.
package check

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/child"
	"github.com/postseal/postseal/test/internal/faultydns"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// The name servers, each in a network of its own, under the names that zone files give them.
var addresses = map[string]string{
	"ns1":    "127.7.0.54", // Knot
	"ns2":    "127.7.1.54", // the same Knot
	"ns3":    "127.7.2.54", // another Knot, with what *.second files have
	"faulty": "127.7.3.54",
	"odd":    "127.7.4.54",
	"closed": "127.7.5.54", // nobody
}

// liarAddress is a resolver that has an address for every name.
const liarAddress = "127.7.6.53"

var (
	primary *knot
	cases   []testCase
)

func TestMain(m *testing.M) {
	sandbox.MainWith(func() int {
		if err := build(sandbox.Dir()); err != nil {
			fmt.Fprintln(os.Stderr, "check:", err)
			return 1
		}
		return m.Run()
	})
}

func build(dir string) (err error) {
	if os.Getenv("POSTSEAL") == "" {
		return errors.New("POSTSEAL must name the postseal binary (make e2e builds it)")
	}
	if err := makeKeys(dir); err != nil {
		return err
	}
	if cases, err = readCases("testdata"); err != nil {
		return err
	}
	if primary, err = startKnot(filepath.Join(dir, "primary"), primaryZones(cases), addresses["ns1"], addresses["ns2"]); err != nil {
		return err
	}
	if _, err = startKnot(filepath.Join(dir, "second"), secondZones(cases), addresses["ns3"]); err != nil {
		return err
	}
	if _, err = faultydns.Start(addresses["faulty"], "fault.test", "none"); err != nil {
		return err
	}
	if err := startOdd(addresses["odd"], oddZones(cases)); err != nil {
		return err
	}
	if err := startLiar(liarAddress, sandbox.Resolver+":53"); err != nil {
		return err
	}
	return startUnbound(filepath.Join(dir, "unbound"))
}

// loaded is what knotc says of a zone that is served.
var loaded = regexp.MustCompile(`serial: [0-9]`)

// knot is a running knotd.
type knot struct {
	*child.Process
	dir string
}

const knotConfiguration = `
server:
    rundir: "%[1]s"
    listen: [ %[2]s ]
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    udp-max-payload: 1232
log:
  - target: stderr
    any: warning
database:
    storage: "%[1]s"
control:
    listen: "%[1]s/knot.sock"
template:
  - id: default
    storage: "%[1]s"
    zonefile-sync: -1
zone:
`

// startKnot serves zones, their files by name ("" for the root), on port 53 of the addresses.
func startKnot(dir string, zones map[string]string, listen ...string) (*knot, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	var at []string
	for _, address := range listen {
		at = append(at, `"`+address+`@53"`)
	}
	conf := fmt.Sprintf(knotConfiguration, dir, strings.Join(at, ", "))
	for name, text := range zones {
		conf += fmt.Sprintf("  - domain: %q\n    file: %q\n", name+".", name+".zone")
		if err := os.WriteFile(filepath.Join(dir, name+".zone"), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "knot.conf"), []byte(conf), 0o644); err != nil {
		return nil, err
	}
	p, err := child.Start(exec.Command("knotd", "-c", filepath.Join(dir, "knot.conf")), filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	k := &knot{p, dir}
	for _, place := range []string{listen[0] + ":53", filepath.Join(dir, "knot.sock")} {
		if err := p.Ready(place); err != nil {
			return nil, err
		}
	}
	for name := range zones { // one that does not load would look like a lame server
		if out, err := k.control("zone-status", name+"."); err != nil || !loaded.Match(out) {
			return nil, fmt.Errorf("zone %s: %s %w\n%s", name, out, err, p.Log())
		}
	}
	return k, nil
}

func (k *knot) control(args ...string) ([]byte, error) {
	return exec.Command("knotc", append([]string{"--blocking", "--socket", filepath.Join(k.dir, "knot.sock")}, args...)...).CombinedOutput()
}

// publish adds a record to a zone; it is answered when publish returns.
func (k *knot) publish(t *testing.T, zone string, record ...string) {
	t.Helper()
	for _, args := range [][]string{{"zone-begin", zone}, append([]string{"zone-set", zone}, record...), {"zone-commit", zone}} {
		if out, err := k.control(args...); err != nil {
			t.Fatalf("knotc %v: %v: %s", args, err, out)
		}
	}
}

// unbound.conf: DIR, ADDRESS, ROOT. It is told that d605.test is signed with a key that nobody has.
const unboundConfiguration = `server:
    directory: "%[1]s"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    interface: %[2]s
    access-control: 127.0.0.0/8 allow
    do-not-query-localhost: no
    do-daemonize: no
    num-threads: 1
    module-config: "validator iterator"
    trust-anchor: "d605.test. DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000"
    local-zone: "test." nodefault
stub-zone:
    name: "."
    stub-addr: %[3]s
`

func startUnbound(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	file := filepath.Join(dir, "unbound.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, unboundConfiguration, dir, sandbox.Resolver, addresses["ns1"]), 0o644); err != nil {
		return err
	}
	p, err := child.Start(exec.Command("unbound", "-d", "-p", "-c", file), filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	return p.Ready(sandbox.Resolver + ":53")
}
