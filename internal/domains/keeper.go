package domains

import (
	"context"
	"errors"
	"sync"
	"time"
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
