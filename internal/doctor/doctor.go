// Package doctor looks at a whole installation, the MTA's configuration, ours,
// sockets, files, clock, resolver and the domains in DNS, and tells what is
// missing and what to change.
//
//	facts := doctor.Gather(ctx, doctor.Sources{Config: cfg, Postfix: "/etc/postfix"})
//	for _, f := range doctor.Judge(facts) {
//		fmt.Println(f.Severity, f.Word, f.Change)
//	}
//
// Gather asks programs, files, sockets and DNS and changes nothing; what it may
// not read stands in Facts.Unread. Judge is pure: facts in, findings out. The
// texts of the findings are data, in findings.toml; docs/doctor.md is made from it.
package doctor

import "slices"

// Finding is one thing that is wrong, or worth knowing.
type Finding struct {
	Word     string   `json:"word"` // "not-wired", stable; or the code of a finding about DNS, "D402"
	Severity Severity `json:"severity"`
	Title    string   `json:"title"`
	Looked   string   `json:"looked_at"` // what we looked at
	Found    string   `json:"found"`
	Change   string   `json:"change"` // what to change, literally where that is possible
}

// Severity is how bad a finding is.
type Severity string

// The severities, the worst first.
const (
	Error   Severity = "error"   // mail goes unsigned, unverified, or not at all
	Warning Severity = "warning" // something will break, or breaks for some mail
	Note    Severity = "note"    // worth knowing
)

var severities = []Severity{Error, Warning, Note}

// Worst is the severity of the worst finding, "" if there is none.
func Worst(findings []Finding) Severity {
	for _, s := range severities {
		if Count(findings, s) > 0 {
			return s
		}
	}
	return ""
}

// Count tells how many findings have a severity.
func Count(findings []Finding, s Severity) (n int) {
	for _, f := range findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Judge says what the facts mean, the worst first.
func Judge(f *Facts) []Finding {
	e := &examination{Facts: f}
	e.whatWasNotSeen()
	e.ourFiles()
	e.theService()
	e.postfix()
	e.sendmail()
	e.noMTA()
	e.sockets()
	e.system()
	e.store()
	e.domains()
	e.bounceRate()
	return e.sorted()
}

// JudgeDomain says what the facts about one domain mean, notes about its keys included.
func JudgeDomain(f *Facts) []Finding {
	e := &examination{Facts: f, notes: true}
	e.whatWasNotSeen()
	for _, err := range f.Ours.Errs {
		e.raise("config-broken", texts{"file": e.configPath(), "error": err.Error()})
	}
	for _, d := range f.Domains {
		for _, r := range d.Rows {
			switch {
			case r.Out == "":
			case f.closed(r.Out):
				e.raise("not-seen", texts{"what": "a key", "error": r.Out})
			default:
				e.raise("row-out-of-service", texts{"error": r.Out})
			}
		}
	}
	if r := f.Resolver; r != nil && r.Err != "" {
		e.raise("resolver-silent", texts{"error": r.Err, "file": e.configPath()})
	}
	e.onlyUnasked()
	e.store()
	e.domains()
	e.selectors()
	return e.sorted()
}

// onlyUnasked keeps of the wiring what concerns every domain: the MTA does not ask us.
func (e *examination) onlyUnasked() {
	wiring := &examination{Facts: e.Facts}
	wiring.postfix()
	wiring.sendmail()
	for _, f := range wiring.findings {
		if f.Severity == Error {
			e.findings = append(e.findings, f)
		}
	}
}

func (e *examination) sorted() []Finding {
	slices.SortStableFunc(e.findings, func(a, b Finding) int {
		return slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity)
	})
	return e.findings
}
