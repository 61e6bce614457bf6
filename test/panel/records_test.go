package panel

import (
	"encoding/json"
	"strings"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/browser"
)

// writeKeyZone puts what postseal wants in its own zone into DNS.
func (s *story) writeKeyZone() {
	s.Helper()
	s.must(dns.Load(s.keyZone, s.run("domain", "export", "--key-zone")))
}

// row finds the row of a domain in the list.
func (p *person) row(domain string) browser.Row {
	p.Helper()
	for _, r := range p.table("Email domain", "Selector", "DNS record name", "DNS value", "Status", "Next step") {
		if strings.HasPrefix(r["Email domain"], domain) {
			return r
		}
	}
	p.Fatalf("the list has no %s", domain)
	return nil
}

// becomes looks at the list again and again until a domain has a status, in word and colour.
func (p *person) becomes(domain, word, colour string) {
	p.Helper()
	p.check(await.Patiently(domain+" becomes "+word, func() bool {
		p.goes("/domains")
		return p.row(domain)["Status"] == word
	}))
	p.seesIn(colour, word, domain)
}

// publishes a record that the page shows, the only one or that of a host, with what the buttons copy: just what is to be seen.
func (p *person) publishes(host string) {
	p.Helper()
	for label, kind := range map[string]string{"Value": "TXT", "Points to": "CNAME"} {
		for _, r := range p.records("Type") {
			shown, value := r[finalDot], r[label]
			if r["Type"] != kind || host != "" && shown != host+"." {
				continue
			}
			if name, text := p.copies("Copy the host "+finalDot+": "+shown), p.copies("Copy the value of "+strings.TrimSuffix(shown, ".")); name != shown || text != value {
				p.Errorf("copied %q and %q, shown was %q and %q", name, text, shown, value)
			}
			if kind == "TXT" {
				p.must(dns.SetTXT(shown, value))
			} else {
				p.must(dns.Set(shown, kind, value))
			}
			return
		}
	}
	p.Fatalf("no record %s on the page", host)
}

// finalDot heads the form of the host that a zone file has.
const finalDot = "in full, with final dot"

// selector is that of the latest key of a row.
func (s *story) selector(name string) string {
	s.Helper()
	var row struct{ Keys []struct{ Selector string } }
	s.must(json.Unmarshal([]byte(s.run("domain", "show", name, "--json")), &row))
	if len(row.Keys) == 0 {
		s.Fatalf("%s has no key", name)
	}
	return row.Keys[len(row.Keys)-1].Selector
}

// records are those on the page, by the labels of their rows.
func (p *person) records(label string) []map[string]string {
	p.Helper()
	all, err := p.page.Pairs(label)
	p.check(err)
	return all
}

// keyZone configures the zone that CNAME records of a place point into.
func keyZone(p place) string {
	return "[key_zone]\nname = \"" + p.keyZone + "\"\nname_servers = [\"ns.lab.test\", \"ns2.lab.test\"]\n"
}
