package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/domains"
)

func newHost(m *managing) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "host",
		Short: "See which hosts sign from the store; forget one that is gone for good",
		Long: `Every host that signs from the store reports each minute what it signed with, and
which rows it works with. A replaced key retires only when every host has stopped
signing with it. A host that stops in order says so; for one that was switched off
or reinstalled under another name, retirement would wait for ever: forget it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(m.hostList(), m.hostForget())
	return cmd
}

func (m *managing) hostList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the hosts that sign from the store",
		Long: `Lists the hosts that sign from the store, when each was last heard of, and whether
it works with the present rows. "behind" means that it has not heard of the latest
change yet, and may still sign with a key that was replaced. Two daemons under one host
name have a line each. A host that stopped is listed while keys of its tables are
watched: forget it if it will not be back.`,
		Args: cobra.NoArgs,
	}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return m.verb(cmd, func(ctx context.Context, s *store, _ []string) error {
		hosts, err := s.service.Hosts(ctx)
		if err != nil {
			return err
		}
		if *asJSON {
			return m.printJSON(append([]domains.Host{}, hosts...))
		}
		version, err := s.service.Version(ctx)
		if err != nil {
			return err
		}
		tables, err := s.service.HostTables(ctx)
		if err != nil {
			return err
		}
		grid(m.out, hostLines(hosts, version, tables), false)
		return nil
	})
}

// hostLines has a line for each process, and for each host that stopped and whose tables'
// keys are still watched.
func hostLines(hosts []domains.Host, version int64, tables map[string]int) []line {
	lines := []line{{cells: []cell{{text: "HOST"}, {text: "LAST REPORT"}, {text: "ROWS"}, {text: "KEYS OF ITS TABLES"}}}}
	running := map[string]int{}
	for _, h := range hosts {
		running[h.Name]++
	}
	for _, h := range hosts {
		name, rows := h.Name, "present"
		if h.Version < version {
			rows = "behind"
		}
		if running[h.Name] > 1 {
			name += " (" + h.Process + ")"
		}
		lines = append(lines, line{cells: []cell{{text: name}, {text: date(h.SeenAt)}, {text: rows}, {text: strconv.Itoa(tables[h.Name])}}})
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		if running[name] == 0 {
			lines = append(lines, line{cells: []cell{{text: name}, {text: "stopped"}, {}, {text: strconv.Itoa(tables[name])}}})
		}
	}
	return lines
}

func (m *managing) hostForget() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "forget HOST…",
		Short: "Forget a host that is gone for good, so that no key waits for it",
		Long: `Takes a host off the list that does not run any more, so that keys which it may have
signed with can retire, and keys that only its tables had are not watched any more. One that reported within the last five minutes wants --yes,
for it may be alive; a living one comes back with its next report.`,
		Example: "  postseal host forget mx3.example.net",
		Args:    cobra.MinimumNArgs(1),
	}
	yes := cmd.Flags().BoolP("yes", "y", false, "agree to what is asked")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		for _, name := range args {
			err := m.confirmed(*yes, func(yes bool) error { return s.service.ForgetHost(ctx, s.actor, name, yes) })
			if err != nil {
				return err
			}
			fmt.Fprintf(m.out, "%s: forgotten\n", name)
		}
		return nil
	})
}
