package sqlstore

import (
	"time"

	"github.com/postseal/postseal/internal/domains"
)

var domainTable = newTable("domains", 1, func(d *domains.Domain) []column {
	return []column{
		{"name", text[string]{&d.Name}},
		{"enabled", flag{&d.Enabled}},
		{"requested", flag{&d.Requested}},
		{"activation", text[domains.Activation]{&d.Activation}},
		{"publish", text[domains.Publish]{&d.Publish}},
		{"slots", whole[int]{&d.Slots}},
		{"on_missing", text[domains.OnMissing]{&d.OnMissing}},
		{"owner", text[string]{&d.Owner}},
		{"contact", text[string]{&d.Contact}},
		{"driver", text[string]{&d.Driver}},
		{"subdomains", flag{&d.SubDomains}},
		{"dual_sign", flag{&d.DualSign}},
		{"disabled_fallback", flag{&d.DisabledFallback}},
		{"retire_after", span{&d.RetireAfter}},
		{"rotate_every", span{&d.RotateEvery}},
		{"name_servers", list[string]{&d.NameServers}},
		{"aliases", list[domains.Alias]{&d.Aliases}},
		{"created_at", instant{&d.CreatedAt}},
		{"published_claimed_at", instant{&d.PublishedClaimedAt}},
		{"deleted_at", instant{&d.DeletedAt}},
		{"owned_since", instant{&d.OwnedSince}},
	}
})

func (t *tx) Domain(name string) (domains.Domain, error) {
	return domainTable.one(t, "WHERE name = $1", name)
}

func (t *tx) Domains(after string, limit int) ([]domains.Domain, error) {
	return domainTable.list(t, "WHERE name > $1 ORDER BY name LIMIT $2", after, limit)
}

func (t *tx) DomainsOf(owner, after string, limit int) ([]domains.Domain, error) {
	return domainTable.list(t, "WHERE owner = $1 AND name > $2 ORDER BY name LIMIT $3", owner, after, limit)
}

func (t *tx) PutDomain(d domains.Domain) error { return domainTable.put(t, d) }

func (t *tx) DeleteDomain(name string) error {
	return t.exec("DELETE FROM domains WHERE name = $1", name)
}

var userTable = newTable("users", 1, func(u *domains.User) []column {
	return []column{
		{"pattern", text[string]{&u.Match}},
		{"position", whole[int]{&u.Position}},
		{"signs_as", text[string]{&u.Key}},
		{"domains", list[string]{&u.Domains}},
		{"owner", text[string]{&u.Owner}},
		{"reauth", flag{&u.Reauth}},
		{"disabled", flag{&u.Disabled}},
		{"from_as_d", flag{&u.FromAsD}},
		{"owned_since", instant{&u.OwnedSince}},
	}
})

func (t *tx) User(match string) (domains.User, error) {
	return userTable.one(t, "WHERE pattern = $1", match)
}

func (t *tx) Users() ([]domains.User, error) {
	return userTable.list(t, "ORDER BY position, pattern")
}

func (t *tx) UsersOf(owner string) ([]domains.User, error) {
	return userTable.list(t, "WHERE owner = $1 ORDER BY position, pattern", owner)
}

func (t *tx) PutUser(u domains.User) error { return userTable.put(t, u) }

func (t *tx) DeleteUser(match string) error {
	return t.exec("DELETE FROM users WHERE pattern = $1", match)
}

var candidateTable = newTable("candidates", 1, func(c *domains.Candidate) []column {
	return []column{
		{"domain", text[string]{&c.Domain}},
		{"source", text[string]{&c.Source}},
		{"seen", whole[int64]{&c.Count}},
		{"first_seen", instant{&c.FirstSeen}},
		{"last_seen", instant{&c.LastSeen}},
		{"told", flag{&c.Told}},
	}
})

func (t *tx) Candidate(domain string) (domains.Candidate, error) {
	return candidateTable.one(t, "WHERE domain = $1", domain)
}

func (t *tx) Candidates(after string, limit int) ([]domains.Candidate, error) {
	return candidateTable.list(t, "WHERE domain > $1 ORDER BY domain LIMIT $2", after, limit)
}

func (t *tx) PutCandidate(c domains.Candidate) error { return candidateTable.put(t, c) }

func (t *tx) DeleteCandidate(domain string) error {
	return t.exec("DELETE FROM candidates WHERE domain = $1", domain)
}

func (t *tx) CandidatesToldAt() (time.Time, error) {
	var at time.Time
	err := t.query("SELECT candidates_told_at FROM store", nil, []any{instant{&at}}, func() {})
	return at, err
}

func (t *tx) PutCandidatesToldAt(at time.Time) error {
	return t.exec("UPDATE store SET candidates_told_at = $1", instant{&at})
}
