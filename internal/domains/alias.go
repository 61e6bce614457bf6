package domains

import (
	"slices"
	"time"

	"github.com/postseal/postseal/internal/check"
)

// sees notes where the CNAME records of a row point. Only what we have handed out is
// kept: a customer cannot make us serve other names. What a record pointed to before
// stays for as long as caches may have it.
func (l *life) sees(k *Key, seen []check.Alias) {
	if k.Slot == 0 {
		return
	}
	aliases := slices.Clone(l.domain.Aliases)
	for _, now := range seen {
		aliases = l.pointed(aliases, k, now)
	}
	aliases = slices.DeleteFunc(aliases, func(a Alias) bool {
		return !a.GoneAt.IsZero() && !l.now.Before(a.GoneAt.Add(max(time.Duration(a.TTL)*time.Second, time.Hour)))
	})
	if len(aliases) == 0 {
		aliases = nil
	}
	l.domain.Aliases = aliases
}

// pointed is aliases with what one slot's record says now.
func (l *life) pointed(aliases []Alias, k *Key, now check.Alias) []Alias {
	known := false
	for i := range aliases {
		a := &aliases[i]
		switch {
		case a.Selector != now.Selector:
		case a.Target == now.Target:
			known = true
			a.GoneAt = time.Time{}
			if now.TTL > 0 {
				a.TTL = int64(now.TTL / time.Second)
			}
		case a.GoneAt.IsZero():
			a.GoneAt = l.now
		}
	}
	if !known && now.Target != "" && slices.Contains(l.handedOut(k, now.Selector), now.Target) {
		aliases = append(aliases, Alias{Selector: now.Selector, Target: now.Target, TTL: int64(now.TTL / time.Second)})
	}
	return aliases
}

// forgetAliases: nobody waits for what a key's record pointed to any more, nor of a row
// that was deleted for that of any other.
func (l *life) forgetAliases(k *Key) {
	deleted := !l.domain.DeletedAt.IsZero()
	aliases := slices.DeleteFunc(slices.Clone(l.domain.Aliases), func(a Alias) bool {
		return !a.GoneAt.IsZero() && (deleted || a.Selector == k.Selector)
	})
	if len(aliases) == 0 {
		aliases = nil
	}
	l.domain.Aliases = aliases
}

// leaveSlots: when the last key in slots that the row does not keep is over, nobody looks at
// their CNAME records any more, and nothing waits for them, as for those of a row that was
// deleted.
func (l *life) leaveSlots() {
	if len(l.domain.Aliases) == 0 || !l.domain.DeletedAt.IsZero() {
		return
	}
	aliases := slices.DeleteFunc(slices.Clone(l.domain.Aliases), func(a Alias) bool { return l.left(a.Selector) })
	if len(aliases) == 0 {
		aliases = nil
	}
	l.domain.Aliases = aliases
}

// left: a selector is one of slots of which all keys are over.
func (l *life) left(selector string) (left bool) {
	for _, k := range l.keys {
		if k.Slot == 0 || l.handedOut(k, selector) == nil {
			continue
		}
		if left = !l.domain.KeepsSlot(k) && !k.DNSGoneAt.IsZero() && !k.DestroyedAt.IsZero(); !left {
			return false
		}
	}
	return left
}

// handedOut are the targets that a slot of a key's row has, or had before.
func (l *life) handedOut(k *Key, selector string) []string {
	for slot := range maxSlots {
		if at := k.inSlot(slot + 1); at.Selector == selector {
			return append(l.formerTargets(&at), at.Target, l.targetOf(&at))
		}
	}
	return nil
}

// PointsTo is where the CNAME record of a slot pointed when it was last seen; empty: it
// was not.
func (d *Domain) PointsTo(selector string) string {
	for _, a := range d.Aliases {
		if a.Selector == selector && a.GoneAt.IsZero() {
			return a.Target
		}
	}
	return ""
}
