package domains

import (
	"slices"
	"testing"
)

// manyLines is a journal in which few lines are about a row of the tenant. It remembers from
// where on it was read last.
type manyLines struct {
	Tx
	lines []Entry
	from  *int64
}

func (t manyLines) Journal(q JournalQuery) (out []Entry, _ error) {
	*t.from = q.After
	for _, e := range t.lines {
		if e.ID > q.After && (q.Owner == "" || e.Domain == q.Owner) {
			out = append(out, e)
		}
	}
	if q.Last {
		return out[max(0, len(out)-q.Limit):], nil
	}
	return out, nil
}

// TestTenantsLastLines: they are found however far back they are; the whole journal is looked
// through only where its end has too few.
func TestTenantsLastLines(t *testing.T) {
	const all = 3 * recentLines
	journal := manyLines{from: new(int64)}
	for id := range int64(all) {
		journal.lines = append(journal.lines, Entry{ID: id + 1, Domain: "others"})
	}
	for _, id := range []int64{1, 7, all - recentLines, all - recentLines + 1, all - 3} {
		journal.lines[id-1].Domain = "acme"
	}
	for _, c := range []struct {
		after int64
		limit int
		want  []int64
		from  int64
	}{
		{0, 1, []int64{all - 3}, all - recentLines},
		{0, 2, []int64{all - recentLines + 1, all - 3}, all - recentLines},
		{0, 3, []int64{all - recentLines, all - recentLines + 1, all - 3}, 0},
		{0, 9, []int64{1, 7, all - recentLines, all - recentLines + 1, all - 3}, 0},
		{5, 9, []int64{7, all - recentLines, all - recentLines + 1, all - 3}, 5},
		{all - 10, 1, []int64{all - 3}, all - 10},
		{all - 1, 1, nil, all - 1},
	} {
		lines, err := tenantTx{journal, "acme"}.Journal(JournalQuery{After: c.after, Limit: c.limit, Last: true})
		var got []int64
		for _, e := range lines {
			got = append(got, e.ID)
		}
		if err != nil || !slices.Equal(got, c.want) || *journal.from != c.from {
			t.Errorf("last %d after %d: %v from %d, %v, want %v from %d", c.limit, c.after, got, *journal.from, err, c.want, c.from)
		}
	}
	if lines, err := (tenantTx{manyLines{from: new(int64)}, "acme"}).Journal(JournalQuery{Limit: 1, Last: true}); err != nil || len(lines) != 0 {
		t.Errorf("an empty journal: %v, %v", lines, err)
	}
}
