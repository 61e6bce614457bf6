// Package sources reads where domains stand that this installation sends for: the
// configuration of Postfix or Sendmail, a file of users, a program. What it finds are
// candidates for `domain add` (INF-10, INF-19, OCR-11).
//
//	reports := sources.Read(ctx, sources.Host{}, []string{"postfix", "file:/etc/postseal/users"}, time.Now())
//
// Nothing that is wrong in one source hides another, and a line that is no domain
// hides none of its neighbours: both are told.
package sources

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/domains"
)

// System is what sources are read from.
type System interface {
	// ReadFile gives a file of at most maxText octets; fs.ErrNotExist if there is none.
	ReadFile(path string) ([]byte, error)
	// Run gives at most maxText octets that a program printed; fs.ErrNotExist if
	// there is no such program. A name without a slash is looked for where system
	// programs are.
	Run(ctx context.Context, program string, args ...string) ([]byte, error)
}

// The bounds of one source.
const (
	maxDomains = 10_000
	maxRemarks = 5 // that are named; the rest is counted
)

// Report is what one source says.
type Report struct {
	Source  string             // as configured
	Domains []domains.Sighting // by name; Count is the number of entries, Last the time of reading
	Remarks []string           // what could not be understood or listed, the first maxRemarks
	More    int                // remarks beyond those
	Err     error              // the source as a whole cannot be read
}

// Read reads sources in the spelling of config.ParseCandidates, in their order.
func Read(ctx context.Context, system System, entries []string, now time.Time) []Report {
	var reports []Report
	for _, entry := range entries {
		r := &reader{System: system, counts: map[string]int64{}, report: Report{Source: entry}}
		r.report.Err = r.read(ctx, entry)
		r.report.Domains = r.sightings(now)
		reports = append(reports, r.report)
	}
	return reports
}

// reader gathers the domains of one source.
type reader struct {
	System
	counts map[string]int64
	full   bool
	report Report
}

func (r *reader) read(ctx context.Context, entry string) error {
	kind, what, err := config.ParseCandidates(entry)
	if err != nil {
		return err
	}
	switch kind {
	case "postfix":
		return r.postfix(ctx)
	case "sendmail":
		return r.sendmail()
	case "file":
		text, err := r.ReadFile(what)
		if err != nil {
			return err
		}
		r.lines(what, string(text))
	case "exec":
		words := strings.Fields(what)
		text, err := r.Run(ctx, words[0], words[1:]...)
		if err != nil {
			return err
		}
		r.lines(words[0], string(text))
	}
	return nil
}

// lines reads what people and their programs write: an e-mail address or a domain
// on each line, "#" begins a comment.
func (r *reader) lines(where, text string) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		_, domain, err := domains.ParseName(line, false)
		if err != nil {
			r.remark("%s:%d: %s", where, n, brief(err))
			continue
		}
		r.add(domain)
	}
}

// brief is an error about a name, without the name where that is long.
func brief(err error) string {
	var invalid *domains.Invalid
	if errors.As(err, &invalid) && len(invalid.Input) > 100 {
		return fmt.Sprintf("%.100q… %s", invalid.Input, invalid.Problem)
	}
	return err.Error()
}

// hosts reads names that a mail server takes for its own. What nobody can publish
// a key for is usual among them and not worth a word: "localhost", a host name
// without a domain, an address, a pattern.
func (r *reader) hosts(names ...string) {
	for _, name := range names {
		domain, err := domains.ParseDomain(name, false)
		if err == nil && !onlyHere(domain) {
			r.add(domain)
		}
	}
}

// onlyHere are names that no public DNS has (RFC 6761 6.3 and 6.4, RFC 6762 3, and
// "localdomain", which installers write).
func onlyHere(domain string) bool {
	top := domain[strings.LastIndexByte(domain, '.')+1:]
	return strings.HasPrefix(domain, "localhost.") || slices.Contains([]string{"localhost", "localdomain", "local", "invalid"}, top)
}

func (r *reader) add(domain string) {
	if _, known := r.counts[domain]; !known && len(r.counts) == maxDomains {
		if !r.full {
			r.remark("more than %d domains: the rest is left out", maxDomains)
		}
		r.full = true
		return
	}
	r.counts[domain]++
}

func (r *reader) remark(format string, args ...any) {
	if len(r.report.Remarks) == maxRemarks {
		r.report.More++
		return
	}
	r.report.Remarks = append(r.report.Remarks, fmt.Sprintf(format, args...))
}

func (r *reader) sightings(now time.Time) []domains.Sighting {
	var out []domains.Sighting
	for domain, n := range r.counts {
		out = append(out, domains.Sighting{Domain: domain, Source: r.report.Source, Count: n, Last: now})
	}
	slices.SortFunc(out, func(a, b domains.Sighting) int { return strings.Compare(a.Domain, b.Domain) })
	return out
}
