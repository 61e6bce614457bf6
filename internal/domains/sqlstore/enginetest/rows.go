package enginetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// filled gives each field of a row, also of the structs in it, a value of its own.
func filled[T any](t *testing.T) T {
	t.Helper()
	var row T
	n := 0
	fill(t, reflect.ValueOf(&row).Elem(), &n)
	return row
}

func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 11, 22, 1, 2, 3, *n*1000, time.UTC)))
		return
	case time.Duration:
		v.SetInt(int64(time.Duration(*n) * time.Hour))
		return
	case dkim.Algorithm:
		v.Set(reflect.ValueOf(dkim.Ed25519SHA256))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("word %d → ü", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n) + 1<<31) // more than 32 bits hold
	case reflect.Uint8:
		v.SetUint(uint64(*n % 256))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), n)
		fill(t, v.Index(1), n)
	default:
		t.Fatalf("a field of type %v: the store may not keep it", v.Type())
	}
}

// keeps writes a row, with every field filled and with none but its name, and reads it back.
func keeps[T any](t *testing.T, s domains.Store, name string, put func(domains.Tx, T) error, get func(domains.Tx) (T, error), only func(T) T) {
	t.Helper()
	full := filled[T](t)
	for variant, row := range map[string]T{"full": full, "empty": only(full)} {
		update(t, s, func(tx domains.Tx) error { return put(tx, row) })
		view(t, s, func(tx domains.Tx) error {
			got, err := get(tx)
			if err != nil {
				t.Errorf("%s, %s: %v", name, variant, err)
			} else if !reflect.DeepEqual(got, row) {
				t.Errorf("%s, %s:\n got %+v\nwant %+v", name, variant, got, row)
			}
			return nil
		})
	}
}

func last[T any](all []T, err error) (T, error) {
	if err != nil || len(all) == 0 {
		var none T
		return none, fmt.Errorf("%d rows, %w", len(all), err)
	}
	return all[len(all)-1], nil
}

func everyFieldIsKept(t *testing.T, e Engine) {
	s := opened(t, e)
	d := filled[domains.Domain](t)
	keeps(t, s, "domain", domains.Tx.PutDomain, func(tx domains.Tx) (domains.Domain, error) { return tx.Domain(d.Name) },
		func(r domains.Domain) domains.Domain { return domains.Domain{Name: r.Name} })
	k := filled[domains.Key](t)
	keeps(t, s, "key", domains.Tx.PutKey, func(tx domains.Tx) (domains.Key, error) { return tx.Key(k.ID) },
		func(r domains.Key) domains.Key { return domains.Key{ID: r.ID, Algorithm: dkim.RSASHA256} })
	u := filled[domains.User](t)
	keeps(t, s, "user", domains.Tx.PutUser, func(tx domains.Tx) (domains.User, error) { return tx.User(u.Match) },
		func(r domains.User) domains.User { return domains.User{Match: r.Match} })
	c := filled[domains.Candidate](t)
	keeps(t, s, "candidate", domains.Tx.PutCandidate, func(tx domains.Tx) (domains.Candidate, error) { return tx.Candidate(c.Domain) },
		func(r domains.Candidate) domains.Candidate { return domains.Candidate{Domain: r.Domain} })
	keeps(t, s, "notice", domains.Tx.PutNotice,
		func(tx domains.Tx) (domains.Notice, error) { return last(tx.Notices(time.Now().AddDate(99, 0, 0), 9)) },
		func(r domains.Notice) domains.Notice { return domains.Notice{ID: r.ID} })
	b := filled[domains.Tombstone](t)
	keeps(t, s, "tombstone", domains.Tx.PutTombstone,
		func(tx domains.Tx) (domains.Tombstone, error) { return last(tx.Tombstones(b.Domain, b.Selector)) },
		func(r domains.Tombstone) domains.Tombstone {
			return domains.Tombstone{Domain: r.Domain, Selector: r.Selector, Print: r.Print}
		})
	keeps(t, s, "host", domains.Tx.PutHost, func(tx domains.Tx) (domains.Host, error) { return last(tx.Hosts()) },
		func(r domains.Host) domains.Host { return domains.Host{Name: r.Name, Process: r.Process} })
	l := filled[domains.Lease](t)
	keeps(t, s, "lease", domains.Tx.PutLease, domains.Tx.Lease, func(domains.Lease) domains.Lease { return domains.Lease{Number: l.Number} })

	run := filled[domains.CheckRun](t)
	entry := filled[domains.Entry](t)
	update(t, s, func(tx domains.Tx) error {
		if err := tx.Append(entry); err != nil {
			return err
		}
		return tx.PutRun(run)
	})
	view(t, s, func(tx domains.Tx) error {
		gotRun, err := last(tx.Runs(run.KeyID, 9))
		if err != nil || !reflect.DeepEqual(gotRun, run) {
			t.Errorf("check:\n got %+v, %v\nwant %+v", gotRun, err, run)
		}
		gotEntry, err := last(tx.Journal(domains.JournalQuery{}))
		entry.ID = gotEntry.ID
		if err != nil || !reflect.DeepEqual(gotEntry, entry) {
			t.Errorf("journal:\n got %+v, %v\nwant %+v", gotEntry, err, entry)
		}
		return nil
	})
}

// foreignTextIsKept: what a stranger's DNS holds must not make a write fail.
func foreignTextIsKept(t *testing.T, e Engine) {
	s := opened(t, e)
	foreign := "v=DKIM1\x00; \xff\xfe 'quoted\"; DROP TABLE keys; -- \u2028"
	const kept = "v=DKIM1\ufffd; \ufffd 'quoted\"; DROP TABLE keys; -- \u2028"
	update(t, s, func(tx domains.Tx) error {
		if err := tx.PutRun(domains.CheckRun{KeyID: "k", Records: []string{foreign}, Findings: []domains.Finding{{Got: foreign}}}); err != nil {
			return err
		}
		return tx.PutKey(domains.Key{ID: "k", Algorithm: dkim.RSASHA256, Health: domains.Health{Text: foreign}})
	})
	view(t, s, func(tx domains.Tx) error {
		k, err := tx.Key("k")
		if err != nil || k.Health.Text != kept {
			t.Errorf("%q, %v, want %q", k.Health.Text, err, kept)
		}
		run, err := last(tx.Runs("k", 1))
		if err != nil || len(run.Records) != 1 || len(run.Findings) != 1 {
			t.Errorf("%+v, %v", run, err)
		}
		return nil
	})
}

// foreignTextIsLookedFor: nor may a name that somebody has sent make a reading fail.
func foreignTextIsLookedFor(t *testing.T, e Engine) {
	s := opened(t, e)
	for _, foreign := range []string{"a\x00b", "a\xffb"} {
		view(t, s, func(tx domains.Tx) error {
			for what, err := range map[string]error{"domain": second(tx.Domain(foreign)), "user": second(tx.User(foreign)), "key": second(tx.Key(foreign))} {
				if !errors.Is(err, domains.ErrNotFound) {
					t.Errorf("%s %q: %v, want ErrNotFound", what, foreign, err)
				}
			}
			for _, q := range []domains.JournalQuery{{Domain: foreign}, {Owner: foreign}} {
				if lines, err := tx.Journal(q); err != nil || len(lines) > 0 {
					t.Errorf("%+v: %+v, %v", q, lines, err)
				}
			}
			return nil
		})
		update(t, s, func(tx domains.Tx) error { return tx.DeleteDomain(foreign) })
	}
}

func second[V any](_ V, err error) error { return err }
