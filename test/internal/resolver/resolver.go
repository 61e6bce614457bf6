// Package resolver runs Unbound: a recursive resolver below a private root, down from which it may validate DNSSEC.
package resolver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/postseal/postseal/test/internal/child"
)

// Config says where DNS begins.
type Config struct {
	Dir     string            // made for its files
	Address string            // to answer on, port 53
	Root    string            // address of the root's server
	Anchor  string            // file with the root's DNSKEY; empty: it does not validate, and keeps nothing: all its answers have TTL 0
	Others  map[string]string // zones that have a server of their own: its address by zone
}

// Resolver is a running unbound.
type Resolver struct{ *child.Process }

// unbound.conf: DIR, ADDRESS, KIND, ROOT. test. is one of Unbound's own, empty zones unless told otherwise.
const configuration = `server:
    directory: "%[1]s"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    log-servfail: yes
    interface: %[2]s
    access-control: 127.0.0.0/8 allow
    access-control: 192.0.2.0/24 allow
    do-not-query-localhost: no
    do-daemonize: no
    num-threads: 1
    local-zone: "test." nodefault
%[3]s
stub-zone:
    name: "."
    stub-addr: %[4]s
`

const (
	validating = `    module-config: "validator iterator"
    trust-anchor-file: "%s"`
	forgetful = `    module-config: "iterator"
    cache-max-ttl: 0
    cache-max-negative-ttl: 0
    infra-host-ttl: 1`
)

const otherZone = `stub-zone:
    name: "%s."
    stub-addr: %s
    stub-no-cache: yes
`

// Start returns when the resolver answers.
func Start(c Config) (*Resolver, error) {
	if err := os.Mkdir(c.Dir, 0o755); err != nil {
		return nil, err
	}
	kind := forgetful
	if c.Anchor != "" {
		kind = fmt.Sprintf(validating, c.Anchor)
	}
	text := fmt.Sprintf(configuration, c.Dir, c.Address, kind, c.Root)
	for zone, server := range c.Others {
		text += fmt.Sprintf(otherZone, zone, server)
	}
	file := filepath.Join(c.Dir, "unbound.conf")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return nil, err
	}
	p, err := child.Start(exec.Command("unbound", "-d", "-p", "-c", file), filepath.Join(c.Dir, "log"))
	if err != nil {
		return nil, err
	}
	return &Resolver{p}, p.Ready(c.Address + ":53")
}

// Freeze makes it silent, as a dead host is: packets to it are swallowed.
func (r *Resolver) Freeze() error { return r.Signal(syscall.SIGSTOP) }

// Thaw lets it go on.
func (r *Resolver) Thaw() error { return r.Signal(syscall.SIGCONT) }
