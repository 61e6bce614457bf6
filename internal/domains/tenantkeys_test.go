package domains

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// pagedKeys are rows of two tenants, two keys each; IDs do not ascend with age.
type pagedKeys struct{ Tx }

func (pagedKeys) Domain(name string) (Domain, error) {
	rows, _ := pagedKeys{}.DomainsOf("", "", 100)
	i := slices.IndexFunc(rows, func(d Domain) bool { return d.Name == name })
	if i < 0 {
		return Domain{}, ErrNotFound
	}
	return rows[i], nil
}

// DomainsOf gives those of all for no owner.
func (pagedKeys) DomainsOf(owner, after string, limit int) (out []Domain, _ error) {
	for i := range 9 {
		d := Domain{Name: fmt.Sprintf("%d.test", i), Owner: []string{"acme", "eve"}[i%2]}
		if (owner == "" || d.Owner == owner) && d.Name > after && len(out) < limit {
			out = append(out, d)
		}
	}
	return out, nil
}

func (pagedKeys) KeysOf(name string) ([]Key, error) {
	return []Key{{ID: "b" + name, Owner: name}, {ID: "a" + name, Owner: name}}, nil
}

// A tenant's keys come in pages of any size, each once, and nobody else's.
func TestTenantKeysInPages(t *testing.T) {
	for limit := 1; limit < 12; limit++ {
		var got []string
		owner, id := "", ""
		for {
			keys, err := tenantTx{pagedKeys{}, "eve"}.Keys(owner, id, limit)
			if err != nil || len(keys) > limit {
				t.Fatal(keys, err)
			}
			for _, k := range keys {
				got = append(got, k.ID)
				owner, id = k.Owner, k.ID
			}
			if len(keys) < limit {
				break
			}
		}
		if want := []string{"a1.test", "b1.test", "a3.test", "b3.test", "a5.test", "b5.test", "a7.test", "b7.test"}; !slices.Equal(got, want) {
			t.Errorf("%d at a time: %q", limit, got)
		}
	}
	keys, err := tenantTx{pagedKeys{}, "eve"}.Keys("2.test", "", 1)
	if errors.Is(err, ErrNotFound) || len(keys) != 1 || keys[0].Owner != "3.test" {
		t.Errorf("after another's row: %+v, %v", keys, err)
	}
}
