package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/domains"
)

func history(t *testing.T, s domains.Store) {
	run := domains.CheckRun{
		KeyID: "k", At: moment, Verdict: "mismatch", Source: "authoritative", Records: []string{"v=DKIM1; p=x"},
		Findings: []domains.Finding{{Code: "D402", Severity: check.Error, Title: "another key", Got: "SHA256:…", RetryAfter: moment}},
	}
	update(t, s, func(tx domains.Tx) error { return tx.PutKey(someKey("k", "a.example", "s", 0)) })
	for i := range domains.HistoryRuns + 5 {
		run.At = moment.Add(time.Duration(i) * time.Minute)
		update(t, s, func(tx domains.Tx) error { return tx.PutRun(run) })
	}
	view(t, s, func(tx domains.Tx) error {
		same(t, []domains.CheckRun{run})(tx.Runs("k", 1))
		runs, err := tx.Runs("k", 1000)
		if len(runs) != domains.HistoryRuns || !runs[len(runs)-1].At.Equal(moment.Add(5*time.Minute)) {
			t.Errorf("%d runs are kept", len(runs))
		}
		return err
	})
}

func journal(t *testing.T, s domains.Store) {
	full := domains.Entry{
		At: moment, Actor: "root", Verb: "rotate", Domain: "a.example", Selector: "s1", From: "pending", To: "ready", Reason: "DNS confirmed “it”",
	}
	for i := range 6 {
		e := full
		e.At = moment.Add(time.Duration(i) * time.Hour)
		if i%2 == 1 {
			e.Domain = "b.example"
		}
		update(t, s, func(tx domains.Tx) error { return tx.Append(e) })
	}
	hoursOf := func(q domains.JournalQuery) (out []int) {
		view(t, s, func(tx domains.Tx) error {
			entries, err := tx.Journal(q)
			out = nil
			for i, e := range entries {
				out = append(out, int(e.At.Sub(moment)/time.Hour))
				if i > 0 && e.ID <= entries[i-1].ID {
					t.Errorf("IDs do not ascend: %d after %d", e.ID, entries[i-1].ID)
				}
			}
			return err
		})
		return out
	}
	var all []domains.Entry
	view(t, s, func(tx domains.Tx) (err error) {
		all, err = tx.Journal(domains.JournalQuery{})
		return err
	})
	full.ID = all[0].ID
	same(t, full)(all[0], nil)
	for _, test := range []struct {
		name string
		q    domains.JournalQuery
		want []int
	}{
		{"all", domains.JournalQuery{}, []int{0, 1, 2, 3, 4, 5}},
		{"of a domain", domains.JournalQuery{Domain: "b.example"}, []int{1, 3, 5}},
		{"since", domains.JournalQuery{Since: moment.Add(4 * time.Hour)}, []int{4, 5}},
		{"after", domains.JournalQuery{After: all[2].ID}, []int{3, 4, 5}},
		{"first", domains.JournalQuery{Limit: 2}, []int{0, 1}},
		{"last", domains.JournalQuery{Limit: 2, Last: true}, []int{4, 5}},
		{"last of a domain", domains.JournalQuery{Domain: "a.example", Limit: 2, Last: true}, []int{2, 4}},
	} {
		if got := hoursOf(test.q); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func outbox(t *testing.T, s domains.Store) {
	first := domains.Notice{
		At: moment, Event: domains.KeyVerified, Domain: "a.example", Selector: "s", Contact: "c@a.example", Text: "text", Code: "D101", Channel: "mail", NextAt: moment,
	}
	later := domains.Notice{At: moment, Event: domains.KeyActivated, Text: "later", NextAt: moment.Add(time.Hour)}
	update(t, s, func(tx domains.Tx) error { return errors.Join(tx.PutNotice(first), tx.PutNotice(later)) })
	notices := func(at time.Time) (out []domains.Notice) {
		view(t, s, func(tx domains.Tx) (err error) {
			out, err = tx.Notices(at, 10)
			return err
		})
		return out
	}
	got := notices(moment)
	if len(got) != 1 || got[0].ID == 0 {
		t.Fatalf("got %+v, want one with an ID", got)
	}
	first.ID = got[0].ID
	same(t, first)(got[0], nil)
	if n := len(notices(moment.Add(time.Hour))); n != 2 {
		t.Errorf("an hour later %d are due, want 2", n)
	}
	first.Attempts, first.Error, first.NextAt = 1, "refused", moment.Add(2*time.Hour)
	update(t, s, func(tx domains.Tx) error { return tx.PutNotice(first) })
	if got := notices(moment.Add(time.Hour)); len(got) != 1 || got[0].Text != "later" {
		t.Errorf("put off, and due are %+v", got)
	}
	update(t, s, func(tx domains.Tx) error { return tx.DeleteNotice(first.ID) })
	if got := notices(moment.Add(3 * time.Hour)); len(got) != 1 {
		t.Errorf("deleted, and due are %+v", got)
	}
}

func tombstones(t *testing.T, s domains.Store) {
	one := domains.Tombstone{Domain: "a.example", Selector: "ps1", Print: "SHA256:1", CreatedAt: moment, DestroyedAt: moment.Add(time.Hour)}
	two := one
	two.Print = "SHA256:2"
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutTombstone(one), tx.PutTombstone(two), tx.PutTombstone(one))
	})
	view(t, s, func(tx domains.Tx) error {
		graves, err := tx.Tombstones("a.example", "ps1")
		if len(graves) != 2 || !slices.Contains(graves, one) || !slices.Contains(graves, two) {
			t.Errorf("got %+v", graves)
		}
		same(t, []domains.Tombstone{})(tx.Tombstones("a.example", "ps2"))
		return err
	})
}
