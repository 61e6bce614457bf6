package life

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/faultydns"
)

// What people get wrong in DNS is told, keeps the gate shut, and is mended without a command.
func TestWrongRecords(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	cases := []struct {
		name, code, says string
		publish          func(record, text string) error
	}{
		{"absent", "D101", "The record is not live", func(string, string) error { return nil }},
		{"mismatch", "D402", "The record is live, and not correct", func(record, text string) error {
			return dns.SetTXT(record, text[:100]+strings.Map(swapped, text[100:140])+text[140:])
		}},
		{"doubled", "D201", "The record is not live", func(record, text string) error { return dns.SetTXT(record+"."+s.zone, text) }},
		{"truncated", "D304", "The record is live, and not correct", func(record, text string) error { return dns.SetTXT(record, text[:255]) }},
	}
	var names []string
	for _, c := range cases {
		name := c.name + "." + s.zone
		names = append(names, name)
		selector := s.add(name)
		s.within(c.name, func() {
			s.Must(c.publish(s.record(selector, name), s.key(name).Record))
			s.run("domain", "verify", name).exits(finding).says(c.code, c.says, "Pending validation")
			s.ok("domain", "show", name).says("Pending validation", "Last look: "+c.code, "health", "broken", c.code, "fix")
			s.isLeftAlone(s.send("ada@"+name), "key-not-active")
		})
	}
	s.within("several", func() {
		s.run("domain", "verify", names[0], names[1]).exits(finding).says(names[0]+": Pending validation  D101", names[1]+": Pending validation  D402")
	})
	s.within("name servers that do not answer", func() {
		silent := faultydns.Silent + "." + s.zone
		s.Must(dns.Set(silent, "NS", "ns."+silent+"."))
		s.Must(dns.Set("ns."+silent, "A", "127.9.9.9")) // nobody
		s.add(silent, "--offline")
		s.run("domain", "verify", silent).exits(temporary).says("DNS gives no answer")
		s.isLeftAlone(s.send("ada@"+silent), "key-not-active")
	})
	s.within("put right", func() {
		s.Must(dns.Remove(s.record(s.key(names[2]).Selector, names[2])+"."+s.zone, "TXT"))
		s.confirmed(names...)
		for _, name := range names {
			s.is(name, "Connected")
			key := name + "/" + s.key(name).Selector
			s.signedSoon(name, key)
			s.isSigned(s.send("ada@"+name), "managed-key", key)
		}
		s.ok("domain", "verify", names[0]).says("live and correct", "Connected")
	})
}

// swapped makes another number of base64.
func swapped(r rune) rune {
	if r == 'A' {
		return 'B'
	}
	return 'A'
}
