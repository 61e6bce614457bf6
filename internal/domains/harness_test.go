package domains_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
	"github.com/postseal/postseal/internal/domains/sqlstore"
	"github.com/postseal/postseal/internal/domains/storetest"
)

const day = 24 * time.Hour

// begin is when every test begins.
var begin = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

// fakeClock moves when told to.
type fakeClock struct {
	mu      sync.Mutex
	wall    time.Time
	elapsed time.Duration
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

func (c *fakeClock) Elapsed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.elapsed
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.elapsed = c.wall.Add(d), c.elapsed+d
}

// jump sets the time of day without any time passing.
func (c *fakeClock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(d)
}

// fakeDNS holds records by name and judges them as a check does.
type fakeDNS struct {
	clock *fakeClock

	mu      sync.Mutex
	records map[string]string
	forced  map[string]check.Verdict // by name; "" for every name
	asked   map[string][]time.Time
	full    map[string]int // of these, from the authoritative servers
	during  func()         // runs inside of the next check
}

func (d *fakeDNS) publish(name, record string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[name] = record
	delete(d.forced, name)
}

func (d *fakeDNS) remove(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.records, name)
	delete(d.forced, name)
}

func (d *fakeDNS) answer(name string, v check.Verdict) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.forced[name] = v; v == "" {
		delete(d.forced, name)
	}
}

func (d *fakeDNS) times(name string) []time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[name]
}

// Check answers from the records.
func (d *fakeDNS) Check(_ context.Context, s check.Subject) check.Result {
	name := dkim.RecordName(s.Selector, s.Domain)
	d.mu.Lock()
	during := d.during
	d.during = nil
	d.asked[name] = append(d.asked[name], d.clock.Now())
	if s.Via == check.Authoritative {
		d.full[name]++
	}
	record, there := d.records[name]
	forced, isForced := d.forced[name]
	if !isForced {
		forced, isForced = d.forced[""]
	}
	d.mu.Unlock()
	if during != nil {
		during()
	}
	r := check.Result{
		At: d.clock.Now(), Name: name, Source: s.Via, NegativeTTL: 15 * time.Minute, RetryAfter: d.clock.Now().Add(15 * time.Minute),
		Verdict: judge(record, there, s),
	}
	if isForced {
		r.Verdict = forced
	}
	if there {
		r.Records, r.TTL = []string{record}, time.Hour
	}
	r.Passed = r.Verdict == check.OK || r.Verdict == check.Testing
	if code := codes[r.Verdict]; code != "" {
		r.Findings = []check.Finding{{Code: code, Severity: check.Error, Title: "it is " + string(r.Verdict), Change: "put it right"}}
	}
	return r
}

// Vacant looks for a key record.
func (d *fakeDNS) Vacant(_ context.Context, s check.Subject) check.Result {
	d.mu.Lock()
	during := d.during
	d.during = nil
	r := check.Result{At: d.clock.Now(), Name: dkim.RecordName(s.Selector, s.Domain), Verdict: check.OK}
	record, there := d.records[r.Name]
	d.mu.Unlock()
	if during != nil {
		during()
	}
	if !there {
		return r
	}
	r.Records, r.TTL = []string{record}, time.Hour
	if parsed, err := dkim.ParseKeyRecord(record); err == nil && (parsed.Public != nil || parsed.Revoked) {
		r.Verdict = check.Mismatch
	}
	return r
}

var codes = map[check.Verdict]string{
	check.Absent: "D101", check.Mismatch: "D402", check.Revoked: "D403", check.Temporary: "D103", check.Inconsistent: "D106",
	check.Malformed: "D313", check.Duplicate: "D308", check.TargetChanged: "D510", check.Testing: "D401",
}

func judge(record string, there bool, s check.Subject) check.Verdict {
	if !there {
		return check.Absent
	}
	parsed, err := dkim.ParseKeyRecord(record)
	switch {
	case err != nil:
		return check.Malformed
	case parsed.Revoked:
		return check.Revoked
	case s.Public == nil || !parsed.Public.Equal(s.Public):
		return check.Mismatch
	case parsed.Testing():
		return check.Testing
	}
	return check.OK
}

// world is a store with everything around it.
type world struct {
	*testing.T
	ctx     context.Context
	clock   *fakeClock
	dns     *fakeDNS
	store   domains.Store
	service *domains.Service
	keeper  *domains.Keeper
	policy  domains.Policy
}

func newWorld(t *testing.T) *world { return newWorldOn(t, newStore(t)) }

// newStore is an empty store: in memory, or with POSTSEAL_TEST_STORE=sqlite in
// SQLite, or with a postgres:// URL there in a schema of its own.
func newStore(t *testing.T) domains.Store {
	t.Helper()
	url := os.Getenv("POSTSEAL_TEST_STORE")
	switch {
	case url == "":
		return storetest.NewMemory()
	case url == "sqlite":
		url = "sqlite:" + filepath.Join(t.TempDir(), "postseal.db")
	default:
		url = newSchema(t, url)
	}
	store, err := sqlstore.Open(t.Context(), url, sqlstore.Options{Seal: seal.Source{File: filepath.Join(t.TempDir(), "identity")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func newSchema(t *testing.T, url string) string {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), schemas.Add(1))
	if _, err := db.Exec("CREATE SCHEMA " + name); err != nil {
		t.Fatal(err)
	}
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	return url + separator + "search_path=" + name
}

var schemas atomic.Int64

func newWorldOn(t *testing.T, store domains.Store) *world {
	w := &world{T: t, ctx: t.Context(), clock: &fakeClock{wall: begin}, store: store, policy: domains.DefaultPolicy()}
	w.dns = &fakeDNS{
		clock: w.clock, records: map[string]string{}, forced: map[string]check.Verdict{}, asked: map[string][]time.Time{}, full: map[string]int{},
	}
	w.restart()
	return w
}

// restart makes a new service and a new keeper on the same store.
func (w *world) restart() {
	w.service = domains.New(domains.Options{
		Store: w.store, Policy: w.policy, Clock: w.clock, Checker: w.dns, Jitter: func() float64 { return 0.5 }, Log: slog.New(slog.DiscardHandler),
	})
	w.keeper = domains.NewKeeper(w.service, "mx1")
}

// live lets the keeper work for a time.
func (w *world) live(d time.Duration) {
	w.Helper()
	for end := w.clock.Now().Add(d); ; {
		next, err := w.keeper.Turn(w.ctx)
		if err != nil {
			w.Fatal(err)
		}
		now := w.clock.Now()
		if !next.IsZero() && !next.After(now) {
			w.Fatalf("the keeper left work behind, due at %v", next)
		}
		if next.IsZero() || next.After(end) {
			w.clock.advance(end.Sub(now))
			return
		}
		w.clock.advance(next.Sub(now))
	}
}

// add makes an Ed25519 key, which costs no time.
func (w *world) add(name string, change ...func(*domains.AddRequest)) domains.Key {
	w.Helper()
	r := domains.AddRequest{Name: name, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}}
	for _, f := range change {
		f(&r)
	}
	added, err := w.service.Add(w.ctx, "root", r)
	if err != nil {
		w.Fatal(err)
	}
	return added.Keys[0]
}

// connected makes a key that signs.
func (w *world) connected(name string, change ...func(*domains.AddRequest)) domains.Key {
	w.Helper()
	k := w.add(name, change...)
	w.publish(k)
	w.live(2 * time.Minute)
	k = w.key(k.ID)
	if k.State != domains.Active {
		w.Fatalf("%s is %s", k.Selector, k.State)
	}
	return k
}

func (w *world) publish(k domains.Key) { w.dns.publish(record(k), k.Record) }

func record(k domains.Key) string { return dkim.RecordName(k.Selector, k.Domain) }

func (w *world) key(id string) (k domains.Key) {
	w.Helper()
	w.view(func(tx domains.Tx) (err error) {
		k, err = tx.Key(id)
		return err
	})
	return k
}

func (w *world) view(f func(domains.Tx) error) {
	w.Helper()
	if err := w.store.View(w.ctx, f); err != nil {
		w.Fatal(err)
	}
}

func (w *world) is(id string, want domains.State) {
	w.Helper()
	if k := w.key(id); k.State != want {
		w.Errorf("at %v %s is %s, want %s", w.clock.Now().Sub(begin), k.Selector, k.State, want)
	}
}

func (w *world) status(name string) domains.Status {
	w.Helper()
	d, err := w.service.Show(w.ctx, name)
	if err != nil {
		w.Fatal(err)
	}
	return d.Status
}

func (w *world) label(name, want, colour string) {
	w.Helper()
	if s := w.status(name); s.Label != want || s.Colour != colour {
		w.Errorf("%s: %q (%s), want %q (%s)", name, s.Label, s.Colour, want, colour)
	}
}

// signing are the selectors that a domain is signed with.
func (w *world) signing(name string) string {
	w.Helper()
	snap, err := w.service.Snapshot(w.ctx)
	if err != nil {
		w.Fatal(err)
	}
	signing := snap.Domains[name]
	if signing == nil || signing.Disabled {
		return "[]"
	}
	var out []string
	for _, k := range signing.Keys {
		out = append(out, k.Selector)
	}
	return fmt.Sprint(out)
}

func (w *world) signsWith(name string, keys ...domains.Key) {
	w.Helper()
	var want []string
	for _, k := range keys {
		want = append(want, k.Selector)
	}
	if got := w.signing(name); got != fmt.Sprint(want) {
		w.Errorf("at %v %s is signed with %s, want %v", w.clock.Now().Sub(begin), name, got, want)
	}
}

// told counts the notifications of an event.
func (w *world) told(event domains.Event) (count int) {
	w.Helper()
	for _, n := range w.notices() {
		if n.Event == event {
			count++
		}
	}
	return count
}

func (w *world) notices() (out []domains.Notice) {
	w.Helper()
	w.view(func(tx domains.Tx) (err error) {
		out, err = tx.Notices(begin.Add(1000*day), 10000)
		return err
	})
	return out
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// refused wants a refusal with exit code 3 that names the rule and a way on.
func (w *world) refused(err error, rule string) {
	w.Helper()
	var r *domains.Refused
	if !errors.As(err, &r) || r.Rule != rule || r.What == "" || r.Way == "" || r.ExitCode() != 3 {
		w.Errorf("got %v, want a refusal by %s", err, rule)
	}
}

func (w *world) unconfirmed(err error, rule string) {
	w.Helper()
	var u *domains.Unconfirmed
	if !errors.As(err, &u) || u.Rule != rule || u.ExitCode() != 3 {
		w.Errorf("got %v, want to be asked about %s first", err, rule)
	}
}

func ptr[T any](v T) *T { return &v }
