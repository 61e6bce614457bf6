package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/daemon"
	"github.com/postseal/postseal/internal/doctor"
	"github.com/postseal/postseal/internal/mailaddr"
)

type doctorOptions struct {
	config   string
	postfix  string
	sendmail string
	domain   string
	mailLog  string
	others   bool
	noDNS    bool
	json     bool
}

func newDoctor(std stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor [DOMAIN]",
		Short: "Look at the whole installation and say what is missing",
		Long: `Reads the configuration of Postfix or Sendmail and ours, talks to our own
listeners as a mail server does, looks at files, clock and resolver, at the store
and at the domains of key table and store in DNS, and says what is missing: what was
looked at, what was found, and what to change. docs/doctor.md explains each finding.
Nothing is changed.

With DOMAIN it looks at that one: its lines and keys, in the tables and in the
store, what DNS says of them, DMARC, SPF, whether signatures count for DMARC, and
whether the mail server asks us at all.

Without --postfix-config or --sendmail-cf the mail servers installed here are
looked at. An ordinary user may run it, and hears what could not be read.

Exits 0 if all is well (notes do not count), 1 with warnings, 2 with errors.`,
		Example: `  postseal doctor
  postseal doctor --no-dns --json
  postseal doctor example.com
  postseal doctor --maillog /var/log/mail.log`,
		Args: cobra.MaximumNArgs(1),
	}
	path := configFlag(cmd)
	o := &doctorOptions{}
	flags := cmd.Flags()
	flags.StringVar(&o.postfix, "postfix-config", "", "directory of Postfix's main.cf")
	flags.StringVar(&o.sendmail, "sendmail-cf", "", "path of sendmail.cf")
	flags.StringVar(&o.mailLog, "maillog", "", "count bounces in this log of Postfix, \"-\" for standard input")
	flags.BoolVar(&o.others, "selectors", false, "with DOMAIN: look for keys of other services at selectors that many use")
	flags.BoolVar(&o.noDNS, "no-dns", false, "do not ask DNS")
	flags.BoolVar(&o.json, "json", false, "print a JSON object")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		o.config = *path
		if len(args) == 1 {
			if o.domain, err = mailaddr.ALabels(strings.TrimSuffix(strings.TrimSpace(args[0]), ".")); err == nil {
				err = dkim.ValidDomain(o.domain)
			}
			if err != nil {
				return &exitError{exitUsage, err}
			}
		}
		if o.others && o.domain == "" {
			return &exitError{exitUsage, errors.New("--selectors: name the DOMAIN to look at")}
		}
		return o.run(cmd.Context(), std, flags.Changed("config"))
	}
	return cmd
}

func (o *doctorOptions) run(ctx context.Context, std stdio, named bool) error {
	sources, unread, err := o.sources(ctx, named)
	if err != nil {
		return err
	}
	deliveries, err := o.readMailLog(std)
	if err != nil {
		return err
	}
	facts := doctor.Gather(ctx, sources)
	facts.Deliveries, facts.Unread = deliveries, append(facts.Unread, unread...)
	findings := doctor.Judge(facts)
	if o.domain != "" {
		findings = doctor.JudgeDomain(facts)
	}
	if err := o.print(std.out, facts, findings); err != nil {
		return err
	}
	switch doctor.Worst(findings) {
	case doctor.Error:
		return &exitError{code: exitFinding}
	case doctor.Warning:
		return &exitError{code: exitWarnings}
	}
	return nil
}

// readMailLog comes before the store: to open that, root becomes another user.
func (o *doctorOptions) readMailLog(std stdio) (*doctor.Deliveries, error) {
	switch o.mailLog {
	case "":
		return nil, nil
	case "-":
		return doctor.ReadMailLog("standard input", std.in), nil
	}
	f, err := os.Open(o.mailLog)
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("--maillog: %w", err)}
	}
	defer f.Close()
	return doctor.ReadMailLog(o.mailLog, f), nil
}

// sources reads our own side, as far as this user may, and says where the rest is.
func (o *doctorOptions) sources(ctx context.Context, named bool) (s doctor.Sources, unread []doctor.Unread, err error) {
	cfg, err := config.Load(o.config)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist) && named:
		return s, nil, configError(err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		s.Missing, cfg = true, config.Default()
		cfg.Path = o.config
		unread = append(unread, doctor.Unread{What: o.config + ", so that the defaults are taken for it", Err: err})
	default:
		s.Errs = problemsOf(err)
		if cfg == nil { // no TOML at all
			cfg = config.Default()
			cfg.Path, s.Missing = o.config, true
		}
	}
	s.Config, s.Only, s.Selectors = cfg, o.domain, o.others
	if len(s.Errs) == 0 && !s.Missing {
		unread = append(unread, o.tables(ctx, &s)...)
	}
	if !s.Missing && len(s.Errs) == 0 && cfg.Store.URL != "" {
		s.Store = func(ctx context.Context) (*doctor.Opened, error) { return inspectStore(ctx, cfg) }
	}
	if s.Postfix, s.Sendmail = o.postfix, o.sendmail; o.postfix == "" && o.sendmail == "" {
		s.Postfix, s.Sendmail = doctor.FindPostfix(ctx), doctor.FindSendmail()
	}
	if o.noDNS {
		return s, unread, nil
	}
	engine, _, err := daemon.NewChecker(ctx, cfg)
	if err != nil {
		s.Errs = append(s.Errs, problemsOf(err)...)
		return s, unread, nil
	}
	s.Checker, s.Records = engine, engine.Resolver
	return s, unread, nil
}

// tables reads tables and keys.
func (o *doctorOptions) tables(ctx context.Context, s *doctor.Sources) (unread []doctor.Unread) {
	snapshot, err := daemon.BuildOnce(s.Config)
	switch {
	case err == nil:
		s.Tables = snapshot.Tables
		s.Rows, s.Weak = daemon.AllProblems(ctx, snapshot)
	case errors.Is(err, fs.ErrPermission):
		unread = append(unread, doctor.Unread{What: "the tables", Err: err})
	default:
		s.Errs = problemsOf(err)
	}
	return unread
}

// problemsOf takes apart what was found together.
func problemsOf(err error) (all []error) {
	var problems config.Problems
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			all = append(all, problemsOf(err)...)
		}
		return all
	}
	if errors.As(err, &problems) {
		for _, p := range problems {
			all = append(all, p)
		}
		return all
	}
	return []error{err}
}
