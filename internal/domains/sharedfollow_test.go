package domains

import "testing"

// someKeys is a store where a key of the set is used by another tenant's domain.
type someKeys struct{ Tx }

func (someKeys) Domain(name string) (Domain, error) {
	return Domain{Name: name, Owner: "acme", Publish: PublishCNAMEShared}, nil
}

func (t someKeys) Domains(string, int) ([]Domain, error) {
	d, err := t.Domain("a.test")
	return []Domain{d}, err
}

func (someKeys) KeysPrinted(print string) ([]Key, error) {
	return []Key{{Owner: "a.test", Pair: "1", Print: print, State: Active}}, nil
}

// Who uses the set is asked of the whole store, whoever asks: a key that others use must
// not retire.
func TestUsesOfTheSetAreSeenByAll(t *testing.T) {
	tx := tenantTx{someKeys{}, "eve"}
	if rows, err := followers(tx); err != nil || len(rows) != 1 {
		t.Errorf("followers: %+v, %v", rows, err)
	}
	if used, err := usedBy(tx, &Key{ID: "1", Print: "p"}); err != nil || len(used) != 1 {
		t.Errorf("used by: %+v, %v", used, err)
	}
}
