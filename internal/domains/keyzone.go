package domains

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// KeyZone is the zone of the operator that customers' CNAME records point into.
type KeyZone struct {
	Name         string   // its apex, without final dot; empty: no CNAME modes
	SharedTarget string   // where all domains with a shared key point to; in the zone
	Former       []string // zones and shared targets of before: served while anybody points there
}

// SharedTargetIn is the shared target of a key zone where nobody configured another.
func SharedTargetIn(zone string) string { return "dkim." + zone }

// keyZoneTTL is for how long receivers may keep a record of the key zone, in seconds;
// a rotation waits for as long.
const keyZoneTTL = 3600

// KeyZone tells what the key zone has to hold, and those that were the key zone before.
func (s *Service) KeyZone(ctx context.Context) ([]DNSRecord, error) {
	var rows []Situation
	err := s.store.View(ctx, func(tx Tx) error {
		rows = nil
		keys := map[string][]Key{}
		if err := eachKey(tx, func(k Key) { keys[k.Owner] = append(keys[k.Owner], k) }); err != nil {
			return err
		}
		return eachDomain(tx, func(d Domain) { rows = append(rows, s.aligned(Situation{Domain: d, Keys: byAge(keys[d.Name])})) })
	})
	if err != nil {
		return nil, err
	}
	return KeyZoneRecords(s.policy, rows), nil
}

// KeyZoneRecords is everything that has to stand in the key zone and in former ones, for
// all rows with their keys, deleted ones too. It is sorted by zone and name, and has one
// record for each name (D513):
//
//   - the key of each slot, from its making until no mail under way needs it;
//   - "v=DKIM1; p=" in slots without such a key: idle, retired and compromised alike. An
//     absent name would break the customer's CNAME, and caches would hold on to its
//     absence when the slot is used;
//   - the same at each target of before, while a CNAME was last seen to point there
//     (INF-31). Names that nobody points to any more are not there.
//
// A pair that was compromised stands nowhere, whichever rows still use it.
//
// SOA and NS are not part of it.
func KeyZoneRecords(p Policy, rows []Situation) []DNSRecord {
	z := keyZone{policy: &p, records: map[string]DNSRecord{}, lost: lostPairs(rows)}
	for _, s := range rows {
		z.keys(&s)
	}
	for _, s := range rows { // a target of now may be one that others had before
		z.aliases(&s)
	}
	for _, s := range rows { // what is in use comes before what is not
		z.idle(&s)
	}
	out := make([]DNSRecord, 0, len(z.records))
	for _, r := range z.records {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b DNSRecord) int {
		return cmp.Or(strings.Compare(a.Zone, b.Zone), strings.Compare(a.Name, b.Name))
	})
	return out
}

type keyZone struct {
	policy  *Policy
	records map[string]DNSRecord // by name
	lost    map[word]bool
}

// word is what the owner of rows says of a pair; the operator has no name.
type word struct{ print, owner string }

// lostPairs are the pairs of compromised keys. A domain's own row of a shared key may not
// say so yet. As in dropStolen, a tenant's word is about the tenant's own rows.
func lostPairs(rows []Situation) map[word]bool {
	lost := map[word]bool{}
	for _, s := range rows {
		for _, k := range s.Keys {
			if k.Compromised && k.Print != "" && !s.Domain.Lent() {
				lost[word{k.Print, s.Domain.Owner}] = true
			}
		}
	}
	return lost
}

// holds tells whether receivers may ask for a key of a row.
func (z *keyZone) holds(d *Domain, k *Key) bool {
	return k.Slot != 0 && k.living() && !k.Compromised && !z.lost[word{k.Print, ""}] && !z.lost[word{k.Print, d.Owner}]
}

// set keeps the first value of a name.
func (z *keyZone) set(name, value string) {
	zone := z.policy.KeyZone.of(name)
	if _, there := z.records[name]; zone == "" || there {
		return
	}
	z.records[name] = DNSRecord{Zone: zone, Name: name, Type: "TXT", Value: value, TTL: keyZoneTTL}
}

// of is the zone that holds a name: the key zone, or otherwise the uppermost former name
// that it is in. Empty: none of ours.
func (z *KeyZone) of(name string) string {
	if z.Name != "" && inZone(name, z.Name) {
		return z.Name
	}
	zone := ""
	for _, f := range z.Former {
		if inZone(name, f) && (zone == "" || len(f) < len(zone)) {
			zone = f
		}
	}
	return zone
}

// inZone tells whether a name is an apex or below it.
func inZone(name, apex string) bool { return name == apex || strings.HasSuffix(name, "."+apex) }

// keys sets the targets of keys that receivers may ask for. Those of shared keys are
// set by the set itself.
func (z *keyZone) keys(s *Situation) {
	for i := range slices.Backward(s.Keys) { // the latest of two with one name, after a regeneration in place
		if k := &s.Keys[i]; k.Pair == "" && z.holds(&s.Domain, k) {
			z.set(z.policy.targetOf(k), k.Record)
			z.set(k.Target, k.Record)
		}
	}
}

// aliases sets where else the CNAME records of such keys still point.
func (z *keyZone) aliases(s *Situation) {
	for i := range slices.Backward(s.Keys) {
		k := &s.Keys[i]
		for _, a := range s.Domain.Aliases {
			if a.Selector == k.Selector && z.holds(&s.Domain, k) {
				z.set(a.Target, k.Record)
			}
		}
	}
}

// idle sets the names that CNAME records point to and that have no key.
func (z *keyZone) idle(s *Situation) {
	for _, a := range s.Domain.Aliases {
		z.set(a.Target, RevokedRecord)
	}
	for i := range s.Keys {
		k := &s.Keys[i]
		if k.Slot == 0 || k.Pair != "" {
			continue
		}
		if k.DNSGoneAt.IsZero() {
			z.set(k.Target, RevokedRecord)
		}
		if !s.Domain.DeletedAt.IsZero() || s.Domain.Publish == PublishTXT || k.before(&s.Domain) {
			continue
		}
		for slot := 1; slot <= s.Domain.Slots; slot++ {
			other := k.inSlot(slot)
			z.set(other.Target, RevokedRecord)
			z.set(z.policy.targetOf(&other), RevokedRecord)
		}
	}
}
