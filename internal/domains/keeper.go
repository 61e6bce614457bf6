package domains

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/postseal/postseal/internal/check"
)

// Keeper moves the keys: it asks DNS about those that are due and applies what
// time and DNS bring, on the one host that holds the lease.
type Keeper struct {
	service *Service
	host    string // of the lease; unique for each running process
	batch   int
	workers int

	mu     sync.Mutex // of lease
	lease  Lease
	gained bool          // the lease is new: look at the whole schedule once
	begun  bool          // keys in service were looked at after the start
	swept  time.Duration // when rows of deleted domains were looked for
	away   bool          // the store; said once

	lentVersion int64         // of the store when lent keys were looked at
	lentAt      time.Duration // when that was

	clock clockWatch
}

// NewKeeper makes a keeper for a process, whose name no other one may have.
func NewKeeper(s *Service, host string) *Keeper {
	return &Keeper{service: s, host: host, batch: 100, workers: parallelChecks, clock: clockWatch{clock: s.clock}}
}

// Idle times of a keeper.
const (
	idleMost  = 10 * time.Second // renews the lease, too
	idleLeast = 200 * time.Millisecond
	idleFault = 5 * time.Second // after a fault of the store
)

// Run keeps the keys until ctx ends, and gives the lease back.
func (k *Keeper) Run(ctx context.Context) {
	Watch(ctx, k.service.store, k.turnAndWait)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), idleFault)
	defer cancel()
	if err := k.release(ctx); err != nil {
		k.service.log.Warn("cannot give the lease back; another host takes over when it runs out", "error", err)
	}
}

// turnAndWait does one turn and says how long nothing is to be done.
func (k *Keeper) turnAndWait(ctx context.Context) time.Duration {
	next, err := k.Turn(ctx)
	away := errors.Is(err, ErrUnavailable)
	again := away && k.away
	k.away = away
	if err != nil && ctx.Err() == nil {
		if !again {
			k.service.log.Error("the keys cannot be looked after for now", "error", err)
		}
		return idleFault
	}
	return k.service.until(next, idleMost)
}

// Turn does all that is due at this moment and says when something is due next;
// zero if nothing is, or another host holds the lease.
func (k *Keeper) Turn(ctx context.Context) (next time.Time, err error) {
	held, err := k.renew(ctx)
	if !held || err != nil {
		return time.Time{}, err
	}
	if k.clock.jumped() || k.gained {
		k.gained = false
		if err := k.reschedule(ctx); err != nil {
			return time.Time{}, err
		}
		if err := k.service.realign(ctx, "keeper@"+k.host, k.update); err != nil {
			return time.Time{}, err
		}
		if err := k.service.tellStranded(ctx); err != nil {
			return time.Time{}, err
		}
		if err := k.recheckAll(ctx); err != nil {
			return time.Time{}, err
		}
	}
	for {
		if err := k.lend(ctx); err != nil {
			return time.Time{}, err
		}
		due, err := k.due(ctx)
		if err != nil {
			return time.Time{}, err
		}
		now := k.service.now()
		if len(due) == 0 || due[0].NextCheckAt.After(now) {
			return nextAfter(due), k.sweep(ctx)
		}
		if err := k.visitAll(ctx, due, now); err != nil {
			return time.Time{}, err
		}
		if held, err := k.renew(ctx); !held || err != nil {
			return time.Time{}, err
		}
	}
}

func nextAfter(due []Key) time.Time {
	if len(due) == 0 {
		return time.Time{}
	}
	return due[0].NextCheckAt
}

// due lists what is due, or if nothing is, the key that will be first.
func (k *Keeper) due(ctx context.Context) (due []Key, err error) {
	now := k.service.now()
	err = k.service.store.View(ctx, func(tx Tx) (err error) {
		if due, err = tx.Due(now, k.batch); err == nil && len(due) == 0 {
			due, err = tx.Due(now.Add(100*365*day), 1)
		}
		return err
	})
	return due, err
}

// visitAll visits keys side by side. A key that cannot be looked after takes
// only itself out.
func (k *Keeper) visitAll(ctx context.Context, due []Key, now time.Time) error {
	var group sync.WaitGroup
	var mu sync.Mutex
	var lost error
	slots := make(chan struct{}, k.workers)
	for _, key := range due {
		if key.NextCheckAt.After(now) || ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		if held, err := k.renew(ctx); !held || err != nil { // DNS may be slow, and another host must not think us dead
			mu.Lock()
			lost = errors.Join(lost, err)
			mu.Unlock()
			break
		}
		group.Go(func() {
			defer func() { <-slots }()
			if err := k.visitOrPostpone(ctx, key); err != nil {
				mu.Lock()
				lost = errors.Join(lost, err)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return errors.Join(lost, ctx.Err())
}

// visitOrPostpone puts a key off that cannot be looked after, so that it keeps
// none of the others waiting. Faults of the store are returned.
func (k *Keeper) visitOrPostpone(ctx context.Context, key Key) error {
	err := k.visit(ctx, key)
	if err == nil || ctx.Err() != nil || errors.Is(err, errLeaseLost) || errors.Is(err, ErrUnavailable) {
		return err
	}
	k.service.log.Error("a key cannot be looked after", "domain", key.Owner, "selector", key.Selector, "error", err)
	return k.update(ctx, func(tx Tx) error {
		at, err := tx.Key(key.ID)
		if err != nil {
			return ignoreNotFound(err)
		}
		at.NextCheckAt = k.service.now().Add(k.service.policy.Recheck)
		at.Revision++
		return tx.PutKey(at)
	})
}

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

// reschedule brings back keys whose next look is further away than any schedule
// has it: a clock that was ahead had set them.
func (k *Keeper) reschedule(ctx context.Context) error {
	now := k.service.now()
	var late []Key
	err := k.service.store.View(ctx, func(tx Tx) error {
		late = nil
		return eachKey(tx, func(key Key) {
			if !key.NextCheckAt.IsZero() && (key.LastCheckAt.After(now) || key.CreatedAt.After(now)) {
				late = append(late, key)
			}
		})
	})
	for _, key := range late {
		if err != nil {
			break
		}
		err = k.update(ctx, func(tx Tx) error {
			at, err := tx.Key(key.ID)
			if err != nil {
				return fmt.Errorf("key %s: %w", key.ID, err)
			}
			at.LastCheckAt, at.FullCheckAt, at.NextCheckAt = earlier(at.LastCheckAt, now), earlier(at.FullCheckAt, now), now
			at.Revision++
			return tx.PutKey(at)
		})
	}
	return err
}

// sweepEvery is how often is looked for what is over.
const sweepEvery = time.Hour

// sweep removes the rows of deleted domains that are over, and candidates that nobody
// sends from any more; new ones that had to wait are told.
func (k *Keeper) sweep(ctx context.Context) error {
	elapsed := k.service.clock.Elapsed()
	if k.swept != 0 && elapsed-k.swept < sweepEvery {
		return nil
	}
	k.swept = elapsed
	if err := k.service.keepShared(ctx, "keeper@"+k.host, k.update); err != nil {
		return err
	}
	var deleted []string
	err := k.service.store.View(ctx, func(tx Tx) error {
		deleted = nil
		return eachDomain(tx, func(d Domain) {
			if !d.DeletedAt.IsZero() {
				deleted = append(deleted, d.Name)
			}
		})
	})
	if err == nil {
		err = k.update(ctx, func(tx Tx) error {
			if _, err := k.service.pruneCandidates(tx); err != nil {
				return err
			}
			return k.service.tellCandidates(tx)
		})
	}
	for _, name := range deleted {
		if err == nil {
			err = k.update(ctx, func(tx Tx) error { return k.forget(tx, name) })
		}
	}
	return err
}

// forget removes the rows of a domain; tombstones and journal stay.
func (k *Keeper) forget(tx Tx, name string) error {
	s, err := load(tx, name)
	if err != nil || !k.service.life(s, "", "").forgettable() {
		return ignoreNotFound(err)
	}
	for _, key := range s.Keys {
		if err := tx.DeleteKey(key.ID); err != nil {
			return err
		}
	}
	return tx.DeleteDomain(name)
}
