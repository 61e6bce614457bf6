// Package nameserver runs Knot DNS, authoritative for the root and so for every name that a program in the sandbox may ask for,
// and for zones below it. Unknown names do not exist; nothing is forwarded.
package nameserver

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/child"
)

// Server is a running knotd.
type Server struct {
	*child.Process
	UpdateKey string // secret of the TSIG key UpdateKeyName, by which anybody may update any zone (RFC 2136), in base64
	dir       string
	control   string // path of its control socket
	zones     []string
	mu        sync.Mutex
}

// UpdateKeyName is the name of the TSIG key, for hmac-sha256.
const UpdateKeyName = "postseal"

// knot.conf: DIR, ADDRESS, ADDRESS, KEY, SECRET.
const configuration = `
server:
    rundir: "%[1]s"
    listen: [ "%[2]s@53", "%[3]s@53" ]
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: warning
database:
    storage: "%[1]s"
key:
  - id: %[4]s
    algorithm: hmac-sha256
    secret: %[5]s
acl:
  - id: updates
    key: %[4]s
    action: update
control:
    listen: "%[1]s/knot.sock"
template:
  - id: default
    storage: "%[1]s"
    file: "%%s.zone"
    zonefile-sync: -1
    acl: updates
zone:
  - domain: .
    file: root.zone
`

// TTL 1: nobody may keep an answer that a test has replaced. ADDRESSES of the server, ADDRESS of the MTA.
const root = `$ORIGIN .
$TTL 1
@            SOA ns.lab.test. hostmaster.lab.test. 1 3600 600 86400 1
@            NS  ns.lab.test.
ns.lab.test. A   %s
ns2.lab.test. A  %s
mx.lab.test. A   %s
lab.test.    MX  10 mx.lab.test.
in.test.     MX  10 mx.lab.test.
`

// Second is another address of the server, in another network: well-run zones have two.
const Second = "127.7.1.53"

// below is a zone of its own.
const below = `$TTL 1
@ SOA ns.lab.test. hostmaster.lab.test. 1 3600 600 86400 1
@ NS  ns.lab.test.
@ NS  ns2.lab.test.
`

// Start serves on address, port 53. dir is made for its files; mx is the address of mx.lab.test; zones ("example.test") are zones of
// their own.
func Start(dir, address, mx string, zones ...string) (*Server, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	secret := base64.StdEncoding.EncodeToString([]byte(rand.Text()))
	files := map[string]string{
		"knot.conf": fmt.Sprintf(configuration, dir, address, Second, UpdateKeyName, secret),
		"root.zone": fmt.Sprintf(root, address, Second, mx),
	}
	for _, zone := range zones {
		files["knot.conf"] += "  - domain: " + zone + "\n"
		files["root.zone"] += zone + ". NS ns.lab.test.\n" + zone + ". NS ns2.lab.test.\n"
		files[zone+".zone"] = below
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	p, err := child.Start(exec.Command("knotd", "-c", filepath.Join(dir, "knot.conf")), filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	s := &Server{Process: p, UpdateKey: secret, dir: dir, control: filepath.Join(dir, "knot.sock"), zones: zones}
	if err := p.Ready(address + ":53"); err != nil {
		return nil, err
	}
	// It answers questions before it takes orders.
	return s, await.That("knotd takes orders", func() bool { return s.knotc("status") == nil })
}

// Load makes text the file of a zone, which has to have a higher serial, and reads it.
func (s *Server) Load(zone, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.WriteFile(filepath.Join(s.dir, zone+".zone"), []byte(text), 0o644); err != nil {
		return err
	}
	return s.knotc("zone-reload", zone)
}

// SetTXT makes text the only TXT record of name; it is answered when SetTXT returns.
func (s *Server) SetTXT(name, text string) error { return s.Set(name, "TXT", quoted(text)) }

// Set makes data, as a zone file has it, the only record of name with this type; it is answered when Set returns.
func (s *Server) Set(name, kind, data string) error { return s.SetFor(1, name, kind, data) }

// SetFor is Set with a TTL, in seconds, and several records.
func (s *Server) SetFor(ttl uint32, name, kind string, data ...string) error {
	name = absolute(name)
	return s.change(name, func(zone string) error {
		_ = s.knotc("zone-unset", zone, name, kind) // an error means that there was none
		for _, d := range data {
			if err := s.knotc("zone-set", zone, name, strconv.FormatUint(uint64(ttl), 10), kind, d); err != nil {
				return err
			}
		}
		return nil
	})
}

// Remove takes the records of name with this type away.
func (s *Server) Remove(name, kind string) error {
	name = absolute(name)
	return s.change(name, func(zone string) error { return s.knotc("zone-unset", zone, name, kind) })
}

func absolute(name string) string { return strings.TrimSuffix(name, ".") + "." }

// change makes one transaction on the zone that has name.
func (s *Server) change(name string, edit func(zone string) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	zone := "."
	for _, z := range s.zones {
		if strings.HasSuffix("."+name, "."+z+".") && len(z) > len(zone) {
			zone = z + "."
		}
	}
	if err := s.knotc("zone-begin", zone); err != nil {
		return err
	}
	if err := edit(zone); err != nil {
		_ = s.knotc("zone-abort", zone)
		return err
	}
	return s.knotc("zone-commit", zone)
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
