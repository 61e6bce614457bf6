package domains

// mayActivate says whether a key may begin to sign by itself (T4). With
// activation = manual it waits for `enable`.
func (l *life) mayActivate(k *Key) bool {
	return l.confirmedForUse(k) && l.domain.Activation != ActivateManual
}

// confirmedForUse: DNS has the key and caches can have nothing else.
func (l *life) confirmedForUse(k *Key) bool {
	return k.State == Ready && !k.Compromised && !l.now.Before(k.HoldUntil) && (k.Health.Status == OK || k.Health.Reason == ReasonTesting)
}

// activate puts a key into service; what signed before with its algorithm
// retires (T4, T10). One change of the snapshot does both.
func (l *life) activate(k *Key, why string) {
	for _, old := range l.keys {
		if old != k && old.Algorithm == k.Algorithm && (old.State == Active || old.State == Suspended) {
			l.beginRetiring(old, "replaced by "+k.Selector)
		}
	}
	l.inService(k, why)
}

// reactivate puts a key back that signed before (T9, T11); a key that stood in
// retires again.
func (l *life) reactivate(k *Key, why string) {
	if now := l.current(k); now != nil && now != k {
		l.beginRetiring(now, "replaced by "+k.Selector)
	}
	l.inService(k, why)
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
