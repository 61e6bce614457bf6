package sqlstore

import (
	"context"
	"fmt"

	"github.com/postseal/postseal/internal/domains"
)

const rekeyAtOnce = 200 // private halves in one transaction

// Rekey seals every private half anew, to the recipients that this host has now, and returns how many there were. What it did
// before an error stays done; it can run again.
func (s *Store) Rekey(ctx context.Context) (int, error) {
	done, after := 0, ""
	for {
		var ids []string
		err := s.Update(ctx, func(dt domains.Tx) (err error) {
			ids, err = dt.(*tx).rekey(after)
			return err
		})
		if err != nil {
			return done, err
		}
		done += len(ids)
		if len(ids) < rekeyAtOnce {
			break
		}
		after = ids[len(ids)-1]
	}
	// last: until now the old identity is needed, and the probe says so
	return done, s.Update(ctx, func(dt domains.Tx) error { return dt.(*tx).putProbe() })
}

// rekey seals the next private halves, by key ID, and returns their IDs.
func (t *tx) rekey(after string) ([]string, error) {
	var ids []string
	var id string
	err := t.query("SELECT key_id FROM private_halves WHERE key_id > $1 ORDER BY key_id LIMIT $2", []any{after, rekeyAtOnce},
		[]any{&id}, func() { ids = append(ids, id) })
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		sealed, err := t.sealed(id)
		if err != nil {
			return nil, err
		}
		fresh, err := t.store.box.Rekey(sealed)
		if err != nil {
			return nil, fmt.Errorf("%s: key %s: %w: %w", t.store.name, id, domains.ErrSealed, err)
		}
		t.erased = true
		if err := t.putSealed(id, fresh); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
