package domains

import (
	"context"
	"fmt"
	"slices"

	"github.com/postseal/postseal/dkim"
)

// RotateRequest asks for successors. All may be zero.
type RotateRequest struct {
	Selector  string         // empty: from the template; TXT mode only
	Algorithm dkim.Algorithm // 0: every algorithm that has a key in service
	Bits      int            // 0: as many as the key in service has

	InPlace bool // Regenerate: switch at once, as OpenCRM does (OCR-17, OCR-18)
	waiting bool // Regenerate: keys that still wait for DNS too
	Offline bool
	DryRun  bool // only find out what would happen: nothing is kept
	Yes     bool
}

// Rotate makes a successor for the keys in service. The old key signs until DNS
// confirms the new one; then the new one signs and the old one retires.
func (s *Service) Rotate(ctx context.Context, actor, name string, r RotateRequest) (Added, error) {
	if err := r.judge(name); err != nil {
		return Added{}, err
	}
	return s.succeed(ctx, actor, "rotate", name, r)
}

// Regenerate makes another pair: as Rotate, or InPlace, where the new pair signs
// at once and nothing verifies until the record has changed (OCR-22, OCR-23). A pair that
// DNS never confirmed makes room for the new one.
func (s *Service) Regenerate(ctx context.Context, actor, name string, r RotateRequest) (Added, error) {
	if err := r.judge(name); err != nil {
		return Added{}, err
	}
	if r.InPlace && !r.Yes {
		return Added{}, &Unconfirmed{"OCR-23", ImmediateWarning + " The record in DNS must be changed to the new value at once."}
	}
	r.waiting = true
	return s.succeed(ctx, actor, "regenerate", name, r)
}

func (s *Service) succeed(ctx context.Context, actor, verb, name string, r RotateRequest) (Added, error) {
	if name == SharedSet {
		return s.rotateShared(ctx, actor, r)
	}
	now, err := s.view(ctx, name)
	if err != nil {
		return Added{}, err
	}
	switch {
	case now.Domain.Watched():
		return Added{}, watchesOnly(name)
	case now.Domain.Publish == PublishCNAMEShared:
		return Added{}, sharedKey(name)
	}
	if r.Selector != "" && now.Domain.Publish != PublishTXT {
		return Added{}, invalid(r.Selector, "cannot be", "the names of slots stay as they are: leave --selector out")
	}
	drafts, err := s.successors(now, r)
	if err != nil {
		return Added{}, err
	}
	if !r.Yes && !r.InPlace && s.signsUnconfirmed(now, drafts) {
		return Added{}, &Unconfirmed{"OCR-22", ImmediateWarning}
	}
	if !r.keepsSelector() || now.Domain.Publish != PublishTXT {
		err = s.place(ctx, &now.Domain, drafts, placement{selector: r.Selector, offline: r.Offline})
	}
	if err != nil {
		return Added{}, err
	}
	var added Added
	err = s.change(ctx, actor, verb, name, func(tx Tx, l *life) error {
		if err := l.follow(tx, drafts, r); err != nil {
			return err
		}
		added = l.added(drafts)
		if r.DryRun {
			return errDryRun
		}
		return nil
	})
	return added, unlessDry(err)
}

// signsUnconfirmed: a successor takes the place of a key that DNS never confirmed,
// in immediate mode, and so signs at once.
func (s *Service) signsUnconfirmed(now Situation, drafts []Draft) bool {
	l := s.life(now, "", "")
	return slices.ContainsFunc(drafts, func(d Draft) bool { return l.unconfirmed(l.key(d.Key.Replaces)) })
}

func (l *life) unconfirmed(old *Key) bool {
	return l.domain.Activation == ActivateImmediate && old.VerifiedAt.IsZero()
}

// keepsSelector: a regeneration in place without another selector overwrites
// the record under the same name (OCR-18).
func (r *RotateRequest) keepsSelector() bool { return r.InPlace && r.Selector == "" }

// successors makes a pair for each key that is to be replaced.
func (s *Service) successors(now Situation, r RotateRequest) ([]Draft, error) {
	l := s.life(now, "", "")
	var drafts []Draft
	for _, k := range l.keys {
		if !l.replaceable(k, r) {
			continue
		}
		if err := l.noSuccessorYet(k); err != nil && !r.InPlace {
			return nil, err
		}
		bits := r.Bits
		if bits == 0 {
			bits = max(k.Bits, dkim.MinBits)
		}
		draft, err := generateDraft(k.Algorithm, bits)
		if err != nil {
			return nil, err
		}
		draft.Key.Replaces = k.ID
		draft.Key.Owner, draft.Key.Domain, draft.Key.Selector = k.Owner, k.Domain, k.Selector
		drafts = append(drafts, draft)
	}
	if len(drafts) == 0 {
		return nil, &Refused{
			Rule: "nothing-to-rotate",
			What: now.Domain.Name + " has no key in service that a new one could follow",
			Way:  "`verify` looks at DNS again, `delete` and `add` begin anew",
		}
	}
	return drafts, nil
}

// replaceable: what signs or did; in place also what never did.
func (l *life) replaceable(k *Key, r RotateRequest) bool {
	if k.Compromised || r.Algorithm != 0 && r.Algorithm != k.Algorithm {
		return false
	}
	switch k.State {
	case Active, Suspended:
		return true
	case Generated, Pending, Failed:
		return (r.InPlace || r.waiting && l.domain.Publish == PublishTXT) && !k.Follows(l.values()) && l.current(k) == nil
	case Ready:
		return r.InPlace && !k.Follows(l.values()) && l.current(k) == nil
	}
	return false
}

// Follows: the key is to take the place of one among the keys of its row that is not over.
// One that took it from a key that never signed follows nobody.
func (k *Key) Follows(keys []Key) bool {
	return slices.ContainsFunc(keys, func(old Key) bool { return old.ID == k.Replaces && old.living() })
}

func (l *life) noSuccessorYet(of *Key) error {
	for _, k := range l.keys {
		if k.Algorithm == of.Algorithm && k.State.beforeSigning() && k.ID != of.ID {
			return &Refused{
				Rule: "rotation-under-way",
				What: fmt.Sprintf("%s is being rotated already: %s is %s", l.domain.Name, k.Selector, k.State),
				Way:  "wait for it, or `rotate --abort` gives it up",
			}
		}
	}
	return nil
}

// follow brings successors in, in the transaction, where everything is looked
// at again.
func (l *life) follow(tx Tx, drafts []Draft, r RotateRequest) error {
	for _, d := range drafts {
		old := l.key(d.Key.Replaces)
		if old == nil || !l.replaceable(old, r) {
			return changedMeanwhile(l.domain.Name)
		}
		if err := l.noSuccessorYet(old); err != nil && !r.InPlace {
			return err
		}
		if r.InPlace {
			if err := l.replaceInPlace(tx, d, r); err != nil {
				return err
			}
			continue
		}
		if _, err := l.introduce(tx, []Draft{d}); err != nil {
			return err
		}
		k := l.key(d.Key.ID)
		l.handOut(k)
		if old.State.beforeSigning() {
			l.discard(old, "regenerated")
		}
		if l.unconfirmed(old) {
			l.activateUnverified(k, "activation = immediate")
		}
	}
	return nil
}

func changedMeanwhile(name string) error {
	return &Refused{
		Rule: "changed-meanwhile", What: "the key of " + name + " has changed at the same moment", Way: "look at `show " + name + "` and try again",
	}
}

// replaceInPlace is the literal OpenCRM regeneration (T4').
func (l *life) replaceInPlace(tx Tx, d Draft, r RotateRequest) error {
	old := l.key(d.Key.Replaces)
	if r.keepsSelector() {
		k := d.Key
		k.CreatedAt, k.Selector, k.Slot, k.Target, k.SeenBefore = l.birth(), old.Selector, old.Slot, old.Target, true
		l.admit(d, k)
	} else if _, err := l.introduce(tx, []Draft{d}); err != nil {
		return err
	}
	if old.neverSigned() {
		l.discard(old, "regenerated in place")
	}
	k := l.key(d.Key.ID)
	l.handOut(k)
	l.activateUnverified(k, "regenerated in place")
	return nil
}

// Abort gives up the successors of a rotation. One that signed beside its predecessor
// is retained as others are.
func (s *Service) Abort(ctx context.Context, actor, name string) ([]Key, error) {
	if name == SharedSet {
		return s.abortShared(ctx, actor)
	}
	var gone []Key
	err := s.change(ctx, actor, "abort", name, func(_ Tx, l *life) error {
		gone = nil
		if l.domain.Publish == PublishCNAMEShared && l.serving(isSharedKey) {
			return sharedKey(name)
		}
		for _, k := range l.keys {
			if !k.State.beforeSigning() || !k.Follows(l.values()) {
				continue
			}
			l.remove(k, false, "rotation aborted")
			gone = append(gone, *k)
		}
		if len(gone) == 0 {
			return &Refused{Rule: "no-rotation", What: "no rotation of " + name + " is under way", Way: "`rollback` goes back to a key that signed before"}
		}
		l.backToItsWay()
		return nil
	})
	return gone, err
}

// Rollback lets the key before the present one sign again (T11), while DNS still
// has its record. It asks DNS first.
func (s *Service) Rollback(ctx context.Context, actor, name string) ([]Key, error) {
	if name == SharedSet {
		return s.rollbackShared(ctx, actor)
	}
	now, err := s.view(ctx, name)
	if err == nil && now.Domain.Publish == PublishCNAMEShared && s.life(now, "", "").serving(isSharedKey) {
		err = sharedKey(name)
	}
	if err != nil {
		return nil, err
	}
	return s.rollback(ctx, actor, name)
}

func (s *Service) rollback(ctx context.Context, actor, name string) ([]Key, error) {
	now, err := s.view(ctx, name)
	if err != nil {
		return nil, err
	}
	backs := rollbacks(ofThisLife(&now.Domain, now.Keys))
	if len(backs) == 0 {
		return nil, &Refused{Rule: "T11", What: name + " has no retiring key to go back to", Way: "`rotate` makes a new one"}
	}
	results, err := s.askAll(ctx, now.Domain, backs)
	if err != nil {
		return nil, err
	}
	var out []Key
	err = s.change(ctx, actor, "rollback", name, func(_ Tx, l *life) error {
		out = nil
		for i, back := range backs {
			k := l.key(back.ID)
			if k == nil || k.State != Retiring || stolenIn(l.values(), k.Print) {
				return &Refused{Rule: "T11", What: "the key " + back.Selector + " is not retiring any more", Way: "`show " + name + "` tells how it stands"}
			}
			if classOf(&results[i]) != good && !results[i].Detour {
				return &Refused{
					Rule: "T11", What: fmt.Sprintf("the record of %s does not verify (%s)", k.Selector, results[i].Verdict),
					Way: "publish it again, then try again; or `rotate`",
				}
			}
			l.remember(k, &results[i])
			l.health(k, goodHealth(&results[i]), reasonOf(&results[i]), &results[i])
			l.reactivate(k, "rolled back")
			out = append(out, *k)
		}
		l.backToItsWay()
		return nil
	})
	return out, err
}

// rollbacks are the keys that retired last, one for each algorithm.
func rollbacks(keys []Key) []Key {
	last := map[dkim.Algorithm]Key{}
	for _, k := range keys {
		if k.State == Retiring && !stolenIn(keys, k.Print) && !k.RetiringSince.Before(last[k.Algorithm].RetiringSince) {
			last[k.Algorithm] = k
		}
	}
	var out []Key
	for _, a := range []dkim.Algorithm{dkim.RSASHA256, dkim.Ed25519SHA256} {
		if k, ok := last[a]; ok {
			out = append(out, k)
		}
	}
	return out
}

// RotationDue names the rows of which a key has been in service for as long as
// rotate_every says, and that nobody is rotating.
func (s *Service) RotationDue(ctx context.Context) ([]string, error) {
	const page = 500
	var names []string
	for after := ""; ; {
		rows, err := s.List(ctx, after, page)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			after = r.Domain.Name
			if l := s.life(Situation{Domain: r.Domain, Keys: r.Keys}, "", ""); slices.ContainsFunc(l.keys, l.rotationDue) {
				names = append(names, after)
			}
		}
		if len(rows) < page {
			return names, nil
		}
	}
}

// rotationDue: the clock asks for a successor of a key in service.
func (l *life) rotationDue(k *Key) bool {
	every := l.domain.RotateEvery
	if every == 0 {
		every = l.RotateEvery
	}
	if every == 0 || l.domain.Watched() || k.isShared() || k.State != Active || k.VerifiedAt.IsZero() || !l.settled || l.noSuccessorYet(k) != nil {
		return false
	}
	return l.now.Sub(k.ActivatedAt) >= max(every, l.RotateMin)
}
