package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/domains"
)

func (m *managing) domainPublish() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "publish DOMAIN…|--key-zone",
		Short: "Have the DNS driver write the records of domains now, and show what changes",
		Long: `Shows what the drivers of the domains would change in DNS, asks, and has them do it.
By itself postseal does that too, on the host that looks after the keys, within
seconds of every change; this is for whoever wants to see it first, or at once after
a fault. docs/drivers.md tells how a driver is set up.

Each line is a record: + it is added, ~ it takes the place of one that postseal wrote,
- it is removed, = it stands as it has to, ! it is refused, as something that postseal
did not write stands there: that is never overwritten or removed.

What is published signs only when DNS has confirmed it, like everything else.

Exits 3 when a record was refused, 6 when a driver failed.`,
		Example: `  postseal domain publish example.com --dry-run
  postseal domain publish example.com sales@example.com --yes
  postseal domain publish --key-zone`,
	}
	o := publishFlags{}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only show what would change")
	cmd.Flags().BoolVar(&o.keyZone, "key-zone", false, "the key zone, too or alone")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON, with whole values")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		if len(args) == 0 && !o.keyZone {
			return &exitError{exitUsage, errors.New("name domains, or say --key-zone")}
		}
		var names []string
		if len(args) > 0 {
			var err error
			if names, err = s.chosen(ctx, args, false); err != nil {
				return err
			}
		}
		return m.publish(ctx, s, names, o)
	})
}

type publishFlags struct{ dryRun, keyZone, yes, json bool }

func (m *managing) publish(ctx context.Context, s *store, names []string, o publishFlags) error {
	planned, err := s.service.PlanPublishing(ctx, names, o.keyZone)
	if err != nil {
		return err
	}
	sortPublications(planned)
	if o.dryRun {
		return m.printPublications(planned, o.json, "")
	}
	if !o.json {
		m.printPlanned(planned)
	}
	err = m.confirmed(o.yes || !changesAnything(planned), func(yes bool) error {
		if !yes {
			return &domains.Unconfirmed{Rule: "publish", Warning: "The drivers write these changes into DNS."}
		}
		return nil
	})
	if err != nil {
		return err
	}
	done, err := s.service.Publish(ctx, s.actor, names, o.keyZone)
	if err != nil {
		return err
	}
	sortPublications(done)
	return m.printPublications(done, o.json, "done")
}

func sortPublications(all []domains.Publication) {
	slices.SortStableFunc(all, func(a, b domains.Publication) int {
		return cmp.Or(strings.Compare(a.Owner, b.Owner), strings.Compare(a.Name, b.Name), strings.Compare(a.Type, b.Type))
	})
}

func changesAnything(all []domains.Publication) bool {
	return slices.ContainsFunc(all, func(p domains.Publication) bool {
		return p.Verdict == domains.DNSAdd || p.Verdict == domains.DNSReplace || p.Verdict == domains.DNSRemove
	})
}

// printPublications writes records and gives the exit code that they come to.
func (m *managing) printPublications(all []domains.Publication, asJSON bool, title string) error {
	if asJSON {
		if all == nil {
			all = []domains.Publication{}
		}
		if err := m.printJSON(all); err != nil {
			return err
		}
	} else {
		if title != "" {
			fmt.Fprintln(m.out, title)
		}
		m.printPlanned(all)
	}
	code := exitDone
	for _, p := range all {
		switch {
		case p.Problem == "":
		case p.Verdict == domains.DNSForeign:
			code = max(code, exitRefused)
		default:
			code = exitTemporary
		}
	}
	if code != exitDone {
		return &exitError{code: code}
	}
	return nil
}

// printPlanned writes a line for each record, with the reason where it cannot be done.
func (m *managing) printPlanned(all []domains.Publication) {
	if len(all) == 0 {
		fmt.Fprintln(m.out, "nothing is to be published")
	}
	for _, p := range all {
		value := p.Value
		if value == "" {
			for _, was := range p.Was {
				_, value, _ = strings.Cut(was, " ")
			}
		}
		fmt.Fprintf(m.out, "%s %s  %s  %s  (%s)\n", publishMark(&p), p.Name, p.Type, oneLine(short(value)), p.Driver)
		if p.Problem != "" {
			fmt.Fprintf(m.out, "    %s\n", oneLine(p.Problem))
		}
	}
}

func publishMark(p *domains.Publication) string {
	mark, known := map[domains.DNSVerdict]string{
		domains.DNSSame: "=", domains.DNSAdd: "+", domains.DNSReplace: "~", domains.DNSRemove: "-",
	}[p.Verdict]
	if !known || p.Problem != "" {
		return "!"
	}
	return mark
}

// short shows both ends of a long value: keys begin alike.
func short(value string) string {
	const most, head, tail = 60, 34, 20
	if len(value) <= most {
		return value
	}
	return value[:head] + "…" + value[len(value)-tail:]
}

// printPublishing shows what drivers have written and have to write.
func (m *managing) printPublishing(rows []domains.Published) {
	if len(rows) > 0 {
		fmt.Fprintln(m.out, "\nrecords written by drivers")
	}
	for _, p := range rows {
		state := "stands since " + date(p.WrittenAt)
		switch {
		case p.Problem != "":
			state = fmt.Sprintf("FAILED %d times, next try %s: %s", p.Attempts, date(p.NextAt), p.Problem)
		case p.Want != p.Value && p.Want == "":
			state = "to be removed"
		case p.Want != p.Value:
			state = "to be written"
		case p.WrittenAt.IsZero():
			state = "stands; somebody else wrote it, and postseal will not change it"
		case !p.Until.IsZero():
			state += ", removed " + date(p.Until)
		}
		m.fact(p.Driver, p.Type+" "+p.Name+": "+state)
	}
}
