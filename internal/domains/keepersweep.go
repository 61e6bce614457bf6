package domains

import (
	"context"
	"time"
)

// sweepEvery is how often is looked for what is over.
const sweepEvery = time.Hour

// sweep removes the rows of deleted domains that are over, and candidates that nobody
// sends from any more; new ones that had to wait are told.
func (k *Keeper) sweep(ctx context.Context) error {
	elapsed := k.service.clock.Elapsed()
	if k.swept != 0 && elapsed-k.swept < sweepEvery {
		return nil
	}
	k.swept = elapsed
	if err := k.service.keepShared(ctx, "keeper@"+k.host, k.update); err != nil {
		return err
	}
	var deleted []string
	err := k.service.store.View(ctx, func(tx Tx) error {
		deleted = nil
		return eachDomain(tx, func(d Domain) {
			if !d.DeletedAt.IsZero() {
				deleted = append(deleted, d.Name)
			}
		})
	})
	if err == nil {
		err = k.update(ctx, func(tx Tx) error {
			if _, err := k.service.pruneCandidates(tx); err != nil {
				return err
			}
			return k.service.tellCandidates(tx)
		})
	}
	for _, name := range deleted {
		if err == nil {
			err = k.update(ctx, func(tx Tx) error { return k.forget(tx, name) })
		}
	}
	return err
}

// forget removes the rows of a domain; tombstones and journal stay.
func (k *Keeper) forget(tx Tx, name string) error {
	s, err := load(tx, name)
	if err != nil || !k.service.life(s, "", "").forgettable() {
		return ignoreNotFound(err)
	}
	for _, key := range s.Keys {
		if err := tx.DeleteKey(key.ID); err != nil {
			return err
		}
	}
	return tx.DeleteDomain(name)
}
