package domains

import (
	"context"
	"fmt"
	"time"
)

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
