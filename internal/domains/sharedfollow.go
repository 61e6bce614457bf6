package domains

import (
	"context"
	"errors"
	"slices"

	"github.com/postseal/postseal/dkim"
)

// followSet gives a row of mode cname-shared a key for each pair of the set that it does
// not have yet. The key in service signs until DNS confirms the new one.
func (l *life) followSet(tx Tx, set *sharedSet) error {
	if !l.domain.usesSet() {
		return nil
	}
	for _, a := range l.sharedAlgorithms() {
		pair := set.pair(a)
		if pair == nil || pair.Slot > l.domain.Slots {
			continue
		}
		var old *Key
		for _, k := range slices.Clone(l.keys) {
			switch {
			case k.Algorithm != a || k.Compromised:
			case k.inService():
				old = k
			case k.State.beforeSigning() && k.isShared() && k.Pair != pair.ID: // a later one, or one that was rolled back
				l.remove(k, false, "the shared set has another key")
			}
		}
		if slices.ContainsFunc(l.keys, func(k *Key) bool { return k.Pair == pair.ID && k.living() }) {
			continue
		}
		k, err := l.join(tx, pair, "")
		if err != nil {
			return err
		}
		if old != nil {
			k.Replaces = old.ID
		}
		l.handOut(k)
	}
	return nil
}

// sharedAlgorithms are those for which a row has a key of the set, or lost it through no
// wish of its own. What ended with the row, before it was added again, is over.
func (l *life) sharedAlgorithms() []dkim.Algorithm {
	var out []dkim.Algorithm
	for _, k := range l.keys {
		has := k.living() && k.State != Retiring
		lost := !k.living() && (k.Compromised || k.neverSigned()) && !k.before(&l.domain)
		if k.isShared() && (has || lost) && !slices.Contains(out, k.Algorithm) {
			out = append(out, k.Algorithm)
		}
	}
	return out
}

// usesSet: a row that has to have what the set has.
func (d *Domain) usesSet() bool {
	return d.Publish == PublishCNAMEShared && d.DeletedAt.IsZero() && !d.Requested && !d.IsSharedSet()
}

// followers are the rows of mode cname-shared, by name, whosever they are.
func followers(tx Tx) (rows []Domain, err error) {
	err = eachDomain(whole(tx), func(d Domain) {
		if d.usesSet() {
			rows = append(rows, d)
		}
	})
	return rows, err
}

// concerned are the rows that may have to change with the set, by name: its followers, and
// whatever row still uses a key of it that was compromised, deleted ones too.
func concerned(tx Tx) (names []string, err error) {
	rows, err := followers(tx)
	if err != nil {
		return nil, err
	}
	for _, d := range rows {
		names = append(names, d.Name)
	}
	set, err := load(whole(tx), SharedSet)
	for _, pair := range set.Keys {
		if !pair.Compromised || err != nil {
			continue
		}
		var used []Key
		used, err = usedBy(tx, &pair)
		for _, k := range used {
			names = append(names, k.Owner)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), ignoreNotFound(err)
}

// growSet gives the set as many slots as a domain of it has, and the domain the key of the
// set that it had no slot for.
func (s *Service) growSet(tx Tx, l *life, actor string) error {
	d := &l.domain
	if !d.usesSet() {
		return nil
	}
	set, err := s.sharedSet(tx, actor, "configure")
	if err != nil {
		return err
	}
	if set.domain.Slots < d.Slots {
		set.domain.Slots = d.Slots
		set.note(nil, "%d slots, as %s has", d.Slots, d.Name)
	}
	return errors.Join(l.followSet(tx, set), set.save(tx))
}

// followRows is how many rows follow in one transaction.
const followRows = 100

// keepShared lets all domains follow the set, and ends the keys of it that no domain has
// any more. What was interrupted goes on here.
func (s *Service) keepShared(ctx context.Context, actor string, update update) error {
	var names []string
	err := s.store.View(ctx, func(tx Tx) (err error) {
		names, err = concerned(tx)
		return err
	})
	for batch := range slices.Chunk(names, followRows) {
		if err != nil {
			break
		}
		err = update(ctx, func(tx Tx) error {
			set, err := s.sharedSet(tx, actor, "rotate")
			for _, name := range batch {
				if err == nil {
					err = s.followOne(tx, set, name, actor)
				}
			}
			return err
		})
	}
	if err != nil {
		return err
	}
	return update(ctx, func(tx Tx) error {
		set, err := s.sharedSet(tx, actor, "retire")
		if err != nil || set.before.Domain.CreatedAt.IsZero() {
			return err
		}
		if err := set.release(tx); err != nil {
			return err
		}
		return set.save(tx)
	})
}

func (s *Service) followOne(tx Tx, set *sharedSet, name, actor string) error {
	before, err := load(tx, name)
	if err != nil {
		return ignoreNotFound(err)
	}
	l := s.life(before, actor, "rotate")
	lost := map[string]bool{}
	for _, k := range set.keys {
		lost[k.ID] = k.Compromised
	}
	for _, k := range l.keys {
		if lost[k.Pair] && !k.Compromised {
			l.lose(k)
		}
	}
	switch err := l.followSet(tx, set); {
	case isRefused(err): // the others go on, and this one signs as before
		s.log.Warn("a domain cannot follow the shared keys", "domain", name, "error", err)
	case err != nil:
		return err
	}
	return l.save(tx, before)
}

// lose stops the use of a shared key that was compromised. A ready one takes over.
func (l *life) lose(k *Key) {
	served := k.State == Active || k.State == Suspended
	k.Compromised, k.CompromisedAt = true, l.now
	l.retire(k, "compromised, with the shared set")
	l.schedule(k)
	for _, next := range l.keys {
		if served && next.Algorithm == k.Algorithm && l.confirmedForUse(next) {
			l.activate(next, "takes over from the compromised "+k.Selector)
			return
		}
	}
}

// release retires keys of the set that no domain has any more, and destroys them later.
func (set *sharedSet) release(tx Tx) error {
	for _, k := range set.keys {
		switch {
		case k.State == Retiring:
			used, err := usedBy(tx, k)
			if err != nil {
				return err
			}
			if len(used) == 0 {
				set.retire(k, "no domain has it any more")
				set.goneFromDNS(k, "its slot is idle")
			}
		case k.Compromised && k.DNSGoneAt.IsZero() && !set.now.Before(k.CompromisedAt.Add(revokedFor)):
			set.goneFromDNS(k, "revoked long enough")
		case k.State == Retired:
			set.mayDestroy(k)
		}
	}
	return nil
}

// usedBy are the keys of domains that use a key of the set and are not over, whosever they
// are.
func usedBy(tx Tx, pair *Key) ([]Key, error) {
	all, err := whole(tx).KeysPrinted(pair.Print)
	return slices.DeleteFunc(all, func(k Key) bool { return k.Pair != pair.ID || !k.living() }), err
}
