package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

type verifyFlags struct {
	all       bool
	retry     bool
	published bool
	json      bool
	wait      time.Duration
}

func (m *managing) domainVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify DOMAIN…|--all",
		Short: "Look at DNS now and apply what follows",
		Long: `Asks every authoritative name server for the records now, whatever the schedule,
tells live from correct, and applies what follows: a key that was confirmed twice,
at least 30 seconds apart, begins to sign. A key whose time had run out gets a new
window. If it does not work, wait and try again: it can take hours, depending on the
DNS provider; postseal also keeps trying by itself.`,
		Example: `  postseal domain verify example.com
  postseal domain verify example.com --wait 10m
  postseal domain verify --all --retry`,
	}
	var f verifyFlags
	cmd.Flags().BoolVar(&f.all, "all", false, "all domains that have keys")
	cmd.Flags().BoolVar(&f.retry, "retry", false, "Retry Validation: begin a new window; with --all, only domains in error or that need re-validation")
	cmd.Flags().BoolVar(&f.published, "published", false, "the records have been published: polling starts over")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	cmd.Flags().DurationVar(&f.wait, "wait", 0, "look again until DNS has confirmed the keys, for so long")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		names, err := s.toVerify(ctx, args, f)
		if err != nil {
			return err
		}
		return m.verifyAll(ctx, s, names, f)
	})
}

// toVerify are the rows that the arguments mean; with --all those that have
// something to look for.
func (s *store) toVerify(ctx context.Context, args []string, f verifyFlags) ([]string, error) {
	if !f.all || len(args) > 0 {
		return s.chosen(ctx, args, f.all)
	}
	var names []string
	err := s.every(ctx, func(r domains.Row) error {
		if len(r.Keys) > 0 && !r.Domain.IsSharedSet() && (!f.retry || r.Status.Word == "error" || r.Status.Word == "revalidate") {
			names = append(names, r.Domain.Name)
		}
		return nil
	})
	return names, err
}

// verified is the outcome for one row.
type verified struct {
	Domain string         `json:"domain"`
	Status domains.Status `json:"status"`
	Checks []check.Result `json:"checks"`
}

func (m *managing) verifyAll(ctx context.Context, s *store, names []string, f verifyFlags) error {
	all := []verified{}
	var results []check.Result
	var failures error
	for _, name := range names {
		v, err := m.verifyOne(ctx, s, name, f)
		if err != nil && len(names) == 1 {
			return err
		}
		if err != nil { // the others have their turn all the same
			failures = errors.Join(failures, err)
			continue
		}
		all = append(all, v)
		results = append(results, v.Checks...)
		if !f.json {
			m.printVerified(v, len(names) > 1)
		}
	}
	if f.json {
		if err := m.printJSON(all); err != nil {
			return err
		}
	}
	if failures != nil {
		return failures
	}
	return outcomeOf(results)
}

// betweenLooks is a little more than what two confirmations must be apart.
const betweenLooks = 31 * time.Second

func (m *managing) verifyOne(ctx context.Context, s *store, name string, f verifyFlags) (verified, error) {
	if f.published || f.retry {
		if _, err := s.service.Published(ctx, s.actor, name); err != nil {
			return verified{}, err
		}
	}
	for end := s.now().Add(f.wait); ; {
		v, err := s.look(ctx, name)
		if err != nil || f.wait == 0 || !waiting(v.Status) || s.now().Add(betweenLooks).After(end) {
			return v, err
		}
		if err := s.wait(ctx, betweenLooks); err != nil {
			return v, err
		}
	}
}

func (s *store) look(ctx context.Context, name string) (verified, error) {
	checked, err := s.service.Verify(ctx, s.actor, name)
	if err != nil {
		return verified{}, err
	}
	d, err := s.service.Show(ctx, name)
	v := verified{Domain: name, Status: d.Status, Checks: []check.Result{}}
	for _, c := range checked {
		v.Checks = append(v.Checks, c.Result)
	}
	return v, err
}

// waiting says that another look may help.
func waiting(s domains.Status) bool {
	switch s.Word {
	case "pending", "rotating", "unverified", "error", "check-dns":
		return true
	}
	return false
}

// printVerified tells the result: one line in a list of many, everything else.
func (m *managing) printVerified(v verified, brief bool) {
	if brief {
		text := ""
		for _, c := range v.Checks {
			if f := worstFinding(c); f.Code != "" {
				text += fmt.Sprintf("  %s %s%s", f.Code, f.Title, tryAgain(c))
			}
		}
		fmt.Fprintf(m.out, "%s: %s%s\n", records.Both(v.Domain), v.Status.Label, text)
		return
	}
	for _, c := range v.Checks {
		printCheck(m.out, v.Domain[1+lastAt(v.Domain):], c)
		m.printLiveness(c)
	}
	m.printRowStatus(domains.Row{Domain: domains.Domain{Name: v.Domain}, Status: v.Status})
}

func lastAt(name string) int {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '@' {
			return i
		}
	}
	return -1
}

func worstFinding(r check.Result) check.Finding {
	if len(r.Findings) == 0 || r.Passed {
		return check.Finding{}
	}
	return r.Findings[0]
}

// printLiveness tells "not live" from "not correct" (INF-16), and when to try
// again (INF-27).
func (m *managing) printLiveness(r check.Result) {
	what := "  The record is live and correct."
	switch {
	case r.Passed:
	case r.Verdict == check.Absent:
		what = "  The record is not live" + tryAgain(r) + ". It can take hours, depending on the DNS provider."
	case r.Verdict == check.Temporary:
		what = "  DNS gives no answer" + tryAgain(r) + "."
	default:
		what = "  The record is live, and not correct" + tryAgain(r) + "."
	}
	fmt.Fprintln(m.out, what)
}

func tryAgain(r check.Result) string {
	if r.RetryAfter.IsZero() {
		return ""
	}
	clock, after := "15:04 UTC", r.RetryAfter.UTC()
	if after.YearDay() != r.At.UTC().YearDay() {
		clock = "2006-01-02 " + clock
	}
	text := ": try again after " + after.Format(clock)
	if r.NegativeTTL > 0 {
		text += fmt.Sprintf(" (negative TTL %d s)", int(r.NegativeTTL.Seconds()))
	}
	return text
}
