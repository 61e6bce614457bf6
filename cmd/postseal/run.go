package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/config"
)

// Exit codes, the same for every command.
const (
	exitDone      = 0
	exitWarnings  = 1
	exitFinding   = 2
	exitRefused   = 3 // by the state of what it is about
	exitUsage     = 4
	exitInternal  = 5
	exitTemporary = 6  // DNS or the store
	exitConfig    = 78 // serve and check-config; the systemd unit does not restart on it
)

// stdio is what a command talks to.
type stdio struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// exitError carries an exit code; a nil err has been told already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}
func (e *exitError) Unwrap() error { return e.err }

// run is the whole program: it parses the arguments, runs a command and gives
// the exit code.
func run(ctx context.Context, args []string, io stdio) int {
	return runOn(ctx, args, io, openConfigured)
}

// runOn runs a command; open opens the store of managed domains.
func runOn(ctx context.Context, args []string, io stdio, open openStore) int {
	out := &checkedWriter{Writer: io.out}
	io.out = out
	root := newRoot(io, open)
	root.SetArgs(args)
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	err := root.ExecuteContext(ctx)
	if err == nil && out.err != nil {
		err = failed(fmt.Errorf("cannot write the output: %w", out.err))
	}
	if err == nil {
		return exitDone
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{code: exitUsage, err: fmt.Errorf("%w\nSee: postseal --help", err)}
	}
	if exit.err != nil {
		fmt.Fprintf(io.err, "postseal: %v\n", exit.err)
	}
	return exit.code
}

// checkedWriter remembers that something could not be written.
type checkedWriter struct {
	io.Writer
	err error
}

func (w *checkedWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

func newRoot(io stdio, open openStore) *cobra.Command {
	root := &cobra.Command{
		Use:           "postseal",
		Short:         "DKIM milter for Postfix and Sendmail",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	commands := []*cobra.Command{
		newServe(io), newCheckConfig(io), newKeygen(io), newSign(io), newVerify(io), newExplain(io), newShadow(io), newCheck(io, open), newDoctor(io), newImport(io), newDemo(io), newVersion(io),
	}
	for _, c := range commands {
		c.RunE = whatRunFails(c.RunE)
	}
	root.AddCommand(commands...)
	m := &managing{io, open}
	root.AddCommand(newDomain(m), newUser(m), newHost(m), newKeys(m), newLog(m), newHelpDKIM())
	root.SetHelpCommand(newHelp(io))
	return root
}

// whatRunFails tells an error of a command's work from one of its arguments.
func whatRunFails(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		var exit *exitError
		if err != nil && !errors.As(err, &exit) {
			err = failed(err)
		}
		return err
	}
}

// configFlag adds --config.
func configFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("config", "c", config.DefaultPath, "configuration file")
}

func configError(err error) error  { return &exitError{exitConfig, err} }
func failed(err error) error       { return &exitError{exitInternal, err} }
func findingError(err error) error { return &exitError{exitFinding, err} }
