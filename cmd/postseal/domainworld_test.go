package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/storetest"
)

// dawn is when every test of the verbs begins.
var dawn = time.Date(2026, 11, 22, 14, 17, 0, 0, time.UTC)

// world is a store in memory, a clock and a DNS that do what they are told, and
// the program on top of them.
type world struct {
	*testing.T
	store   *storetest.Memory
	service *domains.Service
	keeper  *domains.Keeper
	config  config.Domains
	keyZone config.KeyZone
	time    time.Time
	elapsed time.Duration
	dns     map[string]string // published: name to text
	servers []string          // name servers of every zone
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, store: storetest.NewMemory(), time: dawn, dns: map[string]string{}, config: config.Default().Domains}
	w.config.Algorithms = []string{"ed25519"} // costs no time
	w.restart()
	return w
}

// restart makes a new service and a new keeper on the same store.
func (w *world) restart() {
	policy := domains.DefaultPolicy()
	if z := w.keyZone; z.Name != "" {
		policy.KeyZone = domains.KeyZone{Name: z.Name, SharedTarget: z.Shared(), Former: z.Former}
	}
	w.service = domains.New(domains.Options{
		Store: w.store, Policy: policy, Clock: w, Checker: w, Jitter: func() float64 { return 0.5 }, Log: slog.New(slog.DiscardHandler),
	})
	w.keeper = domains.NewKeeper(w.service, "mx1")
}

// Now and Elapsed make the world a domains.Clock.
func (w *world) Now() time.Time         { return w.time }
func (w *world) Elapsed() time.Duration { return w.elapsed }

// Check judges what is published, as a domains.Checker.
func (w *world) Check(_ context.Context, s check.Subject) check.Result {
	name := dkim.RecordName(s.Selector, s.Domain)
	r := check.Result{At: w.time, Name: name, Source: check.Authoritative, Verdict: check.OK, Passed: true, TTL: time.Hour}
	finding := func(v check.Verdict, code, title string) {
		r.Verdict, r.Passed, r.TTL, r.NegativeTTL, r.RetryAfter = v, false, 0, 15*time.Minute, w.time.Add(15*time.Minute)
		r.Findings = []check.Finding{{Code: code, Severity: check.Error, Title: title, Change: "publish the record", RetryAfter: r.RetryAfter}}
	}
	text, there := w.dns[name]
	parsed, err := dkim.ParseKeyRecord(text)
	switch {
	case !there:
		finding(check.Absent, "D101", "the name does not exist")
	case err != nil:
		finding(check.Malformed, "D313", "not a key record")
		r.Findings[0].Got = text
	case parsed.Revoked:
		finding(check.Revoked, "D403", "revoked")
	case !parsed.Public.Equal(s.Public):
		finding(check.Mismatch, "D402", "another key stands there")
	}
	return r
}

// Vacant looks for a key record, as a domains.Checker.
func (w *world) Vacant(_ context.Context, s check.Subject) check.Result {
	r := check.Result{At: w.time, Name: dkim.RecordName(s.Selector, s.Domain), Verdict: check.OK, NameServers: w.servers}
	if text, there := w.dns[r.Name]; there {
		r.Verdict, r.Records = check.Mismatch, []string{text}
	}
	return r
}

func (w *world) open(context.Context, stdio, string) (*store, error) {
	return &store{
		service: w.service, actor: "root", defaults: w.config, keyZone: w.keyZone, now: w.Now, wait: w.wait, close: func() error { return nil },
		find: func(_ context.Context, domain string) (string, []string, error) { return domain, w.servers, nil },
	}, nil
}

// Run runs a subtest, whose failures are its own.
func (w *world) Run(name string, f func(t *testing.T)) {
	parent := w.T
	parent.Run(name, func(t *testing.T) {
		w.T = t
		defer func() { w.T = parent }()
		f(t)
	})
}

// wait lets the time pass that a command waits.
func (w *world) wait(_ context.Context, d time.Duration) error {
	w.pass(d)
	return nil
}

// result is what a command did.
type result struct {
	*world
	code     int
	out, err string
}

// run runs a command.
func (w *world) run(args ...string) result {
	w.Helper()
	return w.runWith(strings.NewReader(""), args...)
}

func (w *world) runWith(in io.Reader, args ...string) result {
	w.Helper()
	var out, err bytes.Buffer
	code := runOn(w.Context(), args, stdio{in: in, out: &out, err: &err}, w.open)
	return result{w, code, out.String(), err.String()}
}

// ok runs a command that has to succeed.
func (w *world) ok(args ...string) result {
	w.Helper()
	return w.run(args...).exits(exitDone)
}

func (r result) exits(code int) result {
	r.Helper()
	if r.code != code {
		r.Fatalf("exit code %d, want %d\n%s%s", r.code, code, r.out, r.err)
	}
	return r
}

// says wants texts in the output, in this order.
func (r result) says(texts ...string) result {
	r.Helper()
	rest := r.out
	for _, want := range texts {
		i := strings.Index(rest, want)
		if i < 0 {
			r.Fatalf("no %q (in this order) in\n%s", want, r.out)
		}
		rest = rest[i+len(want):]
	}
	return r
}

func (r result) saysNot(texts ...string) result {
	r.Helper()
	for _, bad := range texts {
		if strings.Contains(r.out, bad) {
			r.Errorf("%q in\n%s", bad, r.out)
		}
	}
	return r
}

// warns wants texts in what is told beside the output.
func (r result) warns(texts ...string) result {
	r.Helper()
	for _, want := range texts {
		if !strings.Contains(r.err, want) {
			r.Errorf("no %q in\n%s", want, r.err)
		}
	}
	return r
}

func (w *world) detail(name string) domains.Detail {
	w.Helper()
	d, err := w.service.Show(w.Context(), name)
	if err != nil {
		w.Fatal(err)
	}
	return d
}

// key is the latest key of a row.
func (w *world) key(name string) domains.Key {
	w.Helper()
	d := w.detail(name)
	if len(d.Keys) == 0 {
		w.Fatalf("%s has no key", name)
	}
	return d.Keys[len(d.Keys)-1]
}

// publish does what the records say.
func (w *world) publish(name string) {
	w.Helper()
	for _, k := range w.detail(name).Keys {
		w.dns[dkim.RecordName(k.Selector, k.Domain)] = k.Record
	}
}

// live lets the keeper work for a time, with nobody at the keyboard.
func (w *world) live(d time.Duration) {
	w.Helper()
	for end := w.time.Add(d); ; {
		next, err := w.keeper.Turn(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		if next.IsZero() || next.After(end) {
			w.pass(end.Sub(w.time))
			return
		}
		w.pass(next.Sub(w.time))
	}
}

func (w *world) pass(d time.Duration) { w.time, w.elapsed = w.time.Add(d), w.elapsed+d }

// connected makes a row that signs.
func (w *world) connected(name string, flags ...string) {
	w.Helper()
	w.ok(append([]string{"domain", "add", name}, flags...)...)
	w.publish(name)
	w.live(2 * time.Minute)
}

// signs are the selectors that a row is signed with now.
func (w *world) signs(name string) string {
	w.Helper()
	snapshot, err := w.service.Snapshot(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	signing := snapshot.Domains[name]
	if signing == nil || signing.Disabled {
		return ""
	}
	var out []string
	for _, k := range signing.Keys {
		out = append(out, k.Selector)
	}
	return strings.Join(out, " ")
}

func (w *world) signsWith(name, selectors string) {
	w.Helper()
	if got := w.signs(name); got != selectors {
		w.Errorf("%s is signed with %q, want %q", name, got, selectors)
	}
}

// notices are the notifications of an event.
func (w *world) notices(event domains.Event) (out []domains.Notice) {
	w.Helper()
	err := w.store.View(w.Context(), func(tx domains.Tx) error {
		all, err := tx.Notices(w.time.Add(1000*time.Hour), 1000)
		for _, n := range all {
			if n.Event == event {
				out = append(out, n)
			}
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return out
}
