package policy

import (
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/mailaddr"
	"github.com/postseal/postseal/keytable"
)

// PrivateHalf gives the private key of a managed key.
type PrivateHalf interface {
	Private() (*dkim.PrivateKey, error)
}

// Managed is what the store of managed domains says. Without a store there is
// none, and the tables behave as OpenDKIM's.
type Managed struct {
	Rows map[string]*ManagedRow // by domain or address, in lower-case A-labels
	// Blocked are pairs that nothing signs with, whatever the tables say, and why.
	Blocked map[Pair]string
	// Gated keeps the keys of the tables behind the gate: only Confirmed ones sign.
	Gated     bool
	Confirmed map[Pair]bool
}

// Pair is a pair under a name in DNS.
type Pair struct {
	Name  string // "selector._domainkey.domain"; empty: whatever the name
	Print string // dkim.Fingerprint; empty: whatever the pair
}

// ManagedRow is a managed domain, or one address of it.
type ManagedRow struct {
	Name  string
	Owner string // tenant, for whose users alone it signs; "": the operator's own
	Keys  []Key  // that may sign now
	Why   string // there are no keys: "pending", "suspended", …

	Disabled         bool // ends the search …
	DisabledFallback bool // … but for the keys of user and default
	SubDomains       bool // signs for what is below the domain too
}

// Counts are the rows, and the keys that may sign.
func (m *Managed) Counts() (rows, keys int) {
	if m == nil {
		return 0, 0
	}
	for _, row := range m.Rows {
		keys += len(row.Keys)
	}
	return len(m.Rows), keys
}

// bars says why the store keeps a key from signing for the users of a rule; "" if it
// does not.
func (m *Managed) bars(k Key, rule *UserRule) string {
	if m == nil {
		return ""
	}
	ref := k.KeyRef
	row := m.Rows[ref.Domain]
	if row != nil && row.Disabled {
		return ref.Domain + " is disabled in the store"
	}
	if row != nil && !row.serves(rule) {
		return ref.Domain + " belongs to a tenant, and the user does not"
	}
	if k.Managed != nil || len(m.Blocked) == 0 && !m.Gated {
		return ""
	}
	return m.barsPair(ref)
}

// barsPair judges a key of the tables by its pair, which is read if it was not used for
// long: a name says nothing of what stands in a file by now.
func (m *Managed) barsPair(ref keytable.KeyRef) string {
	private, err := ref.Private()
	if err != nil {
		return "" // told when it is to sign
	}
	pair := Pair{dkim.RecordName(strings.ToLower(ref.Selector), ref.Domain), private.Fingerprint().String()}
	for _, p := range []Pair{pair, {Name: pair.Name}, {Print: pair.Print}} {
		if why := m.Blocked[p]; why != "" {
			return ref.Domain + "/" + ref.Selector + " is " + why + " in the store"
		}
	}
	if m.Gated && !m.Confirmed[pair] {
		return ref.Domain + "/" + ref.Selector + " is not confirmed by DNS, and domains.tables = \"gate\""
	}
	return ""
}

// allowed keeps those of keys that the store does not bar for the users of a rule.
func (m *Managed) allowed(keys []Key, rule *UserRule) (kept []Key, why string) {
	if m == nil {
		return keys, ""
	}
	for _, k := range keys {
		if bar := m.bars(k, rule); bar != "" {
			why = bar
			continue
		}
		kept = append(kept, k)
	}
	return kept, why
}

// withStore finds the keys where files and store both have a say: the narrower
// name wins, and of two equals the file, which a person wrote.
func (s *Snapshot) withStore(sender mailaddr.Address, rule *UserRule, f *Facts, trail *Trail) Decision {
	address, domain := s.Managed.Rows[key(sender)], s.Managed.Rows[sender.Domain]
	for _, row := range []*ManagedRow{address, domain} {
		if row == nil {
			continue
		}
		if d, ended := s.closed(row, sender, rule, trail); ended {
			return d
		}
	}
	fromTable, scope, found := s.fromTable(sender, sender, rule, f, SigningTable, trail)
	if found && scope == keytable.ScopeAddress {
		return fromTable
	}
	if d, ok := s.managed(address, sender, ManagedKey, trail); ok {
		return d
	}
	if found && scope == keytable.ScopeDomain {
		return fromTable
	}
	if d, ok := s.managed(domain, sender, ManagedKey, trail); ok {
		return d
	}
	if d, ok := s.fromParents(sender, rule, f, trail); ok {
		return d
	}
	if found {
		return fromTable
	}
	d := s.fallback(sender, rule, trail)
	if row := narrowest(address, domain); d.Reason == NoKey && row != nil {
		d.Reason, d.Detail = KeyNotActive, row.Name+": "+row.Why
	}
	return d
}

func narrowest(address, domain *ManagedRow) *ManagedRow {
	if address != nil {
		return address
	}
	return domain
}

// closed decides what a row of the store forbids: a disabled one ends the search,
// and a tenant's signs for the tenant's users only.
func (s *Snapshot) closed(row *ManagedRow, sender mailaddr.Address, rule *UserRule, trail *Trail) (Decision, bool) {
	switch {
	case row.Disabled && row.DisabledFallback:
		trail.add(row.Name + " is disabled; another key may sign")
		return s.fallback(sender, rule, trail), true
	case row.Disabled:
		trail.add(row.Name + " is disabled")
		return Decision{Reason: DomainDisabled, Detail: row.Name}, true
	case !row.serves(rule):
		trail.add(row.Name + " belongs to a tenant, and the user does not")
		return Decision{Reason: UserNotAllowed, Detail: row.Name}, true
	}
	return Decision{}, false
}

// shut says why a parent's row does not sign for what is below it. It does not end the
// search, as the sender's own row does: only that row is about the sender's domain.
func (r *ManagedRow) shut(rule *UserRule) string {
	switch {
	case r.Disabled:
		return "the parent " + r.Name + " is disabled: its keys do not sign for what is below it"
	case !r.serves(rule):
		return "the parent " + r.Name + " belongs to a tenant, and the user does not"
	}
	return ""
}

// serves tells whether a row's keys may be used for the users of a rule.
func (r *ManagedRow) serves(rule *UserRule) bool {
	return r.Owner == "" || rule != nil && rule.Owner == r.Owner
}

// managed signs with the keys of a row, if it has any.
func (s *Snapshot) managed(row *ManagedRow, sender mailaddr.Address, reason Reason, trail *Trail) (Decision, bool) {
	if row == nil {
		return Decision{}, false
	}
	if len(row.Keys) == 0 {
		trail.add(row.Name + " is managed and has no key that may sign: " + row.Why)
		return Decision{}, false
	}
	trail.add(row.Name + " is managed")
	return Decision{Sign: true, Reason: reason, Detail: row.Name, Keys: s.identified(row.Keys, sender)}, true
}

// fromParents asks tables and store for each parent of the sender's domain, the
// nearest first.
func (s *Snapshot) fromParents(sender mailaddr.Address, rule *UserRule, f *Facts, trail *Trail) (Decision, bool) {
	for parent := range parents(sender.Domain) {
		if s.SubDomains {
			at := mailaddr.Address{Local: sender.Local, Domain: parent}
			if d, scope, found := s.fromTable(at, sender, rule, f, ParentDomain, trail); found && scope != keytable.ScopeSeveral {
				return d, true
			}
		}
		row := s.Managed.Rows[parent]
		if row == nil || !row.SubDomains {
			continue
		}
		if why := row.shut(rule); why != "" {
			trail.add(why)
			continue
		}
		if d, ok := s.managed(row, sender, ParentDomain, trail); ok {
			return d, true
		}
	}
	return Decision{}, false
}
