package records

import (
	"fmt"
	"strings"

	"github.com/postseal/postseal/internal/domains"
)

// ZoneHead is what the file of a key zone has besides the keys.
type ZoneHead struct {
	Zone        string
	NameServers []string // host names; the first is in the SOA record
	Hostmaster  string   // address; empty: hostmaster@ and Zone
	Serial      uint32
}

// Times of a key zone's SOA record, in seconds: refresh, retry, expire, and how long
// "no such name" is kept (RFC 2308 section 4).
const soaTimes = "10800 1800 1209600 900"

// KeyZoneFile writes the whole file of a key zone (RFC 1035 section 5).
func KeyZoneFile(h ZoneHead, all []domains.DNSRecord) string {
	var t text
	t.line("; the key zone, written by postseal: changes by hand are lost")
	t.line("$ORIGIN %s.", h.Zone)
	t.line("@ 3600 IN SOA %s. %s. ( %d %s )", h.NameServers[0], mailbox(h), h.Serial, soaTimes)
	for _, s := range h.NameServers {
		t.line("@ 3600 IN NS %s.", s)
	}
	keyZoneLines(&t, h.Zone, all)
	return t.String()
}

// KeyZoneLines writes what a zone of before, which may hold other things, has to keep.
func KeyZoneLines(zone string, all []domains.DNSRecord) string {
	var t text
	t.line("; for the zone that has %s; its SOA and NS records stay as they are", zone)
	t.line("$ORIGIN %s.", zone)
	keyZoneLines(&t, zone, all)
	return t.String()
}

func keyZoneLines(t *text, zone string, all []domains.DNSRecord) {
	for _, r := range all {
		if r.Zone != zone {
			continue
		}
		name := "@"
		if r.Name != zone {
			name = strings.TrimSuffix(r.Name, "."+zone)
		}
		t.line("%s %d IN %s ( %s )", name, r.TTL, r.Type, strings.Join(quoted(readable(r.Value)), "\n\t"))
	}
}

// mailbox writes an address as a name (RFC 1035 section 8): a dot of the local part is
// escaped.
func mailbox(h ZoneHead) string {
	local, domain, ok := strings.Cut(h.Hostmaster, "@")
	if !ok {
		local, domain = "hostmaster", h.Zone
	}
	return fmt.Sprintf("%s.%s", strings.ReplaceAll(local, ".", `\.`), domain)
}
