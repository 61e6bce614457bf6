package sqlstore

import (
	"fmt"

	"github.com/postseal/postseal/internal/domains"
)

func (t *tx) PutPrivate(id string, pem []byte) error {
	sealed, err := t.store.box.Seal(pem)
	if err != nil {
		return fmt.Errorf("%s: key %s: %w", t.store.name, id, err)
	}
	return t.putSealed(id, sealed)
}

func (t *tx) putSealed(id string, sealed []byte) error {
	return t.exec("INSERT INTO private_halves (key_id, sealed) VALUES ($1, $2) ON CONFLICT (key_id) DO UPDATE SET sealed = excluded.sealed", id, sealed)
}

func (t *tx) Private(id string) ([]byte, error) {
	sealed, err := t.sealed(id)
	if err != nil {
		return nil, err
	}
	pem, err := t.store.box.Open(sealed)
	if err != nil {
		return nil, fmt.Errorf("%s: key %s: %w: %w", t.store.name, id, domains.ErrSealed, err)
	}
	return pem, nil
}

func (t *tx) sealed(id string) ([]byte, error) {
	var sealed []byte
	err := t.query("SELECT sealed FROM private_halves WHERE key_id = $1", []any{id}, []any{octets{&sealed}}, func() {})
	if err != nil {
		return nil, err
	}
	if sealed == nil {
		return nil, domains.ErrNotFound
	}
	return sealed, nil
}

func (t *tx) DeletePrivate(id string) error {
	t.erased = true
	return t.exec("DELETE FROM private_halves WHERE key_id = $1", id)
}
