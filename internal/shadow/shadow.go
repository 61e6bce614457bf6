// Package shadow compares what another signer did with what postseal would do: it
// takes a message that OpenDKIM, rspamd or postseal itself signed, takes that
// signer's DKIM-Signature fields off, has the daemon's own decision made anew, and
// says in what the signatures differ.
//
//	judge := &shadow.Judge{Snapshot: snapshot, Facts: facts}
//	file, err := shadow.Open("message.eml", false)
//	report, err := judge.Message(ctx, file)
//	// report.Verdict, report.Signatures[0].Differences
//
// Equivalent are signatures that differ in t=, b=, layout and the order of tags and
// of names in h= only: no verifier treats them differently.
package shadow

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/filter"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/verifier"
)

// Level is how much a finding weighs.
type Level string

// The levels, from the lightest. The verdict on a message is the heaviest of its
// findings, Note without any.
const (
	Note     Level = "equivalent" // good to know; no difference
	Unsure   Level = "unsure"     // the file is not as it was signed, so that something could not be compared
	Harmless Level = "harmless"   // verifies wherever the old signature does
	Differs  Level = "differs"
)

var levels = []Level{Note, Unsure, Harmless, Differs}

func heavier(a, b Level) Level {
	return levels[max(slices.Index(levels, a), slices.Index(levels, b))]
}

// Difference is one finding. Texts quote the message and are not safe for a terminal.
type Difference struct {
	What   string `json:"what"` // a tag, or signed, signature, key, dns, file
	Level  Level  `json:"level"`
	Old    string `json:"old,omitempty"`
	Ours   string `json:"ours,omitempty"`
	Text   string `json:"text"`
	Advice string `json:"advice,omitempty"` // what to change in postseal.toml or elsewhere
}

// Name tells a signature from others.
type Name struct {
	Domain    string `json:"domain"`
	Selector  string `json:"selector"`
	Algorithm string `json:"algorithm"`
}

func (n Name) String() string {
	return fmt.Sprintf("d=%s s=%s a=%s", n.Domain, n.Selector, n.Algorithm)
}

func nameOf(s *dkim.Signature) *Name { return &Name{s.Domain, s.Selector, s.AlgorithmName} }

// Comparison is an old signature beside the one that postseal would make in its
// place; either may be missing.
type Comparison struct {
	Old         *Name        `json:"old,omitempty"`
	Ours        *Name        `json:"ours,omitempty"`
	Field       string       `json:"field,omitempty"`   // the value of ours, at the time of the old t=
	Control     Control      `json:"control,omitempty"` // of the old signature over the file as it is
	Differences []Difference `json:"differences"`
}

// Report is the outcome for one message.
type Report struct {
	File        string        `json:"file,omitempty"`
	Verdict     Level         `json:"verdict"`
	Decision    string        `json:"decision"` // what the daemon's log line would say
	Reason      policy.Reason `json:"reason"`
	Detail      string        `json:"detail,omitempty"`
	Trail       []string      `json:"trail,omitempty"`
	Signatures  []Comparison  `json:"signatures"`
	Differences []Difference  `json:"differences"`                // of the message as a whole
	DNSFailed   bool          `json:"dns_failed,omitempty"`       // a look-up failed for now
	Turned      bool          `json:"line_ends_turned,omitempty"` // the file has LF line ends
}

// All yields every finding of the report.
func (r *Report) All() []Difference {
	all := slices.Clone(r.Differences)
	for _, c := range r.Signatures {
		all = append(all, c.Differences...)
	}
	return all
}

// DNS says when the old signer's public key is looked up.
type DNS uint8

// The choices.
const (
	WhenKeysDiffer DNS = iota // where s= or d= differ, to learn whether the key does too
	Always
	Never
)

// Judge compares messages with the present configuration. It is for one goroutine.
type Judge struct {
	Snapshot *filter.Snapshot
	Facts    policy.Facts // of an outgoing message; Fields is each message's own
	Signers  Signers      // which signatures are the old signer's
	DNS      DNS
	Lookup   verifier.Lookup
	Now      func() time.Time // for old signatures without t=; nil for time.Now

	keys keyRing
}

// Message judges one message. The error is a *NoSignatureError, a
// *BadSignatureError or that of reading the file.
func (j *Judge) Message(ctx context.Context, file *File) (*Report, error) {
	facts := j.Facts
	facts.Fields = file.Fields
	set, err := j.Signers.split(file.Fields, domains(j.Snapshot.Decide(&facts, nil)))
	if err != nil {
		return nil, err
	}
	bodies, err := bodyHashes(file.Body(), set.old)
	if err != nil {
		return nil, err
	}
	facts.Fields = set.seen
	e, values, err := filter.ExplainFrom(ctx, j.Snapshot, facts, file.Body(), j.signedAt(set.old[0]))
	if err != nil {
		return nil, err
	}
	decision := j.Snapshot.Decide(&facts, nil)
	ours, err := ourSignatures(values, decision.Keys)
	if err != nil {
		return nil, err
	}
	r := &Report{Turned: file.Turned, Decision: e.Decision, Reason: e.Reason, Detail: e.Detail, Trail: e.Trail, Differences: set.notes()}
	if len(ours) == 0 {
		r.Differences = append(r.Differences, notSigned(e))
	}
	for _, p := range pair(set.old, ours) {
		r.Signatures = append(r.Signatures, j.compare(ctx, p, scene{set: set, sender: decision.Sender, all: file.Fields, bodies: bodies, ours: ours}, r))
	}
	r.Verdict = Note
	for _, d := range r.All() {
		r.Verdict = heavier(r.Verdict, d.Level)
	}
	return r, nil
}

// signedAt is when the old signer signed, so that our t= and x= are of the same moment.
func (j *Judge) signedAt(o *signature) time.Time {
	switch {
	case !o.Time.IsZero():
		return o.Time
	case j.Now != nil:
		return j.Now()
	}
	return time.Now()
}

func domains(d policy.Decision) (names []string) {
	for _, k := range d.Keys {
		names = append(names, k.Domain)
	}
	return names
}
