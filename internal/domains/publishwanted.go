package domains

import (
	"slices"
	"time"

	"github.com/postseal/postseal/dkim"
)

// TTLs of records in the zones of customers, in seconds: a mistake is mended within
// the hour; a CNAME of ours never changes.
const (
	publishedTTL = 3600
	aliasTTL     = 86400
)

// revokedFor is how long a revoked key stands as "p=" before its record is removed: "was
// revoked" instead of "never existed".
const revokedFor = 30 * day

// wanted is a record that DNS is to hold, up to a time if one is given.
type wanted struct {
	DNSRecord
	owner string // Domain.Name
	until time.Time
}

// wanted are the records of a row that a driver has to see to.
func (l *life) wanted() []wanted {
	var out []wanted
	add := func(w wanted) {
		if !slices.ContainsFunc(out, func(o wanted) bool { return o.Name == w.Name && o.Type == w.Type }) {
			out = append(out, w)
		}
	}
	for _, k := range slices.Backward(l.keys) { // of two keys of a name the later one counts
		if w, ok := l.wantedOf(k); ok && k.living() {
			add(w)
		}
	}
	for _, k := range slices.Backward(l.keys) {
		if w, ok := l.wantedOf(k); ok {
			add(w)
		}
	}
	for _, k := range l.keys {
		for _, slot := range l.slotsBeside(k) {
			add(slot)
		}
	}
	return out
}

// wantedOf is what one key wants in the zone of its domain.
func (l *life) wantedOf(k *Key) (w wanted, ok bool) {
	w.Name, w.owner = dkim.RecordName(k.Selector, k.Domain), k.Owner
	if k.Target != "" {
		w.Type, w.Value, w.TTL = "CNAME", k.Target, aliasTTL
		return w, l.keepsAlias(k)
	}
	w.Type, w.Value, w.TTL = "TXT", k.Record, publishedTTL
	switch {
	case k.State == Generated:
		return w, false
	case k.living():
		return w, true
	case k.Compromised:
		w.Value, w.until = RevokedRecord, k.CompromisedAt.Add(revokedFor)
	case k.neverSigned(), l.publishing.Delete:
		return w, false
	default:
		w.Value, w.until = RevokedRecord, k.RetiredAt.Add(revokedFor)
	}
	return w, l.now.Before(w.until)
}

// keepsAlias: somebody needs the CNAME record of a key: mail that is under way, or the next
// key of its slot.
func (l *life) keepsAlias(k *Key) bool {
	return k.State != Generated && (k.living() || l.domain.KeepsSlot(k))
}

// slotsBeside are the CNAME records of the row's other slots: all of them have to stand
// before the first rotation (D504).
func (l *life) slotsBeside(k *Key) []wanted {
	if k.Target == "" || !l.keepsAlias(k) || !l.domain.DeletedAt.IsZero() {
		return nil
	}
	var out []wanted
	for _, slot := range k.OtherSlots(l.domain.Slots) {
		r := DNSRecord{Name: dkim.RecordName(slot.Selector, k.Domain), Type: "CNAME", Value: slot.Target, TTL: aliasTTL}
		out = append(out, wanted{DNSRecord: r, owner: k.Owner})
	}
	return out
}
