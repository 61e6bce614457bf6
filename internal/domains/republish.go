package domains

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/postseal/postseal/dkim"
)

// republished is where a row stands on its way to another mode of publishing.
type republished struct {
	publish Publish
	slots   int  // 0: as before, or the default
	yes     bool // agrees to ImmediateWarning
}

// republish lets a row be published in another way. The key in service signs on as it is
// until DNS confirms the new way; then the new name signs and the old one retires. A pair
// of one's own is kept (INF-24): it gets another name. One that is or was shared cannot.
func (s *Service) republish(ctx context.Context, actor, name string, to republished) error {
	now, err := s.view(ctx, name)
	switch {
	case err != nil:
		return err
	case now.Domain.IsSharedSet():
		return isTheSet()
	case now.Domain.Watched():
		return watchesOnly(name)
	}
	if err := s.checkSettings(to.row(now.Domain)); err != nil {
		return err
	}
	l := s.life(now, "", "")
	carriers, err := l.carriers(to.publish)
	if err != nil {
		return err
	}
	if !to.yes && slices.ContainsFunc(carriers, l.unconfirmed) {
		return &Unconfirmed{"OCR-22", ImmediateWarning}
	}
	drafts, err := s.copies(ctx, to.row(now.Domain), carriers)
	if err != nil {
		return err
	}
	return s.change(ctx, actor, "republish", name, func(tx Tx, l *life) error {
		carriers, err := l.carriers(to.publish)
		if err != nil {
			return err
		}
		if len(carriers) != len(drafts) && to.publish != PublishCNAMEShared {
			return changedMeanwhile(name)
		}
		l.note(nil, "publish %s -> %s", l.domain.Publish, to.publish)
		l.domain = *to.row(l.domain)
		if to.slots > 0 && to.publish != PublishTXT {
			if err := l.resized(to.slots); err != nil {
				return err
			}
		}
		l.giveUpOtherWays()
		if to.publish == PublishCNAMEShared {
			return s.joinSet(tx, actor, l, carriers, drafts)
		}
		for i, old := range carriers {
			if drafts[i].Key.Replaces != old.ID {
				return changedMeanwhile(name)
			}
			if _, err := l.introduce(tx, drafts[i:i+1]); err != nil {
				return err
			}
			l.supersede(old, l.key(drafts[i].Key.ID))
		}
		return nil
	})
}

// republishAs does what Settings want, and leaves to Configure what remains.
func (s *Service) republishAs(ctx context.Context, actor, name string, c *Settings) error {
	now, err := s.view(ctx, name)
	if err != nil || now.Domain.Publish == *c.Publish {
		return err
	}
	to := republished{publish: *c.Publish, yes: c.Yes}
	if c.Slots != nil {
		switch to.slots = *c.Slots; {
		case to.publish == PublishTXT:
			return slotsOfTXT(to.slots)
		case to.slots < 1:
			return invalid(fmt.Sprint(to.slots), "is no number of slots", "say 1 to 12")
		}
	}
	return s.republish(ctx, actor, name, to)
}

// modeOfRow lets another key of a row that is there be published as its others are.
func (s *Service) modeOfRow(ctx context.Context, d *Domain, asked Publish) error {
	now, err := s.view(ctx, d.Name)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil || now.Domain.Requested:
		return err
	case asked != "" && asked != now.Domain.Publish:
		return &Refused{
			Rule: "other-mode", What: fmt.Sprintf("%s is there already, with publish = %s", d.Name, now.Domain.Publish),
			Way: fmt.Sprintf("`postseal domain set %s --publish %s` changes that without a gap", d.Name, asked),
		}
	}
	d.Publish, d.Slots = now.Domain.Publish, now.Domain.Slots
	return nil
}

// row is the domain in its new mode.
func (to *republished) row(d Domain) *Domain {
	d.Publish = to.publish
	if to.slots > 0 {
		d.Slots = to.slots
	}
	if d.Publish != PublishTXT && d.Slots == 0 {
		d.Slots = defaultSlots
	}
	return &d
}

// carriers are the keys that need a name in another mode: of each algorithm what signs,
// or else what is on its way to. None are needed where the key that signs is published
// like that still, as it is on the way back.
func (l *life) carriers(to Publish) ([]*Key, error) {
	var out []*Key
	for _, a := range []dkim.Algorithm{dkim.RSASHA256, dkim.Ed25519SHA256} {
		var signs, waits *Key
		for _, k := range l.keys {
			switch {
			case k.Algorithm != a || k.Compromised:
			case k.State == Active || k.State == Suspended:
				signs = k
			case k.State.beforeSigning():
				waits = k
			}
		}
		switch {
		case signs != nil && signs.Published() == to:
		case signs != nil && waits != nil && waits.Published() == signs.Published():
			return nil, l.noSuccessorYet(signs)
		case signs != nil:
			out = append(out, signs)
		case waits != nil && waits.Published() != to:
			out = append(out, waits)
		}
	}
	return out, nil
}

// copies are the pairs of keys under IDs of their own, to be published in another way. A
// shared one is somebody else's, too: there a new one is made.
func (s *Service) copies(ctx context.Context, d *Domain, carriers []*Key) ([]Draft, error) {
	var drafts []Draft
	for _, k := range carriers {
		if d.Publish == PublishCNAMEShared {
			break
		}
		draft, err := s.copyOf(ctx, k)
		if err != nil {
			return nil, err
		}
		draft.Key.Replaces = k.ID
		drafts = append(drafts, draft)
	}
	if d.Publish == PublishCNAMEShared && len(carriers) > 0 {
		var algorithms []dkim.Algorithm
		bits := 0
		for _, k := range carriers {
			algorithms = append(algorithms, k.Algorithm)
			if k.Algorithm == dkim.RSASHA256 {
				bits = k.Bits
			}
		}
		return s.missingPairs(ctx, algorithms, AddRequest{Bits: bits})
	}
	return drafts, s.place(ctx, d, drafts, placement{})
}

func (s *Service) copyOf(ctx context.Context, k *Key) (Draft, error) {
	if k.isShared() {
		return generateDraft(k.Algorithm, max(k.Bits, dkim.MinBits))
	}
	private, err := s.Private(ctx, k.ID)
	if err != nil {
		return Draft{}, fmt.Errorf("%s, selector %s: %w", k.Owner, k.Selector, err)
	}
	draft, err := newDraft(private)
	draft.Key.Record, draft.Key.Imported = k.Record, k.Imported
	return draft, err
}

// giveUpOtherWays ends what was to be published in a mode that is left before it signed,
// where something signs.
func (l *life) giveUpOtherWays() {
	for _, k := range slices.Clone(l.keys) {
		if k.State.beforeSigning() && k.Published() != l.domain.Publish && l.serving(func(s *Key) bool { return s.Algorithm == k.Algorithm }) {
			l.remove(k, false, "to be published in another way")
		}
	}
}

// supersede lets a key in its new name follow the one that it is, or comes after.
func (l *life) supersede(old, k *Key) {
	l.handOut(k)
	switch {
	case old.State.beforeSigning():
		l.remove(old, false, "published in another way")
		if l.domain.Activation == ActivateImmediate {
			l.activateUnverified(k, "activation = immediate")
		}
	case l.unconfirmed(old):
		l.activateUnverified(k, "activation = immediate")
	}
}

// joinSet gives a row that had keys of its own those of the set.
func (s *Service) joinSet(tx Tx, actor string, l *life, carriers []*Key, drafts []Draft) error {
	set, err := s.sharedSet(tx, actor, "republish")
	if err != nil {
		return err
	}
	var algorithms []dkim.Algorithm
	for _, k := range carriers {
		algorithms = append(algorithms, k.Algorithm)
	}
	keys, err := l.joinAll(tx, set, algorithms, drafts, "")
	for i, k := range keys {
		k.Replaces = carriers[i].ID
		l.supersede(carriers[i], k)
	}
	return errors.Join(err, set.save(tx))
}

// backToItsWay: what signs, or would but for DNS, is published in another way than the row
// says since a switch was given up or rolled back.
func (l *life) backToItsWay() {
	for _, k := range l.keys {
		if k.inService() && k.Published() != l.domain.Publish {
			l.note(nil, "publish %s -> %s, as before", l.domain.Publish, k.Published())
			l.domain.Publish = k.Published()
			return
		}
	}
}
