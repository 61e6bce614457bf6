package domains_test

import (
	"testing"
	"time"

	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/domains"
)

func TestFromAddToConnected(t *testing.T) {
	w := newWorld(t)
	k := w.add("example.com")
	w.is(k.ID, domains.Pending)
	w.label("example.com", "Pending validation", "yellow")
	w.live(20 * time.Minute)
	w.signsWith("example.com")

	w.publish(k)
	w.live(15 * time.Minute) // one look, at most
	w.live(time.Minute)
	w.is(k.ID, domains.Active)
	w.label("example.com", "Connected", "green")
	w.signsWith("example.com", k)
	if w.told(domains.KeyVerified) != 1 || w.told(domains.KeyActivated) != 1 {
		t.Errorf("told: %+v", w.notices())
	}
}

// The schedule of 4.6: 0, 15 s, 30 s, 1, 2, 5, 10 min, then every 15 min to 4 h,
// hourly to 48 h, every 3 h to 72 h, daily for 30 days, then never.
func TestPollingSchedule(t *testing.T) {
	w := newWorld(t)
	k := w.add("example.com")
	asked := len(w.dns.times(record(k)))
	w.live(200 * day)
	var got []time.Duration
	for _, at := range w.dns.times(record(k))[asked:] {
		got = append(got, at.Sub(begin))
	}
	want := []time.Duration{0, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}
	for at := 25 * time.Minute; at < 4*time.Hour; at += 15 * time.Minute {
		want = append(want, at)
	}
	for at := 4 * time.Hour; at < 48*time.Hour; at += time.Hour {
		want = append(want, at)
	}
	for at := 48 * time.Hour; at <= 72*time.Hour; at += 3 * time.Hour {
		want = append(want, at)
	}
	for at := 4 * day; at <= 33*day; at += day {
		want = append(want, at)
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("look %d differs\ngot  %v\nwant %v", i, got, want)
		}
	}
	w.is(k.ID, domains.Failed)
}

func TestTwoPassesAtLeastThirtySecondsApart(t *testing.T) {
	w := newWorld(t)
	k := w.add("example.com")
	w.publish(k)
	for range 5 {
		_, err := w.service.Verify(w.ctx, "root", "example.com")
		w.must(err)
		w.clock.advance(5 * time.Second)
	}
	w.is(k.ID, domains.Pending)
	w.clock.advance(5 * time.Second) // 30 s after the first
	_, err := w.service.Verify(w.ctx, "root", "example.com")
	w.must(err)
	w.is(k.ID, domains.Active)
}

func TestFirstPassThenGoneIsNotVerified(t *testing.T) {
	w := newWorld(t)
	k := w.add("example.com")
	w.publish(k)
	w.live(time.Second)
	w.dns.remove(record(k))
	w.live(40 * time.Second)
	w.publish(k)
	w.live(20 * time.Second)
	w.is(k.ID, domains.Pending)
	w.live(10 * time.Minute)
	w.is(k.ID, domains.Active)
}

func TestStragglingSecondaryDoesNotVerify(t *testing.T) {
	w := newWorld(t)
	k := w.add("example.com")
	w.dns.answer(record(k), check.Inconsistent)
	w.live(day)
	w.is(k.ID, domains.Pending)
	w.signsWith("example.com")
	if s := w.status("example.com"); s.Code != "D106" {
		t.Errorf("status %+v, want D106", s)
	}
}

func TestWarningFailureRetry(t *testing.T) {
	w := newWorld(t)
	k := w.add("example.com")
	w.live(47 * time.Hour)
	if w.told(domains.KeyVerifySlow) != 0 {
		t.Error("warned before 48 hours")
	}
	w.live(4 * time.Hour)
	if w.told(domains.KeyVerifySlow) != 1 {
		t.Errorf("warned %d times after 51 hours", w.told(domains.KeyVerifySlow))
	}
	w.live(22 * time.Hour)
	w.is(k.ID, domains.Failed)
	w.label("example.com", "Error", "red")
	if w.told(domains.KeyVerifyTimeout) != 1 || w.told(domains.KeyVerifySlow) != 1 {
		t.Errorf("told: %+v", w.notices())
	}

	_, err := w.service.Verify(w.ctx, "root", "example.com") // Retry Validation (T6)
	w.must(err)
	w.is(k.ID, domains.Pending)
	w.publish(k)
	w.live(2 * time.Minute)
	w.is(k.ID, domains.Active)
}

func TestFailedKeyRecoversWithoutAnybody(t *testing.T) {
	w := newWorld(t)
	k := w.add("example.com")
	w.live(10 * day)
	w.is(k.ID, domains.Failed)
	w.publish(k)
	w.live(25 * time.Hour)
	w.is(k.ID, domains.Active)
}

func TestRotationWithoutAGap(t *testing.T) {
	w := newWorld(t)
	old := w.connected("example.com")
	w.live(40 * day)
	added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	next := added.Keys[0]
	if next.Selector == old.Selector || next.Bits != old.Bits || next.Algorithm != old.Algorithm {
		t.Errorf("the successor is %+v", next)
	}
	w.label("example.com", "Connected – rotating", "green")
	w.live(time.Hour)
	w.signsWith("example.com", old)

	w.publish(next)
	w.live(time.Hour)
	w.signsWith("example.com", next)
	w.is(old.ID, domains.Retiring)
	w.label("example.com", "Connected", "green")

	retiring := w.key(old.ID).RetiringSince
	for w.key(old.ID).State == domains.Retiring {
		w.live(time.Hour)
	}
	if kept := w.clock.Now().Sub(retiring); kept < 7*day || kept > 7*day+2*time.Hour {
		t.Errorf("the record was kept for %v, want 7 days", kept)
	}
	if w.told(domains.KeySafeToRemove) != 1 {
		t.Errorf("safe to remove was told %d times", w.told(domains.KeySafeToRemove))
	}

	w.live(10 * day) // nobody removes it
	if !w.key(old.ID).DNSGoneAt.IsZero() {
		t.Error("gone from DNS, though it is there")
	}
	w.dns.remove(record(old))
	w.live(2 * day)
	gone := w.key(old.ID).DNSGoneAt
	if gone.IsZero() {
		t.Fatal("removed, and not noticed in two days")
	}
	w.live(gone.Add(29 * day).Sub(w.clock.Now()))
	if _, err := w.service.Private(w.ctx, old.ID); err != nil {
		t.Errorf("destroyed too early: %v", err)
	}
	w.live(2 * day)
	if _, err := w.service.Private(w.ctx, old.ID); err == nil {
		t.Error("31 days after it was gone the private half is still there")
	}
	w.view(func(tx domains.Tx) error {
		graves, err := tx.Tombstones("example.com", old.Selector)
		if len(graves) != 1 || graves[0].Print != old.Print {
			t.Errorf("tombstones: %+v", graves)
		}
		return err
	})
}

func TestRetentionCountsFromTheLastSignatureOfAnyHost(t *testing.T) {
	w := newWorld(t)
	w.must(w.service.HostStarted(w.ctx, host("mx1", 0)))
	w.must(w.service.HostStarted(w.ctx, host("mx2", 0)))
	old := w.connected("example.com")
	added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	w.publish(added.Keys[0])
	w.live(time.Hour)
	w.is(old.ID, domains.Retiring)

	version, err := w.service.Version(w.ctx)
	w.must(err)
	late := w.clock.Now().Add(2 * day)
	w.reports(host("mx2", version-1), map[string]time.Time{old.ID: late})
	w.reports(host("mx1", version), nil)
	w.live(9*day - 2*time.Hour)
	w.is(old.ID, domains.Retiring)
	w.live(3 * day)
	w.is(old.ID, domains.Retiring) // mx2 has not said that it stopped
	if w.told(domains.RotationBlocked) != 1 {
		t.Errorf("told %d times that mx2 is in the way", w.told(domains.RotationBlocked))
	}
	w.reports(host("mx2", version), nil)
	w.live(2 * time.Hour)
	w.is(old.ID, domains.Retired)
}

// A process that has just started says what it has read, and keeps no key from retiring until its first report.
func TestAHostThatStartsBlocksNothing(t *testing.T) {
	w := newWorld(t)
	old := w.connected("example.com")
	added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	w.publish(added.Keys[0])
	w.live(7*day - 2*time.Hour)
	version, err := w.service.Version(w.ctx)
	w.must(err)
	w.must(w.service.HostStarted(w.ctx, host("mx1", version)))
	w.live(4 * time.Hour)
	w.is(old.ID, domains.Retired)
	if n := w.told(domains.RotationBlocked); n != 0 {
		t.Errorf("told %d times that a host is in the way", n)
	}
}

func TestForgetAHostThatIsGone(t *testing.T) {
	w := newWorld(t)
	w.must(w.service.HostStarted(w.ctx, host("mx1", 0)))
	w.must(w.service.HostStarted(w.ctx, host("mx2", 0)))
	old := w.connected("example.com")
	added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	w.publish(added.Keys[0])
	w.live(time.Hour)
	version, err := w.service.Version(w.ctx)
	w.must(err)
	fell := w.clock.Now()
	w.reports(host("mx2", version-1), nil) // its last: it has not heard of the rotation
	w.clock.advance(4 * time.Minute)
	w.unconfirmed(w.service.ForgetHost(w.ctx, "root", "mx2", false), "host-alive")
	w.refused(w.service.ForgetHost(w.ctx, "root", "mx3", false), "no-such-host")
	w.live(20 * day)
	w.reports(host("mx1", version), nil)
	w.live(day)
	w.is(old.ID, domains.Retiring)
	w.must(w.service.ForgetHost(w.ctx, "root", "mx2", false))
	if got := w.key(old.ID).LastSignedAt; !got.Equal(fell.Add(5 * time.Minute)) {
		t.Errorf("last signed %v, want five minutes after the last report at %v", got, fell)
	}
	if got := w.key(added.Keys[0].ID).LastSignedAt; got.IsZero() {
		t.Error("the host may have signed with the present key")
	}
	w.live(day)
	w.is(old.ID, domains.Retired)
	hosts, err := w.service.Hosts(w.ctx)
	if err != nil || len(hosts) != 1 || hosts[0].Name != "mx1" {
		t.Errorf("%+v %v", hosts, err)
	}
}

// host is a process of a machine, with the version that it has.
func host(name string, version int64) domains.Host {
	return domains.Host{Name: name, Process: name + "-1", Version: version}
}

func (w *world) reports(h domains.Host, signed map[string]time.Time) (twins int) {
	w.Helper()
	twins, err := w.service.HostReports(w.ctx, h, signed)
	w.must(err)
	return twins
}

// Two daemons under one host name are two: retirement waits for both, and each hears of
// the other; one that took the place of another is alone.
func TestTwoDaemonsUnderOneHostName(t *testing.T) {
	w := newWorld(t)
	a, b := host("mx1", 0), host("mx1", 0)
	b.Process = "mx1-2"
	w.must(w.service.HostStarted(w.ctx, a))
	w.must(w.service.HostStarted(w.ctx, b)) // as after a crash of the first
	if n := w.reports(b, nil); n != 0 {
		t.Errorf("%d others, and the first has not been heard of since", n)
	}
	old := w.connected("example.com")
	added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	w.publish(added.Keys[0])
	w.live(time.Hour)
	version, err := w.service.Version(w.ctx)
	w.must(err)
	a.Version, b.Version = version-1, version
	if n := w.reports(a, nil) + w.reports(b, nil); n != 1 { // it is alive; its twin's last report is an hour old
		t.Errorf("%d of both hear of the other", n)
	}
	if w.reports(a, nil) != 1 {
		t.Error("the first does not hear of the second")
	}
	w.live(9 * day)
	w.is(old.ID, domains.Retiring) // the first has not said that it stopped
	a.Version = version
	w.reports(a, nil)
	w.live(2 * time.Hour)
	w.is(old.ID, domains.Retired)
	w.must(w.service.HostStopped(w.ctx, "serve@mx1", a))
	hosts, err := w.service.Hosts(w.ctx)
	if err != nil || len(hosts) != 1 || hosts[0].Process != b.Process {
		t.Errorf("one stopped: %+v %v", hosts, err)
	}
}

func TestACrashedHostErrsToLongerRetention(t *testing.T) {
	w := newWorld(t)
	w.must(w.service.HostStarted(w.ctx, host("mx1", 0)))
	k := w.connected("example.com")
	w.live(3 * day)
	w.must(w.service.HostStarted(w.ctx, host("mx1", 0))) // without a stop
	if got := w.key(k.ID).LastSignedAt; !got.Equal(w.clock.Now()) {
		t.Errorf("last signed %v, want now", got)
	}
	w.must(w.service.HostStopped(w.ctx, "root", host("mx1", 0)))
	w.live(time.Hour)
	w.must(w.service.HostStarted(w.ctx, host("mx1", 0)))
	if got := w.key(k.ID).LastSignedAt; got.Equal(w.clock.Now()) {
		t.Error("an orderly stop counted as a crash")
	}
}

func TestAbort(t *testing.T) {
	w := newWorld(t)
	old := w.connected("example.com")
	_, err := w.service.Abort(w.ctx, "root", "example.com")
	w.refused(err, "no-rotation")
	added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	_, err = w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.refused(err, "rotation-under-way")
	gone, err := w.service.Abort(w.ctx, "root", "example.com")
	w.must(err)
	if len(gone) != 1 || gone[0].ID != added.Keys[0].ID || gone[0].DestroyedAt.IsZero() {
		t.Errorf("aborted: %+v", gone)
	}
	if _, err := w.service.Private(w.ctx, gone[0].ID); err == nil {
		t.Error("the private half of an aborted key is still there")
	}
	w.signsWith("example.com", old)
	w.publish(added.Keys[0])
	w.live(2 * day)
	w.signsWith("example.com", old)
}

func TestRollback(t *testing.T) {
	w := newWorld(t)
	old := w.connected("example.com")
	_, err := w.service.Rollback(w.ctx, "root", "example.com")
	w.refused(err, "T11")
	added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	w.publish(added.Keys[0])
	w.live(time.Hour)
	w.signsWith("example.com", added.Keys[0])

	w.dns.remove(record(old))
	_, err = w.service.Rollback(w.ctx, "root", "example.com")
	w.refused(err, "T11")
	w.publish(old)
	_, err = w.service.Rollback(w.ctx, "root", "example.com")
	w.must(err)
	w.signsWith("example.com", old)
	w.is(added.Keys[0].ID, domains.Retiring)
}

func TestEmergency(t *testing.T) {
	w := newWorld(t)
	k := w.connected("example.com")
	_, err := w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector})
	w.unconfirmed(err, "T15")
	w.signsWith("example.com", k)

	e, err := w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
	w.must(err)
	w.signsWith("example.com")
	w.label("example.com", "Compromised", "red")
	snap, err := w.service.Snapshot(w.ctx)
	w.must(err)
	if snap.Blocked[domains.Pair{Name: record(k)}] != "compromised" {
		t.Errorf("blocked: %v; a table could still sign with it", snap.Blocked)
	}
	if e.Successor.State != domains.Pending || e.Record != "v=DKIM1; p=" {
		t.Errorf("emergency: %+v", e)
	}
	w.publish(e.Successor)
	w.live(2 * time.Minute)
	w.signsWith("example.com", e.Successor)

	// Never rolled back, whatever DNS says.
	_, err = w.service.Rollback(w.ctx, "root", "example.com")
	w.refused(err, "T11")
	w.live(60 * day)
	w.signsWith("example.com", e.Successor)
}

func TestEmergencyWithAReadySpare(t *testing.T) {
	w := newWorld(t)
	k := w.connected("example.com", func(r *domains.AddRequest) { r.Activation = domains.ActivateVerified })
	_, err := w.service.Configure(w.ctx, "root", "example.com", domains.Settings{Activation: ptr(domains.ActivateManual)})
	w.must(err)
	added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	w.publish(added.Keys[0])
	w.live(time.Hour)
	w.is(added.Keys[0].ID, domains.Ready)
	e, err := w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
	w.must(err)
	if e.Successor.ID != added.Keys[0].ID {
		t.Errorf("the successor is %+v", e.Successor)
	}
	w.signsWith("example.com", added.Keys[0])
}

func TestRotationByTheClock(t *testing.T) {
	w := newWorld(t)
	k := w.connected("example.com")
	_, err := w.service.Configure(w.ctx, "root", "example.com", domains.Settings{RotateEvery: ptr(90 * day)})
	w.must(err)
	w.live(89 * day)
	w.label("example.com", "Connected", "green")
	w.live(2 * day)
	w.label("example.com", "Connected – rotating", "green")
	d, err := w.service.Show(w.ctx, "example.com")
	w.must(err)
	if len(d.Keys) != 2 || d.Keys[1].Replaces != k.ID {
		t.Fatalf("keys: %+v", d.Keys)
	}
	w.publish(d.Keys[1])
	w.live(4 * day) // the poll of a key that is 1 to 2 days old
	w.signsWith("example.com", d.Keys[1])
}

// Mail with signatures of a deleted domain is under way: its keys can be stopped, and the
// record is demanded and looked for.
func TestCompromisedAfterDeletion(t *testing.T) {
	w := newWorld(t)
	k := w.connected("example.com")
	_, err := w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{})
	w.must(err)
	w.is(k.ID, domains.Retiring)
	e, err := w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
	w.must(err)
	if e.Live || e.Record != domains.RevokedRecord || e.Name() != record(k) || e.Successor.ID != "" || e.Rollback.ID != "" {
		t.Errorf("%+v", e)
	}
	w.is(k.ID, domains.Retired)
	if w.told(domains.KeyCompromised) != 1 {
		t.Errorf("told %d times", w.told(domains.KeyCompromised))
	}
	w.dns.publish(record(k), domains.RevokedRecord)
	w.live(3 * time.Hour)
	if w.key(k.ID).DNSGoneAt.IsZero() {
		t.Error("the revocation was not looked for")
	}
	_, err = w.service.Compromised(w.ctx, "root", "other.example", domains.CompromiseRequest{Selector: "x", Yes: true})
	w.refused(err, "no-such-domain")
}

func TestDualSigning(t *testing.T) {
	w := newWorld(t)
	old := w.connected("example.com", func(r *domains.AddRequest) { r.DualSign = true })
	name := "held._domainkey.example.com"
	w.dns.publish(name, "some text that stood there before")
	added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{Selector: "held"})
	w.must(err)
	w.publish(added.Keys[0])
	w.live(10 * time.Minute)
	w.is(added.Keys[0].ID, domains.Ready) // held for the TTL of the old text
	w.signsWith("example.com", old)
	w.live(time.Hour)
	w.signsWith("example.com", old, added.Keys[0])
	w.live(day)
	w.signsWith("example.com", added.Keys[0])
	w.is(old.ID, domains.Retiring)
}

// A key that signed beside another one is kept for mail under way, whatever ends it.
func TestDualSignedIsRetained(t *testing.T) {
	both := func(t *testing.T, activation domains.Activation) (w *world, old, next domains.Key) {
		w = newWorld(t)
		old = w.connected("example.com", func(r *domains.AddRequest) { r.DualSign = true })
		if activation != domains.ActivateVerified {
			_, err := w.service.Configure(w.ctx, "root", "example.com", domains.Settings{Activation: &activation})
			w.must(err)
		}
		version, err := w.service.Version(w.ctx)
		w.must(err)
		added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
		w.must(err)
		next = added.Keys[0]
		w.publish(next)
		w.live(time.Hour)
		w.is(next.ID, domains.Ready)
		w.signsWith("example.com", old, next)
		if now, err := w.service.Version(w.ctx); err != nil || now == version {
			t.Errorf("no host hears that two keys sign: version %d, %v", now, err)
		}
		return w, old, next
	}
	t.Run("deleted", func(t *testing.T) {
		w, _, next := both(t, domains.ActivateVerified)
		removed, err := w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{Selector: next.Selector})
		w.must(err)
		if len(removed) != 1 || !removed[0].When.After(w.clock.Now().Add(6*day)) {
			t.Errorf("the record may go at %+v", removed)
		}
		w.is(next.ID, domains.Retiring)
	})
	t.Run("aborted", func(t *testing.T) {
		w, old, next := both(t, domains.ActivateVerified)
		_, err := w.service.Abort(w.ctx, "root", "example.com")
		w.must(err)
		w.is(next.ID, domains.Retiring)
		w.signsWith("example.com", old)
		w.live(8 * day)
		w.is(next.ID, domains.Retired)
	})
	t.Run("lost by DNS, then deleted", func(t *testing.T) {
		w, old, next := both(t, domains.ActivateManual)
		w.dns.remove(record(next))
		w.live(5 * time.Hour)
		w.is(next.ID, domains.Pending)
		w.signsWith("example.com", old)
		_, err := w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{Selector: next.Selector})
		w.must(err)
		w.is(next.ID, domains.Retiring)
	})
	t.Run("manual: both until enable", func(t *testing.T) {
		w, old, next := both(t, domains.ActivateManual)
		w.live(10 * day)
		w.signsWith("example.com", old, next)
		_, err := w.service.Enable(w.ctx, "root", "example.com", domains.EnableRequest{})
		w.must(err)
		w.signsWith("example.com", next)
	})
}

func TestHoldTime(t *testing.T) {
	w := newWorld(t)
	w.dns.publish("held._domainkey.example.com", "some text that stood there before")
	k := w.add("example.com", func(r *domains.AddRequest) { r.Selector = "held" })
	w.publish(k)
	w.live(2 * time.Minute)
	w.is(k.ID, domains.Ready)
	w.label("example.com", "Verified, not signing", "blue")
	w.live(57 * time.Minute)
	w.is(k.ID, domains.Ready)
	w.live(5 * time.Minute)
	w.is(k.ID, domains.Active)
}

func TestReadyKeyThatDNSLosesIsConfirmedAnew(t *testing.T) {
	w := newWorld(t)
	k := w.add("example.com", func(r *domains.AddRequest) { r.Activation = domains.ActivateManual })
	w.publish(k)
	w.live(2 * time.Minute)
	w.is(k.ID, domains.Ready)
	w.dns.remove(record(k))
	w.live(5 * time.Hour)
	w.is(k.ID, domains.Pending)
	_, err := w.service.Enable(w.ctx, "root", "example.com", domains.EnableRequest{})
	w.refused(err, "TST-8")
}

func TestTwoAlgorithms(t *testing.T) {
	w := newWorld(t)
	ed := w.connected("example.com")
	added, err := w.service.Add(w.ctx, "root", domains.AddRequest{Name: "example.com", Bits: 1024})
	w.must(err)
	rsa := added.Keys[0]
	w.publish(rsa)
	w.live(2 * time.Minute)
	w.signsWith("example.com", ed, rsa)
	_, err = w.service.Add(w.ctx, "root", domains.AddRequest{Name: "example.com", Bits: 1024})
	w.refused(err, "already-managed")
}

func TestSlots(t *testing.T) {
	w := newWorld(t)
	w.policy.KeyZone.Name = "dkim.mx.example.net"
	w.restart()
	first := w.connected("a-b.example.com", func(r *domains.AddRequest) { r.Publish = domains.PublishCNAME })
	if first.Selector != "pse1" || first.Target != "pse1.a--b-example-com.dkim.mx.example.net" {
		t.Errorf("slot 1: %s %s", first.Selector, first.Target)
	}
	added, err := w.service.Rotate(w.ctx, "root", "a-b.example.com", domains.RotateRequest{})
	w.must(err)
	second := added.Keys[0]
	if second.Slot != 2 {
		t.Errorf("the successor is in slot %d", second.Slot)
	}
	w.publish(second)
	w.live(2 * time.Hour)
	w.signsWith("a-b.example.com", second)
	_, err = w.service.Rotate(w.ctx, "root", "a-b.example.com", domains.RotateRequest{})
	w.refused(err, "no-free-slot")
	w.live(8 * day)
	added, err = w.service.Rotate(w.ctx, "root", "a-b.example.com", domains.RotateRequest{})
	w.must(err)
	if third := added.Keys[0]; third.Selector != "pse1" || third.Print == first.Print {
		t.Errorf("slot 1 was to be used again: %+v", third)
	}
}
