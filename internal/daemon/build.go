package daemon

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/dkim/canon"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/sqlstore"
	"github.com/postseal/postseal/internal/filter"
	"github.com/postseal/postseal/internal/mailaddr"
	"github.com/postseal/postseal/internal/netlist"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/keytable"
	"github.com/postseal/postseal/signer"
	"github.com/postseal/postseal/verifier"
)

// Given is what a snapshot is built with, beside the configuration.
type Given struct {
	Prev   *filter.Snapshot       // lends its parsed keys; nil for the first one
	Notice func(keytable.Problem) // hears of keys that turn bad later; may be nil
	Lookup verifier.Lookup        // of the keys of incoming mail
}

// Build turns a configuration into the snapshot that messages work with. The
// error holds every problem at once; rows that cannot work are no error but are
// listed by Snapshot.Tables.Problems.
func Build(cfg *config.Config, given Given) (*filter.Snapshot, error) {
	b := builder{cfg: cfg, given: given}
	s := &filter.Snapshot{
		Snapshot: &policy.Snapshot{
			Trust:            b.trust(),
			Peers:            b.networks("sign.peers", cfg.Sign.Peers),
			Exempt:           b.domains("sign.exempt_domains", cfg.Sign.ExemptDomains),
			NoSignTo:         b.recipients("sign.dont_sign_mail_to", cfg.Sign.DontSignMailTo),
			SenderHeaders:    cfg.Sign.SenderHeaders,
			FirstAuthor:      cfg.Sign.MultipleFrom == "first",
			Multiple:         cfg.Sign.MultipleSignatures,
			SubDomains:       cfg.Sign.SubDomains,
			RequireUserMatch: cfg.Sign.RequireUserMatch,
			Reauthenticating: cfg.Sign.ReauthenticatingUsers,
			KeyErrorDefers:   cfg.Sign.OnKeyError == "tempfail",
		},
		Signing:     b.signing(),
		Limits:      filter.Limits{HeaderBytes: int(cfg.Limits.HeaderBytes), HeaderFields: int(cfg.Limits.HeaderFields)},
		Verifying:   b.verifying(),
		FaultDefers: cfg.Sign.OnInternalError == "tempfail",
	}
	s.Fragile = filter.FragileOf(s.Signing.Headers)
	s.Identity, _ = policy.ParseIdentityRule(cfg.Sign.Identity)
	for i, l := range cfg.Listeners {
		if err := checkListener(l); err != nil {
			b.report(fmt.Sprintf("listener[%d]", i), err)
		}
	}
	if _, err := channels(cfg); err != nil {
		b.problems = append(b.problems, err...)
	}
	b.keyLife()
	b.driverOutages()
	b.panel()
	s.Tables = b.tables()
	s.Users = b.users(s.Tables)
	s.Default = b.fallback("sign.default_key", cfg.Sign.DefaultKey, s.Tables)
	for _, p := range b.outages {
		s.Outages = append(s.Outages, p)
	}
	if err := b.err(); err != nil {
		return nil, err
	}
	return s, nil
}

// BuildOnce is Build for a command that ends soon.
func BuildOnce(cfg *config.Config) (*filter.Snapshot, error) {
	lookup, lookupErr := NewLookup(cfg, nil, nil)
	snapshot, err := Build(cfg, Given{Lookup: lookup})
	if err := errors.Join(lookupErr, err); err != nil {
		return nil, err
	}
	return snapshot, nil
}

// builder collects what is wrong while it makes the parts.
type builder struct {
	cfg      *config.Config
	problems config.Problems
	tableErr error           // of the table files, which name their own lines
	outages  config.Problems // what cannot work, and leaves the rest alone
	given    Given
}

func (b *builder) err() error {
	if len(b.problems) == 0 {
		return b.tableErr
	}
	return errors.Join(b.problems, b.tableErr)
}

func (b *builder) report(key string, errs ...error) {
	for _, err := range errs {
		b.problems = append(b.problems, b.cfg.Problem(key, "", "%v", err))
	}
}

// keyLife checks where the store is, and what its rows take from [domains].
func (b *builder) keyLife() {
	if err := sqlstore.CheckURL(b.cfg.Store.URL); err != nil {
		b.report("store.url", err)
	}
	if err := domains.OnMissing(b.cfg.Domains.OnMissing).Check(); err != nil {
		b.report("domains.on_missing", err)
	}
	if _, err := domains.NewSelector(b.cfg.Domains.Selector, "example.com", time.Now()); err != nil {
		b.report("domains.selector", err)
	}
}

func (b *builder) networks(key string, entries []string) *netlist.List {
	list, errs := netlist.Parse(entries)
	b.report(key, errs...)
	return list
}

func (b *builder) domains(key string, entries []string) policy.DomainSet {
	set, errs := policy.ParseDomainSet(entries)
	b.report(key, errs...)
	return set
}

func (b *builder) recipients(key string, entries []string) policy.AddressSet {
	set, errs := policy.ParseAddressSet(entries)
	b.report(key, errs...)
	return set
}

func (b *builder) trust() policy.Trust {
	t := policy.Trust{
		Networks: b.networks("sign.trusted_networks", b.cfg.Sign.TrustedNetworks),
		Daemons:  b.cfg.Sign.TrustedDaemons,
	}
	for _, entry := range b.cfg.Sign.TrustedMacros {
		rule, err := policy.ParseMacroRule(entry)
		if err != nil {
			b.report("sign.trusted_macros", err)
		}
		t.Macros = append(t.Macros, rule)
	}
	return t
}

// signing makes the options that all signatures share.
func (b *builder) signing() signer.Options {
	o := signer.Options{Expire: time.Duration(b.cfg.Sign.Expire)}
	pair, err := canon.ParsePair(b.cfg.Sign.Canonicalization)
	if err != nil {
		b.report("sign.canonicalization", err)
	}
	o.Canonicalization = pair
	selection := dkim.Selection{Sign: b.cfg.Sign.Headers.Names}
	if name := b.cfg.Sign.Headers.Preset; name != "" {
		preset, ok := dkim.Preset(name)
		if !ok {
			b.report("sign.headers", fmt.Errorf("%q is no preset; say default, mail-assure, or list header fields", name))
		}
		selection.Sign = preset.Sign
	}
	selection.Oversign, selection.OversignAbsent = b.cfg.Sign.Oversign, b.cfg.Sign.OversignAbsent
	if o.Headers, err = selection.Omit(b.cfg.Sign.OmitHeaders...).Compile(); err != nil {
		for _, problem := range unjoin(err) { // "oversign: …" names its own key
			list, _, _ := strings.Cut(problem.Error(), ":")
			b.report("sign."+list, problem)
		}
	}
	return o
}

// unjoin takes apart what errors.Join put together.
func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

func (b *builder) tables() *keytable.Tables {
	opts := keytable.Options{
		KeyTable: b.cfg.Sign.KeyTable, SigningTable: b.cfg.Sign.SigningTable,
		KeysCached: int(b.cfg.Limits.KeysCached), Notice: b.given.Notice,
	}
	if prev := b.given.Prev; prev != nil {
		opts.Prev = prev.Tables
	}
	tables, err := keytable.Load(opts)
	b.tableErr = err
	return tables
}

func (b *builder) users(tables *keytable.Tables) []policy.UserRule {
	var rules []policy.UserRule
	for i, u := range b.cfg.Users {
		key := fmt.Sprintf("user[%d]", i)
		match, err := policy.ParseUserMatch(u.Match)
		if err != nil {
			b.report(key+".match", err)
			continue
		}
		rule := policy.UserRule{Match: match, Reauth: u.Reauth, Never: !u.Sign}
		for _, d := range u.Domains {
			domain, err := policy.ParseDomainPattern(d)
			if err != nil {
				b.report(key+".domains", err)
			}
			rule.Domains = append(rule.Domains, domain)
		}
		if u.Domain != "" || u.Selector != "" {
			rule.Keys = b.ofDomain(u.Domain, b.fallback(key+".domain", strings.TrimSuffix(u.Domain+"/"+u.Selector, "/"), tables))
		}
		rules = append(rules, rule)
	}
	return rules
}

// ofDomain sees that a user's keys are those of the domain that the row names, and
// not of a NAME of the key table that looks like it.
func (b *builder) ofDomain(domain string, f policy.Fallback) policy.Fallback {
	ascii, err := mailaddr.ALabels(domain)
	if domain == "" || err != nil {
		return f
	}
	for _, k := range f.Keys {
		if k.Domain != ascii {
			return policy.Fallback{OutOfService: fmt.Sprintf("%v is named like the domain %s and signs for another", k.KeyRef, domain)}
		}
	}
	return f
}

// fallback finds the keys that the configuration names as KeysOf says. One that is
// not there is out of service alone, like a row of the tables.
func (b *builder) fallback(key, name string, tables *keytable.Tables) policy.Fallback {
	if name == "" || tables == nil { // tables that cannot be read are told already
		return policy.Fallback{}
	}
	refs, err := tables.KeysOf(name)
	if err != nil {
		b.outages = append(b.outages, b.cfg.Problem(key, "", "%v", err))
		return policy.Fallback{OutOfService: err.Error()}
	}
	var keys []policy.Key
	for _, ref := range refs {
		keys = append(keys, policy.Key{KeyRef: ref})
	}
	return policy.Fallback{Keys: keys}
}
