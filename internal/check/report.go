package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// facts are what a finding's texts have in braces, by name.
type facts map[string]string

// report gathers findings and writes them out at the end, when all facts are known.
type report struct {
	common  facts
	raised  []raised
	verdict Verdict
	asked   string        // instead of what the finding says
	retry   time.Duration // after which asking again makes sense
}

type raised struct {
	kind     Kind
	severity Severity
	facts    facts
}

// raise notes a finding with its usual severity.
func (r *report) raise(code string, f facts) {
	kind := catalog().byCode[code]
	r.raiseAs(code, kind.Severities[0], f)
}

// raiseAs notes a finding with one of its severities. A code is raised once.
func (r *report) raiseAs(code string, s Severity, f facts) {
	kind, ok := catalog().byCode[code]
	if !ok || !slices.Contains(kind.Severities, s) {
		panic(fmt.Sprintf("finding %s cannot be %q: see findings.toml", code, s))
	}
	if !r.has(code) {
		r.raised = append(r.raised, raised{kind, s, f})
	}
}

func (r *report) has(code string) bool {
	return slices.ContainsFunc(r.raised, func(x raised) bool { return x.kind.Code == code })
}

// decide sets the verdict; the first one stands.
func (r *report) decide(v Verdict) { r.verdict = cmp.Or(r.verdict, v) }

// retryIn says that asking again makes no sense before; the longest one stands.
func (r *report) retryIn(d time.Duration) { r.retry = max(r.retry, d) }

// failed tells whether anything was found that keeps a key from being verified.
func (r *report) failed() bool {
	return slices.ContainsFunc(r.raised, func(x raised) bool { return x.severity == Error || x.severity == Unsettled })
}

// severities by weight.
var severities = []Severity{Error, Unsettled, Warning, Note}

// findings writes the texts, the worst finding first.
func (r *report) findings(retryAfter time.Time) []Finding {
	slices.SortStableFunc(r.raised, func(a, b raised) int {
		return slices.Index(severities, a.severity) - slices.Index(severities, b.severity)
	})
	out := make([]Finding, 0, len(r.raised))
	for _, x := range r.raised {
		text := r.writer(x.facts)
		out = append(out, Finding{
			Code: x.kind.Code, Severity: x.severity, Title: x.kind.Title,
			Asked: cmp.Or(r.asked, text(x.kind.Asked)), Got: text(x.kind.Got), Expected: text(x.kind.Expected), Change: text(x.kind.Change),
			RetryAfter: retryAfter,
		})
	}
	return out
}

// writer fills facts into a text; those of the finding go before the common ones. What a fact quotes is not looked at again.
func (r *report) writer(own facts) func(string) string {
	var pairs []string
	for name, value := range own {
		pairs = append(pairs, "{"+name+"}", value)
	}
	for name, value := range r.common {
		if _, ok := own[name]; !ok {
			pairs = append(pairs, "{"+name+"}", value)
		}
	}
	return strings.NewReplacer(pairs...).Replace
}
