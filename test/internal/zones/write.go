package zones

import (
	"fmt"
	"os"
	"strings"
)

// knot.conf: DIR, ADDRESS. The zones follow.
const configuration = `
server:
    rundir: "%[1]s"
    listen: "%[2]s@53"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    udp-max-payload: 1232
log:
  - target: stderr
    any: warning
database:
    storage: "%[1]s/kasp"
control:
    listen: "%[1]s/knot.sock"
policy:
  - id: one-key
    algorithm: ecdsap256sha256
    single-type-signing: on
template:
  - id: default
    storage: "%[1]s"
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
    serial-policy: increment
zone:
  - domain: .
    file: root.zone
    dnssec-signing: on
    dnssec-policy: one-key
`

// Every zone begins so: its name, the server's address.
const apex = `$ORIGIN %[1]s.
$TTL 5
@ SOA ns.root-servers.test. hostmaster.root-servers.test. 1 3600 600 86400 1
@ NS  ns.root-servers.test.
`

// nobodysDS is the digest of no key.
const nobodysDS = "1 13 2 0000000000000000000000000000000000000000000000000000000000000000"

func (s *Server) write(address string, zones []Zone) error {
	if err := os.MkdirAll(s.path("kasp"), 0o755); err != nil {
		return err
	}
	conf := fmt.Sprintf(configuration, s.dir, address)
	root := fmt.Sprintf(apex, "") + "ns.root-servers.test. A " + address + "\n"
	for _, z := range zones {
		root += z.Name + ". NS ns.root-servers.test.\n"
		if z.Trust == Bogus {
			root += z.Name + ". DS " + nobodysDS + "\n"
		}
		if z.Trust == Delegated {
			continue
		}
		file := z.Name + ".zone"
		conf += "  - domain: " + z.Name + ".\n    file: " + file + "\n"
		if z.Trust.signed() {
			conf += "    dnssec-signing: on\n    dnssec-policy: one-key\n"
		}
		if err := s.writeFile(file, fmt.Sprintf(apex, z.Name)+strings.TrimSpace(z.Records)+"\n"); err != nil {
			return err
		}
	}
	if err := s.writeFile("root.zone", root); err != nil {
		return err
	}
	return s.writeFile("knot.conf", conf)
}

func (s *Server) writeFile(name, text string) error {
	return os.WriteFile(s.path(name), []byte(text), 0o644)
}
