package domains_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/domains"
)

// The table of section 6: what becomes of a key in service when its record
// changes. Each row breaks the record and looks at the key after a time.
func TestRecordGoesAway(t *testing.T) {
	type look struct {
		after time.Duration // since the break
		state domains.State
		label string
	}
	const connected, checkDNS, failed = "Connected", "Connected – check DNS", "Error"
	for _, test := range []struct {
		name    string
		verdict check.Verdict
		event   domains.Event
		looks   []look
	}{
		{"no answer never suspends", check.Temporary, domains.HealthUnknown, []look{
			{3 * time.Hour, domains.Active, checkDNS}, {60 * day, domains.Active, checkDNS},
		}},
		{"absent: a day of grace", check.Absent, domains.HealthBroken, []look{
			{2 * time.Hour, domains.Active, checkDNS}, {24 * time.Hour, domains.Active, checkDNS}, {27 * time.Hour, domains.Suspended, failed},
		}},
		{"some servers only", check.Inconsistent, domains.HealthBroken, []look{
			{3 * time.Hour, domains.Active, checkDNS}, {60 * day, domains.Active, checkDNS},
		}},
		{"another key: an hour of grace", check.Mismatch, domains.HealthBroken, []look{
			{90 * time.Minute, domains.Active, checkDNS}, {4 * time.Hour, domains.Suspended, failed},
		}},
		{"malformed", check.Malformed, domains.HealthBroken, []look{
			{90 * time.Minute, domains.Active, checkDNS}, {4 * time.Hour, domains.Suspended, failed},
		}},
		{"two records", check.Duplicate, domains.HealthBroken, []look{
			{90 * time.Minute, domains.Active, checkDNS}, {4 * time.Hour, domains.Suspended, failed},
		}},
		{"target changed", check.TargetChanged, domains.DomainRevalidate, []look{
			{90 * time.Minute, domains.Active, "Needs re-validation"}, {4 * time.Hour, domains.Suspended, failed},
		}},
		{"revoked by its owner: at the second look", check.Revoked, domains.KeySuspended, []look{
			{time.Hour + 3*time.Minute, domains.Suspended, failed},
		}},
		{"testing never suspends", check.Testing, "", []look{
			{3 * time.Hour, domains.Active, checkDNS}, {60 * day, domains.Active, checkDNS},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			k := w.connected("example.com")
			w.live(3*time.Hour + 59*time.Minute)
			broken := w.clock.Now()
			w.dns.answer(record(k), test.verdict)
			for _, look := range test.looks {
				w.live(look.after - w.clock.Now().Sub(broken))
				w.is(k.ID, look.state)
				if s := w.status("example.com"); s.Label != look.label || look.label != connected && s.Text == "" {
					t.Errorf("after %v: %+v, want %q with a text", look.after, s, look.label)
				}
				if got, want := w.signing("example.com") != "[]", look.state == domains.Active; got != want {
					t.Errorf("after %v: signs %v, want %v", look.after, got, want)
				}
			}
			if test.event != "" && w.told(test.event) != 1 {
				t.Errorf("%s was told %d times, want once: %+v", test.event, w.told(test.event), w.notices())
			}
			w.dns.answer(record(k), "") // and the record comes back
			w.live(3 * time.Hour)
			w.is(k.ID, domains.Active)
			w.label("example.com", connected, "green")
			w.signsWith("example.com", k)
			if test.event != "" && w.told(domains.HealthRecovered) != 1 {
				t.Errorf("recovery was told %d times", w.told(domains.HealthRecovered))
			}
		})
	}
}

func TestOwnerRevokedForFiveDays(t *testing.T) {
	w := newWorld(t)
	k := w.connected("example.com")
	w.dns.publish(record(k), "v=DKIM1; p=")
	w.live(4 * day)
	w.is(k.ID, domains.Suspended)
	w.live(2 * day)
	w.is(k.ID, domains.Retired)
	w.publish(k)
	w.live(2 * day)
	w.signsWith("example.com")
}

func TestOneBadLookIsNothing(t *testing.T) {
	w := newWorld(t)
	k := w.connected("example.com")
	for _, v := range []check.Verdict{check.Absent, check.Mismatch, check.Revoked, check.Malformed} {
		w.live(2 * time.Hour)
		before := len(w.dns.times(record(k)))
		w.dns.answer(record(k), v)
		for len(w.dns.times(record(k))) == before {
			w.live(5 * time.Second)
		}
		w.dns.answer(record(k), "")
		w.live(2 * time.Hour)
		w.is(k.ID, domains.Active)
		w.label("example.com", "Connected", "green")
	}
	if n := w.told(domains.HealthBroken) + w.told(domains.KeySuspended) + w.told(domains.HealthRecovered); n != 0 {
		t.Errorf("%d alarms", n)
	}
}

func TestOnMissing(t *testing.T) {
	for _, test := range []struct {
		setting domains.OnMissing
		verdict check.Verdict
		after   time.Duration
		want    domains.State
	}{
		{"keep", check.Absent, 60 * day, domains.Active},
		{"keep", check.Mismatch, 60 * day, domains.Active},
		{"keep", check.Revoked, 2 * time.Hour, domains.Suspended}, // the owner of the domain has the last word
		{"suspend", check.Absent, 2 * time.Hour, domains.Suspended},
		{"suspend:6h", check.Absent, 5 * time.Hour, domains.Active},
		{"suspend:6h", check.Absent, 9 * time.Hour, domains.Suspended},
		{"suspend:48h", check.Absent, 47 * time.Hour, domains.Active},
		{"suspend:48h", check.Mismatch, 4 * time.Hour, domains.Suspended},
	} {
		t.Run(string(test.setting)+" "+string(test.verdict), func(t *testing.T) {
			w := newWorld(t)
			k := w.connected("example.com", func(r *domains.AddRequest) { r.OnMissing = test.setting })
			w.dns.answer(record(k), test.verdict)
			w.live(test.after)
			w.is(k.ID, test.want)
		})
		t.Run("of rows without their own: "+string(test.setting)+" "+string(test.verdict), func(t *testing.T) {
			w := newWorld(t)
			w.policy.OnMissing = test.setting
			w.restart()
			k := w.connected("example.com")
			own := w.connected("own.example", func(r *domains.AddRequest) { r.OnMissing = "suspend:1000h" })
			w.dns.answer(record(k), test.verdict)
			w.dns.answer(record(own), check.Absent)
			w.live(test.after)
			w.is(k.ID, test.want)
			w.is(own.ID, map[bool]domains.State{false: domains.Active, true: domains.Suspended}[test.after > 1000*time.Hour])
		})
	}
}

func TestSuspendedKeyIsReplaced(t *testing.T) {
	t.Run("by a retiring key that still verifies", func(t *testing.T) {
		w := newWorld(t)
		old := w.connected("example.com")
		added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
		w.must(err)
		w.publish(added.Keys[0])
		w.live(2 * day)
		w.dns.remove(record(added.Keys[0]))
		w.live(27 * time.Hour)
		w.is(added.Keys[0].ID, domains.Suspended)
		w.signsWith("example.com", old)
		w.publish(added.Keys[0])
		w.live(3 * time.Hour)
		w.signsWith("example.com", added.Keys[0])
		w.is(old.ID, domains.Retiring)
	})
	t.Run("by the other algorithm", func(t *testing.T) {
		w := newWorld(t)
		ed := w.connected("example.com")
		added, err := w.service.Add(w.ctx, "root", domains.AddRequest{Name: "example.com", Bits: 1024})
		w.must(err)
		w.publish(added.Keys[0])
		w.live(time.Hour)
		w.dns.remove(record(ed))
		w.live(27 * time.Hour)
		w.signsWith("example.com", added.Keys[0])
	})
}

func TestSuspendedWhileDisabledWaitsForEnable(t *testing.T) {
	w := newWorld(t)
	k := w.connected("example.com")
	_, err := w.service.Disable(w.ctx, "root", "example.com")
	w.must(err)
	w.dns.remove(record(k))
	w.live(2 * day)
	w.is(k.ID, domains.Suspended)
	w.publish(k)
	w.live(3 * time.Hour)
	w.is(k.ID, domains.Suspended)
	_, err = w.service.Enable(w.ctx, "root", "example.com", domains.EnableRequest{})
	w.must(err)
	w.signsWith("example.com", k)
}

func TestReminderOfASuspendedKey(t *testing.T) {
	w := newWorld(t)
	k := w.connected("example.com")
	w.dns.remove(record(k))
	w.live(2 * day)
	before := w.told(domains.KeySuspended)
	w.live(30 * day)
	if got := w.told(domains.KeySuspended) - before; got != 1 {
		t.Errorf("reminded %d times in a month, want once", got)
	}
}

func TestRetiringRecordThatGoesTooEarly(t *testing.T) {
	w := newWorld(t)
	old := w.connected("example.com")
	added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	w.publish(added.Keys[0])
	w.live(time.Hour)
	w.dns.remove(record(old))
	w.live(4 * day)
	if w.told(domains.HealthBroken) != 1 {
		t.Errorf("told %d times that a record which is still needed is gone", w.told(domains.HealthBroken))
	}
	w.signsWith("example.com", added.Keys[0])
}

// Rechecks go through the resolver, and to the authoritative servers once a day
// and when something is wrong (ruling 36).
func TestRechecksAreHourlyAndFullOnceADay(t *testing.T) {
	w := newWorld(t)
	k := w.connected("example.com")
	name := record(k)
	asked, full := len(w.dns.times(name)), w.dns.full[name]
	w.live(10 * day)
	if got := len(w.dns.times(name)) - asked; got < 235 || got > 245 {
		t.Errorf("%d looks in ten days, want one each hour", got)
	}
	if got := w.dns.full[name] - full; got < 9 || got > 11 {
		t.Errorf("%d full looks in ten days, want one each day", got)
	}
	w.dns.remove(name)
	full = w.dns.full[name]
	w.live(2 * time.Hour)
	if w.dns.full[name]-full < 2 {
		t.Error("a fault is not confirmed with the authoritative servers")
	}
}

func TestAnOldKeyIsToldOnce(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com")
	w.live(364 * day)
	if w.told(domains.KeyExpiring) != 0 {
		t.Error("told before a year")
	}
	w.live(30 * day)
	if w.told(domains.KeyExpiring) != 1 {
		t.Errorf("told %d times after a year", w.told(domains.KeyExpiring))
	}
}

// After a start all keys in service are looked at, one after the other; those that were
// looked at just before are not.
func TestRecheckAfterAStart(t *testing.T) {
	const many = 30
	w := newWorld(t)
	var keys []domains.Key
	for i := range many {
		keys = append(keys, w.add(fmt.Sprintf("d%02d.example", i)))
		w.publish(keys[i])
	}
	w.live(2 * time.Minute)
	w.live(20 * time.Minute)
	looks := func() (times []time.Time) {
		for _, k := range keys {
			all := w.dns.times(record(k))
			times = append(times, all[len(all)-1])
		}
		slices.SortFunc(times, time.Time.Compare)
		return times
	}
	if last := looks()[many-1]; w.clock.Now().Sub(last) < 15*time.Minute {
		t.Fatalf("looked at %v ago, without a start", w.clock.Now().Sub(last))
	}
	start := w.clock.Now()
	restart := func() {
		w.restart()
		w.clock.advance(time.Minute) // the lease of the one before runs out
		w.live(time.Minute)
	}
	restart()
	times := looks()
	if times[0].Before(start) || times[many-1].Sub(times[0]) < (many-1)*90*time.Millisecond {
		t.Errorf("after a start they were looked at from %v to %v later", times[0].Sub(start), times[many-1].Sub(start))
	}
	restart()
	if again := looks(); !slices.Equal(again, times) {
		t.Error("looked at again and again")
	}
}
