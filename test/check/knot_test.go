package check

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/child"
)

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

// notLoaded stands in a zone that no name server can read.
const notLoaded = "; it does not load"

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
	for name, text := range zones { // one that does not load answers SERVFAIL
		if out, err := k.control("zone-status", name+"."); err != nil || loaded.Match(out) != !strings.Contains(text, notLoaded) {
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
