package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
	"github.com/postseal/postseal/internal/domains/sources"
)

func (m *managing) domainCandidates() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "candidates",
		Short: "List domains that this host sends for and that nobody has added",
		Long: `Lists, by name, domains that have no key here: those that authenticated or trusted
senders used in From (source "mail"; the count is of messages), and those that
domains.candidates finds at this moment: domains of Postfix or Sendmail, of a file of
users, of a program (the count is of entries). What a source has that cannot be
understood or listed is told; it hides nothing else.

A domain is no candidate when its parent signs for it too, or when the key table has
a key for it that postseal watches.`,
		Args: cobra.NoArgs,
	}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return m.verb(cmd, func(ctx context.Context, s *store, _ []string) error {
		candidates, reports, err := s.candidates(ctx)
		if err != nil {
			return err
		}
		if *asJSON {
			err = m.printJSON(append([]domains.Candidate{}, candidates...))
		} else {
			grid(m.out, candidateLines(candidates), false)
		}
		if m.warnOfSources(reports) && err == nil {
			err = &exitError{code: exitWarnings}
		}
		return err
	})
}

// candidates reads the sources anew and adds what mail has shown.
func (s *store) candidates(ctx context.Context) ([]domains.Candidate, []sources.Report, error) {
	var reports []sources.Report
	if s.sources != nil {
		reports = s.sources(ctx)
	}
	var found []domains.Sighting
	for _, r := range reports {
		found = append(found, r.Domains...)
	}
	candidates, err := s.service.Candidates(ctx, found...)
	return candidates, reports, err
}

func candidateLines(candidates []domains.Candidate) []line {
	lines := []line{{cells: []cell{{text: "DOMAIN"}, {text: "SOURCE"}, {text: "COUNT"}, {text: "LAST SEEN"}, {text: "NEXT STEP"}}}}
	for _, c := range candidates {
		lines = append(lines, line{cells: []cell{
			{text: records.Both(c.Domain)}, {text: oneLine(c.Source)}, {text: count(c.Count)}, {text: day(c.LastSeen)}, {text: "postseal domain add " + c.Domain},
		}})
	}
	return lines
}

// byDomain leaves one of the candidates that several sources name.
func byDomain(candidates []domains.Candidate) []domains.Candidate {
	return slices.CompactFunc(slices.Clone(candidates), func(a, b domains.Candidate) bool { return a.Domain == b.Domain })
}

// warnOfSources tells what could not be read, and whether there was such.
func (m *managing) warnOfSources(reports []sources.Report) (any bool) {
	warn := func(r sources.Report, text string) {
		any = true
		fmt.Fprintf(m.err, "postseal: warning: %s: %s\n", oneLine(r.Source), oneLine(text))
	}
	for _, r := range reports {
		if r.Err != nil {
			warn(r, r.Err.Error())
		}
		for _, text := range r.Remarks {
			warn(r, text)
		}
		if r.More > 0 {
			warn(r, fmt.Sprintf("%d more like that", r.More))
		}
	}
	return any
}

// mentionSources says in one line that there is something to tell.
func (m *managing) mentionSources(reports []sources.Report) {
	troubled := func(r sources.Report) bool { return r.Err != nil || len(r.Remarks) > 0 }
	if slices.ContainsFunc(reports, troubled) {
		fmt.Fprintln(m.err, "postseal: warning: some sources of candidates cannot be read in full; `postseal domain candidates` tells")
	}
}

// pick lets somebody at a terminal choose a candidate (INF-10). Nothing is chosen
// beforehand (INF-12).
func (m *managing) pick(ctx context.Context, s *store) (string, error) {
	if !isTerminal(m.in) {
		return "", &exitError{exitRefused, errors.New("--pick asks, and there is no terminal: name one of `postseal domain candidates`")}
	}
	candidates, reports, err := s.candidates(ctx)
	if err != nil {
		return "", err
	}
	m.warnOfSources(reports)
	candidates = byDomain(candidates)
	if len(candidates) == 0 {
		return "", &exitError{exitRefused, errors.New("there is no candidate: name the domain, as `postseal domain add example.com`")}
	}
	for i, c := range candidates {
		fmt.Fprintf(m.err, "%4d  %s\n", i+1, records.Both(c.Domain))
	}
	fmt.Fprintf(m.err, "Please select a domain [1-%d]: ", len(candidates))
	answer, _ := bufio.NewReader(m.in).ReadString('\n')
	answer = strings.TrimSpace(answer)
	if answer == "" {
		return "", &exitError{exitRefused, errors.New("no domain was selected; nothing is done [INF-12]")}
	}
	if n, err := strconv.Atoi(answer); err == nil && 1 <= n && n <= len(candidates) {
		return candidates[n-1].Domain, nil
	}
	return "", &domains.Invalid{Input: answer, Problem: "is no number of the list", Fix: fmt.Sprintf("say 1 to %d", len(candidates))}
}
