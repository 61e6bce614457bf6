package domains

import (
	"time"

	"github.com/postseal/postseal/internal/check"
)

// whileActive: what becomes of a key in service when its record changes
// (docs: the record goes away later).
func (l *life) whileActive(k *Key, r *check.Result) {
	switch {
	case classOf(r) == good:
		l.recovered(k, r)
	case r.Verdict == check.Temporary && k.Health.Status == Broken:
		// Silence does not heal, and never suspends.
	case classOf(r) == uncertain:
		l.health(k, uncertainHealth(r), reasonOf(r), r)
	case r.Verdict == check.Revoked:
		l.ownerRevoked(k, r)
	default:
		l.fault(k, r)
	}
}

func (l *life) recovered(k *Key, r *check.Result) {
	if h := k.Health; h.Status == Broken || !k.WarnedAt.IsZero() {
		l.note(k, "DNS is right again after %s", h.Reason)
		l.tell(HealthRecovered, k, "%s: the record of %s is right again", l.domain.Name, k.Selector)
	}
	k.WarnedAt = time.Time{}
	l.health(k, goodHealth(r), reasonOf(r), r)
}

// ownerRevoked obeys the owner of the domain at the second confirmation.
func (l *life) ownerRevoked(k *Key, r *check.Result) {
	if k.Health.Reason != ReasonOwnerRevoked {
		l.health(k, Degraded, ReasonOwnerRevoked, r)
		return
	}
	l.health(k, Broken, ReasonOwnerRevoked, r)
	l.suspend(k)
}

// fault counts a permanent fault: degraded, broken (T7), suspended (T8).
func (l *life) fault(k *Key, r *check.Result) {
	was := k.Health.Status
	if was != Broken && !k.Bad.lasting(l.BrokenCount, l.BrokenOver, l.now) {
		l.health(k, Degraded, reasonOf(r), r)
		return
	}
	l.health(k, Broken, reasonOf(r), r)
	if was != Broken {
		l.note(k, "broken: %s %s", reasonOf(r), k.Health.Code)
		l.tell(brokenEvent(r), k, "%s: signatures with %s fail: %s", l.domain.Name, k.Selector, k.Health.describe())
	}
	grace, ever := l.grace(&l.domain, reasonOf(r))
	if !ever && l.settled && l.now.Sub(k.Health.Since) >= grace {
		l.suspend(k)
	}
}

func brokenEvent(r *check.Result) Event {
	if r.Verdict == check.TargetChanged {
		return DomainRevalidate
	}
	return HealthBroken
}

// describe writes a fault in a line.
func (h *Health) describe() string {
	switch {
	case h.Text == "":
		return string(h.Reason)
	case h.Code == "":
		return h.Text
	}
	return h.Code + " " + h.Text
}

// suspend takes a key out of service and lets another one of the domain step in.
func (l *life) suspend(k *Key) {
	since := k.Health.Since
	l.move(k, Suspended, "%s since %s", k.Health.Reason, stamp(since))
	k.SuspendedAt = l.now
	l.tell(KeySuspended, k, "%s: nothing is signed with %s any more: %s. Signing resumes by itself when the record is right again.",
		l.domain.Name, k.Selector, k.Health.describe())
	l.standIn(k)
}

// standIn looks for another confirmed key of the algorithm: a ready one, or a
// retiring one whose record is still right.
func (l *life) standIn(suspended *Key) {
	var old *Key
	if l.domain.Watched() {
		return
	}
	for _, k := range l.keys {
		if k.Algorithm != suspended.Algorithm || k == suspended || stolenIn(l.values(), k.Print) {
			continue
		}
		if l.mayActivate(k) {
			l.activate(k, "stands in for "+suspended.Selector)
			return
		}
		if k.State == Retiring && k.Health.Status == OK && l.now.Sub(k.LastCheckAt) < day+day/10 && k.Selector != suspended.Selector {
			old = k
		}
	}
	if old != nil {
		l.reactivate(old, "stands in for "+suspended.Selector)
	}
}

// whileSuspended: two clean checks put the key back (T9).
func (l *life) whileSuspended(k *Key, r *check.Result) {
	switch classOf(r) {
	case good:
		l.health(k, goodHealth(r), reasonOf(r), r)
		if l.confirmed(k) {
			l.resume(k)
		}
	case faulty:
		l.health(k, Broken, reasonOf(r), r)
	case uncertain:
		if k.Health.Status != Broken {
			l.health(k, uncertainHealth(r), reasonOf(r), r)
		}
	}
}

// resume puts a suspended key back that DNS confirmed again. A disabled domain
// waits for `enable`.
func (l *life) resume(k *Key) {
	if !l.domain.Enabled {
		return
	}
	l.reactivate(k, "DNS is right again")
	l.tell(HealthRecovered, k, "%s: signs with %s again", l.domain.Name, k.Selector)
}
