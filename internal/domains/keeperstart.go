package domains

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Looks at keys after a start.
const (
	recheckGap    = 100 * time.Millisecond // from one key to the next, so that no name server is asked about all at once
	recheckRecent = 5 * time.Minute        // a key that was looked at so lately is left alone: a service may be restarted again and again
)

// recheckAll has DNS asked about all keys in service once after a start, when this
// process keeps the keys for the first time: nobody knows what went by meanwhile. With
// more keys than fit between now and their own time they keep to that.
func (k *Keeper) recheckAll(ctx context.Context) error {
	if k.begun {
		return nil
	}
	now := k.service.now()
	due := func(key *Key) bool {
		inService := key.State == Active || key.State == Suspended
		return inService && key.NextCheckAt.After(now) && now.Sub(key.LastCheckAt) >= recheckRecent
	}
	var ids []string
	err := k.service.store.View(ctx, func(tx Tx) error {
		ids = nil
		return eachKey(tx, func(key Key) {
			if due(&key) {
				ids = append(ids, key.ID)
			}
		})
	})
	at := now
	for batch := range slices.Chunk(ids, 100) {
		if err != nil {
			return err
		}
		first := at
		err = k.update(ctx, func(tx Tx) error {
			at = first
			for _, id := range batch {
				key, err := tx.Key(id)
				if ignoreNotFound(err) != nil {
					return err
				}
				if at = at.Add(recheckGap); err == nil && due(&key) && at.Before(key.NextCheckAt) {
					key.NextCheckAt = at
					key.Revision++
					if err := tx.PutKey(key); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	k.begun = err == nil
	return err
}

// reschedule brings back keys whose next look is further away than any schedule
// has it: a clock that was ahead had set them.
func (k *Keeper) reschedule(ctx context.Context) error {
	now := k.service.now()
	var late []Key
	err := k.service.store.View(ctx, func(tx Tx) error {
		late = nil
		return eachKey(tx, func(key Key) {
			if !key.NextCheckAt.IsZero() && (key.LastCheckAt.After(now) || key.CreatedAt.After(now)) {
				late = append(late, key)
			}
		})
	})
	for _, key := range late {
		if err != nil {
			break
		}
		err = k.update(ctx, func(tx Tx) error {
			at, err := tx.Key(key.ID)
			if err != nil {
				return fmt.Errorf("key %s: %w", key.ID, err)
			}
			at.LastCheckAt, at.FullCheckAt, at.NextCheckAt = earlier(at.LastCheckAt, now), earlier(at.FullCheckAt, now), now
			at.Revision++
			return tx.PutKey(at)
		})
	}
	return err
}
