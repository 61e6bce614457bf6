package domains

import (
	"slices"
	"testing"
)

// manyLines is a journal in which few lines are about a row of the tenant.
type manyLines struct {
	Tx
	lines []Entry
}

func (manyLines) Domain(name string) (Domain, error) {
	if name != "a.test" {
		return Domain{}, ErrNotFound
	}
	return Domain{Name: name, Owner: "acme"}, nil
}

func (manyLines) User(string) (User, error) { return User{}, ErrNotFound }

func (t manyLines) Journal(q JournalQuery) ([]Entry, error) {
	from, _ := slices.BinarySearchFunc(t.lines, q.After+1, func(e Entry, id int64) int { return int(e.ID - id) })
	lines := t.lines[from:]
	if q.Last {
		return lines[max(0, len(lines)-q.Limit):], nil
	}
	return lines[:min(q.Limit, len(lines))], nil
}

// A tenant that reads on from a line gets to its next one, however many are between.
func TestTenantReadsOn(t *testing.T) {
	var all manyLines
	for id := range int64(3 * tenantJournal) {
		all.lines = append(all.lines, Entry{ID: id + 1, Domain: "busy.test"})
	}
	const next = 2*tenantJournal + 7
	for _, id := range []int64{1, next, next + 1} {
		all.lines[id-1].Domain = "a.test"
	}
	for _, c := range []struct {
		q    JournalQuery
		want []int64
	}{
		{JournalQuery{After: 1}, []int64{next, next + 1}},
		{JournalQuery{After: 1, Limit: 1}, []int64{next}},
		{JournalQuery{After: 1, Limit: 10}, []int64{next, next + 1}},
		{JournalQuery{After: next + 1, Limit: 10}, nil},
		{JournalQuery{Limit: 2}, []int64{1, next}},
		{JournalQuery{Last: true, Limit: 1}, []int64{next + 1}},
	} {
		lines, err := tenantTx{all, "acme"}.Journal(c.q)
		var got []int64
		for _, e := range lines {
			got = append(got, e.ID)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, %v, want %v", c.q, got, err, c.want)
		}
	}
}
