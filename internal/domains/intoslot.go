package domains

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/dkim"
)

// intoSlot puts a new key into the lowest free slot of its algorithm: one whose last key
// is retired. k.Selector is what the slots are to begin with; empty leaves it to us.
func (l *life) intoSlot(tx Tx, k *Key) error {
	prefix, err := l.prefixFor(tx, k)
	if err != nil {
		return err
	}
	slot := l.freeSlot(k.Algorithm, prefix)
	if slot == 0 {
		return l.noFreeSlot(k, prefix)
	}
	k.Slot, k.Selector = slot, slotName(prefix, k.Algorithm, slot)
	k.Target = l.targetOf(k)
	if err := l.slotNameFree(tx, k); err != nil {
		return err
	}
	if len(k.Target) > maxName {
		return invalid(k.Target, "is too long for a name in DNS", "use a shorter selector")
	}
	for _, old := range l.keys {
		if old.Slot > 0 { // the slot had a key before, or "v=DKIM1; p=" since the first one was made
			k.SeenBefore, k.TTLSeenOld = true, max(k.TTLSeenOld, old.TTL, keyZoneTTL)
		}
	}
	return nil
}

// maxName is the length of a name in text form (RFC 1035 section 2.3.4).
const maxName = 253

// freeSlot is 0 if all are in use. The slot of a compromised key has to show that it is
// revoked: it is taken last.
func (l *life) freeSlot(a dkim.Algorithm, prefix string) int {
	revoked := 0
	for slot := l.domain.Slots; slot >= 1; slot-- {
		if l.holder(a, prefix, slot) == nil && l.revokes(a, prefix, slot) {
			revoked = slot
		}
	}
	for slot := 1; slot <= l.domain.Slots; slot++ {
		if l.holder(a, prefix, slot) == nil && !l.revokes(a, prefix, slot) {
			return slot
		}
	}
	return revoked
}

// holder is the key that a slot cannot be without yet. Those of before the row was deleted,
// and of another way of publishing, have slots of other names, see prefixFor.
func (l *life) holder(a dkim.Algorithm, prefix string, slot int) *Key {
	for _, k := range l.keys {
		if k.Algorithm == a && k.Slot == slot && k.prefix() == prefix && k.living() {
			return k
		}
	}
	return nil
}

// revokes: receivers must learn that the key of a slot was compromised.
func (l *life) revokes(a dkim.Algorithm, prefix string, slot int) bool {
	for _, k := range l.keys {
		if k.Algorithm == a && k.Slot == slot && k.prefix() == prefix && k.Compromised && k.DNSGoneAt.IsZero() {
			return true
		}
	}
	return false
}

func (l *life) noFreeSlot(k *Key, prefix string) error {
	var until time.Time
	for slot := 1; slot <= l.domain.Slots; slot++ {
		if h := l.holder(k.Algorithm, prefix, slot); h.State == Retiring {
			until = earlier(until, l.retireAt(h))
		}
	}
	more := fmt.Sprintf("`domain set %s --slots %d` adds one, whose CNAME has to be published first", l.domain.Name, l.domain.Slots+1)
	r := &Refused{Rule: "no-free-slot", What: fmt.Sprintf("all %d slots of %s are in use", l.domain.Slots, l.domain.Name), Way: more}
	switch {
	case l.domain.Slots == 1:
		r.What = l.domain.Name + " has one slot only, and a key can follow another without a gap only in a second one"
	case !until.IsZero():
		r.Way = "wait until " + stamp(until) + ", when mail under way needs the oldest key no more"
		if l.domain.Slots < maxSlots {
			r.Way += "; or " + more
		}
	}
	return r
}

// prefixFor is what the slots of a row begin with: as before, as asked for, "ps" for a
// domain, and something random beside it for an address (INF-23). A CNAME record that was
// published for another row, or before this one was deleted, may still stand, and must not
// confirm the keys of whoever has the domain now: such names are not given out again.
func (l *life) prefixFor(tx Tx, k *Key) (string, error) {
	for i := len(l.keys) - 1; i >= 0; i-- {
		if old := l.keys[i]; old.prefix() != "" && old.Published() == l.domain.Publish && !old.before(&l.domain) {
			return old.prefix(), nil
		}
	}
	prefix, err := l.usualPrefix(tx, k)
	if err != nil || l.domain.Name == SharedSet {
		return prefix, err
	}
	switch used, err := hadSlots(tx, l.domain.Owner, k.Domain, prefix); {
	case err != nil || !used:
		return prefix, err
	case k.Selector != "":
		return "", slotsUsed(prefix, k.Domain)
	}
	return slotPrefix + "-" + randomWord(16) + "-", nil
}

func (l *life) usualPrefix(tx Tx, k *Key) (string, error) {
	switch {
	case k.Selector != "":
		return parsePrefix(k.Selector, k.Domain)
	case !strings.Contains(l.domain.Name, "@") && l.domain.Publish == PublishCNAME, l.domain.Name == SharedSet:
		return slotPrefix, nil
	}
	selector, err := pickSelector(tx, l.Policy.Selector, l.domain.Owner, k.Domain, l.now)
	return selector + "-", err
}

// hadSlots tells whether a slot of a domain that begins like this ever had a key. What ends
// in a digit may be the beginning of a number: ps1 and slot 1 are ps and slot 11.
func hadSlots(tx Tx, owner, domain, prefix string) (bool, error) {
	var names []string
	for _, begin := range slices.Compact([]string{prefix, strings.TrimRight(prefix, "0123456789")}) {
		for slot := 1; slot <= maxSlots; slot++ {
			names = append(names, slotName(begin, dkim.RSASHA256, slot), slotName(begin, dkim.Ed25519SHA256, slot))
		}
	}
	for _, name := range names {
		switch err := freeSelector(tx, owner, domain, name); {
		case isRefused(err):
			return true, nil
		case err != nil:
			return false, err
		}
	}
	return false, nil
}

func slotsUsed(prefix, domain string) error {
	return &Refused{
		Rule: "selector-used",
		What: fmt.Sprintf("names of %s that begin with %s have had keys, and CNAME records for those may still stand", domain, prefix),
		Way:  "let the slots begin with something else: --selector PREFIX, or leave it out and postseal finds names",
	}
}

// Published is how the record of a key gets into DNS.
func (k *Key) Published() Publish {
	switch {
	case k.Slot == 0:
		return PublishTXT
	case k.isShared():
		return PublishCNAMEShared
	}
	return PublishCNAME
}

// KeepsSlot: the CNAME record of a key stays at the customer's when the key goes, for
// the next one.
func (d *Domain) KeepsSlot(k *Key) bool {
	return d.DeletedAt.IsZero() && k.Slot > 0 && k.Slot <= d.Slots && k.Published() == d.Publish && !k.before(d)
}

// recordAt is the name where the record of a key stands: in the key zone, in CNAME modes.
func (k *Key) recordAt() string {
	if k.Target != "" {
		return k.Target
	}
	return dkim.RecordName(k.Selector, k.Domain)
}

// slotNameFree refuses the name of a slot where a key stands or stood that is none of
// this slot: caches and mail under way may still mean that one.
func (l *life) slotNameFree(tx Tx, k *Key) error {
	if k.Owner == SharedSet {
		return nil
	}
	keys, err := tx.KeysNamed(k.Domain, k.Selector)
	for _, other := range keys {
		if err != nil || other.Owner == k.Owner && other.Slot != 0 {
			continue
		}
		var taken bool
		if taken, err = takes(tx, l.domain.Owner, &other); taken {
			err = &Refused{
				Rule: "selector-used",
				What: fmt.Sprintf("the selector %s of %s has had another key, which is not that of a slot", k.Selector, k.Domain),
				Way:  "let the slots begin with something else: --selector PREFIX",
			}
		}
	}
	return err
}

// resized: a row may have so many slots. Those that go must be without a key.
func (l *life) resized(slots int) error {
	if l.domain.Publish == PublishTXT {
		return slotsOfTXT(slots)
	}
	if slots < 1 || slots > maxSlots {
		return invalid(fmt.Sprint(slots), "is no number of slots", "say 1 to 12")
	}
	for _, k := range l.keys {
		if k.Slot <= slots || !k.living() {
			continue
		}
		r := &Refused{
			Rule: "slot-in-use", What: fmt.Sprintf("the key %s of %s is %s, in slot %d", k.Selector, l.domain.Name, k.State, k.Slot),
			Way: fmt.Sprintf("keep %d slots, or rotate first", k.Slot),
		}
		if k.State == Retiring {
			r.Way = "wait until " + stamp(l.retireAt(k)) + ", when mail under way needs it no more"
		}
		return r
	}
	return nil
}
