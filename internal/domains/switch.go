package domains

import (
	"context"
	"fmt"
	"time"
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

// Settings are changes of a row; nil leaves a field as it is.
type Settings struct {
	Activation       *Activation
	OnMissing        *OnMissing
	Owner            *string
	Contact          *string
	Driver           *string
	SubDomains       *bool
	DualSign         *bool
	DisabledFallback *bool
	RetireAfter      *time.Duration
	RotateEvery      *time.Duration
	Publish          *Publish // see republish
	Slots            *int
	Yes              bool // agrees to ImmediateWarning
}

// Configure changes settings of a row. A new activation is for what happens from
// now on; immediate puts a pending first key into service.
func (s *Service) Configure(ctx context.Context, actor, name string, c Settings) (Domain, error) {
	if err := c.judge(ctx, s, name); err != nil {
		return Domain{}, err
	}
	if c.Activation != nil && *c.Activation == ActivateImmediate && !c.Yes {
		return Domain{}, &Unconfirmed{"OCR-22", ImmediateWarning}
	}
	if c.Publish != nil {
		if err := s.republishAs(ctx, actor, name, &c); err != nil {
			return Domain{}, err
		}
	}
	var d Domain
	err := s.change(ctx, actor, "configure", name, func(tx Tx, l *life) error {
		was := l.domain
		c.apply(&l.domain)
		if l.domain.Owner != was.Owner {
			l.domain.OwnedSince = l.now
		}
		if err := s.checkSettings(&l.domain); err != nil {
			return err
		}
		if l.domain.Driver != was.Driver {
			if err := s.checkDriver(&l.domain); err != nil {
				return err
			}
		}
		if c.Slots != nil {
			if err := l.resized(*c.Slots); err != nil {
				return err
			}
			if err := s.growSet(tx, l, actor); err != nil {
				return err
			}
		}
		l.note(nil, "%s", differences(was, l.domain))
		for _, k := range l.keys {
			if k.State == Pending && l.domain.Activation == ActivateImmediate && l.current(k) == nil {
				l.activateUnverified(k, "activation = immediate")
			}
			l.elapse(k)
		}
		d = l.domain
		return nil
	})
	return d, err
}

func (c *Settings) apply(d *Domain) {
	set(&d.Activation, c.Activation)
	set(&d.OnMissing, c.OnMissing)
	set(&d.Owner, c.Owner)
	set(&d.Contact, c.Contact)
	set(&d.Driver, c.Driver)
	set(&d.SubDomains, c.SubDomains)
	set(&d.DualSign, c.DualSign)
	set(&d.DisabledFallback, c.DisabledFallback)
	set(&d.RetireAfter, c.RetireAfter)
	set(&d.RotateEvery, c.RotateEvery)
	set(&d.Slots, c.Slots)
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// differences writes what changed between two forms of a row.
func differences(was, is Domain) string {
	text := ""
	for _, f := range []struct {
		name    string
		was, is any
	}{
		{"activation", was.Activation, is.Activation},
		{"on_missing", was.OnMissing, is.OnMissing},
		{"owner", was.Owner, is.Owner},
		{"contact", was.Contact, is.Contact},
		{"driver", was.Driver, is.Driver},
		{"subdomains", was.SubDomains, is.SubDomains},
		{"dual_sign", was.DualSign, is.DualSign},
		{"disabled_fallback", was.DisabledFallback, is.DisabledFallback},
		{"retire_after", was.RetireAfter, is.RetireAfter},
		{"rotate_every", was.RotateEvery, is.RotateEvery},
		{"slots", was.Slots, is.Slots},
	} {
		if f.was != f.is {
			text += fmt.Sprintf("%s %v -> %v; ", f.name, f.was, f.is)
		}
	}
	if text == "" {
		return "nothing changed"
	}
	return text[:len(text)-2]
}
