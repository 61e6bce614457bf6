package domains

import "time"

// pollAt are the first checks of a pending key, from the begin of its window.
var pollAt = []time.Duration{
	0, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
}

// pollSteps are the intervals after that.
var pollSteps = []struct{ until, every time.Duration }{
	{4 * time.Hour, 15 * time.Minute},
	{48 * time.Hour, time.Hour},
	{72 * time.Hour, 3 * time.Hour},
}

// pollDelay is the time from one check of a pending key to the next, for a key
// that has been pending for elapsed. A check that jitter brought forward counts
// for the time it was meant for.
func pollDelay(elapsed time.Duration) time.Duration {
	for _, at := range pollAt {
		if at-elapsed > at/5 {
			return at - elapsed
		}
	}
	for _, step := range pollSteps {
		if left := step.until - elapsed; left > step.every/5 {
			return min(step.every, left)
		}
	}
	return day
}

// schedule sets when a key is looked at next: for DNS, or because its time
// comes. It follows every change of a key.
func (l *life) schedule(k *Key) {
	if k.NextCheckAt = l.nextCheck(k); !k.NextCheckAt.IsZero() {
		k.NextCheckAt = storeTime(k.NextCheckAt)
	}
}

func (l *life) nextCheck(k *Key) time.Time {
	if k.Owner == SharedSet { // checked with each domain that has it
		return time.Time{}
	}
	switch k.State {
	case Pending:
		return l.nextPoll(k)
	case Failed:
		if l.now.Before(k.Deadline.Add(l.SlowFor)) {
			return l.sooner(k, l.around(day))
		}
	case Ready:
		next := l.sooner(k, l.around(l.Recheck))
		if k.HoldUntil.After(l.now) {
			next = earlier(next, k.HoldUntil)
		}
		if alone := l.aloneAt(k); alone.After(l.now) {
			next = earlier(next, alone)
		}
		return next
	case Active:
		return l.nextRecheck(k)
	case Suspended:
		return l.sooner(k, l.around(l.Recheck))
	case Retiring:
		return l.nextWhileRetiring(k)
	case Retired:
		return l.nextWhileRetired(k)
	}
	return time.Time{}
}

// nextPoll follows the table; between the two confirming checks it does not
// wait for it.
func (l *life) nextPoll(k *Key) time.Time {
	if k.LastCheckAt.Before(k.PendingSince) { // none in this window yet
		return l.now
	}
	next := l.around(pollDelay(l.now.Sub(k.PendingSince)))
	if l.now.Before(k.Deadline) {
		next = earlier(next, k.Deadline)
	}
	return l.sooner(k, next)
}

// sooner brings the confirming check forward: PassGap after the first that passed,
// however many there were in between.
func (l *life) sooner(k *Key, next time.Time) time.Time {
	if k.Good.Count > 0 && !k.Good.lasting(2, l.PassGap, l.now) {
		passed := l.now.Sub(k.Good.First)
		return earlier(next, l.after(max(0, l.PassGap-passed)))
	}
	return next
}

func (l *life) nextRecheck(k *Key) time.Time {
	if k.VerifiedAt.IsZero() && l.now.Before(k.Deadline) {
		return l.nextPoll(k)
	}
	next := l.around(l.Recheck)
	switch h := k.Health; {
	case h.Status == Unverified:
		return l.sooner(k, next)
	case h.Reason == ReasonOwnerRevoked:
		return l.after(l.PassGap)
	case h.Status == Broken:
		if grace, ever := l.grace(&l.domain, h.Reason); !ever {
			next = earlier(next, notPast(h.Since.Add(grace), l.after(l.PassGap)))
		}
	case h.Status == Degraded && k.Bad.Count > 0:
		return l.after(l.BrokenOver / time.Duration(max(1, l.BrokenCount-1)))
	case h.Status == Unknown, h.Reason == ReasonInconsistent:
		return l.around(l.UnknownAlarm / 4)
	}
	return next
}

func (l *life) nextWhileRetiring(k *Key) time.Time {
	if !k.BlockedAt.IsZero() {
		return l.around(l.Recheck)
	}
	return earlier(l.around(day), notPast(l.retireAt(k), l.now))
}

// nextWhileRetired watches the record until it is gone, then waits for the
// destruction of the private half.
func (l *life) nextWhileRetired(k *Key) time.Time {
	since := l.now.Sub(k.RetiredAt)
	switch {
	case !k.DNSGoneAt.IsZero() && k.DestroyedAt.IsZero():
		return notPast(k.DNSGoneAt.Add(l.DestroyAfter), l.now)
	case !k.DNSGoneAt.IsZero():
		return time.Time{}
	case k.Bad.Count == 1:
		return l.after(l.PassGap)
	case k.Compromised && since < 30*day:
		return l.around(l.Recheck)
	case since < 30*day:
		return l.around(day)
	case k.DestroyedAt.IsZero():
		return l.around(7 * day)
	}
	return time.Time{}
}

// retireAt is when the record of a retiring key may go.
func (l *life) retireAt(k *Key) time.Time {
	last := k.RetiringSince
	if k.LastSignedAt.After(last) {
		last = k.LastSignedAt
	}
	return last.Add(l.retireAfter(&l.domain, k))
}

// around is d from now, give or take a tenth.
func (l *life) around(d time.Duration) time.Time {
	return l.now.Add(d + time.Duration(float64(d)*0.1*(2*l.jitter()-1)))
}

// after is d from now or up to a tenth later.
func (l *life) after(d time.Duration) time.Time {
	return l.now.Add(d + time.Duration(float64(d)*0.1*l.jitter()))
}

// earlier of two times; a zero time is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// notPast is t, or otherwise where t is past or zero.
func notPast(t, otherwise time.Time) time.Time {
	if t.After(otherwise) {
		return t
	}
	return otherwise
}
