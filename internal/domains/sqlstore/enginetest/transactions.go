package enginetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/sqlstore"
)

// Writes are the statements of a transaction that touches every kind of row, all under name.
func Writes(name string) []func(domains.Tx) error {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	return []func(domains.Tx) error{
		func(tx domains.Tx) error { _, err := tx.Bump(); return err },
		func(tx domains.Tx) error { return tx.PutDomain(domains.Domain{Name: name}) },
		func(tx domains.Tx) error { return tx.PutPrivate(name, []byte("PEM of "+name)) }, // before its key: the engine looks at the end
		func(tx domains.Tx) error {
			return tx.PutKey(domains.Key{ID: name, Owner: name, Domain: name, Selector: "s", Algorithm: dkim.RSASHA256, NextCheckAt: now})
		},
		func(tx domains.Tx) error { return tx.PutRun(domains.CheckRun{KeyID: name, At: now}) },
		func(tx domains.Tx) error {
			return tx.PutTombstone(domains.Tombstone{Domain: name, Selector: "s", Print: "p"})
		},
		func(tx domains.Tx) error { return tx.PutUser(domains.User{Match: "sasl:" + name}) },
		func(tx domains.Tx) error { return tx.PutCandidate(domains.Candidate{Domain: name}) },
		func(tx domains.Tx) error { return tx.PutHost(domains.Host{Name: name}) },
		func(tx domains.Tx) error { return tx.PutNotice(domains.Notice{Domain: name}) },
		func(tx domains.Tx) error { return tx.Append(domains.Entry{Domain: name, Verb: "add"}) },
	}
}

// Whole is what Traces counts when all of Writes is there.
const Whole = 10

func writeAll(tx domains.Tx, name string) error {
	for _, write := range Writes(name) {
		if err := write(tx); err != nil {
			return err
		}
	}
	return nil
}

// Traces counts the kinds of rows that Writes has left of name.
func Traces(tx domains.Tx, name string) (int, error) {
	n := 0
	count := func(there bool, err error) error {
		if there {
			n++
		}
		if errors.Is(err, domains.ErrNotFound) {
			return nil
		}
		return err
	}
	_, domainErr := tx.Domain(name)
	_, keyErr := tx.Key(name)
	_, privateErr := tx.Private(name)
	_, userErr := tx.User("sasl:" + name)
	_, candidateErr := tx.Candidate(name)
	runs, runErr := tx.Runs(name, 1)
	stones, stoneErr := tx.Tombstones(name, "s")
	entries, entryErr := tx.Journal(domains.JournalQuery{Domain: name})
	hosts, hostErr := tx.Hosts()
	notices, noticeErr := tx.Notices(time.Now(), 1000)
	hasHost, hasNotice := false, false
	for _, h := range hosts {
		hasHost = hasHost || h.Name == name
	}
	for _, o := range notices {
		hasNotice = hasNotice || o.Domain == name
	}
	err := errors.Join(
		count(domainErr == nil, domainErr), count(keyErr == nil, keyErr), count(privateErr == nil, privateErr),
		count(userErr == nil, userErr), count(candidateErr == nil, candidateErr), count(len(runs) > 0, runErr),
		count(len(stones) > 0, stoneErr), count(len(entries) > 0, entryErr), count(hasHost, hostErr), count(hasNotice, noticeErr))
	return n, err
}

func wantTraces(t *testing.T, s domains.Store, name string, want int) {
	t.Helper()
	view(t, s, func(tx domains.Tx) error {
		if n, err := Traces(tx, name); n != want || err != nil {
			t.Errorf("%s has left %d traces, %v, want %d", name, n, err, want)
		}
		return nil
	})
}

func allOrNothing(t *testing.T, e Engine) {
	s := opened(t, e)
	refused := errors.New("refused")
	if err := s.Update(t.Context(), func(tx domains.Tx) error {
		if err := writeAll(tx, "refused.example"); err != nil {
			return err
		}
		return refused
	}); !errors.Is(err, refused) {
		t.Errorf("Update gave %v, not its function's error", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not come through")
			}
		}()
		_ = s.Update(t.Context(), func(tx domains.Tx) error {
			if err := writeAll(tx, "panic.example"); err != nil {
				return err
			}
			panic("in a transaction")
		})
	}()
	update(t, s, func(tx domains.Tx) error { return writeAll(tx, "done.example") })
	wantTraces(t, s, "refused.example", 0)
	wantTraces(t, s, "panic.example", 0)
	wantTraces(t, s, "done.example", Whole)
	view(t, s, func(tx domains.Tx) error {
		if v, err := tx.Version(); v != 1 || err != nil {
			t.Errorf("version %d, %v, want that of the one that was done", v, err)
		}
		return nil
	})
}

// aFaultEndsTheTransaction: a function that passes over an error of the store must not commit what went well.
func aFaultEndsTheTransaction(t *testing.T, e Engine) {
	p := newPlace(t, e)
	s := p.open(t)
	err := s.Update(t.Context(), func(tx domains.Tx) error {
		if err := tx.PutDomain(domains.Domain{Name: "a.example"}); err != nil {
			return err
		}
		return tx.PutPrivate("no such key", []byte("PEM"))
	})
	if err == nil || errors.Is(err, domains.ErrUnavailable) {
		t.Errorf("a private half without a key: %v", err)
	}
	p.run(t, "DROP TABLE hosts")
	err = s.Update(t.Context(), func(tx domains.Tx) error {
		if err := tx.PutDomain(domains.Domain{Name: "b.example"}); err != nil {
			return err
		}
		_ = tx.PutHost(domains.Host{Name: "a"})
		_ = tx.PutDomain(domains.Domain{Name: "c.example"})
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "hosts") {
		t.Errorf("a fault that was passed over: %v", err)
	}
	view(t, s, func(tx domains.Tx) error {
		if found, err := tx.Domains("", 10); len(found) != 0 || err != nil {
			t.Errorf("left behind: %v, %v", found, err)
		}
		return nil
	})
}

func viewDoesNotWrite(t *testing.T, e Engine) {
	s := opened(t, e)
	if err := s.View(t.Context(), func(tx domains.Tx) error { return tx.PutHost(domains.Host{Name: "a"}) }); err == nil {
		t.Error("a View wrote")
	}
	if err := s.View(t.Context(), func(tx domains.Tx) error { _ = tx.PutHost(domains.Host{Name: "a"}); return nil }); err == nil {
		t.Error("a View that wrote ended well")
	}
}

func viewSeesOneState(t *testing.T, e Engine) {
	p := newPlace(t, e)
	reader, writer := p.open(t), p.open(t)
	view(t, reader, func(tx domains.Tx) error {
		before, err := tx.Version()
		if err != nil {
			return err
		}
		update(t, writer, func(tx domains.Tx) error { return writeAll(tx, "later.example") })
		after, err := tx.Version()
		if before != after {
			t.Errorf("version %d became %d under a View", before, after)
		}
		if n, err := Traces(tx, "later.example"); n != 0 || err != nil {
			t.Errorf("a View saw %d later writes, %v", n, err)
		}
		return err
	})
	wantTraces(t, reader, "later.example", Whole)
}

// writersWaitForEachOther: read, change and write by two processes' worth of stores loses nothing.
func writersWaitForEachOther(t *testing.T, e Engine) {
	p := newPlace(t, e)
	stores := []*sqlstore.Store{p.open(t), p.open(t)}
	update(t, stores[0], func(tx domains.Tx) error { return tx.PutCandidate(domains.Candidate{Domain: "d"}) })
	const writers, each = 4, 12
	var wg sync.WaitGroup
	for _, s := range stores {
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					if err := s.Update(t.Context(), func(tx domains.Tx) error {
						c, err := tx.Candidate("d")
						if err != nil {
							return err
						}
						c.Count++
						return errors.Join(tx.PutCandidate(c), tx.Append(domains.Entry{Verb: fmt.Sprint(w, i)}))
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	const want = 2 * writers * each
	view(t, stores[0], func(tx domains.Tx) error {
		c, err := tx.Candidate("d")
		if c.Count != want || err != nil {
			t.Errorf("counted to %d, %v, want %d", c.Count, err, want)
		}
		entries, err := tx.Journal(domains.JournalQuery{})
		if len(entries) != want {
			t.Errorf("%d lines, want %d", len(entries), want)
		}
		return err
	})
}

func schemaOfANewerProgram(t *testing.T, e Engine) {
	p := newPlace(t, e)
	running := p.open(t)
	p.run(t, "INSERT INTO schema_version (number) VALUES (9999)")
	_, err := sqlstore.Open(t.Context(), p.url, sqlstore.Options{Seal: p.seal})
	var newer *sqlstore.SchemaError
	if !errors.As(err, &newer) || newer.Have != 9999 || !strings.Contains(err.Error(), "newer postseal") {
		t.Errorf("opened by an older program: %v", err)
	}
	if errors.Is(err, domains.ErrUnavailable) {
		t.Error("it is no temporary error: waiting does not help")
	}
	if err := running.Update(t.Context(), func(tx domains.Tx) error { return tx.PutHost(domains.Host{Name: "a"}) }); !errors.As(err, &newer) {
		t.Errorf("written by an older program that runs: %v", err)
	}
}

// openedAtOnce: the first start of several processes makes one schema and one identity.
func openedAtOnce(t *testing.T, e Engine) {
	p := newPlace(t, e)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			s, err := sqlstore.Open(t.Context(), p.url, sqlstore.Options{Seal: p.seal, Timeout: patience})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.Update(t.Context(), func(tx domains.Tx) error { return writeAll(tx, fmt.Sprintf("d%d.example", i)) }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := p.open(t)
	for i := range 6 {
		wantTraces(t, s, fmt.Sprintf("d%d.example", i), Whole)
	}
}

// deadlines: a writer that never ends costs the others their deadline, not their life; a caller may give up.
func deadlines(t *testing.T, e Engine) {
	p := newPlace(t, e)
	slow := p.open(t)
	quick, err := sqlstore.Open(t.Context(), p.url, sqlstore.Options{Seal: p.seal, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer quick.Close()
	put := func(tx domains.Tx) error { return tx.PutHost(domains.Host{Name: "a"}) }
	update(t, slow, func(tx domains.Tx) error {
		if err := put(tx); err != nil {
			return err
		}
		if err := quick.Update(t.Context(), put); !errors.Is(err, domains.ErrUnavailable) {
			t.Errorf("behind a slow writer: %v, want ErrUnavailable", err)
		}
		return nil
	})
	if err := quick.Update(t.Context(), put); err != nil {
		t.Errorf("after it: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := quick.Update(gone, put); !errors.Is(err, context.Canceled) || errors.Is(err, domains.ErrUnavailable) {
		t.Errorf("a caller who gave up: %v", err)
	}
}

func formerLeaseIsRefused(t *testing.T, e Engine) {
	p := newPlace(t, e)
	former, present := p.open(t), p.open(t)
	until := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	update(t, former, func(tx domains.Tx) error { return tx.PutLease(domains.Lease{Holder: "mx1", Number: 1, Until: until}) })
	update(t, present, func(tx domains.Tx) error { return tx.PutLease(domains.Lease{Holder: "mx2", Number: 2, Until: until}) })
	err := former.Update(t.Context(), func(tx domains.Tx) error {
		if err := tx.PutHost(domains.Host{Name: "written by mx1"}); err != nil {
			return err
		}
		return tx.PutLease(domains.Lease{Holder: "mx1", Number: 1, Until: until.Add(time.Hour)})
	})
	if err == nil || !strings.Contains(err.Error(), "mx2") {
		t.Errorf("a former holder wrote: %v", err)
	}
	view(t, present, func(tx domains.Tx) error {
		l, err := tx.Lease()
		if want := (domains.Lease{Holder: "mx2", Number: 2, Until: until}); l != want || err != nil {
			t.Errorf("lease %+v, %v, want %+v", l, err, want)
		}
		hosts, err := tx.Hosts()
		if len(hosts) != 0 {
			t.Errorf("it left %v", hosts)
		}
		return err
	})
}
