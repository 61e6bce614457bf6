package domains_test

import (
	"context"
	"testing"
	"time"

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
