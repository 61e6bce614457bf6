// Package check has the real name servers for postseal check: Knot with a zone for each finding, tinydns for what Knot refuses, Unbound as
// the resolver.
package check

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/postseal/postseal/test/internal/sandbox"
)

// The name servers, each in a network of its own, under the names that zone files give them.
var addresses = map[string]string{
	"ns1":      "127.7.0.54", // Knot
	"ns2":      "127.7.1.54", // the same Knot
	"ns3":      "127.7.2.54", // another Knot, with what *.second files have
	"hung":     "127.7.3.54", // a Knot that is stopped
	"udp":      "127.7.4.54", // Unbound without TCP, which has authority for the case that it serves
	"closed":   "127.7.5.54", // nobody
	"tiny":     "127.7.7.54", // tinydns, with what *.data files have
	"resolver": sandbox.Resolver,
}

// liarAddress is a resolver that has an address for every name.
const liarAddress = "127.7.6.53"

var (
	primary *knot
	cases   []testCase
)

func TestMain(m *testing.M) { sandbox.MainAfter(m, build) }

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
	hung, err := startKnot(filepath.Join(dir, "hung"), nil, addresses["hung"])
	if err != nil {
		return err
	}
	if err := hung.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	if err := startTiny(filepath.Join(dir, "tiny"), cases); err != nil {
		return err
	}
	if err := startUDP(filepath.Join(dir, "udp"), cases); err != nil {
		return err
	}
	if err := startLiar(liarAddress, sandbox.Resolver+":53"); err != nil {
		return err
	}
	return startUnbound(filepath.Join(dir, "unbound"))
}
