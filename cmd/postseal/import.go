package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/opendkim"
)

func newImport(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Take over the configuration of another program",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	from := newImportOpenDKIM(io)
	from.RunE = whatRunFails(from.RunE)
	cmd.AddCommand(from)
	return cmd
}

func newImportOpenDKIM(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "opendkim FILE",
		Short: "Make postseal's files from an opendkim.conf and its tables",
		Long: `Reads an OpenDKIM installation, with Include, data sets and key files, and writes a
directory that makes postseal behave the same: postseal.toml, keytable, signingtable
and, unless --keys reference is given, copies of the key files. The directory must
not exist, or be empty: nothing is ever overwritten, and nothing is written unless
all of it can be.

The report has a line for each option: what it became, or what happens instead.

Exits 0 when everything is carried, 1 when something behaves otherwise than before
(the lines "differs" and "not carried" say what), 2 when the installation cannot be
imported, with file and line, and 3 when the directory is not empty.`,
		Example: `  postseal import opendkim /etc/opendkim.conf --check
  postseal import opendkim /etc/opendkim.conf --output /etc/postseal/opendkim`,
		Args: cobra.ExactArgs(1),
	}
	output := cmd.Flags().StringP("output", "o", "", "directory to make")
	keys := cmd.Flags().String("keys", "copy", "copy key files into the directory, or reference them where they are")
	check := cmd.Flags().Bool("check", false, "only report; with --output, compare with what is there")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *keys != "copy" && *keys != "reference" {
			return &exitError{exitUsage, fmt.Errorf("--keys %q: say copy or reference", *keys)}
		}
		if *output == "" && !*check {
			return &exitError{exitUsage, errors.New("say where to write with --output DIR, or --check")}
		}
		i := importer{io: io, copies: *keys == "copy"}
		if err := i.read(args[0]); err != nil {
			return err
		}
		if *check {
			return i.check(cmd.Context(), *output)
		}
		return i.write(cmd.Context(), *output)
	}
	return cmd
}

// importer is one run of the command.
type importer struct {
	io     stdio
	copies bool
	result *opendkim.Result
	differ bool // --check found another state in the directory
	closed bool // the service user cannot read something
}

// read translates the installation.
func (i *importer) read(path string) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	i.result, err = opendkim.Import(path, opendkim.Options{CopyKeys: i.copies, Hostname: host, DumpDB: dumpDB})
	if err != nil {
		return findingError(err)
	}
	return nil
}

// dumpDB has Berkeley DB's own tool read a data base.
func dumpDB(path string) ([]byte, error) {
	for _, program := range []string{"db_dump", "db5.3_dump"} {
		if _, err := exec.LookPath(program); err == nil {
			return exec.Command(program, "-p", path).Output()
		}
	}
	return nil, errors.New("db_dump is not installed")
}

// report tells what became of each option.
func (i *importer) report() {
	for _, n := range i.result.Notes {
		fmt.Fprintln(i.io.out, n)
	}
	fmt.Fprintln(i.io.out, "OpenDKIM's defaults, written down because postseal's may be others:")
	for _, line := range i.result.Defaults() {
		fmt.Fprintln(i.io.out, "  "+line)
	}
}

// outcome is the exit code of an import that went well.
func (i *importer) outcome() error {
	if n := i.result.Warnings(); n > 0 {
		fmt.Fprintf(i.io.err, "postseal: not as in OpenDKIM: %d of the lines above, with \"differs\" or \"not carried\"\n", n)
		return &exitError{code: exitWarnings}
	}
	if i.differ || i.closed {
		return &exitError{code: exitWarnings}
	}
	return nil
}

// absolute is the output directory as the files name it.
func absolute(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", &exitError{exitUsage, fmt.Errorf("--output %s: %w", dir, err)}
	}
	return path, nil
}
