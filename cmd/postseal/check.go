package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/daemon"
	"github.com/postseal/postseal/internal/dns"
	"github.com/postseal/postseal/internal/dns/authority"
	"github.com/postseal/postseal/internal/mailaddr"
)

// maxCheck is how long the check of one key may take.
const maxCheck = 2 * time.Minute

type checkOptions struct {
	config   string
	named    bool // --config was given
	selector string
	record   string
	keyFile  string
	target   string
	public   string
	json     bool
	nagios   bool
	open     openStore
}

func newCheck(std stdio, open openStore) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check DOMAIN",
		Short: "Ask DNS for the keys of a domain and explain what is wrong",
		Long: `Asks every authoritative name server of a domain for a key record, compares
what they say, and explains each thing that is wrong: what was asked, what came
back, what should have come, what to change, and when to try again.
docs/findings.md has them all. Nothing is changed, here or in DNS.

DOMAIN is yours or anybody's; SELECTOR._domainkey.DOMAIN is taken too. Without
--selector the keys that the key table and the store have for DOMAIN are checked. A
key is compared with the one of the key table, of the store or of --key, if there is
one, and a test message signed with it must verify. The store is looked at where the
user may read it; of its keys the neighbours are known too: other slots, other domains
with the same key, keys of before. With --record a text that you have at hand
is judged, and DNS is not asked.

Exits 0 if all is well, 1 with warnings, 2 with errors, 6 if DNS gives no answer.
With --nagios: 0, 1, 2, and 3 for unknown, with one line to say why.`,
		Args: cobra.ExactArgs(1),
	}
	path := configFlag(cmd)
	o := &checkOptions{open: open}
	flags := cmd.Flags()
	flags.StringVarP(&o.selector, "selector", "s", "", "the key's selector")
	flags.StringVar(&o.record, "record", "", `judge this text of a TXT record ("-" for standard input) instead of asking DNS`)
	flags.StringVar(&o.keyFile, "key", "", "file with the private key that the record has to belong to")
	flags.StringVar(&o.target, "target", "", "name that a CNAME record has to point to")
	flags.StringVar(&o.public, "public", "", "address of a resolver outside, to find out whether the record is public")
	flags.BoolVar(&o.json, "json", false, "print JSON, an object for each key")
	flags.BoolVar(&o.nagios, "nagios", false, "print one line and exit as Nagios wants it")
	cmd.MarkFlagsMutuallyExclusive("json", "nagios")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.config, o.named = *path, flags.Changed("config")
		err := o.run(cmd.Context(), std, args[0])
		if o.nagios {
			return nagiosError(std.out, args[0], err)
		}
		return err
	}
	return cmd
}

func (o *checkOptions) run(ctx context.Context, std stdio, name string) error {
	domain, err := o.split(name)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	cfg, err := o.load()
	if err != nil {
		return configError(err)
	}
	subjects, done, err := o.subjects(ctx, std, cfg, domain)
	if err != nil {
		return err
	}
	defer done()
	var results []check.Result
	if o.record != "" {
		results, err = o.judgeText(ctx, std.in, subjects[0])
	} else {
		results, err = o.ask(ctx, std, cfg, subjects)
	}
	if err != nil {
		return err
	}
	return o.print(std.out, domain, results)
}

// split takes a domain, or the name of a key record, apart.
func (o *checkOptions) split(name string) (domain string, err error) {
	name = strings.TrimSuffix(strings.TrimSpace(name), ".")
	if selector, rest, ok := strings.Cut(name, "._domainkey."); ok {
		if o.selector != "" && o.selector != selector {
			return "", fmt.Errorf("%s names the selector %s, and --selector %s", name, selector, o.selector)
		}
		o.selector, name = selector, rest
	}
	domain, err = mailaddr.ALabels(name)
	if err == nil {
		err = dkim.ValidDomain(domain)
	}
	if err == nil && o.selector != "" {
		err = errors.Join(dkim.ValidSelector(o.selector), dkim.ValidRecordName(o.selector, domain))
	}
	return domain, err
}

// load reads the configuration; a default one that is not there, or not for this
// user to read, leaves the defaults.
func (o *checkOptions) load() (*config.Config, error) {
	cfg, err := config.Load(o.config)
	if !o.named && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)) {
		return config.Default(), nil
	}
	return cfg, err
}

// subjects are the keys to check: at least one. done is to be called after the check.
func (o *checkOptions) subjects(ctx context.Context, std stdio, cfg *config.Config, domain string) (all []check.Subject, done func() error, err error) {
	done = func() error { return nil }
	base := check.Subject{Domain: domain, Selector: o.selector, Target: strings.TrimSuffix(o.target, ".")}
	if o.keyFile != "" {
		all, err = o.ofKeyFile(base)
		return all, done, err
	}
	if o.record != "" {
		return []check.Subject{base}, done, nil
	}
	tabled, err := tabled(cfg, base)
	if err != nil {
		return nil, done, err
	}
	stored, why, done := o.stored(ctx, std, cfg, base, tabled)
	all = slices.Concat(tabled, stored)
	if why != "" && !o.nagios {
		fmt.Fprintln(std.err, "postseal: "+why)
	}
	switch {
	case len(all) > 0:
		return all, done, nil
	case o.selector == "":
		done()
		return nil, done, &exitError{exitUsage, fmt.Errorf("there is no key for %s here: name a selector with --selector (s= of a signature has it)", domain)}
	}
	return []check.Subject{base}, done, nil
}

// ofKeyFile compares with the key of --key.
func (o *checkOptions) ofKeyFile(base check.Subject) ([]check.Subject, error) {
	key, err := dkim.LoadPrivateKey(o.keyFile)
	if err != nil {
		return nil, findingError(err)
	}
	base.Public, base.Signer = key.Public(), key
	if o.selector != "" || o.record != "" {
		return []check.Subject{base}, nil
	}
	return nil, &exitError{exitUsage, errors.New("which selector has this key? Name it with --selector")}
}

// tabled are the subject's keys in the key table: those of its domain, or the one
// with its selector.
func tabled(cfg *config.Config, base check.Subject) ([]check.Subject, error) {
	if cfg.Sign.KeyTable == "" {
		return nil, nil
	}
	snapshot, err := daemon.BuildOnce(cfg)
	if err != nil {
		return nil, configError(err)
	}
	var all []check.Subject
	for ref := range snapshot.Tables.All() {
		if !strings.EqualFold(ref.Domain, base.Domain) || base.Selector != "" && !strings.EqualFold(ref.Selector, base.Selector) {
			continue
		}
		s := base
		s.Selector, s.SubDomains = ref.Selector, cfg.Sign.SubDomains
		key, err := ref.Private()
		if err != nil {
			return nil, findingError(fmt.Errorf("%s/%s: %w", ref.Domain, ref.Selector, err))
		}
		s.Public, s.Signer = key.Public(), key
		same := func(other check.Subject) bool {
			return other.Selector == s.Selector && check.Fingerprint(other.Public) == check.Fingerprint(s.Public)
		}
		if !slices.ContainsFunc(all, same) {
			all = append(all, s)
		}
	}
	return all, nil
}

// maxText bounds a record on standard input.
const maxText = 64 << 10

func (o *checkOptions) judgeText(ctx context.Context, in io.Reader, s check.Subject) ([]check.Result, error) {
	text := o.record
	if text == "-" {
		data, err := io.ReadAll(io.LimitReader(in, maxText))
		if err != nil {
			return nil, failed(err)
		}
		text = strings.TrimRight(string(data), "\r\n")
	}
	return []check.Result{new(check.Engine).Text(ctx, s, text)}, nil
}

func (o *checkOptions) ask(ctx context.Context, std stdio, cfg *config.Config, subjects []check.Subject) ([]check.Result, error) {
	engine, why, err := daemon.NewChecker(ctx, cfg)
	if err != nil {
		return nil, configError(err)
	}
	if engine.Authority == nil && why != "" && !o.nagios {
		fmt.Fprintln(std.err, "postseal: "+why)
	}
	if o.public != "" {
		resolver, err := dns.New(dns.Config{Servers: []string{o.public}, CacheSize: -1})
		if err != nil {
			return nil, &exitError{exitUsage, err}
		}
		engine.Public = authority.Recursive{Resolver: resolver}
	}
	var results []check.Result
	for _, s := range subjects {
		ctx, cancel := context.WithTimeout(ctx, maxCheck)
		results = append(results, engine.Check(ctx, s))
		cancel()
	}
	return results, nil
}
