package domains

import (
	"time"

	"github.com/postseal/postseal/internal/check"
)

// checked applies what DNS says about a key.
func (l *life) checked(k *Key, r *check.Result) {
	l.remember(k, r)
	switch k.State {
	case Pending, Failed:
		l.whileAwaited(k, r)
	case Ready:
		l.whileReady(k, r)
	case Active:
		if k.VerifiedAt.IsZero() {
			l.whileUnverified(k, r)
		} else {
			l.whileActive(k, r)
		}
	case Suspended:
		l.whileSuspended(k, r)
	case Retiring:
		l.whileRetiring(k, r)
	case Retired:
		l.whileRetired(k, r)
	}
	l.elapse(k)
}

// remember keeps the facts of a check.
func (l *life) remember(k *Key, r *check.Result) {
	l.notAhead(k)
	l.sees(k, r.Aliases)
	k.LastCheckAt = l.now
	if r.Source != check.Resolver {
		k.FullCheckAt = l.now
	}
	if r.TTL > 0 {
		k.TTL = int64(r.TTL / time.Second)
	}
	if len(r.NameServers) > 0 && (l.domain.NameServers == nil || classOf(r) == good) {
		l.domain.NameServers = r.NameServers
	}
	switch classOf(r) {
	case good:
		k.Good.add(l.now)
		k.Bad = Streak{}
	case faulty:
		k.Bad.add(l.now)
		k.Good = Streak{}
	case uncertain:
		k.Good = Streak{}
		if r.Verdict != check.Temporary { // silence says nothing about a fault
			k.Bad = Streak{}
		}
	}
	l.runs = append(l.runs, CheckRun{
		KeyID: k.ID, At: l.now, Verdict: string(r.Verdict), Passed: r.Passed, Source: string(r.Source),
		Records: r.Records, Findings: r.Findings,
	})
}

// notAhead brings back times that a clock which went ahead has set.
func (l *life) notAhead(k *Key) {
	if k.PendingSince.After(l.now) {
		l.openWindow(k)
	}
	if k.Health.Since.After(l.now) {
		k.Health.Since = l.now
	}
}

// confirmed is the second pass, at least PassGap after the first (criterion 4.5).
func (l *life) confirmed(k *Key) bool { return k.Good.lasting(2, l.PassGap, l.now) }

// whileAwaited: pending or failed, DNS opens the gate (T3).
func (l *life) whileAwaited(k *Key, r *check.Result) {
	if classOf(r) != good {
		l.health(k, healthWhileAwaited(r), reasonOf(r), r)
		return
	}
	l.health(k, goodHealth(r), reasonOf(r), r)
	if !l.confirmed(k) {
		return
	}
	l.move(k, Ready, "DNS confirmed the key twice")
	l.verified(k)
	k.HoldUntil = l.now.Add(l.hold(k))
	if k.HoldUntil.After(l.now) {
		l.note(k, "held until %s: caches may have an older record", stamp(k.HoldUntil))
	}
}

func (l *life) verified(k *Key) {
	if k.VerifiedAt.IsZero() {
		k.VerifiedAt = l.now
	}
	l.tell(KeyVerified, k, "%s: the key %s is right in DNS", l.domain.Name, k.Selector)
}

// hold is how long caches may have what stood at the name before the key was
// made. Nobody can have cached anything at a fresh name.
func (l *life) hold(k *Key) time.Duration {
	if !k.SeenBefore {
		return 0
	}
	return min(time.Duration(k.TTLSeenOld)*time.Second, l.HoldMax)
}

// whileReady: a key that DNS loses before it ever signs must be confirmed anew.
func (l *life) whileReady(k *Key, r *check.Result) {
	switch classOf(r) {
	case good:
		l.health(k, goodHealth(r), reasonOf(r), r)
	case uncertain:
		l.health(k, uncertainHealth(r), reasonOf(r), r)
	case faulty:
		l.health(k, Degraded, reasonOf(r), r)
		if k.Bad.lasting(l.BrokenCount, l.BrokenOver, l.now) {
			l.move(k, Pending, "DNS lost the key: %s", reasonOf(r))
			l.health(k, Broken, reasonOf(r), r)
			l.openWindow(k)
		}
	}
}

// openWindow starts a window of validation (T2, T6).
func (l *life) openWindow(k *Key) {
	k.PendingSince = l.now
	k.Deadline = l.now.Add(l.Window)
	k.WarnedAt = time.Time{}
}

// whileUnverified: activation = immediate signs before DNS confirmed anything
// (OCR-22); nothing but the first confirmation changes that.
func (l *life) whileUnverified(k *Key, r *check.Result) {
	switch {
	case classOf(r) != good:
		l.health(k, Unverified, reasonOf(r), r)
	case l.confirmed(k):
		l.health(k, goodHealth(r), reasonOf(r), r)
		k.WarnedAt = time.Time{}
		l.note(k, "DNS confirmed the key, which signed already")
		l.verified(k)
	}
}

// whileRetiring: the record must stay; say so when it went too early.
func (l *life) whileRetiring(k *Key, r *check.Result) {
	switch classOf(r) {
	case good:
		l.health(k, goodHealth(r), reasonOf(r), r)
	case uncertain:
		l.health(k, uncertainHealth(r), reasonOf(r), r)
	case faulty:
		if k.Health.Status != Broken && k.Bad.lasting(l.BrokenCount, l.BrokenOver, l.now) {
			l.health(k, Broken, reasonOf(r), r)
			l.note(k, "the record went before its time: %s", reasonOf(r))
			l.tell(HealthBroken, k, "%s: the record of the retiring key %s is not right any more (%s); mail that is still under way needs it until %s",
				l.domain.Name, k.Selector, reasonOf(r), stamp(l.retireAt(k)))
		}
	}
}

// whileRetired: the record is gone once nobody can get our key from it (T13).
func (l *life) whileRetired(k *Key, r *check.Result) {
	switch r.Verdict {
	case check.Absent, check.Revoked, check.Mismatch, check.TargetChanged:
		if k.DNSGoneAt.IsZero() && k.Bad.lasting(2, l.PassGap, l.now) {
			l.goneFromDNS(k, string(reasonOf(r)))
		}
	case check.OK, check.Testing, check.Duplicate, check.Inconsistent, check.Malformed:
		k.Bad = Streak{}
	}
}

func (l *life) goneFromDNS(k *Key, why string) {
	k.DNSGoneAt = l.now
	l.forgetAliases(k)
	l.leaveSlots()
	l.note(k, "gone from DNS: %s", why)
}

func goodHealth(r *check.Result) HealthStatus {
	if r.Verdict == check.Testing {
		return Degraded
	}
	return OK
}

func uncertainHealth(r *check.Result) HealthStatus {
	if r.Verdict == check.Temporary {
		return Unknown
	}
	return Degraded
}

func healthWhileAwaited(r *check.Result) HealthStatus {
	if classOf(r) == uncertain {
		return uncertainHealth(r)
	}
	return Broken
}

// stamp writes a time for people.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// date is a day for people.
func date(t time.Time) string { return t.UTC().Format("2006-01-02") }
