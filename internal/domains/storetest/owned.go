package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// owned: what is asked for of one owner is what of all rows is that owner's.
func owned(t *testing.T, s domains.Store) {
	owners := []string{"", "acme", "eve", "none"}
	fillOwned(t, s, rand.New(rand.NewPCG(1, 2)), owners[:3])
	view(t, s, func(tx domains.Tx) error {
		for _, owner := range owners {
			ofOwner(t, tx, owner)
		}
		return nil
	})
	view(t, s, func(tx domains.Tx) error {
		for _, owner := range owners[1:] {
			journalOf(t, tx, owner)
		}
		return nil
	})
}

// fillOwned writes rows that lie among those of others, some deleted, some that were another's,
// and lines from before and after.
func fillOwned(t *testing.T, s domains.Store, r *rand.Rand, owners []string) {
	owner := func() string { return owners[r.IntN(len(owners))] }
	at := func() time.Time { return moment.Add(time.Duration(r.IntN(10)) * time.Microsecond) }
	sometimes := func() (when time.Time) {
		if r.IntN(2) == 0 {
			when = at()
		}
		return when
	}
	update(t, s, func(tx domains.Tx) error {
		for i := range 40 {
			name := fmt.Sprintf("%02d.example", i)
			if i%8 == 7 {
				name = "info@" + name
			}
			d := domains.Domain{Name: name, Owner: owner(), CreatedAt: at(), OwnedSince: sometimes(), DeletedAt: sometimes()}
			if err := tx.PutDomain(d); err != nil {
				return err
			}
			u := domains.User{Match: "sasl:" + name, Position: r.IntN(3), Owner: owner(), OwnedSince: sometimes()}
			if err := tx.PutUser(u); err != nil {
				return err
			}
		}
		for range 400 {
			name := fmt.Sprintf("%02d.example", r.IntN(44)) // of some there is no row
			name = []string{"", "sasl:", "info@", "sasl:info@"}[r.IntN(4)] + name
			if err := tx.Append(domains.Entry{At: at(), Verb: "verify", Domain: name}); err != nil {
				return err
			}
		}
		return nil
	})
}

func ofOwner(t *testing.T, tx domains.Tx, owner string) {
	all, err := tx.Domains("", 1000)
	if err != nil {
		t.Error(err)
	}
	own := slices.DeleteFunc(all, func(d domains.Domain) bool { return d.Owner != owner })
	same(t, own)(tx.DomainsOf(owner, "", 1000))
	for i, d := range own {
		same(t, own[i+1:min(i+4, len(own))])(tx.DomainsOf(owner, d.Name, 3))
	}
	users, err := tx.Users()
	if err != nil {
		t.Error(err)
	}
	same(t, slices.DeleteFunc(users, func(u domains.User) bool { return u.Owner != owner }))(tx.UsersOf(owner))
}

// journalOf compares with a reading of all lines, of whose rows each is looked up.
func journalOf(t *testing.T, tx domains.Tx, owner string) {
	all, err := tx.Journal(domains.JournalQuery{})
	if err != nil {
		t.Error(err)
	}
	own := slices.DeleteFunc(all, func(e domains.Entry) bool {
		if d, err := tx.Domain(e.Domain); err == nil && d.Owner == owner {
			return e.At.Before(d.OwnFrom())
		}
		u, err := tx.User(e.Domain)
		return err != nil || u.Owner != owner || e.At.Before(u.OwnedSince)
	})
	if (len(own) > 10) == (owner == "none") {
		t.Fatalf("%d lines of %q", len(own), owner)
	}
	same(t, own)(tx.Journal(domains.JournalQuery{Owner: owner}))
	for _, n := range []int{1, 5, len(all)} {
		last := max(0, len(own)-n)
		same(t, own[last:])(tx.Journal(domains.JournalQuery{Owner: owner, Last: true, Limit: n}))
		same(t, own[:min(n, len(own))])(tx.Journal(domains.JournalQuery{Owner: owner, Limit: n}))
		for _, e := range own[last:] {
			after := slices.DeleteFunc(slices.Clone(own), func(o domains.Entry) bool { return o.ID <= e.ID || o.At.Before(e.At) })
			same(t, after[:min(n, len(after))])(tx.Journal(domains.JournalQuery{Owner: owner, After: e.ID, Since: e.At, Limit: n}))
		}
	}
}
