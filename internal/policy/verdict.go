package policy

import (
	"strings"

	"github.com/postseal/postseal/dkim"
)

// Action is what a verdict on an incoming message leads to.
type Action uint8

// The actions, from the mildest. Where the signatures of a message lead to
// different ones, Tempfail goes before all others, since a later try may end in
// a pass; else the harshest counts.
const (
	AcceptMail Action = iota
	QuarantineMail
	DiscardMail
	RejectMail
	TempfailMail
)

var actionNames = map[string]Action{
	"accept": AcceptMail, "quarantine": QuarantineMail, "discard": DiscardMail, "reject": RejectMail, "tempfail": TempfailMail,
}

// ParseAction reads accept, reject, tempfail, discard or quarantine.
func ParseAction(s string) (Action, bool) {
	a, ok := actionNames[s]
	return a, ok
}

// Situation is a kind of verdict that has an action of its own.
type Situation uint8

// The situations; NoAlignedPass is for [[verify.domain]] alone.
const (
	Passed Situation = iota
	BadSignature
	KeyNotFound
	NoSignature
	DNSError
	Malformed
	KeyTooSmall
	Security
	VerifierFault
	NoAlignedPass
	situations
)

// Actions has an action for each situation.
type Actions [situations]Action

// Verification is what [verify] says.
type Verification struct {
	Actions Actions
	Domains map[string]Actions // by author domain, ".example.com" for all below it; complete, with the defaults filled in
}

// Verdict is the verifier's on one signature.
type Verdict struct {
	Status  dkim.Status
	Reason  dkim.Reason
	Domain  string // d=
	Testing bool   // the key has t=y
}

// Situation tells which kind of verdict it is. A failure under a key that is
// being tested counts as no signature at all (RFC 6376 3.6.1).
func (v Verdict) Situation() Situation {
	switch {
	case v.Status == dkim.Pass:
		return Passed
	case v.Status == dkim.None || v.Testing:
		return NoSignature
	case v.Status == dkim.TempError:
		return DNSError
	case v.Reason == dkim.ReasonNoKey || v.Reason == dkim.ReasonKeyRevoked:
		return KeyNotFound
	case v.Reason == dkim.ReasonKeyTooSmall:
		return KeyTooSmall
	case v.Status == dkim.Fail:
		return BadSignature
	case v.Status == dkim.Policy:
		return Security
	}
	return Malformed
}

// Authors is whom an incoming message claims to be from.
type Authors struct {
	Domains []string // of all From fields, A-labels; none where they cannot be read
	Raw     string   // their text then, in lower case and without blanks
	Lost    bool     // a From field is not there to be read at all
}

// mayClaim tells whether From, which cannot be parsed, might be read as a domain's: it
// holds the name, or text in which a name may hide.
func (a Authors) mayClaim(domain string) bool {
	hidden := func(r rune) bool { return r >= 0x80 || r == '\\' || r == '(' }
	return a.Lost || strings.Contains(a.Raw, strings.TrimPrefix(domain, ".")) ||
		strings.Contains(a.Raw, "=?") || strings.ContainsFunc(a.Raw, hidden) && strings.Contains(a.Raw, "@")
}

// rows are the actions that hold for the authors, with the domain of each. Where the
// authors cannot be read, the row of every domain that they may claim holds, beside
// the general one.
func (v *Verification) rows(a Authors) func(yield func(string, Actions) bool) {
	return func(yield func(string, Actions) bool) {
		for _, author := range a.Domains {
			if !a.Lost && !yield(author, v.actions(author)) {
				return
			}
		}
		if len(a.Domains) > 0 && !a.Lost {
			return
		}
		if !yield("", v.Actions) {
			return
		}
		for domain, row := range v.Domains {
			if a.mayClaim(domain) && !yield(strings.TrimPrefix(domain, "."), row) {
				return
			}
		}
	}
}

// Judge finds the action for a message from its verdicts, and the situation that
// led to it. One good signature suffices, whatever stands beside it (RFC 6376 6.1),
// but for authors whose domain must have signed itself. The harshest of the authors'
// rows counts.
func (v *Verification) Judge(authors Authors, verdicts []Verdict) (worst Action, why Situation) {
	first := true
	for author, actions := range v.rows(authors) {
		action, situation := judge(actions, author, verdicts)
		if first || action > worst {
			worst, why, first = action, situation, false
		}
	}
	return worst, why
}

// FaultAction is for a message that met a fault of ours.
func (v *Verification) FaultAction(authors Authors) (worst Action) {
	for _, actions := range v.rows(authors) {
		worst = max(worst, actions[VerifierFault])
	}
	return worst
}

// judge is Judge for one author.
func judge(actions Actions, author string, verdicts []Verdict) (Action, Situation) {
	passed, aligned, testing, later := false, false, false, false
	for _, verdict := range verdicts {
		own := author != "" && verdict.Domain != "" && within(author, verdict.Domain)
		passed = passed || verdict.Status == dkim.Pass
		aligned = aligned || own && verdict.Status == dkim.Pass
		testing = testing || own && verdict.Testing
		later = later || own && verdict.Status == dkim.TempError
	}
	if author != "" && actions[NoAlignedPass] != AcceptMail && !aligned && later {
		return TempfailMail, DNSError // a DNS failure is never a reason to refuse for good
	}
	if action := actions[NoAlignedPass]; author != "" && action != AcceptMail && !aligned && !testing {
		return action, NoAlignedPass
	}
	if passed {
		return AcceptMail, Passed
	}
	worst, why := AcceptMail, Passed
	for _, verdict := range verdicts {
		situation := verdict.Situation()
		action := actions[situation]
		if verdict.Testing {
			action = AcceptMail // never a harsher answer for somebody who is testing
		}
		if action > worst {
			worst, why = action, situation
		}
	}
	return worst, why
}

// actions finds the row of an author's domain: the domain itself, then what covers
// it from the nearest up.
func (v *Verification) actions(author string) Actions {
	if len(v.Domains) == 0 {
		return v.Actions
	}
	if a, ok := v.Domains[author]; ok {
		return a
	}
	for rest := author; ; {
		cut := strings.IndexByte(rest, '.')
		if cut < 0 {
			return v.Actions
		}
		if a, ok := v.Domains[rest[cut:]]; ok {
			return a
		}
		rest = rest[cut+1:]
	}
}
