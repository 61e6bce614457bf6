package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/filter"
)

func newExplain(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain [FILE]",
		Short: "Say what would happen to a message, and why",
		Long: `Says what the daemon would do with a message and why, with the words of its log
line: give the message's file, or just its sender with --from.`,
		Example: `  postseal explain --from ada@example.com
  postseal explain --from ada@example.com --user ada --client 192.0.2.1
  postseal explain message.eml`,
		Args: cobra.MaximumNArgs(1),
	}
	path := configFlag(cmd)
	from := cmd.Flags().String("from", "", "the message's From field, or just an address")
	asJSON := cmd.Flags().Bool("json", false, "print a JSON object")
	raw := cmd.Flags().Bool("raw", false, "take the file's line ends as they are")
	situation := situationFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if (len(args) == 1) == (*from != "") {
			return &exitError{exitUsage, fmt.Errorf("name a message file, or a sender with --from")}
		}
		file := &messageFile{fields: fromOnly(*from)}
		if len(args) == 1 {
			var err error
			if file, err = openMessage(io, args[0], *raw); err != nil {
				return findingError(err)
			}
		}
		cfg, snapshot, done, err := openSnapshot(cmd.Context(), io, *path)
		if err != nil {
			return err
		}
		defer done()
		facts, err := situation.facts(cfg, snapshot, file.fields)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		e, _ := filter.Explain(cmd.Context(), snapshot, *facts, file.body, time.Now())
		if *asJSON {
			return json.NewEncoder(io.out).Encode(e)
		}
		printExplanation(io, e)
		return nil
	}
	return cmd
}

func printExplanation(io stdio, e filter.Explanation) {
	fmt.Fprintf(io.out, "decision: %s\nreason:   %s\n", e.Decision, e.Reason)
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(io.out, "%-9s %s\n", label+":", text)
		}
	}
	line("detail", e.Detail)
	line("from", e.From)
	line("user", e.User)
	line("keys", strings.Join(e.Keys, ", "))
	for _, f := range e.Failures {
		line("failure", f)
	}
	line("results", strings.Join(e.Results, ", "))
	line("warnings", strings.Join(e.Warnings, ", "))
	if e.Removed > 0 {
		line("removed", fmt.Sprintf("%d Authentication-Results in our name", e.Removed))
	}
	if e.Deferred {
		line("reply", "the message is deferred (sign.on_key_error)")
	}
	fmt.Fprintln(io.out, "because:")
	for _, l := range e.Trail {
		fmt.Fprintln(io.out, "  -", l)
	}
}
