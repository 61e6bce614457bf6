// Package records writes what has to stand in DNS for the keys of a domain, the
// way people and programs want it: a table, numbered steps, a mail to whoever
// runs the DNS, lines of a zone file, an nsupdate script, JSON and CSV.
//
// It asks nobody but the Finder that it is given, and keeps nothing. All names
// inside are A-labels; texts for people show U-labels beside them.
//
//	zone := records.Find(ctx, find, "mail.example.com")
//	sheet := records.Make(detail, zone, service.KeepUntil)
//	text, err := records.Write(records.Bind, []records.Sheet{sheet})
package records

import (
	"cmp"
	"slices"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// Sheet is what DNS has to hold, and may lose, for one row.
type Sheet struct {
	Name     string    `json:"name"`              // of the row: a domain or an address
	Domain   string    `json:"domain"`            // d=
	Unicode  string    `json:"unicode,omitempty"` // Domain in U-labels, where they differ
	Contact  string    `json:"contact,omitempty"` // whose turn it is
	Zone     Zone      `json:"zone"`
	Provider *Provider `json:"provider,omitempty"` // of the zone's name servers; nil: not known
	Records  []Record  `json:"records"`            // by action, then age
}

// Action says what is to be done about a record.
type Action string

// The actions, in the order in which a sheet has them.
const (
	Revoke  Action = "revoke"  // at once: the key is compromised
	Publish Action = "publish" // DNS does not have it yet, or lost it
	Stay    Action = "stay"    // DNS has it, and it has to stay
	Keep    Action = "keep"    // until Record.Until: mail under way needs it
	Remove  Action = "remove"  // nothing can need it any more
)

var order = []Action{Revoke, Publish, Stay, Keep, Remove}

// Record is one record of a sheet.
type Record struct {
	Action    Action        `json:"action"`
	Until     time.Time     `json:"until,omitzero"`
	Type      string        `json:"type"` // TXT or CNAME
	Host      Host          `json:"host"`
	Value     string        `json:"value"`             // text of the TXT record, or target of the CNAME with final dot
	Was       string        `json:"was,omitempty"`     // a CNAME that is there and has to change: its present value
	Strings   []string      `json:"strings,omitempty"` // TXT: Value in strings of at most 255 octets
	TTL       int           `json:"ttl"`               // seconds that we ask for
	Selector  string        `json:"selector"`
	Algorithm string        `json:"algorithm,omitempty"`
	Bits      int           `json:"bits,omitempty"`
	Print     string        `json:"fingerprint,omitempty"`
	State     domains.State `json:"state,omitempty"`
	CreatedAt time.Time     `json:"created_at,omitzero"`
}

// TTLs that we ask for: short enough to mend a mistake within the hour; a CNAME
// of ours never changes.
const (
	ttlTXT   = 3600
	ttlCNAME = 86400
)

// Make writes the sheet of a row. keepUntil tells when the record of a retiring
// key may go; Service.KeepUntil does.
func Make(d domains.Detail, zone Zone, keepUntil func(domains.Domain, domains.Key) time.Time) Sheet {
	domain := d.Domain.SigningDomain()
	s := Sheet{
		Name: d.Domain.Name, Domain: domain, Contact: d.Domain.Contact,
		Zone: zone, Provider: ProviderOf(zone.NameServers), Records: []Record{},
	}
	if u := ULabels(domain); u != domain {
		s.Unicode = u
	}
	keys := append(slices.Clone(d.Keys), d.History...)
	for _, k := range keys {
		action := actionOf(&d.Domain, &k, keys)
		if action == "" || s.has(k.Selector, action) {
			continue
		}
		r := s.record(&k, action)
		if action == Keep {
			r.Until = keepUntil(d.Domain, k)
		}
		s.Records = append(s.Records, r)
	}
	s.pointing(&d.Domain, keys)
	slices.SortStableFunc(s.Records, func(a, b Record) int {
		return cmp.Or(slices.Index(order, a.Action)-slices.Index(order, b.Action), a.CreatedAt.Compare(b.CreatedAt))
	})
	return s
}

// actionOf is empty for a key that DNS need not know.
func actionOf(d *domains.Domain, k *domains.Key, all []domains.Key) Action {
	switch {
	case supplanted(k, all), k.State == domains.Retired && d.KeepsSlot(k): // the slot is shown by itself
		return ""
	case k.State == domains.Retiring && d.KeepsSlot(k):
		return Stay
	case k.State == domains.Retired && (!k.DNSGoneAt.IsZero() || k.PendingSince.IsZero()):
		return ""
	case k.Compromised && k.Target == "": // behind a CNAME we revoke it ourselves
		return Revoke
	case k.State == domains.Retired:
		return Remove
	case k.State == domains.Retiring:
		return Keep
	case k.State == domains.Ready, k.State == domains.Active && k.Health.Status != domains.Broken && !k.VerifiedAt.IsZero():
		return Stay
	}
	return Publish
}

// supplanted: a later key has the same name in DNS, after a regeneration in place
// or in a slot.
func supplanted(k *domains.Key, all []domains.Key) bool {
	return slices.ContainsFunc(all, func(other domains.Key) bool {
		return other.ID != k.ID && other.Selector == k.Selector && other.CreatedAt.After(k.CreatedAt) && other.State != domains.Retired
	})
}

func (s *Sheet) has(selector string, a Action) bool {
	return slices.ContainsFunc(s.Records, func(r Record) bool { return r.Selector == selector && r.Action == a })
}

// record is that of one key, as the customer's zone has it.
func (s *Sheet) record(k *domains.Key, a Action) Record {
	r := Record{
		Action: a, Type: "TXT", Host: hostOf(k.Selector, s.Domain, s.Zone.Name), Value: k.Record, TTL: ttlTXT, Selector: k.Selector,
		Algorithm: k.Algorithm.KeyType(), Bits: k.Bits, Print: k.Print, State: k.State, CreatedAt: k.CreatedAt,
	}
	switch {
	case a == Revoke:
		r.Value = domains.RevokedRecord
	case k.Target != "":
		r.Type, r.Value, r.TTL = "CNAME", k.Target+".", ttlCNAME
		return r
	}
	r.Strings = dkim.TXTStrings(r.Value)
	return r
}

// pointing brings the CNAME records in line with where they point, as far as that was
// seen, and adds those of slots that have no key yet: all of them have to stand before
// the first rotation (KAR-16).
func (s *Sheet) pointing(d *domains.Domain, keys []domains.Key) {
	for _, k := range keys {
		if k.Published() != d.Publish {
			continue
		}
		for _, slot := range k.OtherSlots(d.Slots) {
			other := k
			other.Selector, other.Target = slot.Selector, slot.Target
			if !s.names(other.Selector) {
				r := s.record(&other, Publish)
				r.State, r.Print, r.Bits = "", "", 0
				s.Records = append(s.Records, r)
			}
		}
	}
	for i := range s.Records {
		r := &s.Records[i]
		switch at := d.PointsTo(r.Selector); {
		case r.Type != "CNAME" || at == "" || r.Action != Publish && r.Action != Stay:
		case at+"." == r.Value:
			r.Action = Stay
		default:
			r.Action, r.Was = Publish, at+"."
		}
	}
}

func (s *Sheet) names(selector string) bool {
	return slices.ContainsFunc(s.Records, func(r Record) bool { return r.Selector == selector })
}

// With gives the records with one of the actions.
func (s *Sheet) With(actions ...Action) []Record {
	var out []Record
	for _, r := range s.Records {
		if slices.Contains(actions, r.Action) {
			out = append(out, r)
		}
	}
	return out
}

// Wanted are the records that DNS has to have: those to publish first.
func (s *Sheet) Wanted() []Record { return s.With(Revoke, Publish, Stay) }
