package domains

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Publishing says what writes DNS in the place of a person.
type Publishing struct {
	Drivers map[string]Driver // by the name that Domain.Driver has
	KeyZone string            // the driver that writes the key zone; empty: a person does
	Delete  bool              // the record of a retired key is removed at once; else it is emptied first, p=, and removed revokedFor later
}

// Driver writes the zones that it may.
type Driver struct {
	Zones  []string // apexes, without final dots
	Writer DNSWriter
}

// DNSWriter changes records of a zone; internal/domains/drivers has the kinds. A change
// whose name holds what somebody else wrote is left undone.
type DNSWriter interface {
	// Plan says what would come of changes to a zone and changes nothing. The error is
	// of all of them.
	Plan(ctx context.Context, zone string, changes []DNSChange) ([]DNSOutcome, error)
	// Apply makes changes, each for itself where it can. An error of all of them may
	// leave some done.
	Apply(ctx context.Context, zone string, changes []DNSChange) ([]DNSOutcome, error)
}

// DNSRecord is one record that belongs into DNS: in a customer's zone, or in the
// key zone that the operator runs.
type DNSRecord struct {
	Zone  string `json:"zone"`  // apex of the zone, without final dot
	Name  string `json:"name"`  // whole name in lower-case A-labels, without final dot
	Type  string `json:"type"`  // TXT or CNAME
	Value string `json:"value"` // TXT: the text in one piece; CNAME: the target, without final dot
	TTL   int    `json:"ttl"`   // seconds
}

// DNSChange is what is to stand at a name, of one type.
type DNSChange struct {
	DNSRecord          // with an empty Value: nothing of the type
	Ours      []string // values that may be replaced or removed: we wrote them, or may have
}

// DNSVerdict is what becomes of a change.
type DNSVerdict string

// The verdicts.
const (
	DNSSame    DNSVerdict = "same"    // it stands as wanted
	DNSAdd     DNSVerdict = "add"     // nothing stands there
	DNSReplace DNSVerdict = "replace" // what we wrote stands there
	DNSRemove  DNSVerdict = "remove"
	DNSForeign DNSVerdict = "foreign" // somebody else's record stands there: it is left alone
)

// DNSOutcome is the answer to a DNSChange.
type DNSOutcome struct {
	Verdict DNSVerdict
	Was     []DNSRecord // what stood at the name before, as far as it matters
	Touched bool        // of Apply: DNS was changed, or may have been
	Anew    bool        // of Apply: of all that was written into the zone before nothing else is there
	Err     error       // of Apply: why it is not done
}

// Judge compares a change with everything that stands at its name. A name may have
// records of other types, except beside a CNAME (RFC 1034 section 3.6.2).
func (c *DNSChange) Judge(standing []DNSRecord) DNSVerdict {
	var same []string
	alien := false
	for _, r := range standing {
		switch {
		case r.Type == c.Type:
			same = append(same, r.Value)
		case r.Type == "RRSIG" || r.Type == "NSEC" || r.Type == "NSEC3": // the signatures of the zone
		case r.Type == "CNAME" || c.Type == "CNAME":
			alien = true
		}
	}
	ours := len(same) == 1 && slices.Contains(c.Ours, same[0])
	switch {
	case c.Value == "" && ours:
		return DNSRemove
	case c.Value == "" && !slices.ContainsFunc(same, func(v string) bool { return slices.Contains(c.Ours, v) }):
		return DNSSame // what we wrote is gone
	case c.Value == "":
		return DNSForeign // ours, and another one beside it
	case alien:
		return DNSForeign
	case len(same) == 0:
		return DNSAdd
	case len(same) == 1 && same[0] == c.Value:
		return DNSSame
	case ours:
		return DNSReplace
	}
	return DNSForeign
}

// zoneOf finds the zone of a driver that has a name: the lowest.
func (d *Driver) zoneOf(name string) string {
	zone := ""
	for _, z := range d.Zones {
		if (name == z || strings.HasSuffix(name, "."+z)) && len(z) > len(zone) {
			zone = z
		}
	}
	return zone
}

// mayWrite sees that a record is where records of ours may be: below _domainkey of the
// row's domain, or in the key zone; and in a zone that the driver may write.
func (p *Publishing) mayWrite(r *Published) (zone string, err error) {
	driver, ok := p.Drivers[r.Driver]
	if !ok {
		return "", fmt.Errorf("there is no driver %s in the configuration", r.Driver)
	}
	if !r.Zoned && !strings.HasSuffix(r.Name, "._domainkey."+domainOf(r.Owner)) {
		return "", fmt.Errorf("%s is not below _domainkey.%s: postseal writes nothing there", r.Name, domainOf(r.Owner))
	}
	zone = driver.zoneOf(r.Name)
	switch {
	case zone == "":
		return "", fmt.Errorf("the driver %s may not write %s: none of its zones has that name; add the zone to `zones` of the driver", r.Driver, r.Name)
	case r.Name == zone && !r.Zoned:
		return "", fmt.Errorf("%s is the apex of a zone: postseal writes nothing there", r.Name)
	}
	return zone, nil
}

// checkDriver refuses a driver that is not configured, or that may not write a domain's
// zone. A process that knows no drivers at all refuses none.
func (s *Service) checkDriver(d *Domain) error {
	if d.Driver == "" || s.publishing.Drivers == nil {
		return nil
	}
	driver, ok := s.publishing.Drivers[d.Driver]
	if !ok {
		return invalid(d.Driver, "is no driver", "name a [[driver]] of the configuration, or \"\" for none")
	}
	if driver.zoneOf("_domainkey."+domainOf(d.Name)) == "" {
		return &Refused{
			Rule: "driver-zones", What: fmt.Sprintf("the driver %s may not write %s; its zones are %s", d.Driver, domainOf(d.Name), strings.Join(driver.Zones, ", ")),
			Way: "add the zone to `zones` of the driver, or choose another driver",
		}
	}
	return nil
}
