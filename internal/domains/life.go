package domains

import (
	"fmt"
	"time"

	"github.com/postseal/postseal/internal/check"
)

// Situation is all that a transition looks at: one domain with its keys, oldest
// first, and the hosts that sign.
type Situation struct {
	Domain Domain
	Keys   []Key
	Hosts  []Host
	Tables []Declaration // what the tables of hosts have for the domain
}

// life applies the rules to a situation. It reads no clock, no DNS and no
// store: what follows from its inputs stands in it afterwards, for save.
type life struct {
	*Policy
	now     time.Time
	settled bool           // the clock has not jumped lately: deadlines count
	jitter  func() float64 // in [0, 1)
	actor   string
	verb    string

	domain Domain
	keys   []*Key
	hosts  []Host
	tables []Declaration

	publishing *Publishing

	entries []Entry
	notices []Notice
	drafts  []Draft     // new keys with their private halves
	runs    []CheckRun  // checks
	erased  []string    // keys whose private halves go
	buried  []Tombstone // of those
}

func (s *Streak) add(now time.Time) {
	if s.Count == 0 || s.First.After(now) { // the clock may have gone back
		s.First = now
	}
	s.Count++
}

// lasting says that the streak has this many checks over this time.
func (s *Streak) lasting(count int, over time.Duration, now time.Time) bool {
	return s.Count >= count && now.Sub(s.First) >= over
}

// key finds a key of the situation.
func (l *life) key(id string) *Key {
	for _, k := range l.keys {
		if k.ID == id {
			return k
		}
	}
	return nil
}

// note adds a line to the journal that changes no state.
func (l *life) note(k *Key, reason string, args ...any) {
	e := Entry{At: l.now, Actor: l.actor, Verb: l.verb, Domain: l.domain.Name, Reason: fmt.Sprintf(reason, args...)}
	if k != nil {
		e.Selector = k.Selector
	}
	l.entries = append(l.entries, e)
}

// move changes the state of a key and says so in the journal.
func (l *life) move(k *Key, to State, reason string, args ...any) {
	l.note(k, reason, args...)
	e := &l.entries[len(l.entries)-1]
	e.From, e.To = string(k.State), string(to)
	k.State = to
	k.Good, k.Bad = Streak{}, Streak{}
	k.WarnedAt, k.RemindedAt, k.BlockedAt = time.Time{}, time.Time{}, time.Time{}
}

// tell puts a notification into the outbox.
func (l *life) tell(event Event, k *Key, text string, args ...any) {
	n := Notice{At: l.now, NextAt: l.now, Event: event, Domain: l.domain.Name, Contact: l.domain.Contact, Text: fmt.Sprintf(text, args...)}
	if k != nil {
		n.Selector, n.Code = k.Selector, k.Health.Code
	}
	l.notices = append(l.notices, n)
}

// health takes what a check said about a key. Since is when the status began,
// and when the owner's revocation did.
func (l *life) health(k *Key, status HealthStatus, reason Reason, r *check.Result) {
	h := &k.Health
	if h.Status != status || (h.Reason == ReasonOwnerRevoked) != (reason == ReasonOwnerRevoked) {
		h.Since = l.now
	}
	h.Status, h.Reason = status, reason
	h.Code, h.Text, h.Fix, h.RetryAt = "", "", "", time.Time{}
	if r != nil && status != OK {
		f := headline(r)
		h.Code, h.Text, h.Fix, h.RetryAt = f.Code, f.Title, f.Change, r.RetryAfter
		if f.Got != "" {
			h.Text += ": " + f.Got
		}
	}
}

// beforeSigning are the states that a new key passes before it signs.
func (s State) beforeSigning() bool {
	return s == Generated || s == Pending || s == Ready || s == Failed
}

// living keys are those that hold their name and their slot.
func (k *Key) living() bool { return k.State != Retired }

// neverSigned keys leave nothing behind that a verifier could ask about.
func (k *Key) neverSigned() bool { return k.ActivatedAt.IsZero() }

// serving says that a key that signs, or would but for DNS, is of a kind.
func (l *life) serving(kind func(*Key) bool) bool {
	for _, k := range l.keys {
		if (k.State == Active || k.State == Suspended) && kind(k) {
			return true
		}
	}
	return false
}

func isSharedKey(k *Key) bool { return k.isShared() }

// current is the active key of an algorithm, or nil.
func (l *life) current(of *Key) *Key {
	for _, k := range l.keys {
		if k.State == Active && k.Algorithm == of.Algorithm {
			return k
		}
	}
	return nil
}

// nameTaken says that another living key has the name of k in DNS, as after a
// regeneration in place or in a slot that is used again.
func (l *life) nameTaken(k *Key) bool {
	for _, other := range l.keys {
		if other != k && other.living() && other.Selector == k.Selector && other.CreatedAt.After(k.CreatedAt) {
			return true
		}
	}
	return false
}
