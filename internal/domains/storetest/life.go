package storetest

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/domains"
)

// lifeOfAKey tells one key's story on a store: added, confirmed by DNS, replaced,
// retired, destroyed. What each step wrote is read by another service, as another
// process would.
func lifeOfAKey(t *testing.T, s domains.Store) {
	l := newLife(t, s)
	first := l.add()
	l.is(first, domains.Pending)
	l.signsWith()
	l.publish(first)
	l.live(2 * time.Minute)
	l.is(first, domains.Active)
	l.signsWith(first)

	added, err := l.service.Rotate(t.Context(), "root", "example.com", domains.RotateRequest{})
	if err != nil {
		t.Fatal(err)
	}
	second := added.Keys[0]
	l.live(time.Hour)
	l.signsWith(first)
	l.publish(second)
	l.live(2 * time.Hour)
	l.signsWith(second)
	l.is(first, domains.Retiring)
	l.live(8 * day)
	l.is(first, domains.Retired)
	l.withdraw(first)
	l.live(6 * day)
	if k := l.key(first); k.DestroyedAt.IsZero() {
		t.Errorf("not destroyed: %+v", k)
	}
	if _, err := l.service.Private(t.Context(), first.ID); err == nil {
		t.Error("the private half is still there")
	}
	if _, err := l.service.Private(t.Context(), second.ID); err != nil {
		t.Error(err)
	}
	l.wrote("add", "generated", "pending", "ready", "active", "retiring", "retired", "private half destroyed")
}

const day = 24 * time.Hour

// life is a clock, a DNS and a service on a store.
type life struct {
	*testing.T
	store   domains.Store
	service *domains.Service
	keeper  *domains.Keeper

	mu      sync.Mutex // the keeper asks side by side
	now     time.Time
	elapsed time.Duration
	records map[string]string // by name
}

func newLife(t *testing.T, s domains.Store) *life {
	l := &life{T: t, store: s, now: moment, records: map[string]string{}}
	policy := domains.DefaultPolicy()
	policy.Recheck, policy.DestroyAfter = 12*time.Hour, 3*day // fewer writes: a disk takes its time for each
	options := domains.Options{Store: s, Policy: policy, Clock: l, Checker: l, Jitter: func() float64 { return 0.5 }, Log: slog.New(slog.DiscardHandler)}
	l.service = domains.New(options)
	l.keeper = domains.NewKeeper(domains.New(options), "mx1")
	return l
}

// Now and Elapsed make it a domains.Clock.
func (l *life) Now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *life) Elapsed() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.elapsed
}

// Check and Vacant make it a domains.Checker.
func (l *life) Check(ctx context.Context, s check.Subject) check.Result {
	r := l.Vacant(ctx, s)
	r.Verdict = check.Absent
	if len(r.Records) > 0 {
		record, err := dkim.ParseKeyRecord(r.Records[0])
		r.Passed = err == nil && record.Public.Equal(s.Public)
		r.Verdict = map[bool]check.Verdict{true: check.OK, false: check.Mismatch}[r.Passed]
	}
	return r
}

func (l *life) Vacant(_ context.Context, s check.Subject) check.Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := check.Result{At: l.now, Verdict: check.OK, Source: s.Via, NameServers: []string{"ns1.example.net"}}
	if text, there := l.records[dkim.RecordName(s.Selector, s.Domain)]; there {
		r.Verdict, r.Records, r.TTL = check.Mismatch, []string{text}, time.Hour
	}
	return r
}

func (l *life) publish(k domains.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records[dkim.RecordName(k.Selector, k.Domain)] = k.Record
}

func (l *life) withdraw(k domains.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.records, dkim.RecordName(k.Selector, k.Domain))
}

func (l *life) add() domains.Key {
	l.Helper()
	added, err := l.service.Add(l.Context(), "root", domains.AddRequest{Name: "example.com", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
	if err != nil {
		l.Fatal(err)
	}
	return added.Keys[0]
}

// live lets the keeper work for a time.
func (l *life) live(d time.Duration) {
	l.Helper()
	for end := l.Now().Add(d); l.Now().Before(end); {
		next, err := l.keeper.Turn(l.Context())
		if err != nil {
			l.Fatal(err)
		}
		if next.IsZero() || next.After(end) {
			next = end
		}
		l.mu.Lock()
		l.elapsed += next.Sub(l.now)
		l.now = next
		l.mu.Unlock()
	}
}

func (l *life) key(k domains.Key) domains.Key {
	l.Helper()
	view(l.T, l.store, func(tx domains.Tx) (err error) {
		k, err = tx.Key(k.ID)
		return err
	})
	return k
}

func (l *life) is(k domains.Key, want domains.State) {
	l.Helper()
	if got := l.key(k).State; got != want {
		l.Fatalf("at %v %s is %s, want %s", l.Now().Sub(moment), k.Selector, got, want)
	}
}

// signsWith wants just these keys to sign, and their private halves to be there.
func (l *life) signsWith(keys ...domains.Key) {
	l.Helper()
	snapshot, err := l.service.Snapshot(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	var got, want []string
	for _, k := range snapshot.Domains["example.com"].Keys {
		got = append(got, k.Selector)
		if _, err := l.service.Private(l.Context(), k.ID); err != nil {
			l.Error(err)
		}
	}
	for _, k := range keys {
		want = append(want, k.Selector)
	}
	if !slices.Equal(got, want) {
		l.Fatalf("at %v signed with %v, want %v", l.Now().Sub(moment), got, want)
	}
}

// wrote wants words in the journal, in this order.
func (l *life) wrote(words ...string) {
	l.Helper()
	entries, err := l.service.Journal(l.Context(), domains.JournalQuery{Domain: "example.com"})
	if err != nil {
		l.Fatal(err)
	}
	for _, e := range entries {
		for len(words) > 0 && slices.Contains([]string{e.Verb, e.To, e.Reason}, words[0]) {
			words = words[1:]
		}
	}
	if len(words) > 0 {
		l.Errorf("the journal has no %q in its place: %+v", words[0], entries)
	}
}
