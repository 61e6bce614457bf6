package domains_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/storetest"
)

// crash stops everything at one write, until the restart.
type crash struct {
	at     int
	writes int
	down   bool
	name   string
}

var errCrash = fmt.Errorf("crashed: %w", domains.ErrUnavailable)

func (c *crash) before(write string) error {
	c.writes++
	if c.writes == c.at {
		c.down, c.name = true, write
	}
	if c.down {
		return errCrash
	}
	return nil
}

// survive lets the keeper work for a time, and starts everything anew after a
// crash.
func (w *world) survive(c *crash, d time.Duration) {
	w.Helper()
	for end := w.clock.Now().Add(d); w.clock.Now().Before(end); {
		next, err := w.keeper.Turn(w.ctx)
		if errors.Is(err, errCrash) {
			c.down = false
			w.restart()
			w.consistent()
			continue
		}
		w.must(err)
		if next.IsZero() { // the lease of the one that crashed has to run out
			next = w.clock.Now().Add(10 * time.Second)
		}
		w.clock.advance(earlier(next, end).Sub(w.clock.Now()))
	}
	w.consistent()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// insist repeats a command that a crash stopped, unless it was done after all.
func insist[V any](w *world, c *crash, command func() (V, error)) V {
	w.Helper()
	v, err := command()
	if errors.Is(err, errCrash) {
		c.down = false
		w.restart()
		w.consistent()
		v, err = command()
	}
	w.must(err)
	return v
}

// consistent: rows, journal and private halves belong together, and at most one
// key of an algorithm signs.
func (w *world) consistent() {
	w.Helper()
	w.view(func(tx domains.Tx) error {
		entries, err := tx.Journal(domains.JournalQuery{})
		if err != nil {
			return err
		}
		said := map[string]string{}
		for _, e := range entries {
			if e.To == "" {
				continue
			}
			if said[e.Selector] != e.From {
				w.Errorf("journal: %s goes from %s, but was %s", e.Selector, e.From, said[e.Selector])
			}
			said[e.Selector] = e.To
		}
		keys, err := tx.Keys("", "", 1000)
		active := 0
		for _, k := range keys {
			if said[k.Selector] != string(k.State) {
				w.Errorf("%s is %s, and the journal says %q", k.Selector, k.State, said[k.Selector])
			}
			if _, err := tx.Private(k.ID); (err == nil) != k.DestroyedAt.IsZero() {
				w.Errorf("%s, destroyed at %v: private half %v", k.Selector, k.DestroyedAt, err)
			}
			if k.State == domains.Active {
				active++
			}
		}
		if active > 1 {
			w.Errorf("%d keys sign", active)
		}
		return err
	})
}

// rotation is a life from add to the destruction of the first key.
func rotation(w *world, c *crash) {
	add := func() (domains.Added, error) {
		return w.service.Add(w.ctx, "root", domains.AddRequest{Name: "example.com", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
	}
	first := insist(w, c, add).Keys[0]
	w.publish(first)
	w.survive(c, 20*time.Minute)
	w.signsWith("example.com", first)
	second := insist(w, c, func() (domains.Added, error) {
		return w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	}).Keys[0]
	w.signsWith("example.com", first)
	w.publish(second)
	for end := w.clock.Now().Add(30 * time.Minute); w.clock.Now().Before(end); {
		w.survive(c, 10*time.Second)
		if s := w.signing("example.com"); s != "["+first.Selector+"]" && s != "["+second.Selector+"]" {
			w.Fatalf("a gap, or two: signed with %s", s)
		}
	}
	w.signsWith("example.com", second)
	w.survive(c, 6*time.Hour)
	w.is(first.ID, domains.Retired)
	w.dns.remove(record(first))
	w.survive(c, 30*time.Hour)
	if w.key(first.ID).DestroyedAt.IsZero() {
		w.Error("the first key is not destroyed")
	}
	w.signsWith("example.com", second)
	for _, event := range []domains.Event{domains.KeyVerified, domains.KeyActivated, domains.KeyRecords} {
		if n := w.told(event); n != 2 {
			w.Errorf("%s was told %d times, want once for each key", event, n)
		}
	}
	if n := w.told(domains.KeySafeToRemove); n != 1 {
		w.Errorf("safe to remove was told %d times", n)
	}
}

// A crash ahead of any write or commit of a life changes nothing of its outcome.
func TestCrashAtEveryWriteOfARotation(t *testing.T) {
	start := func(t *testing.T, c *crash) *world {
		w := newWorldOn(t, &storetest.Interrupted{Store: newStore(t), Before: c.before})
		w.policy.RetireAfter, w.policy.QueueLifetime, w.policy.DestroyAfter = 5*time.Hour, -day, time.Hour
		w.policy.Recheck = 6 * time.Hour
		w.restart()
		return w
	}
	whole := &crash{}
	rotation(start(t, whole), whole)
	if whole.writes < 100 {
		t.Fatalf("only %d writes to crash at", whole.writes)
	}
	for at := 1; at <= whole.writes; at++ {
		c := &crash{at: at}
		t.Run(fmt.Sprint(at), func(t *testing.T) { rotation(start(t, c), c) })
	}
}

func TestStoreAwayForAnHour(t *testing.T) {
	c := &crash{}
	w := newWorldOn(t, &storetest.Interrupted{Store: newStore(t), Before: c.before})
	k := w.connected("example.com")
	c.down = true
	for range 6 {
		w.clock.advance(10 * time.Minute)
		if _, err := w.keeper.Turn(w.ctx); !errors.Is(err, domains.ErrUnavailable) {
			t.Fatalf("got %v", err)
		}
	}
	if _, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{}); !errors.Is(err, domains.ErrUnavailable) {
		t.Errorf("rotate: %v", err)
	}
	c.down = false
	w.live(2 * time.Hour)
	w.signsWith("example.com", k)
}

func TestTwoOperatorsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com")
	var mu sync.Mutex
	var group sync.WaitGroup
	done, refusals := 0, 0
	for range 8 {
		group.Go(func() {
			_, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
			var r *domains.Refused
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				done++
			case errors.As(err, &r):
				refusals++
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	if done != 1 || refusals != 7 {
		t.Errorf("%d rotations, %d refusals", done, refusals)
	}
	w.consistent()
}

// The second operator began before the first one was done.
func TestRotationDuringARotation(t *testing.T) {
	w := newWorld(t)
	k := w.connected("example.com")
	w.dns.during = func() { // while the first one looks whether its selector is free
		if _, err := w.service.Rotate(w.ctx, "bob", "example.com", domains.RotateRequest{}); err != nil {
			t.Error(err)
		}
	}
	_, err := w.service.Rotate(w.ctx, "alice", "example.com", domains.RotateRequest{})
	w.refused(err, "rotation-under-way")
	d, err := w.service.Show(w.ctx, "example.com")
	w.must(err)
	if len(d.Keys) != 2 || d.Keys[1].Replaces != k.ID {
		t.Errorf("keys: %+v", d.Keys)
	}
}

// Two operators who want the same selector.
func TestSelectorTakenMeanwhile(t *testing.T) {
	w := newWorld(t)
	request := domains.AddRequest{Name: "example.com", Selector: "s1", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}}
	w.dns.during = func() {
		if _, err := w.service.Add(w.ctx, "bob", request); err != nil {
			t.Error(err)
		}
	}
	_, err := w.service.Add(w.ctx, "alice", request)
	w.refused(err, "already-managed")
	request.Name = "sales@example.com"
	_, err = w.service.Add(w.ctx, "alice", request)
	w.refused(err, "selector-used")
}

// A selector with a key in DNS is not given out (D105); anything else there is.
func TestSelectorThatDNSHasAlready(t *testing.T) {
	w := newWorld(t)
	w.dns.publish("s1._domainkey.example.com", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
	w.dns.publish("s2._domainkey.example.com", "v=DKIM1; p=")
	w.dns.publish("s3._domainkey.example.com", "google-site-verification=x")
	add := func(selector string) error {
		return second(w.service.Add(w.ctx, "root", domains.AddRequest{
			Name: "example.com", Selector: selector, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256},
		}))
	}
	w.refused(add("s1"), "D105")
	w.refused(add("s2"), "D105")
	if _, err := w.service.Show(w.ctx, "example.com"); err == nil {
		t.Error("a refused add left a row")
	}
	w.must(add("s3"))
}

func TestCommandDuringACheck(t *testing.T) {
	w := newWorld(t)
	k := w.connected("example.com")
	w.live(time.Hour)
	w.dns.answer(record(k), check.OK)
	w.dns.during = func() {
		if _, err := w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true}); err != nil {
			t.Error(err)
		}
	}
	w.live(2 * time.Hour) // the check began with an active key, and ends with a compromised one
	w.is(k.ID, domains.Retired)
	w.signsWith("example.com")
}

func TestOneKeeperAtATime(t *testing.T) {
	w := newWorld(t)
	k := w.add("example.com")
	other := domains.NewKeeper(w.service, "mx2")
	w.live(time.Second)
	asked := len(w.dns.times(record(k)))
	w.clock.advance(20 * time.Second)
	if _, err := other.Turn(w.ctx); err != nil || len(w.dns.times(record(k))) != asked {
		t.Errorf("a second keeper works beside the first: %v", err)
	}
	w.clock.advance(time.Minute) // mx1 is dead
	if _, err := other.Turn(w.ctx); err != nil || len(w.dns.times(record(k))) == asked {
		t.Errorf("nobody takes over from a dead host: %v", err)
	}
	asked = len(w.dns.times(record(k)))
	w.clock.advance(5 * time.Second)
	if _, err := w.keeper.Turn(w.ctx); err != nil || len(w.dns.times(record(k))) != asked {
		t.Errorf("the former holder goes on: %v", err)
	}
}

// What a keeper that lost its lease during a check wants to write is refused.
func TestFencing(t *testing.T) {
	w := newWorld(t)
	k := w.add("example.com")
	w.publish(k)
	other := domains.NewKeeper(w.service, "mx2")
	w.dns.during = func() {
		w.clock.advance(2 * time.Minute) // mx1 hangs in DNS
		if _, err := other.Turn(w.ctx); err != nil {
			t.Error(err)
		}
	}
	_, err := w.keeper.Turn(w.ctx)
	if err == nil {
		t.Error("the former holder wrote without an error")
	}
	w.view(func(tx domains.Tx) error {
		runs, err := tx.Runs(k.ID, 10)
		if len(runs) != 1 {
			t.Errorf("%d checks are written, want the one of mx2", len(runs))
		}
		return err
	})
}

func TestAKeyThatCannotBeCheckedKeepsNoneWaiting(t *testing.T) {
	w := newWorld(t)
	bad := w.add("bad.example")
	good := w.add("good.example")
	w.must(w.store.Update(w.ctx, func(tx domains.Tx) error {
		k, err := tx.Key(bad.ID)
		k.Public = []byte("damaged")
		return errors.Join(err, tx.PutKey(k))
	}))
	w.publish(good)
	w.live(time.Hour)
	w.is(good.ID, domains.Active)
}

func TestPrivateHalfThatCannotBeUnsealed(t *testing.T) {
	w := newWorld(t)
	k := w.connected("example.com")
	fresh := w.add("fresh.example")
	w.publish(fresh)
	w.must(w.store.Update(w.ctx, func(tx domains.Tx) error { return errors.Join(tx.DeletePrivate(k.ID), tx.DeletePrivate(fresh.ID)) }))
	w.live(30 * day)
	w.is(k.ID, domains.Active) // signing says so itself; DNS has no fault
	if got := w.key(fresh.ID).State; got == domains.Active || got == domains.Ready {
		t.Errorf("a key without a private half is %s", got)
	}
}

func TestClockJumps(t *testing.T) {
	retiring := func(t *testing.T) (*world, domains.Key) {
		w := newWorld(t)
		old := w.connected("example.com")
		added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
		w.must(err)
		w.publish(added.Keys[0])
		w.live(time.Hour)
		return w, old
	}
	t.Run("a year ahead for ten minutes retires and destroys nothing", func(t *testing.T) {
		w, old := retiring(t)
		w.clock.jump(365 * day)
		w.live(10 * time.Minute)
		w.is(old.ID, domains.Retiring)
		w.clock.jump(-365 * day)
		w.live(2 * day)
		w.is(old.ID, domains.Retiring)
		w.live(7 * day)
		w.is(old.ID, domains.Retired)
	})
	t.Run("ahead to stay: deadlines count after an hour", func(t *testing.T) {
		w, old := retiring(t)
		w.clock.jump(365 * day)
		w.live(2 * time.Hour)
		w.is(old.ID, domains.Retired)
	})
	t.Run("back: polling goes on", func(t *testing.T) {
		w := newWorld(t)
		k := w.add("example.com")
		w.live(time.Minute)
		w.clock.jump(-365 * day)
		w.publish(k)
		w.live(2 * time.Minute)
		w.is(k.ID, domains.Active)
		w.clock.jump(-365 * day)
		w.dns.remove(record(k))
		w.live(2 * day)
		w.is(k.ID, domains.Suspended)
	})
	t.Run("back: what is made later is younger", func(t *testing.T) {
		w := newOperator(t, "same.example", "again.example", "asked.example")
		w.clock.jump(365 * day)
		first := w.add("same.example", inCNAME(2), func(r *domains.AddRequest) { r.Activation, r.Yes = domains.ActivateImmediate, true })
		gone := w.add("again.example", inCNAME(2))
		_, err := w.service.Delete(w.ctx, "root", "again.example", domains.DeleteRequest{Yes: true})
		w.must(err)
		w.clock.jump(-365 * day)
		if again := w.add("again.example", inCNAME(2)); again.Selector == gone.Selector {
			t.Errorf("%s has another key, and its CNAME may still stand", gone.Selector)
		}
		w.clock.jump(365 * day)
		gone = w.add("asked.example", inCNAME(2))
		_, err = w.service.Delete(w.ctx, "root", "asked.example", domains.DeleteRequest{Yes: true})
		w.must(err)
		w.clock.jump(-365 * day)
		_, err = w.service.Request(w.ctx, "root", domains.AddRequest{Name: "asked.example"})
		w.must(err)
		if again := w.add("asked.example", inCNAME(2)); again.Selector == gone.Selector {
			t.Errorf("asked for in between: %s has another key, and its CNAME may still stand", gone.Selector)
		}
		added, err := w.service.Rotate(w.ctx, "root", "same.example", domains.RotateRequest{Yes: true})
		w.must(err)
		if next := added.Keys[0]; !next.CreatedAt.After(first.CreatedAt) || next.Selector != "pse2" {
			t.Errorf("after pse1 of %s comes %s of %s", first.CreatedAt, next.Selector, next.CreatedAt)
		}
	})
	t.Run("ahead: a pending key does not fail", func(t *testing.T) {
		w := newWorld(t)
		k := w.add("example.com")
		w.live(time.Minute)
		w.clock.jump(4 * day)
		w.live(10 * time.Minute)
		w.is(k.ID, domains.Pending)
	})
}

// The keeper's own loop: a change by a command wakes it, the clock does, and a
// stop gives the lease back.
func TestKeeperRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		clock := domains.NewSystemClock() // the bubble's
		w.service = domains.New(domains.Options{Store: w.store, Clock: clock, Checker: w.dns})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			domains.NewKeeper(w.service, "mx1").Run(ctx)
		}()
		time.Sleep(5 * time.Second)
		k := w.add("example.com")
		w.publish(k)
		time.Sleep(75 * time.Second) // the first look may come before the record
		w.is(k.ID, domains.Active)
		stop()
		<-done
		w.view(func(tx domains.Tx) error {
			lease, err := tx.Lease()
			if lease.Holder != "" || lease.Number == 0 {
				t.Errorf("lease after the stop: %+v", lease)
			}
			return err
		})
	})
}

// A view must not write, and a verb that is refused leaves nothing.
func TestRefusalsLeaveNothing(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com")
	before, err := w.service.Show(w.ctx, "example.com")
	w.must(err)
	for _, err := range []error{
		second(w.service.Abort(w.ctx, "root", "example.com")),
		second(w.service.Rollback(w.ctx, "root", "example.com")),
		second(w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{Selector: "other"})),
		second(w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{Now: true})),
		second(w.service.Configure(w.ctx, "root", "example.com", domains.Settings{OnMissing: ptr(domains.OnMissing("explode"))})),
		second(w.service.Add(w.ctx, "root", domains.AddRequest{Name: "example.com", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})),
	} {
		if err == nil {
			t.Error("not refused")
		}
	}
	after, err := w.service.Show(w.ctx, "example.com")
	w.must(err)
	if len(before.Journal) != len(after.Journal) || before.Keys[0].Revision != after.Keys[0].Revision {
		t.Errorf("refused, and changed all the same:\n%+v\n%+v", before.Journal, after.Journal)
	}
}

func second[V any](_ V, err error) error { return err }
