package domains

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/postseal/postseal/dkim"
)

// directly runs a transaction that no lease guards.
func (s *Service) directly(ctx context.Context, f func(Tx) error) error {
	return s.store.Update(ctx, f)
}

// rotateShared gives the set a new key in its idle slot. Each domain's own CNAME for
// that slot is checked before the domain signs with it.
func (s *Service) rotateShared(ctx context.Context, actor string, r RotateRequest) (Added, error) {
	switch {
	case r.Selector != "":
		return Added{}, invalid(r.Selector, "cannot be", "the names of slots stay as they are: leave --selector out")
	case r.InPlace:
		return Added{}, &Refused{Rule: "shared-set", What: "in place the mail of all domains would fail at once", Way: "`postseal domain rotate " + SharedSet + "` has no gap"}
	}
	now, err := s.view(ctx, SharedSet)
	if err != nil {
		return Added{}, err
	}
	drafts, err := s.successors(now, r)
	if err != nil {
		return Added{}, err
	}
	var added Added
	err = s.store.Update(ctx, func(tx Tx) error {
		added = Added{}
		set, err := s.sharedSet(tx, actor, "rotate")
		if err != nil {
			return err
		}
		if err := set.release(tx); err != nil {
			return err
		}
		for _, d := range drafts {
			k, err := set.take(tx, d)
			if err != nil {
				return sharedSlots(err)
			}
			if err := staysBehind(tx, k); err != nil && !r.Yes {
				return err
			}
			added.Keys = append(added.Keys, *k)
		}
		added.Domain, added.Follow = set.domain, true
		if r.DryRun {
			return errDryRun
		}
		return set.save(tx)
	})
	if err != nil {
		return added, unlessDry(err)
	}
	return added, s.keepShared(ctx, actor, s.directly)
}

func noSharedKey() error {
	return &Refused{Rule: "no-shared-key", What: "no domain has publish = cname-shared yet", Way: "`postseal domain add DOMAIN --publish cname-shared` makes the first key of the set", Err: ErrNotFound}
}

// sharedSlots says how the set gets another slot.
func sharedSlots(err error) error {
	var r *Refused
	if errors.As(err, &r) && r.Rule == "no-free-slot" {
		until, _, _ := strings.Cut(r.Way, "; or ")
		more := "`postseal domain set DOMAIN --slots N` gives each domain another CNAME to publish, and the set another target"
		if strings.HasPrefix(until, "wait ") {
			more = until + ", if all domains have followed by then; or " + more
		}
		r.Way = more
	}
	return err
}

// staysBehind asks first where domains have no name for the slot of the new key.
func staysBehind(tx Tx, k *Key) error {
	rows, err := followers(tx)
	if err != nil {
		return err
	}
	var few []string
	for _, d := range rows {
		if d.Slots < k.Slot {
			few = append(few, d.Name)
		}
	}
	if len(few) == 0 {
		return nil
	}
	const shown = 5
	names := strings.Join(few[:min(shown, len(few))], ", ")
	if len(few) > shown {
		names += " …"
	}
	return &Unconfirmed{"too-few-slots", fmt.Sprintf("%d domains have no CNAME for slot %d and stay with the old key, whose slot is not free before they follow: %s.", len(few), k.Slot, names)}
}

// sharedPairOf is the ID of the key of the set that a selector stands for, or whose pair it
// has, too; empty for a key of its own.
func (s *Service) sharedPairOf(ctx context.Context, name string, r CompromiseRequest) (string, error) {
	now, err := s.stored(ctx, name)
	if err != nil {
		return "", err
	}
	k := s.life(now, "", "").named(r)
	switch _, tenant := s.store.(tenantStore); {
	case k == nil:
		return "", unknownKey(name, r.Selector)
	case !k.isShared() && tenant: // whose word is about no other rows
		return "", nil
	case !k.isShared():
		return s.inSet(ctx, k.Print)
	case tenant:
		return "", &Refused{
			Rule: "shared-key", What: "the key " + r.Selector + " is shared with domains of others, and stopping it stops them all",
			Way: "tell the operator; `disable` stops signing for " + name + " at once",
		}
	case k.Pair != "":
		return k.Pair, nil
	}
	return k.ID, nil
}

// inSet is the ID of the key of the set that has a pair; empty: none that may sign.
func (s *Service) inSet(ctx context.Context, print string) (id string, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		keys, err := tx.KeysPrinted(print)
		for _, k := range keys {
			if k.Owner == SharedSet && !k.Compromised {
				id = k.ID
			}
		}
		return err
	})
	return id, err
}

// stored reads a row, a deleted one too.
func (s *Service) stored(ctx context.Context, name string) (now Situation, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) {
		now, err = load(tx, name)
		return err
	})
	return now, err
}

// compromiseShared stops a key of the set for all domains that have it, in one change of
// the snapshot. The set gets another one at once.
func (s *Service) compromiseShared(ctx context.Context, actor string, name, pairID string, r CompromiseRequest) (Emergency, error) {
	var uses int
	err := s.store.View(ctx, func(tx Tx) error {
		pair, err := tx.Key(pairID)
		if err != nil {
			return err
		}
		used, err := usedBy(tx, &pair)
		uses = len(used)
		return err
	})
	if err != nil {
		return Emergency{}, err
	}
	if !r.Yes {
		return Emergency{}, &Unconfirmed{"T15", fmt.Sprintf("The key is shared: %d domains have it, and all of them stop signing with it for good. "+
			"The record at its target must become %q at once, and messages under way will not verify.", uses, RevokedRecord)}
	}
	set, err := s.view(ctx, SharedSet)
	if err != nil {
		return Emergency{}, err
	}
	var draft *Draft
	if k := s.life(set, "", "").key(pairID); k != nil && k.State == Active {
		made, err := generateDraft(k.Algorithm, max(k.Bits, dkim.MinBits))
		if err != nil {
			return Emergency{}, err
		}
		draft = &made
	}
	e := Emergency{Record: RevokedRecord, Domains: uses, Live: true}
	err = s.store.Update(ctx, func(tx Tx) error { return s.loseShared(tx, actor, pairID, draft, &e) })
	if err != nil {
		return e, err
	}
	if err := s.keepShared(ctx, actor, s.directly); err != nil || name == SharedSet {
		return e, err
	}
	return e, s.emergencyOf(ctx, name, pairID, &e)
}

// loseShared marks the key of the set: nothing signs with it from this version on
// (Snapshot), whatever the domains' own rows say yet. Rows that have the pair as their own
// stop with it.
func (s *Service) loseShared(tx Tx, actor, pairID string, draft *Draft, e *Emergency) error {
	set, err := s.sharedSet(tx, actor, "compromised")
	if err != nil {
		return err
	}
	k := set.key(pairID)
	if k == nil || k.Compromised {
		return changedMeanwhile(SharedSet)
	}
	k.Compromised, k.CompromisedAt = true, set.now
	set.retire(k, "compromised")
	set.tell(KeyCompromised, k, "the shared key is compromised and stopped, for %d domains. Publish %q at %s at once.", e.Domains, RevokedRecord, k.Target)
	e.Key, e.Successor, e.InService = *k, Key{}, Key{}
	if draft != nil {
		next, err := set.take(tx, *draft)
		switch {
		case isRefused(err):
			set.note(nil, "no successor: %v", err)
		case err != nil:
			return err
		default:
			e.Successor = *next
		}
	} else if now := set.pair(k.Algorithm); now != nil {
		e.InService = *now
	}
	if _, err := tx.Bump(); err != nil {
		return err
	}
	if err := set.save(tx); err != nil {
		return err
	}
	e.Also, err = s.stopElsewhere(tx, actor, k)
	return err
}

// emergencyOf tells what became of one domain.
func (s *Service) emergencyOf(ctx context.Context, name, pairID string, e *Emergency) error {
	now, err := s.stored(ctx, name)
	if err != nil {
		return err
	}
	set := e.Key
	e.Successor, e.InService, e.Live = Key{}, Key{}, now.Domain.DeletedAt.IsZero()
	for _, k := range now.Keys {
		switch {
		case k.Pair == pairID:
			e.Key = k
		case k.Print == set.Print: // it has the pair as its own
			e.Key = k
			e.Also = append(slices.DeleteFunc(e.Also, func(name string) bool { return name == k.recordAt() }), set.recordAt())
		case k.State == Active && k.Algorithm == set.Algorithm && k.ActivatedAt.Before(set.CompromisedAt):
			e.InService = k
		case k.Algorithm == set.Algorithm && (k.State == Active || k.State.beforeSigning()):
			e.Successor = k
		}
	}
	if e.InService.ID != "" {
		e.Successor = Key{}
	}
	return nil
}

// rollbackShared puts the key before the present one back, in the set and in each domain
// whose record of it DNS still confirms.
func (s *Service) rollbackShared(ctx context.Context, actor string) ([]Key, error) {
	if _, err := s.view(ctx, SharedSet); err != nil { // a tenant has none
		return nil, err
	}
	var out []Key
	var again bool
	var rows []Domain
	err := s.store.Update(ctx, func(tx Tx) error {
		set, err := s.sharedSet(tx, actor, "rollback")
		if err != nil {
			return err
		}
		out, again = set.goBack()
		if len(out) == 0 {
			return nothingToGoBackTo()
		}
		if rows, err = followers(tx); err != nil {
			return err
		}
		return set.save(tx)
	})
	for _, d := range rows {
		if err != nil {
			break
		}
		var went bool
		went, err = s.rollbackTo(ctx, actor, d.Name, out)
		again = again && !went
	}
	switch {
	case err != nil:
		return out, err
	case again:
		return nil, nothingToGoBackTo()
	}
	return out, s.keepShared(ctx, actor, s.directly)
}

func nothingToGoBackTo() error {
	return &Refused{Rule: "T11", What: "the set has no earlier key to go back to", Way: "`postseal domain rotate " + SharedSet + "` makes a new one"}
}

// goBack puts the keys before the present ones back; a later one that was rolled back does
// not come again. again: that was done already, and domains may be left that did not follow.
func (set *sharedSet) goBack() (out []Key, again bool) {
	later := func(k Key) bool {
		now := set.pair(k.Algorithm)
		return k.State == Retiring && now != nil && k.CreatedAt.After(now.CreatedAt)
	}
	all := set.values()
	for _, back := range rollbacks(slices.DeleteFunc(slices.Clone(all), later)) {
		k := set.key(back.ID)
		if now := set.pair(k.Algorithm); now != nil {
			set.beginRetiring(now, "rolled back")
		}
		set.serves(k, "rolled back")
		out = append(out, *k)
	}
	if len(out) > 0 {
		return out, false
	}
	for _, k := range all {
		if later(k) {
			out = append(out, *set.pair(k.Algorithm))
		}
	}
	return out, true
}

// rollbackTo lets one domain go back to keys of the set, and tells whether it did.
func (s *Service) rollbackTo(ctx context.Context, actor, name string, pairs []Key) (bool, error) {
	now, err := s.view(ctx, name)
	if err != nil {
		return false, ignoreNotFound(err)
	}
	back := slices.ContainsFunc(rollbacks(now.Keys), func(k Key) bool {
		return slices.ContainsFunc(pairs, func(p Key) bool { return p.ID == k.Pair })
	})
	if !back {
		return false, nil
	}
	_, err = s.rollback(ctx, actor, name)
	if isRefused(err) { // its DNS has changed meanwhile: it is given the key again, and validated
		return false, nil
	}
	return err == nil, err
}

// abortShared gives up the latest key of the set, if no domain has signed with it.
func (s *Service) abortShared(ctx context.Context, actor string) ([]Key, error) {
	if _, err := s.view(ctx, SharedSet); err != nil { // a tenant has none
		return nil, err
	}
	var gone []Key
	err := s.store.Update(ctx, func(tx Tx) error {
		gone = nil
		set, err := s.sharedSet(tx, actor, "abort")
		if err != nil {
			return err
		}
		for _, k := range set.keys {
			old := set.key(k.Replaces)
			if k.State != Active || old == nil || old.State != Retiring {
				continue
			}
			if err := s.giveUp(tx, actor, k); err != nil {
				return err
			}
			set.discard(k, "rotation aborted")
			set.goneFromDNS(k, "its slot is idle")
			set.serves(old, "the rotation was aborted")
			gone = append(gone, *k)
		}
		if len(gone) == 0 {
			return &Refused{Rule: "no-rotation", What: "no rotation of the set is under way", Way: "`rollback` goes back to a key that signed before"}
		}
		return set.save(tx)
	})
	if err != nil {
		return gone, err
	}
	return gone, s.keepShared(ctx, actor, s.directly)
}

// giveUp takes a key of the set from all domains that have not signed with it.
func (s *Service) giveUp(tx Tx, actor string, pair *Key) error {
	used, err := usedBy(tx, pair)
	if err != nil {
		return err
	}
	for _, use := range used {
		if !use.neverSigned() {
			return &Refused{Rule: "shared-key", What: use.Owner + " signs with the new key already", Way: "`postseal domain rollback " + SharedSet + "` goes back"}
		}
	}
	for _, use := range used {
		before, err := load(tx, use.Owner)
		if err != nil {
			return err
		}
		l := s.life(before, actor, "abort")
		l.discard(l.key(use.ID), "rotation aborted")
		if err := l.save(tx, before); err != nil {
			return err
		}
	}
	return nil
}
