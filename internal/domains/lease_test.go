package domains_test

import (
	"context"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/domains"
)

// A host whose network comes back while it waits for the store finds that another one has the lease, renewed since it began to wait.
func TestLeaseAfterAWait(t *testing.T) {
	w := newWorld(t)
	other := domains.NewKeeper(w.service, "mx2")
	waiting := &waitingStore{Store: w.store}
	service := domains.New(domains.Options{Store: waiting, Clock: w.clock, Checker: w.dns})
	back := domains.NewKeeper(service, "mx1")
	w.turns(other)
	waiting.before = func() {
		w.clock.advance(9 * time.Second)
		w.turns(other) // less than a lease is left of its last one
		w.clock.advance(2 * time.Second)
		w.turns(other)
	}
	w.turns(back)
	w.leaseIs("mx2", 1)
}

// Clocks that differ by seconds change nothing, one that went far ahead does.
func TestLeaseAndClocks(t *testing.T) {
	for name, tt := range map[string]struct {
		ahead  time.Duration
		holder string
		number int64
	}{
		"as they should be": {0, "mx2", 1},
		"some seconds":      {5 * time.Second, "mx2", 1},
		"an hour":           {time.Hour, "mx1", 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ahead := &fakeClock{wall: w.clock.Now().Add(tt.ahead)}
			w.turns(domains.NewKeeper(domains.New(domains.Options{Store: w.store, Clock: ahead, Checker: w.dns}), "mx2"))
			w.turns(domains.NewKeeper(w.service, "mx1"))
			w.leaseIs(tt.holder, tt.number)
		})
	}
}

// waitingStore does something else before the next Update.
type waitingStore struct {
	domains.Store
	before func()
}

func (s *waitingStore) Update(ctx context.Context, f func(domains.Tx) error) error {
	before := s.before
	s.before = nil
	if before != nil {
		before()
	}
	return s.Store.Update(ctx, f)
}

func (w *world) turns(k *domains.Keeper) {
	w.Helper()
	_, err := k.Turn(w.ctx)
	w.must(err)
}

func (w *world) leaseIs(holder string, number int64) {
	w.Helper()
	w.view(func(tx domains.Tx) error {
		l, err := tx.Lease()
		if l.Holder != holder || l.Number != number {
			w.Errorf("the lease is %+v, want number %d of %s", l, number, holder)
		}
		return err
	})
}

// slowVacancy does something else while it is asked for a new selector.
type slowVacancy struct {
	*fakeDNS
	meanwhile func()
}

func (c *slowVacancy) Vacant(ctx context.Context, s check.Subject) check.Result {
	if c.meanwhile != nil {
		c.meanwhile()
	}
	return c.fakeDNS.Vacant(ctx, s)
}

// A rotation by the clock begins, DNS is slow, and another host takes over.
func TestDeposedKeeperDoesNotRotate(t *testing.T) {
	w := newWorld(t)
	checker := &slowVacancy{fakeDNS: w.dns}
	w.service = domains.New(domains.Options{Store: w.store, Clock: w.clock, Checker: checker})
	w.keeper = domains.NewKeeper(w.service, "mx1")
	w.connected("example.com")
	_, err := w.service.Configure(w.ctx, "root", "example.com", domains.Settings{RotateEvery: ptr(90 * day)})
	w.must(err)
	checker.meanwhile = func() {
		w.must(w.store.Update(w.ctx, func(tx domains.Tx) error {
			lease, err := tx.Lease()
			w.must(err)
			return tx.PutLease(domains.Lease{Holder: "mx2", Number: lease.Number + 1, Until: w.clock.Now().Add(100 * day)})
		}))
	}
	for end := w.clock.Now().Add(100 * day); err == nil && w.clock.Now().Before(end); {
		var next time.Time
		if next, err = w.keeper.Turn(w.ctx); !next.IsZero() {
			w.clock.advance(next.Sub(w.clock.Now()))
		}
	}
	if keys := w.keys("example.com"); err == nil || len(keys) != 1 {
		t.Errorf("%v, with %d keys", err, len(keys))
	}
}
