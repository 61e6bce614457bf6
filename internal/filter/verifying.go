package filter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/authres"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/verifier"
)

// Verifying is what incoming mail is verified with, and what follows from it.
type Verifying struct {
	Verifier       *verifier.Verifier
	Rules          policy.Verification
	AuthservID     string // empty: the MTA's {j}, else Hostname
	Hostname       string
	OtherIDs       []string // whose Authentication-Results go too
	SpareMethods   []string
	ReportUnsigned bool // write dkim=none
}

// authservID is our name towards an MTA that calls itself j.
func (v *Verifying) authservID(j string) string {
	switch {
	case v.AuthservID != "":
		return v.AuthservID
	case j != "":
		return j
	}
	return v.Hostname
}

// forged tells whether an Authentication-Results field claims to be ours, or
// another's that is to go (RFC 8601 5).
func (v *Verifying) forged(id string, value []byte) bool {
	r := authres.Removal{ID: id, Others: v.OtherIDs, SpareMethods: v.SpareMethods}
	return r.Removes(value)
}

// overLimit is the verdict on a message of which we do not have everything.
var overLimit = []verifier.Result{{Status: dkim.Policy, Reason: dkim.ReasonLimit}}

// internalError is the verdict on a message that met a fault of ours.
var internalError = []verifier.Result{{Status: dkim.TempError, Reason: dkim.Reason(InternalError)}}

// Report writes the Authentication-Results value, or "" where there is nothing
// to say. id is our name; empty is what we are called without an MTA.
func (v *Verifying) Report(id string, results []verifier.Result) string {
	if id == "" {
		id = v.authservID("")
	}
	if !v.ReportUnsigned && len(results) == 1 && results[0].Status == dkim.None {
		return ""
	}
	header := authres.Header{ID: id}
	for _, r := range results {
		header.Results = append(header.Results, authres.Result{
			Method: "dkim", Value: string(r.Status), Reason: string(r.Reason),
			Comment: comment(r), Properties: properties(r),
		})
	}
	return header.String()
}

// properties are those of RFC 8601 2.7.1 and RFC 6008.
func properties(r verifier.Result) (all []authres.Property) {
	for _, p := range []struct{ name, value string }{
		{"d", r.Domain}, {"i", r.Identity}, {"a", r.Algorithm}, {"s", r.Selector}, {"b", r.BPrefix},
	} {
		if p.value != "" && r.Domain != "" {
			all = append(all, authres.Property{Type: "header", Name: p.name, Value: p.value})
		}
	}
	return all
}

func comment(r verifier.Result) string {
	var parts []string
	if r.Bits > 0 {
		parts = append(parts, fmt.Sprintf("%d-bit key", r.Bits))
	}
	if r.Testing {
		parts = append(parts, "being tested")
	}
	if r.Secure {
		parts = append(parts, "DNSSEC")
	}
	return strings.Join(parts, ", ")
}

// judge finds the action for a message and the reply that carries it out.
func (v *Verifying) judge(authors policy.Authors, results []verifier.Result) (policy.Action, policy.Situation) {
	verdicts := make([]policy.Verdict, len(results))
	for i, r := range results {
		verdicts[i] = policy.Verdict{Status: r.Status, Reason: r.Reason, Domain: r.Domain, Testing: r.Testing}
	}
	return v.Rules.Judge(authors, verdicts)
}

// Replies to refused mail (RFC 7372 3, RFC 6376 6.3).
var (
	refusedUnsigned     = mustReply(550, "5.7.20", "No passing DKIM signature found")
	refusedUnacceptable = mustReply(550, "5.7.21", "No acceptable DKIM signature found")
	refusedUnaligned    = mustReply(550, "5.7.22", "No valid author-matched DKIM signature found")
	refusedFault        = mustReply(550, "5.3.0", "Message could not be examined")
	refusedForgeries    = mustReply(550, "5.7.0", "Too many forged Authentication-Results fields")
	keyLater            = mustReply(451, "4.7.5", "Unable to verify the DKIM signature now; please try again later")
)

// reply carries an action out.
func reply(a policy.Action, s policy.Situation) milter.Response {
	switch a {
	case policy.TempfailMail:
		return keyLater
	case policy.DiscardMail:
		return milter.Discard
	case policy.RejectMail:
		switch s {
		case policy.NoAlignedPass:
			return refusedUnaligned
		case policy.VerifierFault:
			return refusedFault
		case policy.KeyTooSmall, policy.Security:
			return refusedUnacceptable
		}
		return refusedUnsigned
	}
	return milter.Accept
}

// maxForged is how many fields in our name are removed from a message: nobody sends
// more but to make the MTA work, and it is refused.
const maxForged = 1000

// decisions are the log's words for actions.
var decisions = map[policy.Action]string{
	policy.AcceptMail: verified, policy.QuarantineMail: "quarantined", policy.DiscardMail: "discarded",
	policy.RejectMail: "rejected", policy.TempfailMail: "deferred",
}

// summary is the one word for all verdicts: pass if there is one, else the first.
func summary(results []verifier.Result) policy.Reason {
	if slices.ContainsFunc(results, func(r verifier.Result) bool { return r.Status == dkim.Pass }) {
		return policy.Reason(dkim.Pass)
	}
	return policy.Reason(results[0].Status)
}

// resultWords are the verdicts for the log: domain/selector=status(reason). Only
// what the verifier calls safe to print is in them.
func resultWords(results []verifier.Result) []string {
	var words []string
	for _, r := range results {
		if r.Status == dkim.None {
			continue
		}
		word := string(r.Status)
		if r.Domain != "" {
			word = r.Domain + "/" + r.Selector + "=" + word
		}
		if r.Reason != "" {
			word += "(" + string(r.Reason) + ")"
		}
		words = append(words, word)
	}
	return words
}
