package domains

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postseal/postseal/dkim"
)

// DeleteRequest is how a row or a key is deleted.
type DeleteRequest struct {
	Selector string // empty: the whole row
	Now      bool   // do not wait for mail that is under way
	Yes      bool   // agrees to what Now means
}

// Removal says when a DNS record may go.
type Removal struct {
	Key   Key       // of an idle slot: its names alone
	When  time.Time // not after the present: at once
	Stays bool      // the CNAME record of a slot: the next key will need it

	Tables []string // hosts whose key tables have the key, too: they sign with it, whatever When says
}

const nowWarning = "Messages under way that carry a signature of this key will not verify once its record is removed."

// Delete stops signing at once. Keys that signed retire first, so that mail under
// way still verifies; others are destroyed. It says which records may go when
// (OCR-19).
func (s *Service) Delete(ctx context.Context, actor, name string, r DeleteRequest) ([]Removal, error) {
	if r.Now && !r.Yes {
		return nil, &Unconfirmed{"in-transit", nowWarning}
	}
	var out []Removal
	err := s.change(ctx, actor, "delete", name, func(_ Tx, l *life) error {
		out = nil
		found := r.Selector == ""
		for _, k := range l.keys {
			if r.Selector != "" && k.Selector != r.Selector || !k.living() {
				continue
			}
			if r.Selector != "" && k.Pair != "" && k.State != Retiring && l.domain.usesSet() {
				return givenAgain(name)
			}
			found = true
			when := l.remove(k, r.Now, "deleted")
			out = append(out, Removal{Key: *k, When: when, Stays: r.Selector != "" && l.domain.KeepsSlot(k), Tables: l.hostsWith(k)})
		}
		if !found {
			return unknownKey(name, r.Selector)
		}
		if r.Selector == "" {
			out = l.withIdleSlots(out)
			l.domain.DeletedAt = l.now
			l.domain.Requested = false
			l.note(nil, "deleted")
		}
		return nil
	})
	return out, err
}

// givenAgain refuses to end one key of a row that has whatever the shared set has.
func givenAgain(name string) error {
	return &Refused{
		Rule: "shared-key", What: name + " has the keys of " + SharedSet + ", and would be given this one again",
		Way: fmt.Sprintf("say `disable %s`, which stops signing; or delete the domain; or `domain set %s --publish cname`, which gives it a key of its own", name, name),
	}
}

// withIdleSlots adds the CNAME records of a row that have no key: they may go at once.
func (l *life) withIdleSlots(out []Removal) []Removal {
	for _, k := range l.keys {
		if k.Slot == 0 || k.Published() != l.domain.Publish {
			continue
		}
		for slot := 1; slot <= l.domain.Slots; slot++ {
			at := k.inSlot(slot)
			if !slices.ContainsFunc(out, func(r Removal) bool { return r.Key.Selector == at.Selector }) {
				out = append(out, Removal{Key: at, When: l.now})
			}
		}
	}
	return out
}

// remove ends one key and tells when its record may go.
func (l *life) remove(k *Key, atOnce bool, why string) time.Time {
	switch {
	case k.neverSigned():
		l.discard(k, why)
		return l.now
	case atOnce:
		l.retire(k, why+", without waiting for mail under way")
		l.schedule(k)
		return l.now
	case k.State != Retiring:
		l.beginRetiring(k, why)
	}
	return l.retireAt(k)
}

func unknownKey(name, selector string) error {
	return &Refused{
		Rule: "no-such-key", What: fmt.Sprintf("%s has no key %s in use", name, selector),
		Way: "`show " + name + "` lists its keys", Err: ErrNotFound,
	}
}

// forgettable is a deleted domain whose keys are all destroyed, and gone from DNS
// or not watched any more. A compromised key is kept for ever: a line of the tables may
// still name it.
func (l *life) forgettable() bool {
	if l.domain.DeletedAt.IsZero() {
		return false
	}
	for _, k := range l.keys {
		if k.DestroyedAt.IsZero() || !k.NextCheckAt.IsZero() || k.Compromised {
			return false
		}
	}
	return true
}

// CompromiseRequest is how an emergency is declared.
type CompromiseRequest struct {
	Selector string
	Yes      bool

	key string // its ID, when it was a check that found out: another one may have the selector by now
}

// Emergency is what came of it.
type Emergency struct {
	Domains   int // that had the key, where it was shared
	Key       Key
	Successor Key      // zero if there is none
	Rollback  Key      // a retiring key that DNS still has and that Rollback would put back; zero if there is none, or nobody needs it
	InService Key      // of its algorithm, where another key signed; zero if there is none
	Record    string   // what must stand at Name at once
	Also      []string // other names of records with the same pair, for which that holds, too
	Live      bool     // the domain is not deleted
}

// Name is where the record of the key stands: at the end of its CNAME, where it has one.
func (e *Emergency) Name() string { return e.Key.recordAt() }

// RevokedRecord is the text of a record that revokes a key (RFC 6376 section 3.6.1).
const RevokedRecord = "v=DKIM1; p="

// Compromised stops a pair for ever, under whatever name it stands (T15). A ready key takes
// over; otherwise a new one is made and polled from now on, and mail goes unsigned or by the
// fallback meanwhile. A retiring key does not take over by itself: somebody has replaced it, and
// may know why. The keys of a deleted domain can be stopped, too, since mail with their
// signatures is under way.
func (s *Service) Compromised(ctx context.Context, actor, name string, r CompromiseRequest) (Emergency, error) {
	if pair, err := s.sharedPairOf(ctx, name, r); pair != "" || err != nil {
		if err != nil {
			return Emergency{}, err
		}
		return s.compromiseShared(ctx, actor, name, pair, r)
	}
	if !r.Yes {
		return Emergency{}, &Unconfirmed{"T15", "The key stops for good, its record must become \"" + RevokedRecord + "\" at once, and messages under way will not verify."}
	}
	now, err := s.stored(ctx, name)
	if err != nil {
		return Emergency{}, err
	}
	spare, err := s.spareFor(ctx, now, r)
	if err != nil {
		return Emergency{}, err
	}
	var e Emergency
	err = s.changeOf(ctx, load, actor, "compromised", name, func(tx Tx, l *life) error {
		k := l.named(r)
		if k == nil {
			return unknownKey(name, r.Selector)
		}
		successor, err := l.compromise(tx, k, spare)
		if err != nil {
			return err
		}
		e = Emergency{Key: *k, Record: RevokedRecord, Also: l.otherNames(k), Live: l.domain.DeletedAt.IsZero()}
		if successor != nil {
			e.Successor = *successor
		}
		if now := l.current(k); now != nil && now.ID != e.Successor.ID {
			e.InService = *now
		}
		e.Rollback = l.couldGoBack(k)
		elsewhere, err := s.stopElsewhere(tx, actor, k)
		e.Also = append(e.Also, elsewhere...)
		return err
	})
	return e, err
}

// named finds the key of a selector that is not over, or the last one that is
// not compromised yet.
func (l *life) named(r CompromiseRequest) *Key {
	var found *Key
	for _, k := range l.keys {
		if r.key != "" && k.ID != r.key {
			continue
		}
		if k.Selector == r.Selector && !k.Compromised && (found == nil || k.living()) {
			found = k
		}
	}
	return found
}

// spareFor makes a pair to follow a key in service, before the transaction.
func (s *Service) spareFor(ctx context.Context, now Situation, r CompromiseRequest) (*Draft, error) {
	l := s.life(now, "", "")
	named := l.named(r)
	if named == nil {
		return nil, unknownKey(now.Domain.Name, r.Selector)
	}
	i := slices.IndexFunc(l.keys, func(k *Key) bool { return k.Print == named.Print && k.inService() })
	if i < 0 {
		return nil, nil
	}
	k := l.keys[i]
	draft, err := generateDraft(k.Algorithm, max(k.Bits, dkim.MinBits))
	if err != nil {
		return nil, err
	}
	draft.Key.Replaces = k.ID
	drafts := []Draft{draft}
	err = s.place(ctx, &now.Domain, drafts, placement{offline: true}) // no waiting for DNS in an emergency
	return &drafts[0], err
}

// couldGoBack is the key that a rollback would put in the place of a compromised one.
func (l *life) couldGoBack(compromised *Key) Key {
	if !l.domain.DeletedAt.IsZero() || l.current(compromised) != nil {
		return Key{}
	}
	for _, k := range rollbacks(ofThisLife(&l.domain, l.values())) {
		if k.Algorithm == compromised.Algorithm && k.Health.Status == OK {
			return k
		}
	}
	return Key{}
}
