package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/daemon"
	"github.com/postseal/postseal/internal/mailaddr"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/internal/shadow"
)

type shadowOptions struct {
	domains        []string
	all, raw, json bool
	dns            bool
	limit          int
}

func newShadow(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "shadow FILE|DIRECTORY...",
		Short: "Compare another signer's signatures with what postseal would sign",
		Long: `Takes messages that another signer signed (OpenDKIM, rspamd, postseal itself) and
says whether postseal, with the present configuration, would have signed them
equivalently, and if not, what differs and what to change. docs/shadow.md shows
how to use it before a move.

The old signer's signatures are taken off the message, and the daemon's decision is
made anew, at the time of their t=, as for a message that goes out from this host;
--user, --client, --daemon-name and --macro say where it really came from. What
stands above the topmost old signature (Received, Return-Path, Delivered-To,
Authentication-Results) was added on the message's way later, since a milter puts
its field on top of all that it saw; it is left out of the comparison.

Which signatures are the old signer's: those of --signer-domain; all with
--all-signatures; else the topmost whose d= postseal would sign with, or failing
that the topmost of all, and those that were made together with it.

One FILE ("-" for standard input) gets a report. Several, or the files below a
directory or Maildir, get a summary: counts, and for each kind of difference the
first files that have it.

A difference is "harmless" where the new signature verifies wherever the old one
did, such as more oversigned fields; "unsure" means that the file is not as it was
signed, so that something could not be compared. t=, b=, layout and the order of
tags and names never count.

Exits 0 if all is equivalent, 1 if there is something harmless or unsure, 2 if
something differs or a message cannot be compared, 6 if only DNS keeps us from
knowing.`,
		Example: `  postseal shadow message.eml
  postseal shadow --user ada --client 192.0.2.1 message.eml
  postseal shadow --signer-domain example.com /var/mail/collected/Maildir`,
		Args: cobra.MinimumNArgs(1),
	}
	path := configFlag(cmd)
	o := &shadowOptions{}
	flags := cmd.Flags()
	flags.StringArrayVar(&o.domains, "signer-domain", nil, "d= of the old signer's signatures; may be given more than once")
	flags.BoolVar(&o.all, "all-signatures", false, "take every signature of the message for the old signer's")
	flags.BoolVar(&o.dns, "dns", false, "compare the keys with DNS always, or with --dns=false never (default: where s= or d= differ)")
	flags.IntVar(&o.limit, "limit", 10000, "files to look at, at most")
	flags.BoolVar(&o.raw, "raw", false, "take the file's line ends as they are")
	flags.BoolVar(&o.json, "json", false, "print a JSON object")
	situation := situationFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return &exitError{exitUsage, err}
		}
		cfg, snapshot, done, err := openSnapshot(cmd.Context(), io, *path)
		if err != nil {
			return err
		}
		defer done()
		facts, err := situation.facts(cfg, snapshot, nil)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		if situation.mode == "" && slices.ContainsFunc(cfg.Listeners, func(l config.Listener) bool { return l.Mode != "verify" }) {
			facts.Mode = policy.SignOnly // it was signed, so it is none to verify
		}
		lookup, err := daemon.NewLookup(cfg, nil, nil)
		if err != nil {
			return configError(err)
		}
		judge := &shadow.Judge{Snapshot: snapshot, Facts: *facts, Signers: shadow.Signers{Domains: o.domains, All: o.all}, Lookup: lookup}
		if cmd.Flags().Changed("dns") {
			judge.DNS = map[bool]shadow.DNS{true: shadow.Always, false: shadow.Never}[o.dns]
		}
		if len(args) == 1 && !isDirectory(args[0]) {
			return o.one(cmd, io, judge, args[0])
		}
		return o.many(cmd, io, judge, args)
	}
	return cmd
}

// check brings the domains into the form that signatures are read in.
func (o *shadowOptions) check() error {
	if o.all && len(o.domains) > 0 {
		return errors.New("give --signer-domain or --all-signatures")
	}
	if o.limit < 1 {
		return fmt.Errorf("--limit %d: want at least 1", o.limit)
	}
	for i, d := range o.domains {
		domain, err := mailaddr.ALabels(d)
		if err != nil {
			return fmt.Errorf("--signer-domain %q: %w", d, err)
		}
		o.domains[i] = domain
	}
	return nil
}

// open opens a file, or standard input.
func (o *shadowOptions) open(io stdio, path string) (*shadow.File, error) {
	if path == "-" {
		return shadow.Spool(io.in, o.raw)
	}
	return shadow.Open(path, o.raw)
}

func (o *shadowOptions) message(cmd *cobra.Command, io stdio, judge *shadow.Judge, path string) (*shadow.Report, error) {
	file, err := o.open(io, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	report, err := judge.Message(cmd.Context(), file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	report.File = path
	return report, nil
}

// one reports on a single message.
func (o *shadowOptions) one(cmd *cobra.Command, io stdio, judge *shadow.Judge, path string) error {
	report, err := o.message(cmd, io, judge, path)
	if err != nil {
		return findingError(err)
	}
	if report.Turned {
		fmt.Fprintf(io.err, "postseal: %s: LF line ends turned into CRLF, as they go over SMTP\n", path)
	}
	if o.json {
		err = json.NewEncoder(io.out).Encode(report)
	} else {
		printShadow(io, report)
	}
	if err != nil {
		return failed(err)
	}
	return shadowError(report.Verdict, report.DNSFailed)
}

// many sums up what there is to say of files and directories.
func (o *shadowOptions) many(cmd *cobra.Command, io stdio, judge *shadow.Judge, paths []string) error {
	var s shadow.Summary
	visit := func(path string, err error) bool {
		if s.Messages+s.Foreign+s.Unread == o.limit || cmd.Context().Err() != nil {
			s.Cut = true
			return false
		}
		var report *shadow.Report
		if err == nil {
			report, err = o.message(cmd, io, judge, path)
		}
		if err != nil {
			s.Miss(path, err)
		} else {
			s.Add(path, report)
		}
		return true
	}
	for _, path := range paths {
		if isDirectory(path) {
			shadow.Walk(path, visit)
		} else {
			visit(path, nil)
		}
	}
	s.Sort()
	if o.json {
		if err := json.NewEncoder(io.out).Encode(s); err != nil {
			return failed(err)
		}
	} else {
		printShadowSummary(io, &s)
	}
	if s.Messages == 0 || s.Unread > 0 {
		return &exitError{code: exitFinding}
	}
	return shadowError(s.Verdict(), s.DNSFailed)
}

// shadowError gives the exit code.
func shadowError(verdict shadow.Level, dnsFailed bool) error {
	switch {
	case verdict == shadow.Differs:
		return &exitError{code: exitFinding}
	case dnsFailed:
		return &exitError{code: exitTemporary}
	case verdict != shadow.Note:
		return &exitError{code: exitWarnings}
	}
	return nil
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
