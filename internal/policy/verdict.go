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

// Judge finds the action for a message from its verdicts, and the situation that
// led to it. One good signature suffices, whatever stands beside it (RFC 6376 6.1),
// but for authors whose domain must have signed itself. authors are the domains of
// From; where they cannot be read every author may be claimed, and the strictest
// row counts.
func (v *Verification) Judge(authors []string, verdicts []Verdict) (Action, Situation) {
	worst, why := v.judge(v.Actions, "", verdicts)
	if len(authors) == 0 {
		for _, row := range v.Domains {
			if row[NoAlignedPass] > worst {
				worst, why = row[NoAlignedPass], NoAlignedPass
			}
		}
		return worst, why
	}
	for i, author := range authors {
		action, situation := v.judge(v.actions(author), author, verdicts)
		if i == 0 || action > worst {
			worst, why = action, situation
		}
	}
	return worst, why
}

// FaultAction is for a message that met a fault of ours.
func (v *Verification) FaultAction(authors []string) Action {
	worst := v.Actions[VerifierFault]
	for _, author := range authors {
		worst = max(worst, v.actions(author)[VerifierFault])
	}
	return worst
}

// judge is Judge for one author.
func (v *Verification) judge(actions Actions, author string, verdicts []Verdict) (Action, Situation) {
	passed, aligned, testing := false, false, false
	for _, verdict := range verdicts {
		own := author != "" && verdict.Domain != "" && within(author, verdict.Domain)
		passed = passed || verdict.Status == dkim.Pass
		aligned = aligned || own && verdict.Status == dkim.Pass
		testing = testing || own && verdict.Testing
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
