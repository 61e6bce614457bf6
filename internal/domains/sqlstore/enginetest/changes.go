package enginetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// hears waits until the version that a receive shows is want.
func hears(t *testing.T, s domains.Store, changes <-chan struct{}, want int64) {
	t.Helper()
	ctx := patiently(t)
	for {
		select {
		case <-changes:
		case <-ctx.Done():
			t.Fatalf("version %d was not heard of", want)
		}
		var v int64
		view(t, s, func(tx domains.Tx) (err error) { v, err = tx.Version(); return err })
		if v == want {
			return
		}
	}
}

func bump(t *testing.T, s domains.Store) {
	t.Helper()
	update(t, s, func(tx domains.Tx) error { _, err := tx.Bump(); return err })
}

func changesOfOthersAreHeard(t *testing.T, e Engine) {
	p := newPlace(t, e)
	daemon, other := p.open(t), p.open(t)
	one, two := daemon.Changes(t.Context()), daemon.Changes(t.Context())
	for want := range int64(3) {
		bump(t, other)
		hears(t, daemon, one, want+1)
		hears(t, daemon, two, want+1)
	}
	bump(t, daemon)
	hears(t, daemon, one, 4)
}

func changesEnd(t *testing.T, e Engine) {
	s := newPlace(t, e).open(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended, closed := s.Changes(ctx), s.Changes(t.Context())
	cancel()
	drained(t, ended)
	bump(t, s)
	hears(t, s, closed, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	drained(t, closed)
	drained(t, s.Changes(t.Context()))
}

// drained waits until changes is closed.
func drained(t *testing.T, changes <-chan struct{}) {
	t.Helper()
	ctx := patiently(t)
	for {
		select {
		case _, open := <-changes:
			if !open {
				return
			}
		case <-ctx.Done():
			t.Fatal("a feed does not end")
		}
	}
}

func markSigned(t *testing.T, e Engine) {
	s := opened(t, e)
	at := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	signed := map[string]time.Time{"gone": at}
	update(t, s, func(tx domains.Tx) error {
		for i := range 1200 { // more than one statement takes
			k := domains.Key{ID: keyID(i), Algorithm: dkim.RSASHA256}
			if i == 0 {
				k.LastSignedAt = at.Add(time.Second)
			}
			if i != 1 {
				signed[k.ID] = at.Add(time.Duration(i) * time.Microsecond)
			}
			if err := tx.PutKey(k); err != nil {
				return err
			}
		}
		return nil
	})
	update(t, s, func(tx domains.Tx) error {
		for id, at := range signed {
			if err := tx.MarkSigned(id, at); err != nil {
				return err
			}
		}
		k, err := tx.Key(keyID(5)) // what was marked is seen at once
		if want := at.Add(5 * time.Microsecond); k.LastSignedAt != want || err != nil {
			t.Errorf("signed last at %v, %v, want %v", k.LastSignedAt, err, want)
		}
		return err
	})
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.MarkSigned(keyID(7), at), tx.MarkSigned(keyID(8), at.Add(time.Hour)), tx.MarkSigned(keyID(8), at.Add(time.Minute)))
	})
	if err := s.View(t.Context(), func(tx domains.Tx) error { _ = tx.MarkSigned(keyID(1), at); return nil }); err == nil {
		t.Error("a View marked")
	}
	view(t, s, func(tx domains.Tx) error {
		keys, err := tx.Keys("", "", 2000)
		if len(keys) != 1200 {
			t.Errorf("%d keys", len(keys))
		}
		for i, k := range keys {
			want := at.Add(time.Duration(i) * time.Microsecond)
			switch i {
			case 0:
				want = at.Add(time.Second)
			case 1:
				want = time.Time{}
			case 8:
				want = at.Add(time.Hour)
			}
			if k.ID != keyID(i) || k.LastSignedAt != want {
				t.Errorf("%s signed last at %v, want %v", k.ID, k.LastSignedAt, want)
			}
		}
		return err
	})
}

func keyID(i int) string {
	return string([]byte{'a' + byte(i/676), 'a' + byte(i/26%26), 'a' + byte(i%26)})
}
