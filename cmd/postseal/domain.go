package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

func newDomain(m *managing) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "domain",
		Short: "Manage domains and their keys, from the first record to the last",
		Long: `Makes keys, shows what has to be published for them, watches DNS, and lets a key
sign once DNS confirms it. docs/domains.md has the whole way of a key.

The verbs work on the store that [store] names, whether the daemon runs or not; it
hears of changes within a second. Started by root, they become the user who owns
the store first. DOMAIN may be an address, as sales@example.com, for a key that
signs for that sender only.

Exits 0 when done, 1 with warnings, 2 when DNS has something wrong, 3 when the
state of a domain does not allow it, 4 for wrong usage, 6 while DNS or the store
give no answer.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		m.domainAdd(), m.domainRequest(), m.domainImport(), m.domainCandidates(),
		m.domainList(), m.domainShow(), m.domainRecords(), m.domainExport(), m.domainPublish(),
		m.domainVerify(), m.domainEnable(), m.domainDisable(), m.domainSet(),
		m.domainRotate(), m.domainRegenerate(), m.domainRollback(), m.domainCompromised(), m.domainDelete(),
	)
	return cmd
}

// named reads the name of a row as somebody typed it.
func named(text string) (string, error) {
	name, _, err := domains.ParseRow(text)
	return name, err
}

// sheet is what DNS has to hold for a row.
func (s *store) sheet(ctx context.Context, name string, offline bool) (records.Sheet, error) {
	if name == domains.SharedSet {
		return records.Sheet{}, &domains.Refused{
			Rule: "shared-set", What: "the records of " + name + " stand in the key zone, and no customer publishes them", Way: "`postseal domain export --key-zone` writes them",
		}
	}
	_, domain, err := domains.ParseRow(name)
	if err != nil {
		return records.Sheet{}, err
	}
	d, err := s.service.Show(ctx, name)
	if err != nil {
		return records.Sheet{}, err
	}
	find := s.find
	if offline {
		find = func(context.Context, string) (string, []string, error) { return "", nil, errOffline }
	}
	zone := records.Find(ctx, find, domain)
	return records.Make(d, zone, s.service.KeepUntil), nil
}

var errOffline = errors.New("not asked: --offline")

// every names all rows, by name.
func (s *store) every(ctx context.Context, visit func(domains.Row) error) error {
	const page = 500
	for after := ""; ; {
		rows, err := s.service.List(ctx, after, page)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := visit(r); err != nil {
				return err
			}
			after = r.Domain.Name
		}
		if len(rows) < page {
			return nil
		}
	}
}

// chosen are the rows that the arguments name, or all.
func (s *store) chosen(ctx context.Context, args []string, all bool) ([]string, error) {
	if all == (len(args) > 0) {
		return nil, &exitError{exitUsage, errors.New("name domains, or say --all")}
	}
	var names []string
	if all {
		err := s.every(ctx, func(r domains.Row) error {
			if !r.Domain.IsSharedSet() { // it has to be named
				names = append(names, r.Domain.Name)
			}
			return nil
		})
		return names, err
	}
	for _, a := range args {
		name, err := named(a)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}
