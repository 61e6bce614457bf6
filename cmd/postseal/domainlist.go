package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
	"github.com/postseal/postseal/internal/domains/sources"
)

// notSetUp is the status of a domain that mail comes from and nobody has added
// (OCR-11).
var notSetUp = domains.Status{Word: "not-set-up", Label: "Not set up", Colour: "grey"}

// listed is what `list --json` prints.
type listed struct {
	Domains    []domains.Row       `json:"domains"`
	Candidates []domains.Candidate `json:"candidates"`
}

func (m *managing) domainList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List domains with their status and what comes next",
		Long: `Lists all domains by name, each with its selectors, its status and the next step,
then the domains that mail comes from, or that "candidates" finds elsewhere, and that
nobody has added yet ("Not set up"). Keys of the key table that are watched have
lines of their own, marked "(keytable)"; show and verify take them as
table:example.com. A domain that is to publish an outgoing user's key under its own
name ("user set --fallback-d from") is marked "(lent)": lent:example.com. --wide shows each key with the name and the value of its DNS record.`,
		Args: cobra.NoArgs,
	}
	wide := cmd.Flags().Bool("wide", false, "a line for each key, with its DNS record")
	status := cmd.Flags().StringSlice("status", nil, "only these: requested, not-published, pending, ready, connected, rotating, check-dns, revalidate, unverified, error, compromised, disabled, no-key, not-set-up")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	colour := cmd.Flags().String("color", "auto", "auto, always or never")
	return m.verb(cmd, func(ctx context.Context, s *store, _ []string) error {
		colours, err := wantsColour(*colour, m.out)
		if err != nil {
			return err
		}
		list, reports, err := s.list(ctx, *status)
		if err != nil {
			return err
		}
		m.mentionSources(reports)
		switch {
		case *asJSON:
			return m.printJSON(list)
		case *wide:
			grid(m.out, wideLines(list), colours)
		default:
			grid(m.out, shortLines(list), colours)
		}
		return nil
	})
}

func (s *store) list(ctx context.Context, only []string) (listed, []sources.Report, error) {
	wanted := func(word string) bool { return len(only) == 0 || slices.Contains(only, word) }
	list := listed{Domains: []domains.Row{}, Candidates: []domains.Candidate{}}
	err := s.every(ctx, func(r domains.Row) error {
		if wanted(r.Status.Word) {
			list.Domains = append(list.Domains, r)
		}
		return nil
	})
	if err != nil || !wanted(notSetUp.Word) {
		return list, nil, err
	}
	candidates, reports, err := s.candidates(ctx)
	list.Candidates = append(list.Candidates, candidates...)
	return list, reports, err
}

// rowName names a row in a table of them.
func rowName(d domains.Domain) string {
	if d.Lent() {
		return records.Both(d.SigningDomain()) + " (lent)"
	}
	if d.Watched() {
		return records.Both(d.SigningDomain()) + " (keytable)"
	}
	return records.Both(d.Name)
}

func shortLines(list listed) []line {
	lines := []line{{cells: []cell{{text: "DOMAIN"}, {text: "SELECTOR"}, {text: "STATUS"}, {text: "SINCE"}, {text: "NEXT STEP"}}}}
	for _, r := range list.Domains {
		l := line{cells: []cell{
			{text: rowName(r.Domain)},
			{text: strings.Join(selectors(r.Keys), ",")},
			{text: r.Status.Label, colour: r.Status.Colour},
			{text: day(r.Status.Since)},
			{text: r.Status.Next},
		}}
		if r.Status.Colour == "red" || r.Status.Colour == "amber" {
			l.below = explained(r.Status)
		}
		lines = append(lines, l)
	}
	for _, c := range byDomain(list.Candidates) {
		lines = append(lines, line{cells: []cell{
			{text: records.Both(c.Domain)}, {}, {text: notSetUp.Label, colour: notSetUp.Colour}, {text: day(c.FirstSeen)}, {text: "postseal domain add " + c.Domain},
		}})
	}
	return lines
}

// selectors are those of keys that sign or are going to.
func selectors(keys []domains.Key) []string {
	var out []string
	for _, k := range keys {
		if k.State != domains.Retiring && k.State != domains.Retired {
			out = append(out, k.Selector)
		}
	}
	return out
}

// wideLines has the columns of a table to copy records from (OCR-13).
func wideLines(list listed) []line {
	lines := []line{{cells: []cell{{text: "EMAIL DOMAIN"}, {text: "SELECTOR"}, {text: "DNS RECORD NAME"}, {text: "STATUS"}, {text: "DNS VALUE"}}}}
	for _, r := range list.Domains {
		status := cell{text: r.Status.Label, colour: r.Status.Colour}
		shown := false
		for _, k := range r.Keys {
			if k.State == domains.Retiring || k.State == domains.Retired {
				continue
			}
			value := k.Record
			if k.Target != "" {
				value = k.Target + "."
			}
			name := dkim.RecordName(k.Selector, k.Domain)
			lines = append(lines, line{cells: []cell{{text: rowName(r.Domain)}, {text: k.Selector}, {text: name}, status, {text: value}}})
			shown = true
		}
		if !shown {
			lines = append(lines, line{cells: []cell{{text: rowName(r.Domain)}, {}, {}, status, {}}})
		}
	}
	for _, c := range byDomain(list.Candidates) {
		lines = append(lines, line{cells: []cell{{text: records.Both(c.Domain)}, {}, {}, {text: notSetUp.Label, colour: notSetUp.Colour}, {}}})
	}
	return lines
}
