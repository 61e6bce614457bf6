package records

import (
	"context"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"github.com/postseal/postseal/dkim"
)

// Zone is the zone of DNS that holds a domain.
type Zone struct {
	Name        string   `json:"name"` // its apex, where the SOA record is
	NameServers []string `json:"name_servers,omitempty"`
	Guessed     bool     `json:"guessed,omitempty"` // nobody could be asked: Name is the registrable domain
	Why         string   `json:"why,omitempty"`     // why it is a guess
}

// Finder finds the zone of a domain by its SOA record, with the zone's name
// servers.
type Finder func(ctx context.Context, domain string) (apex string, nameServers []string, err error)

// Find asks for the zone of a domain. Without an answer it guesses, and the zone
// says so.
func Find(ctx context.Context, find Finder, domain string) Zone {
	apex, servers, err := find(ctx, domain)
	if err == nil && (apex == domain || strings.HasSuffix(domain, "."+apex)) && apex != "" {
		return Zone{Name: apex, NameServers: servers}
	}
	z := Zone{Name: registrable(domain), Guessed: true, Why: "no name server tells of a zone"}
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), ";") // of what several servers said
		z.Why = strings.Join(strings.Fields(first), " ")
	}
	return z
}

// registrable is the domain that somebody registered to have this one.
func registrable(domain string) string {
	if apex, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return apex
	}
	return domain
}

// Host is the name of a record in the forms that fields for it want. Taking the
// domain off is right only where the domain is a zone: what has to come off is
// the zone.
type Host struct {
	Dot      string `json:"absolute_dot"`       // s1._domainkey.mail.example.com.
	Full     string `json:"absolute"`           // s1._domainkey.mail.example.com
	InZone   string `json:"relative_to_zone"`   // s1._domainkey.mail
	InDomain string `json:"relative_to_domain"` // s1._domainkey
}

func hostOf(selector, domain, zone string) Host {
	full := dkim.RecordName(selector, domain)
	return Host{
		Dot: full + ".", Full: full, InZone: strings.TrimSuffix(full, "."+zone), InDomain: strings.TrimSuffix(full, "."+domain),
	}
}

// ULabels shows a name the way its owner writes it; A-labels that stand for
// nothing stay.
func ULabels(name string) string {
	if u, err := idna.Display.ToUnicode(name); err == nil {
		return u
	}
	return name
}

// Both is a name in A-labels, with its U-labels beside where they differ.
func Both(name string) string {
	if u := ULabels(name); u != name {
		return u + " (" + name + ")"
	}
	return name
}
