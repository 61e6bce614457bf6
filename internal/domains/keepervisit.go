package domains

import (
	"context"
	"errors"

	"github.com/postseal/postseal/internal/check"
)

// visit asks DNS about one key, outside of any transaction, and applies the
// answer to what the store holds by then.
func (k *Keeper) visit(ctx context.Context, key Key) error {
	result, asked, err := k.ask(ctx, &key)
	if err != nil {
		return err
	}
	var rotate bool
	err = k.update(ctx, func(tx Tx) error {
		before, err := load(tx, key.Owner)
		if err != nil {
			return err
		}
		l := k.service.life(before, "keeper@"+k.host, "check")
		l.settled = k.clock.settled()
		at := l.key(key.ID)
		if at == nil || at.NextCheckAt.IsZero() || at.NextCheckAt.After(l.now) {
			return nil // somebody was here meanwhile
		}
		if asked {
			l.checked(at, &result)
		} else {
			l.elapse(at)
		}
		if !at.NextCheckAt.IsZero() && !at.NextCheckAt.After(l.now) { // its time has come, but the clock is not trusted
			at.NextCheckAt = storeTime(l.after(l.PassGap))
		}
		rotate = l.rotationDue(at) && !leaked(&result) // then it gets a successor in any case
		return l.save(tx, before)
	})
	if err == nil && asked {
		err = k.service.stopLeaked(ctx, "keeper@"+k.host, key, &result)
	}
	if err == nil && rotate {
		_, err = k.verbs().Rotate(ctx, "keeper@"+k.host, key.Owner, RotateRequest{Algorithm: key.Algorithm})
		if isRefused(err) {
			return k.blocked(ctx, key, err)
		}
	}
	return err
}

// ask looks at DNS if that key's state wants it. A private half that cannot be
// unsealed gives no answer: nothing is decided.
func (k *Keeper) ask(ctx context.Context, key *Key) (check.Result, bool, error) {
	var d Domain
	var taken bool
	err := k.service.store.View(ctx, func(tx Tx) error {
		situation, err := load(tx, key.Owner)
		if err != nil {
			return err
		}
		d = situation.Domain
		l := k.service.life(situation, "", "")
		at := l.key(key.ID)
		taken = at != nil && l.nameTaken(at)
		return nil
	})
	if err != nil || taken || !wantsDNS(key) {
		return check.Result{}, false, err
	}
	result, err := k.service.ask(ctx, &d, key, k.wantsFull(key))
	if errors.Is(err, ErrSealed) || errors.Is(err, ErrNotFound) {
		k.service.log.Error("a key cannot be checked", "domain", key.Owner, "selector", key.Selector, "error", err)
		return check.Result{Verdict: check.Temporary, Findings: []Finding{{
			Code: "D103", Severity: check.Unsettled, Title: "the private half cannot be unsealed, so no probe signature could be made",
			Change: "see that postseal can read its sealing identity",
		}}}, true, nil
	}
	return result, err == nil, err
}

func wantsDNS(k *Key) bool {
	switch k.State {
	case Generated:
		return false
	case Retired:
		return k.DNSGoneAt.IsZero()
	}
	return true
}

// wantsFull: keys in service are looked up through the resolver, and by the
// authoritative servers once a day or when something is wrong (ruling 36).
func (k *Keeper) wantsFull(key *Key) bool {
	return key.State != Active || key.Health.Status != OK || key.Bad.Count > 0 ||
		k.service.now().Sub(key.FullCheckAt) >= k.service.policy.FullEvery
}

// blocked tells once that a rotation by the clock cannot begin.
func (k *Keeper) blocked(ctx context.Context, key Key, why error) error {
	return k.update(ctx, func(tx Tx) error {
		before, err := load(tx, key.Owner)
		if err != nil {
			return err
		}
		l := k.service.life(before, "keeper@"+k.host, "rotate")
		if at := l.key(key.ID); at != nil && at.BlockedAt.IsZero() {
			at.BlockedAt = l.now
			l.note(at, "%v", why)
			l.tell(RotationBlocked, at, "%s: %v", key.Owner, why)
		}
		return l.save(tx, before)
	})
}
