package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

func allOrNothing(t *testing.T, s domains.Store) {
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutDomain(domains.Domain{Name: "a.example", Contact: "old"}), tx.PutKey(someKey("k", "a.example", "s", 0)),
			tx.PutPrivate("k", []byte("secret")))
	})
	fault := errors.New("stop")
	everything := func(tx domains.Tx) error {
		_, err := tx.Bump()
		return errors.Join(err, tx.PutDomain(domains.Domain{Name: "a.example", Contact: "new"}), tx.PutDomain(domains.Domain{Name: "b.example"}),
			tx.DeleteKey("k"), tx.Append(domains.Entry{At: moment}), tx.PutNotice(domains.Notice{NextAt: moment}),
			tx.PutLease(domains.Lease{Holder: "x"}), tx.PutRun(domains.CheckRun{KeyID: "k"}), tx.PutUser(domains.User{Match: "m"}),
			tx.PutTombstone(domains.Tombstone{Domain: "a.example", Selector: "s"}), fault)
	}
	if err := s.Update(t.Context(), everything); !errors.Is(err, fault) {
		t.Fatalf("got %v, want the error of the function", err)
	}
	view(t, s, func(tx domains.Tx) error {
		same(t, domains.Domain{Name: "a.example", Contact: "old"})(tx.Domain("a.example"))
		same(t, []byte("secret"))(tx.Private("k"))
		same(t, int64(0))(tx.Version())
		same(t, domains.Lease{})(tx.Lease())
		same(t, []domains.Entry{})(tx.Journal(domains.JournalQuery{}))
		same(t, []domains.Notice{})(tx.Notices(moment, 10))
		same(t, []domains.User{})(tx.Users())
		same(t, []domains.Tombstone{})(tx.Tombstones("a.example", "s"))
		same(t, []domains.CheckRun{})(tx.Runs("k", 10))
		rows, err := tx.Domains("", 10)
		if len(rows) != 1 {
			t.Errorf("%d rows, want 1", len(rows))
		}
		return err
	})
}

// serialised: a counter that many read and write loses nothing. A transaction
// that lost against another may say so; then its caller tries again.
func serialised(t *testing.T, s domains.Store) {
	const writers, times = 4, 10
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for range times {
				err := domains.ErrUnavailable
				for errors.Is(err, domains.ErrUnavailable) {
					err = s.Update(t.Context(), count)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	view(t, s, func(tx domains.Tx) error {
		c, err := tx.Candidate("c.example")
		if c.Count != writers*times {
			t.Errorf("counted %d, want %d", c.Count, writers*times)
		}
		same(t, int64(writers*times))(tx.Version())
		return err
	})
}

func count(tx domains.Tx) error {
	c, err := tx.Candidate("c.example")
	if err != nil && !errors.Is(err, domains.ErrNotFound) {
		return err
	}
	c.Domain = "c.example"
	c.Count++
	if _, err := tx.Bump(); err != nil {
		return err
	}
	return tx.PutCandidate(c)
}

func changes(t *testing.T, s domains.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard := s.Changes(ctx)
	for drained := false; !drained; { // what the opening of the store may have caused
		select {
		case <-heard:
		case <-time.After(1500 * time.Millisecond):
			drained = true
		}
	}
	update(t, s, func(tx domains.Tx) error { return tx.PutDomain(domains.Domain{Name: "a.example"}) })
	select {
	case _, open := <-heard:
		if !open {
			t.Fatal("the channel closed")
		}
	case <-time.After(time.Minute):
		t.Fatal("nothing heard of a commit")
	}
	cancel()
	for deadline := time.After(time.Minute); ; {
		select {
		case _, open := <-heard:
			if !open {
				return
			}
		case <-deadline:
			t.Fatal("the channel stays open after its context ended")
		}
	}
}

// oneMoment: what commits during a view is not seen by it, or waits for it.
func oneMoment(t *testing.T, s domains.Store) {
	update(t, s, func(tx domains.Tx) error { return tx.PutCandidate(domains.Candidate{Domain: "c.example", Count: 1}) })
	written := make(chan error, 1)
	view(t, s, func(tx domains.Tx) error {
		before, err := tx.Candidate("c.example")
		if err != nil {
			return err
		}
		go func() { written <- s.Update(t.Context(), count) }()
		select {
		case err := <-written:
			written <- err
		case <-time.After(200 * time.Millisecond): // a store that lets writers wait
		}
		after, err := tx.Candidate("c.example")
		if after.Count != before.Count {
			t.Errorf("one view saw %d and %d", before.Count, after.Count)
		}
		return err
	})
	if err := <-written; err != nil {
		t.Fatal(err)
	}
}
