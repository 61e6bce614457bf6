package policy

import (
	"cmp"
	"errors"
	"strings"

	"github.com/postseal/postseal/internal/mailaddr"
	"github.com/postseal/postseal/internal/netlist"
	"github.com/postseal/postseal/keytable"
)

// Snapshot is one state of configuration and tables. It never changes; a
// reload makes another.
type Snapshot struct {
	Tables  *keytable.Tables
	Managed *Managed // nil: no store

	Trust  Trust
	Peers  *netlist.List // clients whose mail is none of our business
	Users  []UserRule
	Exempt DomainSet

	SenderHeaders    []string
	FirstAuthor      bool // multiple_from = "first"
	Multiple         bool // multiple_signatures
	SubDomains       bool
	RequireUserMatch bool
	Reauthenticating []string // login patterns
	KeyErrorDefers   bool     // on_key_error = "tempfail"
	Default          Fallback // default_key
	Identity         IdentityRule
	NoSignTo         AddressSet // dont_sign_mail_to
}

// Decide answers for one message, in the order that docs/design.md gives. The
// trail, when there is one, collects what was tried.
func (s *Snapshot) Decide(f *Facts, trail *Trail) Decision {
	if d, done := s.outgoing(f, trail); done {
		if d.Verify {
			s.incoming(&d, f, trail)
		} else {
			d.Sender, _ = s.sender(f.Fields) // who asks about this mail looks for it
		}
		return d
	}
	sender, none := s.sender(f.Fields)
	if none != nil {
		trail.add(none.detail)
		return Decision{Reason: none.reason, Detail: none.detail}
	}
	if trail != nil {
		trail.add("the sender is " + sender.String())
	}
	d := s.forSender(sender, f, trail)
	d.Sender = sender
	d.Tempfail = d.Reason == KeyUnavailable && s.KeyErrorDefers
	return d
}

// outgoing decides what depends on the client alone: done means that the
// message is left alone.
func (s *Snapshot) outgoing(f *Facts, trail *Trail) (d Decision, done bool) {
	if f.Mode == VerifyOnly {
		trail.add("the listener only verifies")
		return Decision{Verify: true}, true
	}
	trusted, why := s.Trust.trusts(f)
	trail.add(why)
	if !trusted {
		return Decision{Verify: f.Mode == SignAndVerify, Reason: NotTrusted, Detail: why}, true
	}
	bar := s.barringRule(f)
	if bar != nil && bar.Never {
		trail.add("nothing is signed for users of " + bar.Match.String())
		return Decision{Reason: UserDisabled, Detail: bar.Match.String()}, true
	}
	if s.reauthenticates(f, bar) {
		trail.add("user " + f.User + " re-authenticates: nothing is signed for it")
		return Decision{Reason: Reauthenticating, Detail: f.User}, true
	}
	if f.ExemptRecipient != "" {
		trail.add("recipient " + f.ExemptRecipient + " is in dont_sign_mail_to")
		return Decision{Reason: RecipientExempt, Detail: f.ExemptRecipient}, true
	}
	return Decision{}, false
}

// Incoming tells whether a message is to be verified, from what its client is.
func (s *Snapshot) Incoming(f *Facts) bool {
	d, _ := s.outgoing(f, nil)
	return d.Verify
}

// incoming finds the authors of a message to verify, and whether all are exempt.
func (s *Snapshot) incoming(d *Decision, f *Facts, trail *Trail) {
	authors, err := authors(f.Fields)
	if f.LostFrom {
		err = errors.New("a From field is lost")
		d.Authors.Lost = true
	}
	if err != nil {
		trail.add("incoming, and the authors cannot be told: " + err.Error())
		d.Authors.Raw = rawFrom(f.Fields)
		return
	}
	d.Sender = authors[0]
	exempt := true
	for _, a := range authors {
		trail.add("incoming, from " + a.String())
		d.Authors.Domains = append(d.Authors.Domains, a.Domain)
		exempt = exempt && s.Exempt.Has(a.Domain)
	}
	if exempt {
		trail.add("all authors are in exempt_domains")
		*d = Decision{Reason: DomainExempt, Detail: d.Sender.Domain, Sender: d.Sender}
	}
}

// forSender finds the keys for a trusted client's message.
func (s *Snapshot) forSender(sender mailaddr.Address, f *Facts, trail *Trail) Decision {
	if s.Exempt.Has(sender.Domain) {
		trail.add(sender.Domain + " is in exempt_domains")
		return Decision{Reason: DomainExempt, Detail: sender.Domain}
	}
	rule := s.userRule(f)
	if !rule.mayUse(sender.Domain) {
		trail.add("the [[user]] row " + rule.Match.String() + " does not list " + sender.Domain)
		return Decision{Reason: UserNotAllowed, Detail: rule.Match.String()}
	}
	if s.Managed != nil {
		return s.withStore(sender, rule, f, trail)
	}
	if d, _, found := s.fromTable(sender, sender, rule, f, SigningTable, trail); found {
		return d
	}
	if s.SubDomains {
		for parent := range parents(sender.Domain) {
			at := mailaddr.Address{Local: sender.Local, Domain: parent}
			if d, _, found := s.fromTable(at, sender, rule, f, ParentDomain, trail); found {
				return d
			}
		}
	}
	return s.fallback(sender, rule, trail)
}

// fromTable asks the signing table for an address: the sender's, or the same
// local part at a parent domain. scope is that of the first line that matches.
func (s *Snapshot) fromTable(at, sender mailaddr.Address, rule *UserRule, f *Facts, reason Reason, trail *Trail) (d Decision, scope keytable.Scope, found bool) {
	query := keytable.Query{Sender: at, Multiple: s.Multiple, RequireUser: s.RequireUserMatch && f.Authenticated()}
	if f.Authenticated() {
		query.User = f.User
	}
	if trail != nil {
		query.Trace = trail.add
	}
	matches := s.Tables.Find(query)
	if len(matches) == 0 {
		return Decision{}, 0, false
	}
	d = Decision{Reason: reason}
	for _, m := range matches {
		for _, ref := range m.Keys {
			d.Keys = append(d.Keys, Key{KeyRef: ref, Identity: s.identity(m.Identity, ref.Domain, sender)})
		}
	}
	outOfService := matches[0].OutOfService
	if kept, barred := s.Managed.allowed(d.Keys, rule); len(kept) < len(d.Keys) {
		d.Keys, outOfService = kept, barred
	}
	d.Detail = matches[0].Row.Position()
	if d.Sign = len(d.Keys) > 0; !d.Sign {
		d.Reason, d.Detail = KeyUnavailable, d.Detail+": "+outOfService
		trail.add("out of service: " + d.Detail)
	}
	return d, matches[0].Row.Scope, true
}

// Fallback is a key that is named beside the signing table.
type Fallback struct {
	Keys         []Key
	OutOfService string // why there are none although one is named
	// Lent are those of Keys that sender's domains have published under their own names,
	// with d= of those; every domain is there for which that is asked.
	Lent map[string][]Key
}

func (f Fallback) none() bool { return len(f.Keys) == 0 && f.OutOfService == "" }

// fallback is the outgoing user's key, then the default key.
func (s *Snapshot) fallback(sender mailaddr.Address, rule *UserRule, trail *Trail) Decision {
	key, reason, detail := s.Default, DefaultKey, "sign.default_key"
	if rule != nil && !rule.Keys.none() {
		key, reason, detail = rule.Keys, UserKey, rule.Match.String()
	}
	if key.none() {
		trail.add("no line, user or default key for " + sender.Domain)
		return Decision{Reason: NoKey, Detail: sender.Domain}
	}
	trail.add("falls back to the key of " + detail)
	keys, barred := s.Managed.allowed(key.Keys, rule)
	if len(keys) == 0 {
		why := cmp.Or(key.OutOfService, barred)
		trail.add("out of service: " + why)
		return Decision{Reason: KeyUnavailable, Detail: detail + ": " + why}
	}
	if lent, asked := key.Lent[sender.Domain]; asked {
		if lent, _ = s.Managed.allowed(lent, rule); len(lent) > 0 {
			keys = lent
			trail.add(sender.Domain + " publishes this key under its own name, so d= is " + sender.Domain)
		} else {
			trail.add(sender.Domain + " does not publish this key under its own name as far as DNS said, so d= is " + keys[0].Domain)
		}
	}
	return Decision{Sign: true, Reason: reason, Detail: detail, Keys: s.identified(keys, sender)}
}

// identified gives keys that no line of the signing table names the identity that
// is configured.
func (s *Snapshot) identified(keys []Key, sender mailaddr.Address) []Key {
	out := make([]Key, len(keys))
	for i, k := range keys {
		k.Identity = s.identity("", k.Domain, sender)
		out[i] = k
	}
	return out
}

// parents walks up from a domain to the last name with two labels: no public
// suffix list, since only a line that the admin wrote for a parent counts.
func parents(domain string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for {
			_, parent, ok := strings.Cut(domain, ".")
			if !ok || !strings.Contains(parent, ".") || !yield(parent) {
				return
			}
			domain = parent
		}
	}
}
