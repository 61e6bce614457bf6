// Package nameserver runs Knot DNS, authoritative for the root and so for every name that a program in the sandbox may ask for.
// Unknown names do not exist; nothing is forwarded.
package nameserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/postseal/postseal/test/internal/child"
)

// Server is a running knotd.
type Server struct {
	*child.Process
	control string // path of its control socket
	mu      sync.Mutex
}

// knot.conf: DIR, ADDRESS.
const configuration = `
server:
    rundir: "%[1]s"
    listen: "%[2]s@53"
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
zone:
  - domain: .
    file: "%[1]s/root.zone"
    zonefile-sync: -1
`

// TTL 1: nobody may keep an answer that a test has replaced. ADDRESS of the server, ADDRESS of the MTA.
const zone = `$ORIGIN .
$TTL 1
@            SOA ns.lab.test. hostmaster.lab.test. 1 3600 600 86400 1
@            NS  ns.lab.test.
ns.lab.test. A   %s
mx.lab.test. A   %s
lab.test.    MX  10 mx.lab.test.
in.test.     MX  10 mx.lab.test.
`

// Start serves on address, port 53. dir is made for its files; mx is the address of mx.lab.test.
func Start(dir, address, mx string) (*Server, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"knot.conf": fmt.Sprintf(configuration, dir, address),
		"root.zone": fmt.Sprintf(zone, address, mx),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	p, err := child.Start(exec.Command("knotd", "-c", filepath.Join(dir, "knot.conf")), filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	s := &Server{Process: p, control: filepath.Join(dir, "knot.sock")}
	return s, p.Ready(address + ":53")
}

// SetTXT makes text the only TXT record of name; it is answered when SetTXT returns.
func (s *Server) SetTXT(name, text string) error { return s.Set(name, "TXT", quoted(text)) }

// Set makes data, as a zone file has it, the only record of name with this type; it is answered when Set returns.
func (s *Server) Set(name, kind, data string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name = strings.TrimSuffix(name, ".") + "."
	if err := s.knotc("zone-begin", "."); err != nil {
		return err
	}
	_ = s.knotc("zone-unset", ".", name, kind) // an error means that there was none
	if err := s.knotc("zone-set", ".", name, "1", kind, data); err != nil {
		_ = s.knotc("zone-abort", ".")
		return err
	}
	return s.knotc("zone-commit", ".")
}

func (s *Server) knotc(args ...string) error {
	args = append([]string{"--blocking", "--socket", s.control}, args...)
	if out, err := exec.Command("knotc", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("knotc %v: %w: %s", args, err, out)
	}
	return nil
}

// quoted writes text as zone-file strings of at most 255 bytes (RFC 1035, 3.3).
func quoted(text string) string {
	var out []string
	for len(text) > 255 {
		out, text = append(out, text[:255]), text[255:]
	}
	return `"` + strings.Join(append(out, text), `" "`) + `"`
}
