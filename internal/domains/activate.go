package domains

import "time"

// mayActivate says whether a key may begin to sign by itself (T4). With
// activation = manual it waits for `enable`, and beside the key that it replaces it
// signs for a time first, if that is wanted.
func (l *life) mayActivate(k *Key) bool {
	return l.confirmedForUse(k) && l.domain.Activation != ActivateManual && !l.now.Before(l.aloneAt(k))
}

// aloneAt is when a key that signs beside another one may do so alone; zero without.
func (l *life) aloneAt(k *Key) time.Time {
	if !l.domain.DualSign || k.ActivatedAt.IsZero() || l.current(k) == nil {
		return time.Time{}
	}
	return k.ActivatedAt.Add(l.Overlap)
}

// confirmedForUse: DNS has the key and caches can have nothing else.
func (l *life) confirmedForUse(k *Key) bool {
	return k.State == Ready && !stolenIn(l.values(), k.Print) && !l.now.Before(k.HoldUntil) && (k.Health.Status == OK || k.Health.Reason == ReasonTesting)
}

// activate puts a key into service; what signed before with its algorithm
// retires (T4, T10). One change of the snapshot does both. Keys that are only watched
// are replaced by those whose keys they are.
func (l *life) activate(k *Key, why string) {
	for _, old := range l.keys {
		if old != k && old.Algorithm == k.Algorithm && (old.State == Active || old.State == Suspended) && !l.domain.Watched() {
			l.beginRetiring(old, "replaced by "+k.Selector)
		}
	}
	l.inService(k, why)
}

// reactivate puts a key back that signed before (T9, T11); a key that stood in
// retires again.
func (l *life) reactivate(k *Key, why string) {
	if now := l.current(k); now != nil && now != k && !l.domain.Watched() {
		l.beginRetiring(now, "replaced by "+k.Selector)
	}
	l.inService(k, why)
}

// besides lets a confirmed key sign beside the one that it will replace (dual_sign). In
// its row that is an activation: what it signed has to be kept for, whatever becomes of it.
func (l *life) besides(k *Key) {
	old := l.current(k)
	if !l.domain.DualSign || !k.ActivatedAt.IsZero() || old == nil || !l.confirmedForUse(k) {
		return
	}
	k.ActivatedAt = l.now
	l.note(k, "signs beside %s from now on", old.Selector)
}

func (l *life) inService(k *Key, why string) {
	l.move(k, Active, "%s", why)
	k.ActivatedAt = l.now
	l.tell(KeyActivated, k, "%s: the key in service is %s from now on", l.domain.Name, k.Selector)
	l.schedule(k)
}

// activateUnverified is T4': activation = immediate, or forced.
func (l *life) activateUnverified(k *Key, why string) {
	l.activate(k, why+", not verified")
	k.Health = Health{Status: Unverified, Since: l.now}
	l.openWindow(k)
	l.schedule(k)
}

func (l *life) beginRetiring(k *Key, why string) {
	l.move(k, Retiring, "%s", why)
	k.RetiringSince = l.now
	l.schedule(k)
}

// discard ends a key that never signed: there is nothing to retain.
func (l *life) discard(k *Key, why string) {
	l.retire(k, why)
	l.destroy(k)
	if k.PendingSince.IsZero() {
		l.goneFromDNS(k, "was never handed out")
	}
	l.schedule(k)
}
