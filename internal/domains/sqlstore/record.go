package sqlstore

import (
	"slices"
	"strconv"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

var journalTable = newTable("journal", 1, func(e *domains.Entry) []column {
	return []column{
		{"id", whole[int64]{&e.ID}},
		{"happened", instant{&e.At}},
		{"actor", text[string]{&e.Actor}},
		{"verb", text[string]{&e.Verb}},
		{"domain", text[string]{&e.Domain}},
		{"selector", text[string]{&e.Selector}},
		{"was", text[string]{&e.From}},
		{"became", text[string]{&e.To}},
		{"reason", text[string]{&e.Reason}},
	}
})

func (t *tx) Append(e domains.Entry) error { return journalTable.add(t, e) }

func (t *tx) Journal(q domains.JournalQuery) ([]domains.Entry, error) {
	order := " ORDER BY id"
	if q.Last {
		order += " DESC"
	}
	if q.Limit > 0 {
		order += " LIMIT " + strconv.Itoa(q.Limit)
	}
	args := []any{q.After, micros(q.Since)}
	rest := "WHERE id > $1 AND happened >= $2"
	switch {
	case q.Owner != "":
		args = append(args, q.Owner)
		rest = "WHERE id IN (" + ownLines + order + ")"
	case q.Domain != "":
		args = append(args, q.Domain)
		rest += " AND domain = $3"
	}
	entries, err := journalTable.list(t, rest+order, args...)
	if q.Last {
		slices.Reverse(entries)
	}
	return entries, err
}

// ownLines are the lines about what is an owner's. They are found from its rows: left to themselves, both engines may look through
// the whole journal for the last few. The line that says whose a domain was before is not for its new owner.
const ownLines = `WITH own AS MATERIALIZED (
	SELECT j.id FROM domains d CROSS JOIN journal j
	WHERE d.owner = $3 AND j.domain = d.name AND j.id > $1 AND j.happened >= $2
		AND j.happened >= CASE d.owned_since WHEN 0 THEN d.created_at ELSE d.owned_since + 1 END
	UNION ALL
	SELECT j.id FROM users u CROSS JOIN journal j
	WHERE u.owner = $3 AND j.domain = u.pattern AND j.id > $1 AND j.happened >= $2 AND j.happened >= u.owned_since)
	SELECT id FROM own`

var tombstoneTable = newTable("tombstones", 3, func(s *domains.Tombstone) []column {
	return []column{
		{"domain", text[string]{&s.Domain}},
		{"selector", text[string]{&s.Selector}},
		{"fingerprint", text[string]{&s.Print}},
		{"created_at", instant{&s.CreatedAt}},
		{"destroyed_at", instant{&s.DestroyedAt}},
	}
})

func (t *tx) PutTombstone(s domains.Tombstone) error { return tombstoneTable.put(t, s) }

func (t *tx) Tombstones(domain, selector string) ([]domains.Tombstone, error) {
	return tombstoneTable.list(t, "WHERE domain = $1 AND selector = $2 ORDER BY created_at, fingerprint", domain, selector)
}

// numbered is a check with the number that the engine gives it.
type numbered struct {
	id int64
	domains.CheckRun
}

var runTable = newTable("check_runs", 1, func(r *numbered) []column {
	return []column{
		{"id", whole[int64]{&r.id}},
		{"key_id", text[string]{&r.KeyID}},
		{"happened", instant{&r.At}},
		{"verdict", text[string]{&r.Verdict}},
		{"passed", flag{&r.Passed}},
		{"source", text[string]{&r.Source}},
		{"records", list[string]{&r.Records}},
		{"findings", list[domains.Finding]{&r.Findings}},
	}
})

func (t *tx) PutRun(r domains.CheckRun) error {
	if err := runTable.add(t, numbered{CheckRun: r}); err != nil {
		return err
	}
	return t.exec(`DELETE FROM check_runs WHERE key_id = $1 AND id NOT IN (
		SELECT id FROM check_runs WHERE key_id = $1 ORDER BY happened DESC, id DESC LIMIT $2)`, r.KeyID, domains.HistoryRuns)
}

func (t *tx) Runs(keyID string, limit int) ([]domains.CheckRun, error) {
	found, err := runTable.list(t, "WHERE key_id = $1 ORDER BY happened DESC, id DESC LIMIT $2", keyID, limit)
	if err != nil {
		return nil, err
	}
	var runs []domains.CheckRun
	for _, r := range found {
		runs = append(runs, r.CheckRun)
	}
	return runs, nil
}

var noticeTable = newTable("outbox", 1, func(n *domains.Notice) []column {
	return []column{
		{"id", whole[int64]{&n.ID}},
		{"happened", instant{&n.At}},
		{"event", text[domains.Event]{&n.Event}},
		{"domain", text[string]{&n.Domain}},
		{"selector", text[string]{&n.Selector}},
		{"contact", text[string]{&n.Contact}},
		{"message", text[string]{&n.Text}},
		{"code", text[string]{&n.Code}},
		{"channel", text[string]{&n.Channel}},
		{"attempts", whole[int]{&n.Attempts}},
		{"next_at", instant{&n.NextAt}},
		{"last_error", text[string]{&n.Error}},
	}
})

func (t *tx) PutNotice(n domains.Notice) error {
	if n.ID == 0 {
		return noticeTable.add(t, n)
	}
	return noticeTable.put(t, n)
}

func (t *tx) Notices(at time.Time, limit int) ([]domains.Notice, error) {
	return noticeTable.list(t, "WHERE next_at <= $1 ORDER BY id LIMIT $2", micros(at), limit)
}

func (t *tx) DeleteNotice(id int64) error {
	return t.exec("DELETE FROM outbox WHERE id = $1", id)
}
