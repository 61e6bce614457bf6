package domains

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postseal/postseal/dkim"
)

// SharedSet is the name of the row that has the keys of all domains in mode
// cname-shared, one for each algorithm. A domain's own key rows refer to them (Key.Pair):
// each domain has its selectors, its CNAME records and its way through validation, and
// none has a private half. No domain has a colon.
const SharedSet = "shared:"

// IsSharedSet tells the set from the domains.
func (d *Domain) IsSharedSet() bool { return d.Name == SharedSet }

// sharedSet is the set within a transaction.
type sharedSet struct {
	*life
	before Situation
}

// sharedSet reads the set, or begins one.
func (s *Service) sharedSet(tx Tx, actor, verb string) (*sharedSet, error) {
	tx = whole(tx)
	fresh := Domain{Name: SharedSet, Enabled: true, Activation: ActivateVerified, Publish: PublishCNAMEShared, Slots: 1, CreatedAt: s.now()}
	before, err := loadOrNew(tx, fresh)
	if err != nil {
		return nil, err
	}
	set := &sharedSet{s.life(before, actor, verb), before}
	if before.Domain.CreatedAt.IsZero() {
		set.domain = fresh
	}
	set.realign()
	return set, nil
}

func (set *sharedSet) save(tx Tx) error { return set.life.save(whole(tx), set.before) }

// pair is the key that the domains are to have; nil: none yet.
func (set *sharedSet) pair(a dkim.Algorithm) *Key { return set.current(&Key{Algorithm: a}) }

// take makes a draft the key of all domains. The one before it goes when no domain has
// it any more.
func (set *sharedSet) take(tx Tx, d Draft) (*Key, error) {
	k := d.Key
	k.Owner, k.Domain, k.Selector, k.CreatedAt = SharedSet, "", "", set.birth()
	if err := set.intoSlot(tx, &k); err != nil {
		return nil, err
	}
	set.admit(d, k)
	taken := set.key(k.ID)
	if old := set.pair(k.Algorithm); old != nil {
		taken.Replaces = old.ID
		set.beginRetiring(old, "replaced by "+k.Selector)
	}
	set.serves(taken, "the key of all domains with cname-shared")
	return taken, nil
}

func (set *sharedSet) serves(k *Key, why string) {
	set.move(k, Active, "%s", why)
	k.ActivatedAt, k.Health = set.now, Health{Status: OK, Since: set.now}
}

// AddShared gives a domain its use of the shared keys. A pair is made only for an
// algorithm that the set does not have.
func (s *Service) addShared(ctx context.Context, actor string, d Domain, r AddRequest) (Added, error) {
	algorithms := r.algorithms()
	drafts, err := s.missingPairs(ctx, algorithms, r)
	if err != nil {
		return Added{}, err
	}
	var added Added
	err = s.store.Update(ctx, func(tx Tx) error {
		added = Added{}
		set, err := s.sharedSet(tx, actor, "add")
		if err != nil {
			return err
		}
		before, err := loadOrNew(tx, d)
		if err != nil {
			return err
		}
		l := s.life(before, actor, "add")
		l.takeUp(d)
		if l.domain.Publish != PublishCNAMEShared {
			return changedMeanwhile(l.domain.Name)
		}
		for _, a := range algorithms {
			if err := l.mayAdd(Draft{Key: Key{Algorithm: a}}); err != nil {
				return err
			}
		}
		keys, err := l.joinAll(tx, set, algorithms, drafts, r.Selector)
		if err != nil {
			return err
		}
		for _, k := range keys {
			l.begin(k, r)
			added.Keys = append(added.Keys, *k)
		}
		added.Domain = l.domain
		if r.DryRun {
			return errDryRun
		}
		return errors.Join(set.save(tx), l.save(tx, before))
	})
	return added, unlessDry(err)
}

// missingPairs makes the pairs that the set lacks.
func (s *Service) missingPairs(ctx context.Context, algorithms []dkim.Algorithm, r AddRequest) ([]Draft, error) {
	var set Situation
	err := s.store.View(ctx, func(tx Tx) (err error) {
		set, err = load(whole(tx), SharedSet)
		return ignoreNotFound(err)
	})
	if err != nil {
		return nil, err
	}
	l := s.life(set, "", "")
	r.Algorithms = slices.DeleteFunc(slices.Clone(algorithms), func(a dkim.Algorithm) bool { return l.current(&Key{Algorithm: a}) != nil })
	if len(r.Algorithms) == 0 {
		return nil, nil
	}
	if _, tenant := s.store.(tenantStore); tenant {
		r.Bits = 0 // a key for the domains of others, too
	}
	return makeDrafts(r)
}

// joinAll gives a row its keys of the set, which has as many slots as any domain.
func (l *life) joinAll(tx Tx, set *sharedSet, algorithms []dkim.Algorithm, drafts []Draft, prefix string) ([]*Key, error) {
	set.domain.Slots = max(set.domain.Slots, l.domain.Slots)
	var keys []*Key
	for _, a := range algorithms {
		pair := set.pair(a)
		for _, d := range drafts {
			if pair == nil && d.Key.Algorithm == a {
				taken, err := set.take(tx, d)
				if err != nil {
					return nil, err
				}
				pair = taken
			}
		}
		if pair == nil {
			return nil, changedMeanwhile(SharedSet)
		}
		k, err := l.join(tx, pair, prefix)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// join gives a row a key that uses the private half of a pair of the set.
func (l *life) join(tx Tx, pair *Key, prefix string) (*Key, error) {
	k := &Key{
		ID: newID(), Owner: l.domain.Name, Domain: domainOf(l.domain.Name), Pair: pair.ID,
		Algorithm: pair.Algorithm, Bits: pair.Bits, Record: pair.Record, Public: pair.Public, Print: pair.Print,
		Slot: pair.Slot, Target: pair.Target, State: Generated, Health: Health{Status: Unverified, Since: l.now}, CreatedAt: l.birth(), Selector: prefix,
	}
	if l.domain.Slots < pair.Slot {
		return nil, tooFewSlots(&l.domain, pair)
	}
	prefix, err := l.prefixFor(tx, k)
	if err != nil {
		return nil, err
	}
	k.Selector = slotName(prefix, k.Algorithm, k.Slot)
	if err := l.slotNameFree(tx, k); err != nil {
		return nil, err
	}
	if pair.SeenBefore && l.now.Before(pair.CreatedAt.Add(keyZoneTTL*time.Second)) { // the slot was idle or had another key just now
		k.SeenBefore, k.TTLSeenOld = true, max(pair.TTLSeenOld, keyZoneTTL)
	}
	l.keys = append(l.keys, k)
	l.note(k, "%s key of %d bits, %s, shared", k.Algorithm.KeyType(), k.Bits, k.Print)
	l.entries[len(l.entries)-1].To = string(Generated)
	return k, nil
}

func tooFewSlots(d *Domain, pair *Key) error {
	return &Refused{
		Rule: "too-few-slots", What: fmt.Sprintf("the shared key stands in slot %d, and %s has %d", pair.Slot, d.Name, d.Slots),
		Way: fmt.Sprintf("say --slots %d, and have all of the CNAME records published", pair.Slot),
	}
}

// sharedKey refuses what concerns all domains with the key.
func sharedKey(name string) error {
	return &Refused{
		Rule: "shared-key", What: name + " signs with the key of " + SharedSet + ", which all domains with cname-shared have",
		Way: "say " + SharedSet + " instead of the domain, which is for all of them; or `postseal domain set " + name + " --publish cname` gives it a key of its own",
	}
}

// isTheSet refuses what only domains can be asked for.
func isTheSet() error {
	return &Refused{
		Rule: "shared-set", What: SharedSet + " is no domain but the set of keys that domains with cname-shared have",
		Way: "say which domains; `rotate`, `rollback`, `rotate --abort` and `compromised` work on the set",
	}
}
