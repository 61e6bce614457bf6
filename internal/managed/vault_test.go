package managed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
)

// source is a store that counts how often each key is fetched.
type source struct {
	mu      sync.Mutex
	fetched map[string]int
	away    bool
	key     *dkim.PrivateKey
}

func (s *source) fetch(_ context.Context, id string) (*dkim.PrivateKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, errors.New("the store is away")
	}
	s.fetched[id]++
	return s.key, nil
}

func newSource(t *testing.T) *source {
	t.Helper()
	key, err := dkim.Generate(dkim.Ed25519SHA256, 0)
	if err != nil {
		t.Fatal(err)
	}
	return &source{fetched: map[string]int{}, key: key}
}

func names(n int) map[string]string {
	all := map[string]string{}
	for i := range n {
		all[fmt.Sprint("id", i)] = fmt.Sprintf("d%d.example/s", i)
	}
	return all
}

// Every key is fetched once, however many there are and however few stay parsed.
func TestVaultFetchesOnce(t *testing.T) {
	s := newSource(t)
	v := newVault(s.fetch, 3)
	held := v.hold(names(20))
	for range 3 {
		for _, h := range held {
			if _, err := h.Private(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for id := range held {
		if s.fetched[id] != 1 {
			t.Errorf("%s was fetched %d times", id, s.fetched[id])
		}
	}
	if n := countParsed(v); n != 3 || n != v.parsed {
		t.Errorf("%d keys are parsed, counted as %d, want 3", n, v.parsed)
	}
	if len(v.cold()) != 0 {
		t.Error("some are still cold")
	}
}

func countParsed(v *vault) (n int) {
	for _, h := range v.halves {
		if h.key.Load() != nil {
			n++
		}
	}
	return n
}

// What is held no longer is forgotten, but for messages that have it; what stays
// is not fetched again; a store that is away matters only to keys never fetched.
func TestVaultHolds(t *testing.T) {
	s := newSource(t)
	v := newVault(s.fetch, 10)
	before := v.hold(names(2))
	for _, h := range before {
		if _, err := h.Private(); err != nil {
			t.Fatal(err)
		}
	}
	after := v.hold(map[string]string{"id1": "d1.example/s", "new": "new.example/s"})
	if after["id1"] != before["id1"] || v.parsed != 1 {
		t.Errorf("the key that stays was not kept: %d parsed", v.parsed)
	}
	s.away = true
	for _, h := range []*half{before["id0"], after["id1"]} {
		if _, err := h.Private(); err != nil {
			t.Errorf("%s: %v", h.name, err)
		}
	}
	_, err := after["new"].Private()
	if err == nil || !strings.Contains(err.Error(), "new.example/s") {
		t.Errorf("a key that was never fetched: %v", err)
	}
	s.away = false
	if _, err := after["new"].Private(); err != nil {
		t.Errorf("the store is back: %v", err)
	}
}

// While the store is asked for one key nobody waits who does not want that key, least
// of all with the vault locked.
func TestVaultColdWhileFetching(t *testing.T) {
	s := newSource(t)
	var v *vault
	v = newVault(func(ctx context.Context, id string) (*dkim.PrivateKey, error) {
		if n := len(v.cold()); n != 1 {
			t.Errorf("%d keys are cold, want 1", n)
		}
		return s.fetch(ctx, id)
	}, 2)
	if _, err := v.hold(names(1))["id0"].Private(); err != nil {
		t.Fatal(err)
	}
}

// Messages that waited behind an attempt that failed do not wait for one of their own.
func TestVaultSharesFailure(t *testing.T) {
	asked := 0
	v := newVault(func(context.Context, string) (*dkim.PrivateKey, error) {
		asked++
		return nil, errors.New("away")
	}, 2)
	h := v.hold(names(1))["id0"]
	since := time.Now()
	for n, waited := range []func() (*dkim.PrivateKey, error){
		h.Private,
		func() (*dkim.PrivateKey, error) { return h.wait(since) },
		func() (*dkim.PrivateKey, error) { return h.wait(since) },
	} {
		if _, err := waited(); err == nil || !strings.Contains(err.Error(), "away") {
			t.Errorf("message %d: %v", n+1, err)
		}
	}
	if asked != 1 {
		t.Errorf("three messages asked %d times", asked)
	}
	if _, err := h.Private(); err == nil || asked != 2 {
		t.Errorf("a later message did not ask again: %d times, %v", asked, err)
	}
}

func TestVaultManyAtOnce(t *testing.T) {
	s := newSource(t)
	v := newVault(s.fetch, 2)
	held := v.hold(names(8))
	var all sync.WaitGroup
	for range 8 {
		for _, h := range held {
			all.Go(func() {
				if _, err := h.Private(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Go(func() { v.hold(names(8)) })
	}
	all.Wait()
	if n := countParsed(v); n > 2 || n != v.parsed {
		t.Errorf("%d keys are parsed, counted as %d, want at most 2", n, v.parsed)
	}
}
