package domains

import (
	"context"
	"fmt"
)

// EnableRequest is how `enable` may be pressed.
type EnableRequest struct {
	Force bool // activate what DNS has not confirmed (TST-8, OCR-22)
	Yes   bool
}

// Enable switches signing on; with activation = manual it also puts a key into
// service that DNS has confirmed (T4, TST-8).
func (s *Service) Enable(ctx context.Context, actor, name string, r EnableRequest) (Domain, error) {
	if r.Force && !r.Yes {
		return Domain{}, &Unconfirmed{"OCR-22", ImmediateWarning}
	}
	var d Domain
	err := s.change(ctx, actor, "enable", name, func(_ Tx, l *life) error {
		if err := l.enable(r); err != nil {
			return err
		}
		d = l.domain
		return nil
	})
	return d, err
}

func (l *life) enable(r EnableRequest) error {
	if l.domain.Requested {
		return &Refused{Rule: "TST-10", What: l.domain.Name + " is only requested and has no key", Way: "`add` makes one"}
	}
	if !l.domain.Enabled {
		l.domain.Enabled = true
		l.note(nil, "enabled")
	}
	for _, k := range l.keys {
		if k.State == Suspended && l.confirmed(k) {
			l.resume(k)
		}
	}
	if l.domain.Activation == ActivateManual || r.Force {
		return l.enableKeys(r)
	}
	return nil
}

// enableKeys activates what waits for it.
func (l *life) enableKeys(r EnableRequest) error {
	activated := false
	var waiting *Key
	for _, k := range l.keys {
		switch {
		case l.confirmedForUse(k):
			l.activate(k, "enabled")
			activated = true
		case k.State.beforeSigning() && !k.Compromised && r.Force:
			if k.State != Pending {
				l.openWindow(k)
			}
			l.activateUnverified(k, "forced")
			activated = true
		case k.State.beforeSigning():
			waiting = k
		}
	}
	if activated || waiting == nil || l.current(waiting) != nil {
		return nil
	}
	return l.notVerifiedYet(waiting)
}

func (l *life) notVerifiedYet(k *Key) error {
	if k.State == Ready && l.now.Before(k.HoldUntil) {
		return &Refused{
			Rule: "hold", What: fmt.Sprintf("the key %s of %s is held until %s, because caches may have an older record", k.Selector, l.domain.Name, stamp(k.HoldUntil)),
			Way: "wait until then",
		}
	}
	return &Refused{
		Rule: "TST-8", What: fmt.Sprintf("the key %s of %s is not verified in DNS yet (%s)", k.Selector, l.domain.Name, k.State),
		Way: "publish the record and `verify`; or `enable --force`, and mail is signed before DNS confirms the key",
	}
}

// Disable stops signing with the next message; keys and DNS stay (TST-9).
func (s *Service) Disable(ctx context.Context, actor, name string) (Domain, error) {
	var d Domain
	err := s.change(ctx, actor, "disable", name, func(_ Tx, l *life) error {
		if l.domain.Enabled {
			l.domain.Enabled = false
			l.note(nil, "disabled")
		}
		d = l.domain
		return nil
	})
	return d, err
}

// HandOut lets keys whose records were withheld set out: somebody has the records
// from now on, and DNS is polled (T2).
func (s *Service) HandOut(ctx context.Context, actor, name string) error {
	now, err := s.view(ctx, name)
	if err != nil || find(now.Keys, withheld) == nil {
		return err
	}
	return s.change(ctx, actor, "records", name, func(_ Tx, l *life) error {
		l.beginWithheld()
		return nil
	})
}

func withheld(k *Key) bool { return k.State == Generated }

func (l *life) beginWithheld() {
	for _, k := range l.keys {
		if withheld(k) {
			l.begin(k, AddRequest{})
		}
	}
}

// Published takes "I have published these records" (KAR-21): what was withheld
// is pending, and polling starts over.
func (s *Service) Published(ctx context.Context, actor, name string) (Domain, error) {
	var d Domain
	err := s.change(ctx, actor, "publish", name, func(_ Tx, l *life) error {
		l.domain.PublishedClaimedAt = l.now
		l.note(nil, "records are said to be published")
		for _, k := range l.keys {
			switch k.State {
			case Generated:
				l.begin(k, AddRequest{})
			case Failed:
				l.move(k, Pending, "retry")
				fallthrough
			case Pending:
				l.openWindow(k)
				l.schedule(k)
			}
		}
		d = l.domain
		return nil
	})
	return d, err
}
