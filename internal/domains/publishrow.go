package domains

import (
	"slices"
	"time"
)

// Published is a record that a driver wrote or is to write. What is to be done stands
// there before it is tried, so that a crash forgets nothing.
type Published struct {
	Driver string `json:"driver"` // with Name and Type it identifies the row
	Name   string `json:"name"`
	Type   string `json:"type"`
	Owner  string `json:"owner"`              // Domain.Name
	Zoned  bool   `json:"key_zone,omitempty"` // it belongs into the key zone, not into that of Owner

	Value     string    `json:"value,omitempty"`     // stands in DNS as far as we know
	WrittenAt time.Time `json:"written_at,omitzero"` // zero: we did not write Value
	Maybe     []string  `json:"maybe,omitempty"`     // values that attempts without an outcome may have written
	Want      string    `json:"want,omitempty"`      // empty: nothing is to stand there
	TTL       int       `json:"ttl,omitempty"`       // seconds, of Want
	Until     time.Time `json:"until,omitzero"`      // from then on nothing is wanted
	Since     time.Time `json:"since,omitzero"`      // when Want came to be wanted
	NextAt    time.Time `json:"next_at,omitzero"`    // next attempt, or Until; zero: nothing is to be done
	Attempts  int       `json:"attempts,omitempty"`  // since Since
	Problem   string    `json:"problem,omitempty"`   // of the last attempt
	Foreign   bool      `json:"foreign,omitempty"`   // Problem is a record of somebody else
	ToldAt    time.Time `json:"told_at,omitzero"`    // when the problem was notified
	Revision  int64     `json:"revision"`            // counts the changes of this row
}

// Standing says whether DNS holds what is wanted, as far as we know.
func (p *Published) Standing() bool {
	return p.Want == p.Value && p.Problem == "" && (p.Want == "" || !p.NextAt.IsZero() && p.NextAt.Equal(p.Until) || p.NextAt.IsZero())
}

// ours are the values that may be replaced.
func (p *Published) ours() []string {
	out := slices.Clone(p.Maybe)
	if !p.WrittenAt.IsZero() && !slices.Contains(out, p.Value) {
		out = append(out, p.Value)
	}
	return out
}

// change is what a driver has to do.
func (p *Published) change(zone string) DNSChange {
	return DNSChange{
		DNSRecord: DNSRecord{Zone: zone, Name: p.Name, Type: p.Type, Value: p.Want, TTL: p.TTL},
		Ours:      p.ours(),
	}
}

// expire ends a wish whose time is over.
func (p *Published) expire(now time.Time) {
	if !p.Until.IsZero() && !now.Before(p.Until) {
		p.Want, p.Until, p.Since = "", time.Time{}, now
		p.Attempts, p.Problem, p.Foreign, p.ToldAt = 0, "", false, time.Time{}
	}
}

// overtaken says whether more has happened to a row since it was claimed for an attempt
// than that something else is wanted.
func (p *Published) overtaken(row *Published) bool {
	otherWish := row.Revision == p.Revision+1 && row.Attempts == 0 && !row.Since.Equal(p.Since)
	return row.Revision != p.Revision && !otherWish
}

// doubt has DNS looked at again: a value may have been written there since it was known
// what stands.
func (p *Published) doubt(value string, now time.Time) {
	if value != "" && !slices.Contains(p.Maybe, value) {
		p.Maybe = append(p.Maybe, value)
	}
	p.NextAt = now
	p.Revision++
}

// learn takes what a successful attempt says about DNS.
func (p *Published) learn(value string, o DNSOutcome, ours []string, now time.Time) {
	switch {
	case o.Verdict != DNSSame:
		p.WrittenAt = now
	case !slices.Contains(ours, value): // somebody else published it
		p.WrittenAt = time.Time{}
	case p.WrittenAt.IsZero():
		p.WrittenAt = now
	}
	p.Value, p.Maybe = value, nil
}

// describe names a record and what is to stand there, shortly.
func (p *Published) describe() string {
	switch {
	case p.Want == "":
		return p.Type + " " + p.Name + ", to be removed"
	case p.Want == RevokedRecord:
		return p.Type + " " + p.Name + ", revoked (p= empty)"
	}
	return p.Type + " " + p.Name
}

// serves tells whether a key is asked for at this record.
func (p *Published) serves(k *Key) bool {
	switch {
	case p.Zoned:
		return k.Target == p.Name
	case k.Target != "":
		return p.Type == "CNAME" && p.Value == k.Target
	}
	return p.Value == k.Record
}
