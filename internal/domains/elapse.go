package domains

import (
	"fmt"
	"time"
)

// elapse applies what follows from time alone. Steps that cannot be taken back
// wait while the clock is not trusted.
func (l *life) elapse(k *Key) {
	switch k.State {
	case Pending:
		l.windowCloses(k)
	case Ready:
		l.besides(k)
		if l.mayActivate(k) {
			l.activate(k, "verified")
		}
	case Active:
		if k.VerifiedAt.IsZero() {
			l.windowCloses(k)
		} else {
			l.alarms(k)
		}
	case Suspended:
		l.suspendedFor(k)
	case Retiring:
		l.mayRetire(k)
	case Retired:
		l.mayDestroy(k)
	}
	l.schedule(k)
}

// windowCloses warns at 48 hours (KAR-24) and gives up at 72 (T5), after a look
// at DNS that came no earlier than that.
func (l *life) windowCloses(k *Key) {
	if k.State == Active && k.Health.Status != Unverified {
		return
	}
	switch {
	case !l.settled:
	case !l.now.Before(k.Deadline) && !k.LastCheckAt.Before(k.Deadline):
		l.windowClosed(k)
	case k.WarnedAt.IsZero() && !l.now.Before(k.PendingSince.Add(l.WarnAfter)):
		k.WarnedAt = l.now
		l.note(k, "not validated after %s", l.WarnAfter)
		l.tell(KeyVerifySlow, k, "%s: %s is not validated after %s: %s", l.domain.Name, k.Selector, hours(l.WarnAfter), k.Health.describe())
	}
}

func (l *life) windowClosed(k *Key) {
	text := "%s: %s could not be validated within %s: %s"
	if k.State == Pending {
		l.move(k, Failed, "not validated within %s: %s", hours(l.Window), k.Health.describe())
		l.tell(KeyVerifyTimeout, k, text, l.domain.Name, k.Selector, hours(l.Window), k.Health.describe())
		return
	}
	if k.RemindedAt.IsZero() { // immediate mode: it signs on, and that is said once
		k.RemindedAt = l.now
		l.note(k, "signs, and is not validated within %s: %s", hours(l.Window), k.Health.describe())
		l.tell(KeyVerifyTimeout, k, text, l.domain.Name, k.Selector, hours(l.Window), k.Health.describe())
	}
}

// alarms of a key in service: DNS silent or of two minds for an hour, a key that
// grew old.
func (l *life) alarms(k *Key) {
	h := &k.Health
	lasting := l.now.Sub(h.Since) >= l.UnknownAlarm && k.WarnedAt.IsZero()
	switch {
	case h.Status == Unknown && lasting:
		k.WarnedAt = l.now
		l.note(k, "DNS gives no answer since %s", stamp(h.Since))
		l.tell(HealthUnknown, k, "%s: DNS gives no answer about %s since %s: %s", l.domain.Name, k.Selector, stamp(h.Since), h.describe())
	case h.Status == Degraded && h.Reason == ReasonInconsistent && lasting:
		k.WarnedAt = l.now
		l.note(k, "name servers disagree since %s", stamp(h.Since))
		l.tell(HealthBroken, k, "%s: some name servers do not have the record of %s since %s: %s", l.domain.Name, k.Selector, stamp(h.Since), h.describe())
	}
	if k.AdvisedAt.IsZero() && l.OldAfter > 0 && l.now.Sub(k.CreatedAt) >= l.OldAfter {
		k.AdvisedAt = l.now
		l.note(k, "in service since %s", stamp(k.CreatedAt))
		l.tell(KeyExpiring, k, "%s: the key %s is %d days old; a new one is due", l.domain.Name, k.Selector, int(l.now.Sub(k.CreatedAt)/day))
	}
}

// suspendedFor reminds, and takes p= empty for an answer after a time (T8').
func (l *life) suspendedFor(k *Key) {
	switch h := &k.Health; {
	case h.Reason == ReasonOwnerRevoked && l.settled && l.now.Sub(h.Since) >= l.OwnerRevoked:
		l.retire(k, "the owner revoked it in DNS at "+stamp(h.Since))
		l.goneFromDNS(k, string(ReasonOwnerRevoked))
		l.tell(KeySuspended, k, "%s: the owner revoked %s in DNS for %s; the key is given up", l.domain.Name, k.Selector, hours(l.OwnerRevoked))
	case k.RemindedAt.IsZero() && l.now.Sub(k.SuspendedAt) >= l.RemindAfter:
		k.RemindedAt = l.now
		l.note(k, "still suspended")
		l.tell(KeySuspended, k, "%s: %s is suspended since %s: %s", l.domain.Name, k.Selector, stamp(k.SuspendedAt), h.describe())
	}
}

// mayRetire ends the retention of a key (T12): no message with its signature is
// under way any more, from whatever host.
func (l *life) mayRetire(k *Key) {
	if l.signsFromTables(k) || !l.settled || l.now.Before(l.retireAt(k)) {
		return
	}
	for _, h := range l.hosts {
		if h.Version < k.RetiringVersion {
			l.retireBlocked(k, "host "+h.Name+" may still sign with it",
				"host "+h.Name+", last heard of at "+stamp(h.SeenAt)+", may still sign with it. If it is gone for good, `postseal host forget "+h.Name+"`")
			return
		}
	}
	l.retire(k, "no message can need it any more")
	if l.nameTaken(k) { // its record has been overwritten already
		l.goneFromDNS(k, "the name has another key")
		return
	}
	if l.domain.KeepsSlot(k) {
		return
	}
	l.tell(KeySafeToRemove, k, "%s: the record %s._domainkey.%s may be removed from DNS", l.domain.Name, k.Selector, k.Domain)
}

func (l *life) retireBlocked(k *Key, why, whyAndWay string) {
	if !k.BlockedAt.IsZero() {
		return
	}
	k.BlockedAt = l.now
	l.note(k, "cannot retire: %s", why)
	l.tell(RotationBlocked, k, "%s: %s cannot retire, because %s", l.domain.Name, k.Selector, whyAndWay)
}

// signsFromTables: a table has this pair under this name, too, and goes before the store
// whatever that says of a successor. Mail is signed with the key until its line is gone.
func (l *life) signsFromTables(k *Key) bool {
	hosts := l.hostsWith(k)
	if len(hosts) == 0 {
		return false
	}
	k.LastSignedAt = l.now
	why := "the key table of host " + hosts[0] + " has it, too"
	l.retireBlocked(k, why, why+", and goes before the store: take its line out there and reload")
	return true
}

// hostsWith names the hosts whose tables have a key of the row.
func (l *life) hostsWith(k *Key) (hosts []string) {
	for _, d := range l.tables {
		if d.Domain == k.Domain && d.Selector == k.Selector && d.Print == k.Print {
			hosts = append(hosts, d.Host)
		}
	}
	return hosts
}

func (l *life) retire(k *Key, why string) {
	l.move(k, Retired, "%s", why)
	k.RetiredAt = l.now
}

// mayDestroy deletes the private half a time after the record was gone (T14).
func (l *life) mayDestroy(k *Key) {
	if l.settled && k.DestroyedAt.IsZero() && !k.DNSGoneAt.IsZero() && !l.now.Before(k.DNSGoneAt.Add(l.DestroyAfter)) {
		l.destroy(k)
	}
}

// destroy deletes the private half and leaves a tombstone.
func (l *life) destroy(k *Key) {
	k.DestroyedAt = l.now
	l.note(k, "private half destroyed")
	l.erased = append(l.erased, k.ID)
	if k.Slot == 0 && k.onlyAsked() && isClaim(&l.domain, ofThisLife(&l.domain, l.values())) {
		return // anybody can ask for any name
	}
	l.buried = append(l.buried, Tombstone{
		Domain: k.Domain, Selector: k.Selector, Print: k.Print, CreatedAt: k.CreatedAt, DestroyedAt: l.now,
	})
	l.leaveSlots()
}

// hours writes a duration as whole hours.
func hours(d time.Duration) string { return fmt.Sprintf("%d h", int(d.Hours())) }
