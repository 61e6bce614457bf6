package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/filter"
	"github.com/postseal/postseal/internal/policy"
)

func newSign(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sign FILE",
		Short: "Sign a message file as the daemon would, to standard output",
		Long: `Signs a message file ("-" for standard input) as the daemon would and writes it
to standard output. A message that the daemon would leave unsigned is not
written: the reason goes to standard error and the exit code is 2.`,
		Args: cobra.ExactArgs(1),
	}
	path := configFlag(cmd)
	raw := cmd.Flags().Bool("raw", false, "take the file's line ends as they are")
	situation := situationFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file, err := openMessage(io, args[0], *raw)
		if err != nil {
			return findingError(err)
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
		if situation.mode == "" {
			facts.Mode = policy.SignOnly // a file that is to be signed is not verified
		}
		e, values := filter.Explain(cmd.Context(), snapshot, *facts, file.body, time.Now())
		warnings := append(e.Failures, e.Warnings...)
		for _, w := range warnings {
			fmt.Fprintln(io.err, "postseal: warning:", w)
		}
		if len(values) == 0 {
			return findingError(fmt.Errorf("%s: not signed: %s: %s", args[0], e.Reason, e.Detail))
		}
		for _, v := range values {
			fmt.Fprintf(io.out, "DKIM-Signature: %s\r\n", v)
		}
		if _, err := io.out.Write(file.whole); err != nil {
			return failed(err)
		}
		if len(warnings) > 0 {
			return &exitError{code: exitWarnings}
		}
		return nil
	}
	return cmd
}
