package policy

import (
	"fmt"
	"strings"

	"github.com/postseal/postseal/internal/netlist"
	"github.com/postseal/postseal/keytable"
)

// UserRule is a [[user]] row, or a user of the store: which outgoing users it is about, and what they
// may sign with.
type UserRule struct {
	Match   UserMatch
	Keys    Fallback // none: the row gives no key
	Domains []string // A-labels; nil: any domain
	Owner   string   // tenant, whose managed domains these users may sign for
	Reauth  bool
	Never   bool // nothing is signed for these users
}

// UserMatch tells outgoing users: by login, the login's domain, network or
// name of the MTA's listener.
type UserMatch struct {
	kind  string
	value string
	nets  *netlist.List
}

// ParseUserMatch reads sasl:LOGIN, sasl-domain:DOMAIN, ip:NETWORK or
// daemon:NAME. `*` in a login stands for any text.
func ParseUserMatch(s string) (UserMatch, error) {
	kind, value, ok := strings.Cut(s, ":")
	if !ok || value == "" {
		return UserMatch{}, fmt.Errorf("%q is not sasl:LOGIN, sasl-domain:DOMAIN, ip:NETWORK or daemon:NAME", s)
	}
	m := UserMatch{kind: kind, value: value}
	switch kind {
	case "sasl", "sasl-domain":
		m.value = strings.ToLower(value)
	case "daemon":
	case "ip":
		nets, errs := netlist.Parse([]string{value})
		if len(errs) > 0 {
			return UserMatch{}, errs[0]
		}
		m.nets = nets
	default:
		return UserMatch{}, fmt.Errorf("%q is not a kind of match; say sasl, sasl-domain, ip or daemon", kind)
	}
	return m, nil
}

func (m UserMatch) String() string { return m.kind + ":" + m.value }

func (m UserMatch) matches(f *Facts) bool {
	switch m.kind {
	case "sasl":
		return f.Authenticated() && keytable.MatchLogin(m.value, f.User)
	case "sasl-domain":
		at := strings.LastIndexByte(f.User, '@')
		return f.Authenticated() && at >= 0 && strings.EqualFold(f.User[at+1:], m.value)
	case "ip":
		ok, _ := m.nets.Contains("", f.Client.Addr)
		return ok
	}
	return f.Daemon == m.value
}

// userRule finds the first row for the message's outgoing user.
func (s *Snapshot) userRule(f *Facts) *UserRule {
	for i := range s.Users {
		if s.Users[i].Match.matches(f) {
			return &s.Users[i]
		}
	}
	return nil
}

// barringRule finds the first row under which nothing is signed for the message's
// outgoing user. What is forbidden goes before what is allowed, wherever the rows
// stand.
func (s *Snapshot) barringRule(f *Facts) *UserRule {
	for i := range s.Users {
		if r := &s.Users[i]; (r.Never || r.Reauth) && r.Match.matches(f) {
			return r
		}
	}
	return nil
}

// reauthenticates says whether the outgoing user is one for whom nothing is
// ever signed: somebody who only passes on what others wrote.
func (s *Snapshot) reauthenticates(f *Facts, bar *UserRule) bool {
	if bar != nil && bar.Reauth {
		return true
	}
	for _, pattern := range s.Reauthenticating {
		if f.Authenticated() && keytable.MatchLogin(pattern, f.User) {
			return true
		}
	}
	return false
}

// mayUse says whether the row lets its user sign for a domain.
func (r *UserRule) mayUse(domain string) bool {
	if r == nil || r.Domains == nil {
		return true
	}
	for _, d := range r.Domains {
		if d == domain || strings.HasPrefix(d, ".") && strings.HasSuffix(domain, d) {
			return true
		}
	}
	return false
}
