package managed

import (
	"fmt"
	"strings"
	"time"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/keytable"
)

// Rows is one state of the store in policy's terms.
type Rows struct {
	Version int64
	read    int64 // rows that were read later have a higher one
	Managed *policy.Managed
	Users   []policy.UserRule // after those of the configuration
	Keys    int               // that may sign
	Outages []error           // rows that cannot work
}

// Before says that r was read before o: what it says may be over. Versions do not tell
// that after a backup was restored.
func (r *Rows) Before(o *Rows) bool { return r.read < o.read }

// rows turns a snapshot of the store into policy's terms.
func (m *Managed) rows(s *domains.Snapshot) *Rows {
	c := converter{
		rows: &Rows{Version: s.Version, Managed: &policy.Managed{
			Rows: make(map[string]*policy.ManagedRow, len(s.Domains)), Blocked: pairs(s.Blocked), Gated: m.opts.Gated, Confirmed: pairs(s.Confirmed),
		}},
	}
	names := namesOf(s)
	c.halves = m.keys.hold(names)
	m.hold(names, time.Now())
	for name, signing := range s.Domains {
		c.rows.Managed.Rows[name] = c.row(signing)
		c.rows.Keys += len(signing.Keys)
	}
	for _, u := range s.Users {
		c.user(&u)
		for domain, keys := range u.Lent { // what signs under another name is the same key
			for _, k := range keys {
				m.names.Store(domain+"/"+k.Selector, m.mark(k.ID))
			}
		}
	}
	return c.rows
}

func pairs[V any](of map[domains.Pair]V) map[policy.Pair]V {
	out := make(map[policy.Pair]V, len(of))
	for pair, v := range of {
		out[policy.Pair(pair)] = v
	}
	return out
}

// namesOf lists all keys that may sign: DOMAIN/SELECTOR by ID.
func namesOf(s *domains.Snapshot) map[string]string {
	names := map[string]string{}
	add := func(keys []domains.SigningKey) {
		for _, k := range keys {
			names[k.ID] = k.Domain + "/" + k.Selector
		}
	}
	for _, signing := range s.Domains {
		add(signing.Keys)
	}
	for _, u := range s.Users {
		add(u.Keys)
	}
	return names
}

func (m *Managed) mark(id string) *mark {
	at, _ := m.marks.LoadOrStore(id, new(mark))
	return at.(*mark)
}

type converter struct {
	rows   *Rows
	halves map[string]*half
}

// row takes a row over. One that a tenant only claims has no keys, and must not end other
// people's signing: anybody can ask for any domain.
func (c *converter) row(s *domains.Signing) *policy.ManagedRow {
	row := &policy.ManagedRow{
		Name: s.Name, Owner: s.Owner, Keys: c.keys(s.Keys), Why: s.Why,
		Disabled: s.Disabled, DisabledFallback: s.DisabledFallback, SubDomains: s.SubDomains,
	}
	if s.Claimed {
		row.Owner, row.Disabled = "", false
	}
	return row
}

func (c *converter) keys(of []domains.SigningKey) []policy.Key {
	var keys []policy.Key
	for _, k := range of {
		h := c.halves[k.ID]
		keys = append(keys, policy.Key{
			KeyRef:  keytable.KeyRef{Name: k.Domain + "/" + k.Selector, Domain: k.Domain, Selector: k.Selector, Algorithm: k.Algorithm},
			Managed: h,
		})
	}
	return keys
}

// user adds the rule of an outgoing user.
func (c *converter) user(u *domains.UserSigning) {
	match, err := policy.ParseUserMatch(u.Match)
	if err != nil {
		c.rows.Outages = append(c.rows.Outages, fmt.Errorf("user %s of the store: %w", u.Match, err))
		return
	}
	rule := policy.UserRule{Match: match, Owner: u.Owner, Reauth: u.Reauth, Never: u.Disabled}
	if len(u.Domains) > 0 {
		rule.Domains = u.Domains
	}
	rule.Keys = policy.Fallback{Keys: c.keys(u.Keys)}
	for domain, keys := range u.Lent {
		if rule.Keys.Lent == nil {
			rule.Keys.Lent = map[string][]policy.Key{}
		}
		rule.Keys.Lent[domain] = c.keys(keys)
	}
	if len(u.Keys) == 0 && u.Key != "" {
		domain, _, _ := strings.Cut(u.Key, "/")
		rule.Keys.OutOfService = domain + ": " + u.Why
	}
	c.rows.Users = append(c.rows.Users, rule)
}
