// Package machine gives programs of a test a host of their own: another name, and a network whose only way out is a cable that
// can be pulled. Nobody hears of that: what either end sends is lost, as between two rooms of a computing centre.
//
// A machine has the sandbox's files and processes, so its servers are reached from the sandbox by unix sockets.
package machine

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/child"
)

// Machine is a host beside the sandbox's.
type Machine struct {
	Name    string         // host name
	Address string         // its end of the cable; empty: it is in the sandbox's network
	cable   string         // the sandbox's end
	body    *child.Process // keeps the namespaces
}

// Named is a machine in the sandbox's own network.
func Named(name string) *Machine { return &Machine{Name: name} }

// New builds the machine number n (0 to 63) with a cable of its own to the sandbox; dir is for its log.
func New(n int, name, dir string) (*Machine, error) {
	m := &Machine{Name: name, Address: fmt.Sprintf("198.51.100.%d", 4*n+2), cable: "cable" + strconv.Itoa(n)}
	const script = `hostname "$1" && echo up && exec sleep infinity`
	var err error
	if m.body, err = child.Start(exec.Command("unshare", "--net", "--uts", "sh", "-c", script, "sh", name), filepath.Join(dir, m.cable)); err != nil {
		return nil, err
	}
	if err := await.That("machine "+name, func() bool { return strings.Contains(string(m.body.Log()), "up") }); err != nil {
		return nil, fmt.Errorf("%w: %s", err, m.body.Log())
	}
	return m, m.connect(fmt.Sprintf("198.51.100.%d", 4*n+1))
}

// connect lays the cable; what the machine does not know goes to the sandbox's end.
func (m *Machine) connect(gateway string) error {
	for _, cmd := range []*exec.Cmd{
		exec.Command("ip", "link", "add", m.cable, "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(m.body.PID())),
		exec.Command("ip", "addr", "add", gateway+"/30", "dev", m.cable),
		exec.Command("ip", "link", "set", m.cable, "up"),
		m.Command("ip", "link", "set", "lo", "up"),
		m.Command("ip", "addr", "add", m.Address+"/30", "dev", "eth0"),
		m.Command("ip", "link", "set", "eth0", "up"),
		m.Command("ip", "route", "add", "default", "via", gateway),
	} {
		if err := run(cmd); err != nil {
			return err
		}
	}
	return nil
}

// Command is a program that runs on the machine.
func (m *Machine) Command(program string, args ...string) *exec.Cmd {
	if m.body == nil {
		return exec.Command("unshare", append([]string{"--uts", "sh", "-c", `hostname "$0" && exec "$@"`, m.Name, program}, args...)...)
	}
	return exec.Command("nsenter", append([]string{"--target", strconv.Itoa(m.body.PID()), "--net", "--uts", "--", program}, args...)...)
}

// Pull takes the cable out.
func (m *Machine) Pull() error { return run(exec.Command("ip", "link", "set", m.cable, "down")) }

// Plug puts it in again.
func (m *Machine) Plug() error { return run(exec.Command("ip", "link", "set", m.cable, "up")) }

// Remove ends the machine, not the programs that still run there.
func (m *Machine) Remove() {
	if m.body != nil {
		m.body.Kill()
	}
}

// Serve gives the sandbox an address for a server that machines reach by their cables.
func Serve(address string) error {
	return run(exec.Command("ip", "addr", "add", address+"/32", "dev", "lo"))
}

func run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}
