package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

func domainPages(t *testing.T, s domains.Store) {
	names := []string{"a.example", "a-b.example", "b.example", "info@a.example", "xn--bcher-kva.example", "z.example"}
	update(t, s, func(tx domains.Tx) error {
		for _, name := range names {
			if err := tx.PutDomain(domains.Domain{Name: name}); err != nil {
				return err
			}
		}
		return nil
	})
	slices.Sort(names)
	view(t, s, func(tx domains.Tx) error {
		var got []string
		for after := ""; ; {
			rows, err := tx.Domains(after, 2)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				break
			}
			for _, d := range rows {
				got = append(got, d.Name)
			}
			after = got[len(got)-1]
		}
		if !slices.Equal(got, names) {
			t.Errorf("got %q, want %q", got, names)
		}
		return nil
	})
	update(t, s, func(tx domains.Tx) error { return tx.DeleteDomain("b.example") })
	view(t, s, func(tx domains.Tx) error {
		rows, err := tx.Domains("a.example", 1)
		if len(rows) != 1 || rows[0].Name != "info@a.example" {
			t.Errorf("after a.example, without b.example: %+v", rows)
		}
		return err
	})
}

func userOrder(t *testing.T, s domains.Store) {
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutUser(domains.User{Match: "sasl:b", Position: 1}), tx.PutUser(domains.User{Match: "ip:192.0.2.1", Position: 2}),
			tx.PutUser(domains.User{Match: "sasl:a", Position: 1}), tx.PutUser(domains.User{Match: "zz", Position: -1}))
	})
	view(t, s, func(tx domains.Tx) error {
		users, err := tx.Users()
		var got []string
		for _, u := range users {
			got = append(got, u.Match)
		}
		if want := []string{"zz", "sasl:a", "sasl:b", "ip:192.0.2.1"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		return err
	})
}

func keyLists(t *testing.T, s domains.Store) {
	update(t, s, func(tx domains.Tx) error {
		printed := someKey("0", "b.example", "ps1", 5)
		printed.Print = "SHA256:00"
		return errors.Join(tx.PutKey(someKey("3", "a.example", "ps1", 10)), tx.PutKey(someKey("1", "a.example", "ps1", 20)),
			tx.PutKey(someKey("2", "a.example", "ps2", 20)), tx.PutKey(printed))
	})
	view(t, s, func(tx domains.Tx) error {
		sameIDs(t, "[3 1 2]")(tx.KeysOf("a.example"))
		sameIDs(t, "[]")(tx.KeysOf("c.example"))
		sameIDs(t, "[3 1 2]")(tx.KeysIn("a.example"))
		sameIDs(t, "[]")(tx.KeysIn("c.example"))
		sameIDs(t, "[1 3]")(tx.KeysNamed("a.example", "ps1"))
		sameIDs(t, "[0]")(tx.KeysPrinted("SHA256:00"))
		sameIDs(t, "[]")(tx.KeysPrinted("SHA256:01"))
		sameIDs(t, "[1 2 3]")(tx.Keys("", "", 3))
		sameIDs(t, "[3 0]")(tx.Keys("a.example", "2", 3))
		sameIDs(t, "[]")(tx.Keys("b.example", "0", 3))
		return nil
	})
}

func dueKeys(t *testing.T, s domains.Store) {
	update(t, s, func(tx domains.Tx) error {
		for i, id := range []string{"never", "late", "first", "second"} {
			k := someKey(id, "a.example", id, i)
			k.NextCheckAt = map[string]time.Time{"late": moment.Add(time.Microsecond), "first": moment.Add(-time.Hour), "second": moment}[id]
			if err := tx.PutKey(k); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(tx domains.Tx) error {
		sameIDs(t, "[first second]")(tx.Due(moment, 10))
		sameIDs(t, "[first]")(tx.Due(moment, 1))
		sameIDs(t, "[first second late]")(tx.Due(moment.Add(100*365*24*time.Hour), 10))
		return nil
	})
}
