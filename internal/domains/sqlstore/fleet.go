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

var hostTable = newTable("hosts", 2, func(h *domains.Host) []column {
	return []column{
		{"name", text[string]{&h.Name}},
		{"process", text[string]{&h.Process}},
		{"seen_at", instant{&h.SeenAt}},
		{"version", whole[int64]{&h.Version}},
	}
})

func (t *tx) Hosts() ([]domains.Host, error) { return hostTable.list(t, "ORDER BY name, process") }

func (t *tx) PutHost(h domains.Host) error { return hostTable.put(t, h) }

func (t *tx) DeleteHost(name, process string) error {
	return t.exec("DELETE FROM hosts WHERE name = $1 AND process = $2", name, process)
}

var declarationTable = newTable("table_keys", 4, func(d *domains.Declaration) []column {
	return []column{
		{"domain", text[string]{&d.Domain}},
		{"selector", text[string]{&d.Selector}},
		{"fingerprint", text[string]{&d.Print}},
		{"host", text[string]{&d.Host}},
		{"gated", flag{&d.Gated}},
	}
})

func (t *tx) Declarations(after domains.Declaration, limit int) ([]domains.Declaration, error) {
	return declarationTable.list(t, "WHERE (domain, selector, fingerprint, host) > ($1, $2, $3, $4) ORDER BY domain, selector, fingerprint, host LIMIT $5",
		after.Domain, after.Selector, after.Print, after.Host, limit)
}

func (t *tx) DeclarationsOf(domain string) ([]domains.Declaration, error) {
	return declarationTable.list(t, "WHERE domain = $1 ORDER BY selector, fingerprint, host", domain)
}

func (t *tx) PutDeclaration(d domains.Declaration) error { return declarationTable.put(t, d) }

func (t *tx) DeleteDeclaration(d domains.Declaration) error {
	return t.exec("DELETE FROM table_keys WHERE domain = $1 AND selector = $2 AND fingerprint = $3 AND host = $4", d.Domain, d.Selector, d.Print, d.Host)
}
