package panel

import (
	"time"

	"github.com/postseal/postseal/internal/domains"
)

func (c *call) candidates() (answered, error) {
	var found []domains.Sighting
	if c.who.Operator() {
		found = c.seen.get(c.r.Context())
	}
	all, err := c.service.Candidates(c.r.Context(), found...)
	return answered{value: map[string]any{"candidates": append([]domains.Candidate{}, all...)}}, err
}

func (c *call) users() (answered, error) {
	users, err := c.service.Users(c.r.Context())
	return answered{value: map[string]any{"users": append([]domains.User{}, users...)}}, err
}

// userFields are those of an outgoing user; the row is replaced whole.
type userFields struct {
	Key      string   `json:"key"`
	Domains  []string `json:"domains"`
	Owner    string   `json:"owner"`
	Position int      `json:"position"`
	Reauth   bool     `json:"reauth"`
	Disabled bool     `json:"disabled"`
	Fallback string   `json:"fallback_d"` // key or from
}

func (c *call) setUser() (answered, error) {
	var f userFields
	if err := c.body(&f); err != nil {
		return answered{}, err
	}
	owner, err := c.owner(f.Owner)
	if err == nil && f.Fallback != "" && f.Fallback != "key" && f.Fallback != "from" {
		err = &domains.Invalid{Input: f.Fallback, Problem: "is no fallback_d", Fix: "say key or from"}
	}
	if err != nil {
		return answered{}, err
	}
	u, err := c.service.SetUser(c.r.Context(), c.actor(), domains.User{
		Match: c.r.PathValue("match"), Key: f.Key, Domains: f.Domains, Owner: owner, Position: f.Position, Reauth: f.Reauth, Disabled: f.Disabled, FromAsD: f.Fallback == "from",
	})
	return answered{value: u}, err
}

func (c *call) setUserKey() (answered, error) {
	var f struct {
		Key string `json:"key"`
	}
	if err := c.body(&f); err != nil {
		return answered{}, err
	}
	u, err := c.service.SetUserKey(c.r.Context(), c.actor(), c.r.PathValue("match"), f.Key)
	return answered{value: u}, err
}

func (c *call) switchUser(on bool) (answered, error) {
	if err := c.service.SwitchUser(c.r.Context(), c.actor(), c.r.PathValue("match"), on); err != nil {
		return answered{}, err
	}
	return c.users()
}

func (c *call) deleteUser() (answered, error) {
	if err := c.service.DeleteUser(c.r.Context(), c.actor(), c.r.PathValue("match")); err != nil {
		return answered{}, err
	}
	return c.users()
}

// journal lists lines, oldest first; ?after= is the id of the last one that is known.
func (c *call) journal() (answered, error) {
	q := c.r.URL.Query()
	limit, err := number(q.Get("limit"), journalLines)
	if err != nil {
		return answered{}, err
	}
	after, err := number(q.Get("after"), 0)
	if err != nil {
		return answered{}, err
	}
	query := domains.JournalQuery{Domain: q.Get("domain"), After: int64(after), Last: q.Get("after") == "", Limit: min(max(limit, 1), maxJournal)}
	if text := q.Get("since"); text != "" {
		if query.Since, err = time.Parse(time.RFC3339, text); err != nil {
			return answered{}, &domains.Invalid{Input: text, Problem: "is no time", Fix: "say it like 2026-11-22T05:00:00Z"}
		}
	}
	lines, err := c.service.Journal(c.r.Context(), query)
	return answered{value: map[string]any{"journal": append([]domains.Entry{}, lines...)}}, err
}
