package life

import (
	"strings"

	wire "github.com/miekg/dns"
)

// keyZone is the [key_zone] of a story; a person writes the zone.
func keyZone(name string, more ...string) string {
	return "[key_zone]\nname = \"" + name + "\"\nname_servers = [\"ns.lab.test\", \"ns2.lab.test\"]\n" + strings.Join(more, "\n") + "\n"
}

// writeKeyZone does what that person does: the whole zone into the name server's file, and a reload.
func (s *story) writeKeyZone(name string) {
	s.Helper()
	s.must(dns.Load(name, s.ok("domain", "export", "--key-zone").Out))
}

// alias makes a CNAME record of a customer's.
func (s *story) alias(host, target string) {
	s.Helper()
	s.must(dns.SetFor(1, host, "CNAME", target+"."))
}

// aliases are the CNAME records that a customer is told to make: target by host, in the order of the slots.
func (s *story) aliases(name string) (hosts []string, targets map[string]string) {
	s.Helper()
	targets = map[string]string{}
	parser := wire.NewZoneParser(strings.NewReader(s.ok("domain", "records", "--format", "bind", name).Out), "", "")
	for rr, more := parser.Next(); more; rr, more = parser.Next() {
		cname, ok := rr.(*wire.CNAME)
		if !ok {
			s.Fatalf("a record that is no CNAME: %s", rr)
		}
		host := strings.TrimSuffix(cname.Hdr.Name, ".")
		hosts = append(hosts, host)
		targets[host] = strings.TrimSuffix(cname.Target, ".")
	}
	s.must(parser.Err())
	return hosts, targets
}
