package domains_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/domains"
)

// overtake has a command come between two steps of the daemon's attempt at a new key, and
// `domain publish` after it.
func (w *driven) overtake(step string, command func() error) {
	w.Helper()
	_, err := w.keeper.Turn(w.ctx)
	w.must(err)
	meanwhile := func() {
		w.must(command())
		_, err := w.service.Publish(w.ctx, "root", []string{"example.com"}, false)
		w.must(err)
	}
	if step == "before" {
		w.writer.meanwhile = meanwhile
	} else {
		w.writer.dies = func(at string) {
			if at == step {
				w.writer.dies = nil
				meanwhile()
			}
		}
	}
	_, err = w.publishDue()
	w.must(err)
}

// What an attempt says that ends late is not taken for what stands in DNS.
func TestLateEndOfAnAttempt(t *testing.T) {
	for _, step := range []string{"before", "after"} {
		t.Run(step+" it wrote, the key was compromised", func(t *testing.T) {
			w := newDriven(t, newStore(t))
			k := w.add("example.com")
			w.overtake(step, func() error {
				_, err := w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
				return err
			})
			w.drive(day)
			w.inDNS(k, domains.RevokedRecord)
			for _, p := range w.published("example.com") {
				if p.Name == record(k) && (p.Value != domains.RevokedRecord || p.Problem != "" || len(p.Maybe) > 0) {
					t.Errorf("the store has %+v", p)
				}
			}
			w.drive(40 * day)
			w.inDNS(k, "")
		})
		t.Run(step+" it wrote, the key was given up", func(t *testing.T) {
			w := newDriven(t, newStore(t))
			k := w.add("example.com")
			w.overtake(step, func() error {
				_, err := w.service.Regenerate(w.ctx, "root", "example.com", domains.RotateRequest{Yes: true})
				return err
			})
			w.drive(day)
			w.inDNS(k, "")
			if rows := w.published("example.com"); len(rows) != 1 {
				t.Errorf("%+v", rows)
			}
		})
	}
	t.Run("a person has taken over", func(t *testing.T) {
		w := newDriven(t, newStore(t))
		k := w.add("example.com")
		_, err := w.keeper.Turn(w.ctx)
		w.must(err)
		w.writer.meanwhile = func() {
			_, err := w.service.Configure(w.ctx, "root", "example.com", domains.Settings{Driver: ptr("")})
			w.must(err)
		}
		_, err = w.publishDue()
		w.must(err)
		w.drive(day)
		w.inDNS(k, k.Record)
		if rows := w.published("example.com"); len(rows) != 0 {
			t.Errorf("%+v", rows)
		}
	})
	t.Run("another driver has taken over", func(t *testing.T) {
		w := newDriven(t, newStore(t))
		w.publishing.Drivers["other"] = domains.Driver{Zones: []string{"example.com"}, Writer: &fakeWriter{dns: w.dns}}
		k := w.add("example.com")
		w.overtake("before", func() error {
			_, err := w.service.Configure(w.ctx, "root", "example.com", domains.Settings{Driver: ptr("other")})
			if err == nil {
				_, err = w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
			}
			return err
		})
		w.drive(day)
		w.inDNS(k, domains.RevokedRecord)
	})
}

type silence struct{}

func (silence) Error() string  { return "no answer in time" }
func (silence) NoAnswer() bool { return true }

// silentWriter is a driver whose server never answers.
type silentWriter struct {
	clock *fakeClock
	calls atomic.Int64
}

func (f *silentWriter) Plan(context.Context, string, []domains.DNSChange) ([]domains.DNSOutcome, error) {
	f.calls.Add(1)
	f.clock.advance(30 * time.Second)
	return nil, silence{}
}

func (f *silentWriter) Apply(ctx context.Context, zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	return f.Plan(ctx, zone, changes)
}

// The name server of 50 customers is away; a key of another driver is compromised.
func TestSilentDriverKeepsNoOther(t *testing.T) {
	w := newDriven(t, newStore(t))
	dead := &silentWriter{clock: w.clock}
	var zones []string
	for i := range 50 {
		zones = append(zones, fmt.Sprintf("d%d.test", i))
	}
	w.publishing.Drivers["dead"] = domains.Driver{Zones: zones, Writer: dead}
	w.restart()
	k := w.add("example.com")
	w.drive(2 * time.Hour)
	for _, zone := range zones {
		w.world.add(zone, func(r *domains.AddRequest) { r.Driver = "dead" })
	}
	_, err := w.keeper.Turn(w.ctx)
	w.must(err)
	_, err = w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
	w.must(err)
	next, err := w.publishDue()
	w.must(err)
	w.inDNS(k, domains.RevokedRecord)
	if n := dead.calls.Load(); n != 1 || next.After(w.clock.Now()) {
		t.Errorf("the silent server was asked %d times in one round; next round at %v", n, next)
	}
	for _, zone := range zones {
		if p := w.published(zone); len(p) != 1 || !strings.Contains(p[0].Problem, "no answer") {
			t.Fatalf("%+v", p)
		}
	}
	w.drive(10 * time.Minute) // each zone has its turn, not only the first
	tried := 0
	for _, zone := range zones {
		tried += min(1, w.published(zone)[0].Attempts)
	}
	if tried < 5 {
		t.Errorf("only %d zones were tried in ten minutes", tried)
	}
}

// moodyWriter never answers about the zones of .test.
type moodyWriter struct {
	fakeWriter
	silentWriter
}

func (f *moodyWriter) Plan(ctx context.Context, zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	if strings.HasSuffix(zone, ".test") {
		return f.silentWriter.Plan(ctx, zone, changes)
	}
	return f.fakeWriter.Plan(ctx, zone, changes)
}

func (f *moodyWriter) Apply(ctx context.Context, zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	if strings.HasSuffix(zone, ".test") {
		return f.silentWriter.Plan(ctx, zone, changes)
	}
	return f.fakeWriter.Apply(ctx, zone, changes)
}

// A driver gets no answer about 20 zones: its other zones wait for each of them once.
func TestSilentZonesKeepNoOtherForLong(t *testing.T) {
	w := newDriven(t, newStore(t))
	zones := []string{"example.com"}
	for i := range 20 {
		zones = append(zones, fmt.Sprintf("d%d.test", i))
	}
	w.publishing.Drivers["ns"] = domains.Driver{Zones: zones, Writer: &moodyWriter{fakeWriter{dns: w.dns}, silentWriter{clock: w.clock}}}
	w.restart()
	for _, zone := range zones[1:] {
		w.add(zone)
	}
	w.clock.advance(time.Second)
	k := w.add(zones[0])
	w.drive(20*30*time.Second + time.Minute)
	w.inDNS(k, k.Record)
	for _, zone := range zones[1:] {
		if p := w.published(zone); len(p) != 1 || p[0].Attempts == 0 {
			t.Errorf("%s had no turn: %+v", zone, p)
		}
	}
	w.drive(3 * time.Hour) // by now they are asked once an hour each
	_, err := w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
	w.must(err)
	w.drive(time.Minute)
	w.inDNS(k, domains.RevokedRecord)
}

// A person asks for 50 zones of a server that is away: it is waited for once.
func TestSilentDriverIsWaitedForOnce(t *testing.T) {
	w := newDriven(t, newStore(t))
	dead := &silentWriter{clock: w.clock}
	zones := []string{"example.com"}
	for i := range 50 {
		zones = append(zones, fmt.Sprintf("d%d.test", i))
	}
	w.publishing.Drivers["dead"] = domains.Driver{Zones: zones[1:], Writer: dead}
	w.restart()
	k := w.add(zones[0])
	for _, zone := range zones[1:] {
		w.world.add(zone, func(r *domains.AddRequest) { r.Driver = "dead" })
	}
	names := slices.Clone(zones)
	slices.Reverse(names)
	for name, ask := range map[string]func(context.Context) ([]domains.Publication, error){
		"dry run": func(ctx context.Context) ([]domains.Publication, error) {
			return w.service.PlanPublishing(ctx, names, false)
		},
		"publish": func(ctx context.Context) ([]domains.Publication, error) {
			return w.service.Publish(ctx, "root", names, false)
		},
	} {
		dead.calls.Store(0)
		out, err := ask(w.ctx)
		w.must(err)
		if n := dead.calls.Load(); n != 1 || len(out) != len(zones) {
			t.Errorf("%s: asked %d times, told of %d records", name, n, len(out))
		}
		for _, p := range out {
			if (p.Problem == "") != (p.Owner == "example.com") {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
	w.inDNS(k, k.Record)
}

// hangingWriter is a driver that never comes to an end by itself.
type hangingWriter struct{ begun chan struct{} }

func (f *hangingWriter) Plan(ctx context.Context, _ string, _ []domains.DNSChange) ([]domains.DNSOutcome, error) {
	close(f.begun)
	<-ctx.Done()
	return nil, ctx.Err()
}

func (f *hangingWriter) Apply(ctx context.Context, zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	return f.Plan(ctx, zone, changes)
}

// A key is compromised while another driver is in the middle of its work.
func TestEmergencyWaitsForNoOtherDriver(t *testing.T) {
	w := newDriven(t, newStore(t))
	hangs := &hangingWriter{begun: make(chan struct{})}
	w.publishing.Drivers["hangs"] = domains.Driver{Zones: []string{"other.test"}, Writer: hangs}
	w.restart()
	k := w.add("example.com")
	w.drive(2 * time.Hour)
	w.world.add("other.test", func(r *domains.AddRequest) { r.Driver = "hangs" })
	_, err := w.keeper.Turn(w.ctx)
	w.must(err)
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		w.publisher.Run(ctx)
		close(ended)
	}()
	<-hangs.begun
	_, err = w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
	w.must(err)
	revoked := func() bool {
		w.dns.mu.Lock()
		defer w.dns.mu.Unlock()
		return w.dns.records[record(k)] == domains.RevokedRecord
	}
	for end := time.Now().Add(2 * time.Minute); !revoked(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the other driver keeps it waiting")
		}
	}
	cancel()
	<-ended
}

// slowWriter needs its time for each zone.
type slowWriter struct {
	fakeWriter
	clock *fakeClock
	zones []string
}

func (f *slowWriter) Apply(ctx context.Context, zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	f.zones = append(f.zones, zone)
	f.clock.advance(5 * time.Second)
	return f.fakeWriter.Apply(ctx, zone, changes)
}

// A driver has a long way to go; a key that is compromised is next.
func TestEmergencyComesFirst(t *testing.T) {
	w := newDriven(t, newStore(t))
	slow := &slowWriter{fakeWriter: fakeWriter{dns: w.dns}, clock: w.clock}
	zones := []string{"example.com"}
	for i := range 30 {
		zones = append(zones, fmt.Sprintf("d%d.test", i))
	}
	w.publishing.Drivers["ns"] = domains.Driver{Zones: zones, Writer: slow}
	w.restart()
	k := w.add("example.com")
	w.drive(2 * time.Hour)
	for _, zone := range zones[1:] {
		w.add(zone)
	}
	w.clock.advance(time.Minute)
	_, err := w.keeper.Turn(w.ctx)
	w.must(err)
	_, err = w.publisher.Turn(w.ctx, "ns")
	w.must(err)
	slow.zones = nil
	_, err = w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
	w.must(err)
	_, err = w.publisher.Turn(w.ctx, "ns")
	w.must(err)
	w.inDNS(k, domains.RevokedRecord)
	if len(slow.zones) != 1 {
		t.Errorf("in one round it wrote %v", slow.zones)
	}
}

// An old zone file is restored: the driver writes what was lost, but nothing in the place
// of what somebody else wrote.
func TestDriverWritesALostRecordAgain(t *testing.T) {
	w := newDriven(t, newStore(t))
	k := w.add("example.com")
	w.drive(2 * time.Hour)
	w.signsWith("example.com", k)
	w.dns.remove(record(k))
	w.drive(2 * day)
	w.inDNS(k, k.Record)
	w.signsWith("example.com", k)
	const theirs = "v=DKIM1; p=c29tZWJvZHk"
	w.dns.publish(record(k), theirs)
	w.drive(2 * day)
	w.inDNS(k, theirs)
}

func TestDriverWritesALostRecordOfTheKeyZoneAgain(t *testing.T) {
	w := zoned(t)
	k := w.world.add("example.com", func(r *domains.AddRequest) { r.Publish, r.Slots, r.Driver = domains.PublishCNAME, 2, "ns" })
	w.drive(2 * time.Hour)
	alias := w.dns.records[record(k)]
	w.dns.publish(record(k), k.Record) // the fake DNS follows no alias
	w.drive(2 * time.Hour)
	w.signsWith("example.com", k)
	w.dns.publish(record(k), alias)
	w.dns.remove(k.Target)
	w.dns.answer(record(k), check.Absent)
	w.drive(2 * day)
	w.text(k.Target, k.Record)
}

// Added again without a driver: what the former driver wrote is still its to remove.
func TestDeletedAndAddedAgainWithoutTheDriver(t *testing.T) {
	w := newDriven(t, newStore(t))
	former := w.add("example.com")
	w.drive(2 * time.Hour)
	_, err := w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{})
	w.must(err)
	w.drive(time.Hour)
	k := w.world.add("example.com")
	w.inDNS(former, former.Record) // mail under way
	w.drive(60 * day)
	w.inDNS(former, "")
	w.inDNS(k, "")
	if rows := w.published("example.com"); len(rows) != 0 {
		t.Errorf("%+v", rows)
	}
}

// A domain has left CNAME mode: its CNAME records go with the last key that needs them.
func TestDriverRemovesTheSlotsOfAFormerMode(t *testing.T) {
	w := zoned(t)
	k := w.world.add("example.com", func(r *domains.AddRequest) { r.Publish, r.Slots, r.Driver = domains.PublishCNAME, 2, "ns" })
	w.drive(2 * time.Minute)
	alias := w.dns.records[record(k)]
	w.dns.publish(record(k), k.Record) // the fake DNS follows no alias
	w.drive(2 * time.Hour)
	w.signsWith("example.com", k)
	w.dns.publish(record(k), alias)
	w.dns.answer(record(k), check.OK)
	to := domains.PublishTXT
	_, err := w.service.Configure(w.ctx, "root", "example.com", domains.Settings{Publish: &to})
	w.must(err)
	w.drive(2 * time.Hour)
	w.is(k.ID, domains.Retiring)
	w.text(record(k), alias) // mail under way
	w.drive(20 * day)
	w.is(k.ID, domains.Retired)
	for _, name := range []string{record(k), "pse2._domainkey.example.com"} {
		w.text(name, "")
	}
}
