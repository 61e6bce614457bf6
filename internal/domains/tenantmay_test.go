package domains_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// TestMayClaim: whether a name is free for a tenant is found from the keys of its domain. It is
// the same as what a look at all rows says.
func TestMayClaim(t *testing.T) {
	for seed := range uint64(150) {
		w := newWorld(t)
		r := rand.New(rand.NewPCG(seed, 0))
		some := func(names ...string) string { return names[r.IntN(len(names))] }
		w.must(w.store.Update(w.ctx, func(tx domains.Tx) error {
			for i := range 4 {
				d := domains.Domain{Name: some("a.test", "x@a.test", "y@a.test", "table:a.test", "lent:a.test", "b.a.test", "x@b.a.test"), Owner: some("", "eve", "acme"), CreatedAt: begin}
				if r.IntN(3) == 0 {
					d.DeletedAt = begin
				}
				k := domains.Key{ID: fmt.Sprint(i), Owner: d.Name, Domain: d.SigningDomain(), Selector: fmt.Sprint("s", i), Algorithm: dkim.RSASHA256, CreatedAt: begin}
				k.State = domains.State(some(string(domains.Pending), string(domains.Active), string(domains.Retiring), string(domains.Retired)))
				if r.IntN(2) == 0 {
					k.VerifiedAt = begin
				}
				if err := errors.Join(tx.PutDomain(d), tx.PutKey(k)); err != nil {
					return err
				}
			}
			return nil
		}))
		for _, name := range []string{"a.test", "x@a.test", "z@a.test", "b.a.test", "a@c.test"} {
			want, there := w.mayClaim("eve", name)
			if there {
				continue // it is not asked again, or its owner alone decides
			}
			_, err := w.service.Of("eve").Add(w.ctx, "panel:eve", domains.AddRequest{Name: name, Owner: "eve", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
			if (err == nil) != want {
				t.Errorf("seed %d: %s may be claimed: %t, and got %v", seed, name, want, err)
			}
			if err == nil {
				break // what was added changes the answer for the others
			}
		}
	}
}

// mayClaim looks at all rows.
func (w *world) mayClaim(tenant, name string) (may, there bool) {
	w.T.Helper()
	domain := (&domains.Domain{Name: name}).SigningDomain()
	may = true
	w.view(func(tx domains.Tx) error {
		rows, err := tx.Domains("", 1000)
		for _, d := range rows {
			there = there || d.Name == name && d.DeletedAt.IsZero()
			if d.Owner == tenant || d.Watched() || d.SigningDomain() != domain {
				continue
			}
			keys, err := tx.KeysOf(d.Name)
			if err != nil {
				return err
			}
			proven, living := false, false
			for _, k := range keys {
				proven, living = proven || !k.VerifiedAt.IsZero() || !k.ActivatedAt.IsZero(), living || k.State != domains.Retired
			}
			may = may && d.Name != domain && d.Name != name && !(proven && living)
		}
		return err
	})
	return may, there
}
