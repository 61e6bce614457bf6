package domains

import (
	"fmt"
	"time"
)

// Status is how a row stands, for people: word, label and colour are fixed, the
// rest is computed from intent, state and health.
type Status struct {
	Word   string    `json:"word"`  // "pending", "connected" …
	Label  string    `json:"label"` // "Pending validation", "Connected" …
	Colour string    `json:"colour"`
	Since  time.Time `json:"since,omitzero"`
	Code   string    `json:"code,omitempty"` // finding
	Text   string    `json:"text,omitempty"` // what is wrong or awaited
	Fix    string    `json:"fix,omitempty"`
	Next   string    `json:"next,omitempty"` // next step, a command where there is one
}

var labels = map[string]struct{ label, colour string }{
	"requested":     {"Requested", "grey"},
	"disabled":      {"Disabled", "grey"},
	"compromised":   {"Compromised", "red"},
	"unverified":    {"Signing, not verified", "red"},
	"revalidate":    {"Needs re-validation", "amber"},
	"check-dns":     {"Connected – check DNS", "amber"},
	"rotating":      {"Connected – rotating", "green"},
	"connected":     {"Connected", "green"},
	"error":         {"Error", "red"},
	"pending":       {"Pending validation", "yellow"},
	"ready":         {"Verified, not signing", "blue"},
	"not-published": {"Not published", "grey"},
	"no-key":        {"No key", "grey"},
	"shared":        {"Shared key", "grey"},
}

// StatusOf computes the status of a row; keys are all of its keys, oldest first.
func StatusOf(d Domain, keys []Key, now time.Time) Status {
	var s Status
	switch {
	case d.IsSharedSet():
		s = Status{Word: "shared", Since: d.CreatedAt, Text: "the keys of all domains with cname-shared; their records stand in the key zone"}
	case d.Requested:
		s = Status{Word: "requested", Since: d.CreatedAt, Next: "postseal domain add " + d.Name}
		s.Text = "nobody has confirmed the request; there is no key"
	case !d.Enabled:
		s = Status{Word: "disabled", Text: "nothing is signed; keys and DNS are untouched", Next: "postseal domain enable " + d.Name}
	default:
		s = ofKeys(d, keys, now)
	}
	s.Label, s.Colour = labels[s.Word].label, labels[s.Word].colour
	return s
}

// ofKeys is the worst of what signs, or else the nearest to signing.
func ofKeys(d Domain, keys []Key, now time.Time) Status {
	if k := find(keys, func(k *Key) bool { return k.State == Active && !k.Compromised }); k != nil {
		return ofActive(d, keys)
	}
	if k := find(keys, func(k *Key) bool { return k.Compromised && k.DNSGoneAt.IsZero() }); k != nil {
		return Status{
			Word: "compromised", Since: k.CompromisedAt, Text: "the key " + k.Selector + " is compromised; nothing is signed",
			Fix: fmt.Sprintf("publish %q at %s at once", RevokedRecord, k.recordAt()), Next: "postseal domain records " + d.Name,
		}
	}
	for _, state := range []State{Suspended, Pending, Ready, Failed, Generated} {
		if k := find(keys, func(k *Key) bool { return k.State == state && !k.Compromised }); k != nil {
			return ofWaiting(d, k, now)
		}
	}
	if d.Watched() { // what is watched besides was compromised, and DNS does not have it any more
		return Status{Word: "no-key", Since: d.CreatedAt, Text: "the key is compromised, and nothing signs with it: take its line out of the key table"}
	}
	return Status{Word: "no-key", Since: d.CreatedAt, Text: "there is no key", Next: "postseal domain add " + d.Name}
}

// ofActive looks at all keys that sign.
func ofActive(d Domain, keys []Key) Status {
	s := Status{}
	rank := map[string]int{"connected": 1, "rotating": 2, "check-dns": 3, "revalidate": 4, "unverified": 5}
	for i := range keys {
		k := &keys[i]
		if k.State != Active || k.Compromised {
			continue
		}
		if next := activeStatus(d, keys, k); rank[next.Word] > rank[s.Word] {
			s = next
		}
	}
	return s
}

func activeStatus(d Domain, keys []Key, k *Key) Status {
	h := &k.Health
	s := Status{Word: "connected", Since: k.ActivatedAt, Code: h.Code, Text: h.Text, Fix: h.Fix}
	verify := "postseal domain verify " + d.Name
	next := find(keys, func(n *Key) bool { return n.Algorithm == k.Algorithm && n.State.beforeSigning() && !n.Compromised })
	switch {
	case h.Status == Unverified:
		s.Word, s.Next = "unverified", verify
		if s.Text == "" {
			s.Text = "mail is signed before DNS has confirmed the key"
		}
	case h.Reason == ReasonTargetChanged:
		s.Word, s.Since, s.Next = "revalidate", h.Since, verify
	case h.Status != OK:
		s.Word, s.Since, s.Next = "check-dns", h.Since, verify
		if s.Text == "" {
			s.Text = string(h.Reason)
		}
	case next != nil && next.Published() != k.Published(): // another record is wanted (INF-29)
		s.Word, s.Since = "revalidate", next.CreatedAt
		s.Text = fmt.Sprintf("%s signs; its record is to be published in another way, as %s, which is %s", k.Selector, next.Selector, next.State)
		s.Next = "postseal domain records " + d.Name + " --guide"
	case next != nil:
		s.Word, s.Since = "rotating", next.CreatedAt
		s.Text = fmt.Sprintf("%s signs; its successor %s is %s", k.Selector, next.Selector, next.State)
		s.Next = ofWaiting(d, next, time.Time{}).Next
	}
	return s
}

// ofWaiting is the status of a row of which nothing signs.
func ofWaiting(d Domain, k *Key, now time.Time) Status {
	h := &k.Health
	s := Status{Code: h.Code, Text: h.describeText(), Fix: h.Fix, Next: "postseal domain verify " + d.Name}
	switch k.State {
	case Generated:
		s.Word, s.Since, s.Next = "not-published", k.CreatedAt, "postseal domain records "+d.Name
		s.Text = "the record has not been handed out"
	case Pending:
		s.Word, s.Since = "pending", k.PendingSince
		s.Text = pendingText(d, k, now)
	case Ready:
		s.Word, s.Since, s.Next = "ready", k.VerifiedAt, "postseal domain enable "+d.Name
		s.Text = "DNS has the key"
		if d.Activation != ActivateManual {
			s.Next = ""
			s.Text += "; signing begins at " + stamp(k.HoldUntil)
		}
	case Failed:
		s.Word, s.Since, s.Next = "error", k.Deadline, "postseal domain verify --retry "+d.Name
		if s.Text == "" {
			s.Text = "not validated in time"
		}
	case Suspended:
		s.Word, s.Since = "error", k.SuspendedAt
		if h.Status == OK {
			s.Text = "nothing is signed since DNS lost the record; DNS has it again, and a second look half a minute later decides"
		}
	}
	return s
}

func (h *Health) describeText() string {
	if h.Text == "" {
		return string(h.Reason)
	}
	return h.Text
}

// pendingText says whose turn it is (TST-7) and how long it has taken (KAR-24).
func pendingText(d Domain, k *Key, now time.Time) string {
	who := "whoever runs its DNS"
	if d.Contact != "" {
		who = d.Contact
	}
	text := "waiting for " + who + " to publish the record; it can take up to 48 hours"
	if waited := now.Sub(k.PendingSince); waited >= time.Hour {
		text += fmt.Sprintf(" (%s so far)", hours(waited))
	}
	if !k.WarnedAt.IsZero() {
		text = "taking long: " + text
	}
	if k.Health.Code != "" {
		text += ". Last look: " + k.Health.describe()
	}
	return text
}

func find(keys []Key, match func(*Key) bool) *Key {
	for i := range keys {
		if match(&keys[i]) {
			return &keys[i]
		}
	}
	return nil
}
