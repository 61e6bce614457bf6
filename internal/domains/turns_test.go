package domains

import (
	"context"
	"errors"
	"runtime"
	"testing"
)

// TestTurns has one tenant take all the places that it gets.
func TestTurns(t *testing.T) {
	turns, held, done := NewTurns(3, 2, 3), make(chan struct{}), make(chan struct{})
	defer close(held)
	for range 2 {
		began := make(chan struct{})
		go func() {
			turns.Take(t.Context(), "slow", func() error { close(began); <-held; return nil })
		}()
		<-began
	}
	go func() {
		defer close(done)
		if err := turns.Take(t.Context(), "other", func() error { return nil }); err != nil {
			t.Error(err)
		}
	}()
	<-done

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	err := turns.Take(gone, "slow", func() error { t.Error("one place too many"); return nil })
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("who waits in vain is told %v", err)
	}
	waits, ended := t.Context(), make(chan struct{})
	waits, cancel = context.WithCancel(waits)
	go func() {
		defer close(ended)
		turns.Take(waits, "slow", func() error { t.Error("one place too many"); return nil })
	}()
	for turns.holders("slow") < 3 {
		runtime.Gosched()
	}
	if err := turns.Take(t.Context(), "slow", nil); !errors.Is(err, ErrTooMany) {
		t.Errorf("who comes when too many wait is told %v", err)
	}
	cancel()
	<-ended
	if len(turns.own) != 1 {
		t.Errorf("%d tenants are remembered, one is at work", len(turns.own))
	}
}

func (t *Turns) holders(tenant string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.own[tenant].holders
}

// viewed is a store that says when somebody reads, and lets them go on.
type viewed struct {
	Store
	began, goOn chan struct{}
}

func (s viewed) View(context.Context, func(Tx) error) error {
	s.began <- struct{}{}
	<-s.goOn
	return nil
}

func (s viewed) Update(ctx context.Context, f func(Tx) error) error { return s.View(ctx, f) }

// TestStoreIsForAll: one tenant that asks for much leaves the store to others.
func TestStoreIsForAll(t *testing.T) {
	store := viewed{began: make(chan struct{}), goOn: make(chan struct{})}
	s := New(Options{Store: store})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	const asked = tenantWaiting
	for range asked {
		go func() { _, err := s.Of("eve").Journal(ctx, JournalQuery{}); ended <- err }()
	}
	for range tenantAtStore {
		<-store.began
	}
	go func() { _, err := s.Of("bob").Users(ctx); ended <- err }()
	<-store.began // bob, and nobody else
	cancel()
	for range asked - tenantAtStore {
		if err := <-ended; !errors.Is(err, ErrUnavailable) {
			t.Errorf("more than %d of one tenant: %v", tenantAtStore, err)
		}
	}
	for range tenantAtStore + 1 {
		store.goOn <- struct{}{}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
