package sqlstore

import (
	"fmt"

	"github.com/postseal/postseal/internal/domains"
)

func (t *tx) Version() (int64, error) {
	var version int64
	err := t.query("SELECT version FROM store", nil, []any{&version}, func() {})
	return version, err
}

func (t *tx) Bump() (int64, error) {
	if err := t.exec("UPDATE store SET version = version + 1"); err != nil {
		return 0, err
	}
	return t.Version()
}

func (t *tx) Lease() (domains.Lease, error) {
	var l domains.Lease
	err := t.query("SELECT lease_holder, lease_number, lease_until FROM store", nil,
		[]any{text[string]{&l.Holder}, whole[int64]{&l.Number}, instant{&l.Until}}, func() {})
	return l, err
}

// PutLease refuses a number below the store's (ruling 37): whoever has it was replaced meanwhile.
func (t *tx) PutLease(l domains.Lease) error {
	now, err := t.Lease()
	if err != nil {
		return err
	}
	if l.Number < now.Number {
		return fmt.Errorf("lease %d of %s is over: %s holds number %d", l.Number, l.Holder, now.Holder, now.Number)
	}
	return t.exec("UPDATE store SET lease_holder = $1, lease_number = $2, lease_until = $3",
		text[string]{&l.Holder}, whole[int64]{&l.Number}, instant{&l.Until})
}

var hostTable = newTable("hosts", 1, func(h *domains.Host) []column {
	return []column{
		{"name", text[string]{&h.Name}},
		{"seen_at", instant{&h.SeenAt}},
		{"version", whole[int64]{&h.Version}},
	}
})

func (t *tx) Hosts() ([]domains.Host, error) { return hostTable.list(t, "ORDER BY name") }

func (t *tx) PutHost(h domains.Host) error { return hostTable.put(t, h) }

func (t *tx) DeleteHost(name string) error { return t.exec("DELETE FROM hosts WHERE name = $1", name) }
