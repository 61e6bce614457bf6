package domains_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/storetest"
)

// fakeWriter is a driver on the fake DNS.
type fakeWriter struct {
	dns       *fakeDNS
	away      error             // of the next calls
	written   int               // changes made
	dies      func(step string) // panics there, as a crash does
	meanwhile func()            // runs inside of the next Apply
	anew      bool              // the file of the zone was begun in the next Apply
}

func (f *fakeWriter) Plan(_ context.Context, _ string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	if f.away != nil {
		return nil, f.away
	}
	var out []domains.DNSOutcome
	for _, c := range changes {
		var standing []domains.DNSRecord
		f.dns.mu.Lock()
		if text, there := f.dns.records[c.Name]; there {
			kind := "TXT"
			if !strings.HasPrefix(text, "v=") {
				kind = "CNAME"
			}
			standing = append(standing, domains.DNSRecord{Name: c.Name, Type: kind, Value: text})
		}
		f.dns.mu.Unlock()
		out = append(out, domains.DNSOutcome{Verdict: c.Judge(standing), Was: standing})
	}
	return out, nil
}

func (f *fakeWriter) Apply(ctx context.Context, zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	if during := f.meanwhile; during != nil {
		f.meanwhile = nil
		during()
	}
	out, err := f.Plan(ctx, zone, changes)
	if err != nil {
		return nil, err
	}
	for i, c := range changes {
		f.step("before")
		switch out[i].Verdict {
		case domains.DNSAdd, domains.DNSReplace:
			f.dns.publish(c.Name, c.Value)
		case domains.DNSRemove:
			f.dns.remove(c.Name)
		default:
			continue
		}
		f.written++
		out[i].Touched, out[i].Anew = true, f.anew
		f.step("after")
	}
	f.anew = false
	return out, nil
}

func (f *fakeWriter) step(name string) {
	if f.dies != nil {
		f.dies(name)
	}
}

// driven is a world whose driver "ns" writes example.com.
type driven struct {
	*world
	writer     *fakeWriter
	publisher  *domains.Publisher
	publishing domains.Publishing
}

func newDriven(t *testing.T, store domains.Store) *driven {
	w := &driven{world: newWorldOn(t, store)}
	w.writer = &fakeWriter{dns: w.dns}
	w.publishing = domains.Publishing{Drivers: map[string]domains.Driver{"ns": {Zones: []string{"example.com"}, Writer: w.writer}}}
	w.restart()
	return w
}

// restart makes everything anew on the same store.
func (w *driven) restart() {
	w.service = domains.New(domains.Options{
		Store: w.store, Policy: w.policy, Clock: w.clock, Checker: w.dns, Jitter: func() float64 { return 0.5 }, Log: slog.New(slog.DiscardHandler),
		Publishing: w.publishing,
	})
	w.keeper = domains.NewKeeper(w.service, "mx1")
	w.publisher = domains.NewPublisher(w.service, w.keeper)
}

// drive lets keeper and publisher work for a time.
func (w *driven) drive(d time.Duration) {
	w.Helper()
	for end := w.clock.Now().Add(d); w.clock.Now().Before(end); {
		checks, err := w.keeper.Turn(w.ctx)
		w.must(err)
		writes, err := w.publishDue()
		w.must(err)
		next := end
		for _, at := range []time.Time{checks, writes} {
			if !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		w.clock.advance(max(next.Sub(w.clock.Now()), 100*time.Millisecond))
	}
}

// publishDue does one round of each driver, and says when something is due next.
func (w *driven) publishDue() (next time.Time, err error) {
	for _, driver := range append(slices.Sorted(maps.Keys(w.publishing.Drivers)), domains.NoDriver) {
		at, err := w.publisher.Turn(w.ctx, driver)
		if err != nil {
			return at, err
		}
		if next.IsZero() || !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return next, nil
}

func (w *driven) add(name string) domains.Key {
	w.Helper()
	return w.world.add(name, func(r *domains.AddRequest) { r.Driver = "ns" })
}

func (w *driven) published(name string) (rows []domains.Published) {
	w.Helper()
	w.view(func(tx domains.Tx) (err error) {
		rows, err = tx.PublishedOf(name)
		return err
	})
	return rows
}

func (w *driven) inDNS(k domains.Key, want string) {
	w.Helper()
	w.dns.mu.Lock()
	defer w.dns.mu.Unlock()
	if got := w.dns.records[record(k)]; got != want {
		w.Errorf("at %v DNS has %q for %s, want %q", w.clock.Now().Sub(begin), got, k.Selector, want)
	}
}

func TestDriverTakesAKeyThroughItsLife(t *testing.T) {
	w := newDriven(t, newStore(t))
	w.policy.RetireAfter, w.policy.QueueLifetime = 5*time.Hour, -day
	w.restart()
	first := w.add("example.com")
	w.drive(2 * time.Minute)
	w.inDNS(first, first.Record)
	w.signsWith("example.com", first)
	added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	second := added.Keys[0]
	w.drive(5 * time.Minute)
	w.signsWith("example.com", second)
	w.inDNS(first, first.Record)
	w.drive(8 * time.Hour)
	w.is(first.ID, domains.Retired)
	w.inDNS(first, domains.RevokedRecord)
	w.drive(31 * day)
	w.inDNS(first, "")
	w.inDNS(second, second.Record)
	if n := len(w.published("example.com")); n != 1 {
		t.Errorf("%d rows are left, want that of the key in service", n)
	}
	if w.told(domains.KeyRecords) != 0 {
		t.Error("a person was asked to publish")
	}
}

func TestDriverPublishesEmptyAtOnceWhenCompromised(t *testing.T) {
	w := newDriven(t, newStore(t))
	k := w.add("example.com")
	w.drive(2 * time.Minute)
	_, err := w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
	w.must(err)
	w.drive(time.Second)
	w.inDNS(k, domains.RevokedRecord)
}

func TestDriverDeletesAtOnceWhereConfigured(t *testing.T) {
	w := newDriven(t, newStore(t))
	w.publishing.Delete = true
	w.restart()
	k := w.add("example.com")
	w.drive(2 * time.Minute)
	_, err := w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{Now: true, Yes: true})
	w.must(err)
	w.drive(time.Second)
	w.inDNS(k, "")
}

func TestForeignRecordSurvivesEverything(t *testing.T) {
	const theirs = "v=DKIM1; p=c29tZWJvZHk"
	w := newDriven(t, newStore(t))
	k := w.world.add("example.com", func(r *domains.AddRequest) { r.Driver, r.Offline, r.Selector = "ns", true, "s1" })
	w.dns.publish(record(k), theirs)
	w.drive(2 * time.Hour)
	w.inDNS(k, theirs)
	s := w.status("example.com")
	if !strings.Contains(s.Text, "did not write") || !strings.Contains(s.Text, "c29tZWJvZHk") {
		t.Errorf("the status says %q", s.Text)
	}
	if n := w.told(domains.DNSFailing); n != 1 {
		t.Errorf("told %d times", n)
	}
	_, err := w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{})
	w.must(err)
	w.drive(40 * day)
	w.inDNS(k, theirs)
}

// A person publishes what the driver would have: it stays the person's.
func TestRecordOfAPersonStaysTheirs(t *testing.T) {
	w := newDriven(t, newStore(t))
	k := w.world.add("example.com", func(r *domains.AddRequest) { r.Withhold, r.Driver = true, "ns" })
	w.publish(k)
	w.must(w.service.HandOut(w.ctx, "root", "example.com"))
	w.drive(2 * time.Minute)
	w.signsWith("example.com", k)
	if rows := w.published("example.com"); len(rows) != 1 || !rows[0].WrittenAt.IsZero() || rows[0].Value != k.Record {
		t.Fatalf("%+v", rows)
	}
	_, err := w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{Now: true, Yes: true})
	w.must(err)
	w.drive(40 * day)
	w.inDNS(k, k.Record)
}

func TestFailingDriverIsToldAndTriedAgain(t *testing.T) {
	w := newDriven(t, newStore(t))
	w.writer.away = errors.New("the name server is away")
	k := w.add("example.com")
	w.drive(time.Hour)
	if s := w.status("example.com"); s.Word != "pending" || !strings.Contains(s.Text, "the name server is away") || s.Fix == "" {
		t.Errorf("status %+v", s)
	}
	if n := w.told(domains.DNSFailing); n != 1 {
		t.Errorf("told %d times", n)
	}
	w.writer.away = nil
	w.drive(time.Hour)
	w.signsWith("example.com", k)
	if n := w.told(domains.DNSWritten); n != 1 {
		t.Errorf("the end of it was told %d times", n)
	}
}

// Publishing is never a confirmation.
func TestGateWaitsForDNSItself(t *testing.T) {
	w := newDriven(t, newStore(t))
	k := w.add("example.com")
	w.dns.answer("", "absent") // what the driver wrote has not reached the name servers
	w.drive(10 * time.Minute)
	w.dns.mu.Lock()
	w.dns.forced[""] = "absent"
	w.dns.mu.Unlock()
	w.signsWith("example.com")
	if rows := w.published("example.com"); len(rows) != 1 || rows[0].WrittenAt.IsZero() {
		t.Fatalf("%+v", rows)
	}
	w.dns.answer("", "")
	w.drive(20 * time.Minute)
	w.signsWith("example.com", k)
}

func TestDriverIsRefusedOutsideOfItsZones(t *testing.T) {
	w := newDriven(t, newStore(t))
	_, err := w.service.Add(w.ctx, "root", domains.AddRequest{Name: "other.example", Driver: "ns", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
	w.refused(err, "driver-zones")
	_, err = w.service.Add(w.ctx, "root", domains.AddRequest{Name: "example.com", Driver: "nobody", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
	var invalid *domains.Invalid
	if !errors.As(err, &invalid) {
		t.Errorf("got %v", err)
	}
}

func TestPublishShowsFirst(t *testing.T) {
	w := newDriven(t, newStore(t))
	w.world.add("plain.example")
	_, err := w.service.PlanPublishing(w.ctx, []string{"plain.example"}, false)
	w.refused(err, "no-driver")
	_, err = w.service.PlanPublishing(w.ctx, nil, true)
	w.refused(err, "no-driver")
	k := w.world.add("example.com", func(r *domains.AddRequest) { r.Withhold, r.Driver = true, "ns" })
	planned, err := w.service.PlanPublishing(w.ctx, []string{"example.com"}, false)
	w.must(err)
	if len(planned) != 1 || planned[0].Verdict != domains.DNSAdd || planned[0].Value != k.Record || planned[0].Zone != "example.com" {
		t.Fatalf("%+v", planned)
	}
	if w.is(k.ID, domains.Generated); w.writer.written != 0 || len(w.published("example.com")) != 0 {
		t.Error("the plan changed something")
	}
	done, err := w.service.Publish(w.ctx, "root", []string{"example.com"}, false)
	w.must(err)
	if len(done) != 1 || done[0].Verdict != domains.DNSAdd || done[0].Problem != "" {
		t.Fatalf("%+v", done)
	}
	w.inDNS(k, k.Record)
	w.is(k.ID, domains.Pending)
	w.dns.remove(record(k)) // somebody took it away: publish puts it back
	done, err = w.service.Publish(w.ctx, "root", []string{"example.com"}, false)
	w.must(err)
	if len(done) != 1 || done[0].Verdict != domains.DNSAdd {
		t.Fatalf("%+v", done)
	}
	w.inDNS(k, k.Record)
}

// The daemon and `domain publish` write at the same moment: what both found is not lost.
func TestTwoPublishersAtOnce(t *testing.T) {
	for _, theirs := range []string{"", "v=DKIM1; p=c29tZWJvZHk"} {
		t.Run("in DNS: "+theirs, func(t *testing.T) {
			w := newDriven(t, newStore(t))
			k := w.world.add("example.com", func(r *domains.AddRequest) { r.Driver, r.Offline, r.Selector = "ns", true, "s1" })
			if theirs != "" {
				w.dns.publish(record(k), theirs)
			}
			_, err := w.keeper.Turn(w.ctx)
			w.must(err)
			w.writer.meanwhile = func() {
				_, err := w.service.Publish(w.ctx, "root", []string{"example.com"}, false)
				w.must(err)
			}
			_, err = w.publishDue()
			w.must(err)
			p := w.published("example.com")[0]
			if theirs == "" && (p.Value != k.Record || p.WrittenAt.IsZero() || !p.NextAt.IsZero()) || theirs != "" && !p.Foreign {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestAnotherDriverTakesOver(t *testing.T) {
	w := newDriven(t, newStore(t))
	second := &fakeWriter{dns: w.dns}
	w.publishing.Drivers["other"] = domains.Driver{Zones: []string{"example.com"}, Writer: second}
	k := w.add("example.com")
	w.drive(2 * time.Minute)
	_, err := w.service.Configure(w.ctx, "root", "example.com", domains.Settings{Driver: ptr("other")})
	w.must(err)
	w.drive(time.Minute)
	rows := w.published("example.com")
	if len(rows) != 1 || rows[0].Driver != "other" || rows[0].WrittenAt.IsZero() {
		t.Fatalf("%+v", rows)
	}
	_, err = w.service.Configure(w.ctx, "root", "example.com", domains.Settings{Driver: ptr("")})
	w.must(err)
	w.drive(time.Minute)
	if rows := w.published("example.com"); len(rows) != 0 {
		t.Errorf("%+v", rows)
	}
	w.inDNS(k, k.Record)
}

// The driver life of a key with a crash at one step: between any two writes of the store,
// and before and after each change of DNS.
func driverLife(t *testing.T, c *crash) {
	w := newDriven(t, &storetest.Interrupted{Store: newStore(t), Before: c.before})
	w.policy.RetireAfter, w.policy.QueueLifetime, w.policy.DestroyAfter, w.policy.Recheck = 5*time.Hour, -day, time.Hour, 6*time.Hour
	w.writer.dies = func(step string) {
		if err := c.before("DNS " + step); err != nil {
			panic(err)
		}
	}
	w.restart()
	first := w.insist(c, func() (domains.Added, error) {
		return w.service.Add(w.ctx, "root", domains.AddRequest{Name: "example.com", Driver: "ns", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
	})
	w.outlive(c, 20*time.Minute)
	w.signsWith("example.com", first)
	second := w.insist(c, func() (domains.Added, error) {
		return w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	})
	w.outlive(c, 7*time.Hour)
	w.signsWith("example.com", second)
	w.inDNS(first, domains.RevokedRecord)
	w.outlive(c, 31*day)
	w.inDNS(first, "")
	w.inDNS(second, second.Record)
	if rows := w.published("example.com"); len(rows) != 1 || rows[0].WrittenAt.IsZero() || rows[0].Problem != "" || len(rows[0].Maybe) > 0 {
		w.Errorf("%+v", rows)
	}
}

func (w *driven) insist(c *crash, command func() (domains.Added, error)) domains.Key {
	w.Helper()
	added, err := command()
	if errors.Is(err, errCrash) {
		c.down = false
		w.restart()
		added, err = command()
	}
	w.must(err)
	return added.Keys[0]
}

// outlive lets everything work for a time, and starts anew after a crash.
func (w *driven) outlive(c *crash, d time.Duration) {
	w.Helper()
	turn := func() (next time.Time, err error) {
		defer func() {
			if died := recover(); died != nil {
				err = died.(error)
			}
		}()
		checks, err := w.keeper.Turn(w.ctx)
		if err != nil {
			return checks, err
		}
		writes, err := w.publishDue()
		if checks.IsZero() || !writes.IsZero() && writes.Before(checks) {
			checks = writes
		}
		return checks, err
	}
	for end := w.clock.Now().Add(d); w.clock.Now().Before(end); {
		next, err := turn()
		if errors.Is(err, errCrash) {
			c.down = false
			w.restart()
			continue
		}
		w.must(err)
		if next.IsZero() {
			next = w.clock.Now().Add(10 * time.Second)
		}
		w.clock.advance(max(earlier(next, end).Sub(w.clock.Now()), 100*time.Millisecond))
	}
}

func TestCrashAtEveryStepOfADriver(t *testing.T) {
	whole := &crash{}
	driverLife(t, whole)
	if whole.writes < 100 {
		t.Fatalf("only %d steps to crash at", whole.writes)
	}
	for at := 1; at <= whole.writes; at++ {
		t.Run(fmt.Sprint(at), func(t *testing.T) { driverLife(t, &crash{at: at}) })
	}
}

func TestJudge(t *testing.T) {
	const name = "s._domainkey.example.com"
	txt := func(v string) domains.DNSRecord { return domains.DNSRecord{Name: name, Type: "TXT", Value: v} }
	other := func(kind, v string) domains.DNSRecord { return domains.DNSRecord{Name: name, Type: kind, Value: v} }
	for _, test := range []struct {
		name     string
		kind     string
		want     string
		ours     []string
		standing []domains.DNSRecord
		verdict  domains.DNSVerdict
	}{
		{"nothing there", "TXT", "new", nil, nil, domains.DNSAdd},
		{"as wanted", "TXT", "new", nil, []domains.DNSRecord{txt("new")}, domains.DNSSame},
		{"ours", "TXT", "new", []string{"old"}, []domains.DNSRecord{txt("old")}, domains.DNSReplace},
		{"theirs", "TXT", "new", []string{"old"}, []domains.DNSRecord{txt("theirs")}, domains.DNSForeign},
		{"ours and theirs", "TXT", "new", []string{"old"}, []domains.DNSRecord{txt("old"), txt("theirs")}, domains.DNSForeign},
		{"wanted and theirs", "TXT", "new", []string{"new"}, []domains.DNSRecord{txt("new"), txt("theirs")}, domains.DNSForeign},
		{"beside an address", "TXT", "new", nil, []domains.DNSRecord{other("A", "192.0.2.1")}, domains.DNSAdd},
		{"beside a CNAME", "TXT", "new", nil, []domains.DNSRecord{other("CNAME", "x.example")}, domains.DNSForeign},
		{"a CNAME beside anything", "CNAME", "t.example", nil, []domains.DNSRecord{other("A", "192.0.2.1")}, domains.DNSForeign},
		{"a CNAME beside signatures", "CNAME", "t.example", nil, []domains.DNSRecord{other("RRSIG", "…")}, domains.DNSAdd},
		{"remove ours", "TXT", "", []string{"old"}, []domains.DNSRecord{txt("old")}, domains.DNSRemove},
		{"remove what is gone", "TXT", "", []string{"old"}, nil, domains.DNSSame},
		{"remove, and theirs stands there", "TXT", "", []string{"old"}, []domains.DNSRecord{txt("theirs")}, domains.DNSSame},
		{"remove ours from beside theirs", "TXT", "", []string{"old"}, []domains.DNSRecord{txt("old"), txt("theirs")}, domains.DNSForeign},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := domains.DNSChange{DNSRecord: domains.DNSRecord{Name: name, Type: test.kind, Value: test.want}, Ours: test.ours}
			if got := c.Judge(test.standing); got != test.verdict {
				t.Errorf("got %s, want %s", got, test.verdict)
			}
		})
	}
}
