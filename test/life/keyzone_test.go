package life

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/nameserver"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// keyZone is the [key_zone] of a story.
func keyZone(name string, more ...string) string {
	return "[key_zone]\nname = \"" + name + "\"\nname_servers = [\"ns.lab.test\", \"ns2.lab.test\"]\n" + strings.Join(more, "\n") + "\n"
}

// ddnsKey is the file of the key by which the name server takes updates.
func ddnsKey() string { return filepath.Join(sandbox.Dir(), "ddns.key") }

func writeDDNSKey() error {
	text := fmt.Sprintf("key %q {\n\talgorithm hmac-sha256;\n\tsecret %q;\n};\n", nameserver.UpdateKeyName, dns.UpdateKey)
	if err := os.WriteFile(ddnsKey(), []byte(text), 0o640); err != nil {
		return err
	}
	return os.Chown(ddnsKey(), 0, sandbox.ServiceID)
}

// drivenKeyZone is keyZone with a driver that writes the zone, by updates to the name server.
func drivenKeyZone(name string) string {
	return keyZone(name, `driver = "ns"`) + fmt.Sprintf("\n[[driver]]\nname = \"ns\"\ntype = \"rfc2136\"\nzones = [%q]\nserver = %q\nkey_file = %q\n",
		name, nameServer+":53", ddnsKey())
}

// written waits until the driver has written a key's record into the key zone, and the store knows.
func (s *story) written(name, selector string) {
	s.Helper()
	_, targets := s.aliases(name)
	target := targets[s.record(selector, name)]
	s.Must(await.That("the driver's note of "+target, func() bool {
		return strings.Contains(s.ok("log", name, "-n", "0").Out, "TXT "+target+": written")
	}))
	s.serves(target, s.selected(name, selector).Record)
}

// serves waits until the name server has one TXT record at a name.
func (s *story) serves(name, text string) {
	s.Helper()
	s.Must(await.That("DNS has "+name, func() bool {
		r, err := wire.Exchange(new(wire.Msg).SetQuestion(name+".", wire.TypeTXT).SetEdns0(4096, false), nameServer+":53")
		if err != nil || len(r.Answer) != 1 {
			return false
		}
		txt, ok := r.Answer[0].(*wire.TXT)
		return ok && strings.Join(txt.Txt, "") == text
	}))
}

// writeKeyZone does what a person does: the whole zone into the name server's file, and a reload.
func (s *story) writeKeyZone(name string) {
	s.Helper()
	s.Must(dns.Load(name, s.ok("domain", "export", "--key-zone").Out))
}

// alias makes a CNAME record of a customer's.
func (s *story) alias(host, target string) {
	s.Helper()
	s.Must(dns.SetFor(1, host, "CNAME", target+"."))
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
	s.Must(parser.Err())
	return hosts, targets
}
