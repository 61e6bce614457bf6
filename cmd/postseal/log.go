package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/domains"
)

func newLog(m *managing) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "log [DOMAIN|USER]",
		Short: "Show the journal: who did what to which key, and why",
		Long: `Shows the journal of the store, oldest line first: each change of a domain, key or
outgoing user with its time, who did it, and the reason. Messages are not in it: the
daemon's log has a line for each. --follow goes on with what comes, until it is
interrupted; with --json each entry is a line of its own then.`,
		Example: `  postseal log example.com
  postseal log --since 2026-11-01
  postseal log sasl:ada -n 20
  postseal log --follow`,
		Args: cobra.MaximumNArgs(1),
	}
	limit := cmd.Flags().IntP("lines", "n", 100, "the last so many lines; 0: all")
	since := cmd.Flags().String("since", "", "from this time on: 2026-11-21, 2026-11-21T20:54:30Z, or 36h for so long ago")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	follow := cmd.Flags().BoolP("follow", "f", false, "go on with what comes")
	return m.verb(cmd, func(ctx context.Context, s *store, args []string) error {
		q := domains.JournalQuery{Last: true, Limit: *limit}
		var err error
		if q.Since, err = parseSince(*since, s.now()); err != nil {
			return err
		}
		if len(args) == 1 {
			if q.Domain, err = subject(args[0]); err != nil {
				return err
			}
		}
		if *follow {
			return m.followJournal(ctx, s, q, *asJSON)
		}
		entries, err := s.service.Journal(ctx, q)
		if err != nil {
			return err
		}
		if *asJSON {
			return m.printJSON(append([]domains.Entry{}, entries...))
		}
		m.printJournal("", entries)
		return nil
	})
}

// betweenReadings is how far behind a follower is at most.
const betweenReadings = time.Second

// followJournal prints what the query finds, then each new entry, until ctx ends.
func (m *managing) followJournal(ctx context.Context, s *store, q domains.JournalQuery, asJSON bool) error {
	for {
		entries, err := s.service.Journal(ctx, q)
		if ctx.Err() != nil { // interrupted
			return nil
		}
		if err != nil {
			return err
		}
		if err := m.printFollowed(entries, asJSON); err != nil {
			return err
		}
		if len(entries) > 0 {
			q.After = entries[len(entries)-1].ID
		}
		q.Last, q.Limit = false, 0
		if s.wait(ctx, betweenReadings) != nil {
			return nil
		}
	}
}

func (m *managing) printFollowed(entries []domains.Entry, asJSON bool) error {
	if !asJSON {
		m.printJournal("", entries)
		return nil
	}
	for _, e := range entries {
		text, err := json.Marshal(e)
		if err != nil {
			return err
		}
		fmt.Fprintf(m.out, "%s\n", text)
	}
	return nil
}

// subject is a domain, or the match of an outgoing user as the journal has it.
func subject(text string) (string, error) {
	if match := matchOf(text); match == text {
		return text, nil
	}
	return named(text)
}

func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &domains.Invalid{Input: text, Problem: "is no time", Fix: "write it like 2026-11-21, 2026-11-21T20:54:30Z or 36h"}
}
