package domains

import (
	"context"
	"fmt"
	"slices"
)

// The key zone, or the shared target, may get another name. Then the CNAME records of
// customers have to follow, each by hand: the row needs re-validation (INF-29 to INF-36).
// Until a customer has done so the name of before is served on, and signatures verify.

// realign brings the keys of a row in line with the key zone's present name. What changes
// is said once; the next check tells what of it the customer has done.
func (l *life) realign() {
	var moved *Key
	var was string
	for _, k := range l.keys {
		want := l.targetOf(k)
		if want == "" || want == k.Target || !k.living() {
			continue
		}
		if !k.VerifiedAt.IsZero() {
			l.assume(k)
		}
		l.note(k, "the CNAME has to point to %s, and not to %s any more", want, k.Target)
		if k.State == Active || k.State == Ready || moved == nil {
			moved, was = k, k.Target
		}
		if k.State == Active || k.State == Ready {
			l.needsRevalidation(k, want)
		}
		k.Target = want
		l.hurry(k)
	}
	if moved != nil && l.domain.Name != SharedSet && l.domain.DeletedAt.IsZero() {
		l.tell(DomainRevalidate, moved, "%s: our key zone has moved. Let the CNAME %s._domainkey.%s point to %s, and not to %s any more. `postseal domain records %s --guide` has all records that change; mail goes on being signed.",
			l.domain.Name, moved.Selector, moved.Domain, moved.Target, was, l.domain.Name)
	}
}

// assume that the CNAME records of a row that verified point to where they had to, so
// that this is served until a check has seen them (INF-31). They may point to where they
// were last seen as well, where the zone moved twice since.
func (l *life) assume(k *Key) {
	for slot := 1; slot <= max(k.Slot, l.domain.Slots); slot++ {
		at := k.inSlot(slot)
		if slot == k.Slot {
			at.Selector, at.Target = k.Selector, k.Target
		}
		known := slices.ContainsFunc(l.domain.Aliases, func(a Alias) bool { return a.Selector == at.Selector && a.Target == at.Target })
		if !known && k.Owner != SharedSet {
			l.domain.Aliases = append(slices.Clone(l.domain.Aliases), Alias{Selector: at.Selector, Target: at.Target})
		}
	}
}

func (l *life) needsRevalidation(k *Key, want string) {
	if k.Owner == SharedSet {
		return
	}
	l.health(k, Degraded, ReasonTargetChanged, nil)
	k.Health.Code, k.Health.Text = "D509", fmt.Sprintf("the CNAME points to where the keys were before: %s", k.Target)
	k.Health.Fix = "set the target to " + want + ": we have moved"
}

// hurry looks at a key as soon as there is time.
func (l *life) hurry(k *Key) {
	if !k.NextCheckAt.IsZero() {
		k.NextCheckAt = earlier(k.NextCheckAt, l.now)
	}
}

// aligned is a situation as it will be once the keeper has realigned it.
func (s *Service) aligned(now Situation) Situation {
	if !slices.ContainsFunc(now.Keys, s.misaligned) {
		return now
	}
	l := s.life(now, "", "")
	l.realign()
	return Situation{Domain: l.domain, Keys: l.values(), Hosts: now.Hosts}
}

func (s *Service) misaligned(k Key) bool {
	want := s.policy.targetOf(&k)
	return want != "" && want != k.Target && k.living()
}

// realign does so for all rows, after a start with another key zone.
func (s *Service) realign(ctx context.Context, actor string, update func(context.Context, func(Tx) error) error) error {
	var rows []string
	err := s.store.View(ctx, func(tx Tx) error {
		rows = nil
		return eachKey(tx, func(k Key) {
			if s.misaligned(k) && !slices.Contains(rows[max(0, len(rows)-1):], k.Owner) { // keys come by owner
				rows = append(rows, k.Owner)
			}
		})
	})
	for batch := range slices.Chunk(rows, 100) {
		if err != nil {
			break
		}
		err = update(ctx, func(tx Tx) error {
			for _, name := range batch {
				before, err := load(tx, name)
				if err != nil {
					return err
				}
				l := s.life(before, actor, "realign")
				l.realign()
				if err := l.save(tx, before); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return err
}
