package domains

import (
	"context"
	"errors"
	"time"
)

// errLeaseLost is a keeper's attempt to write after another host took over.
var errLeaseLost = errors.New("another host keeps the keys now")

// leaseFor is how long a holder that says nothing keeps the lease; it renews at
// a third of that.
const leaseFor = 30 * time.Second

// clockSlack is how far the clocks of hosts may be apart without any effect.
const clockSlack = leaseFor

// renew takes the lease if nobody holds it, or prolongs one's own (ruling 37).
// Clocks of hosts may differ: that can only make a host take over early, and the
// number keeps the former holder from writing.
func (k *Keeper) renew(ctx context.Context) (held bool, err error) {
	mine := k.holding()
	now := k.service.now()
	if mine.Number > 0 && now.Before(mine.Until.Add(-leaseFor*2/3)) && !now.Before(mine.Until.Add(-leaseFor)) {
		return true, nil
	}
	var lease Lease
	err = k.service.store.Update(ctx, func(tx Tx) error {
		held = false
		if lease, err = tx.Lease(); err != nil {
			return err
		}
		now = k.service.now()                                    // the store may have kept us waiting, while another host renewed
		far := lease.Until.After(now.Add(leaseFor + clockSlack)) // written by a clock that went ahead
		switch {
		case lease.Holder == k.host && lease.Number == mine.Number:
		case lease.Holder != "" && now.Before(lease.Until) && !far:
			return nil
		default:
			lease.Holder = k.host
			lease.Number++
		}
		lease.Until = now.Add(leaseFor)
		held = true
		return tx.PutLease(lease)
	})
	switch {
	case err != nil:
		return false, err
	case !held:
		k.hold(Lease{})
	default:
		k.gained = k.gained || mine.Number != lease.Number
		k.hold(lease)
	}
	return held, nil
}

// holding is the lease as this keeper knows it; zero without one.
func (k *Keeper) holding() Lease {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lease
}

func (k *Keeper) hold(l Lease) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lease = l
}

// release gives the lease back at an orderly stop, so that another host need not
// wait.
func (k *Keeper) release(ctx context.Context) error {
	mine := k.holding()
	if mine.Number == 0 {
		return nil
	}
	err := k.update(ctx, func(tx Tx) error {
		return tx.PutLease(Lease{Number: mine.Number})
	})
	k.hold(Lease{})
	if errors.Is(err, errLeaseLost) {
		return nil
	}
	return err
}

// verbs is the service with a store that only the holder of the lease writes to.
func (k *Keeper) verbs() *Service {
	s := *k.service
	s.store = fencedStore{s.store, k}
	return &s
}

type fencedStore struct {
	Store
	keeper *Keeper
}

// Update is that of the keeper.
func (s fencedStore) Update(ctx context.Context, f func(Tx) error) error {
	return s.keeper.update(ctx, f)
}

// update is a transaction that only the holder of the lease commits.
func (k *Keeper) update(ctx context.Context, f func(Tx) error) error {
	mine := k.holding()
	return k.service.store.Update(ctx, func(tx Tx) error {
		lease, err := tx.Lease()
		if err != nil {
			return err
		}
		if lease.Holder != k.host || lease.Number != mine.Number {
			return errLeaseLost
		}
		return f(tx)
	})
}
