package domains

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Publisher has the drivers write what stands in the store to be written, each for itself:
// what one of them waits for keeps none of the others. It works on the one host whose keeper
// holds the lease.
type Publisher struct {
	service *Service
	keeper  *Keeper
	zone    keyZoneWatch
	away    atomic.Bool // the store; said once
}

// NewPublisher makes a publisher beside a keeper.
func NewPublisher(s *Service, k *Keeper) *Publisher { return &Publisher{service: s, keeper: k} }

// NoDriver stands for all drivers that are not in the configuration any more.
const NoDriver = ""

const (
	publishIdle  = 30 * time.Second
	publishDue   = 2000             // records looked at in one round of a driver
	publishBatch = 200              // records of one driver and zone that are written together
	publishFor   = 90 * time.Second // bounds what a driver does with a batch
	// publishClaim is after how long a record whose publisher died is tried again.
	publishClaim      = publishFor + 30*time.Second
	publishRetryFirst = 15 * time.Second
	publishRetryMost  = time.Hour
	// publishForeignRetry: a record of somebody else goes when a person removes it.
	publishForeignRetry = 15 * time.Minute
	publishTellAfter    = 5 // attempts that failed
	// publishAhead is how long it has been due that a key is revoked, at once: it comes
	// before all that waits already.
	publishAhead = 365 * day
)

// Run publishes until ctx ends.
func (p *Publisher) Run(ctx context.Context) {
	var drivers sync.WaitGroup
	for name := range p.service.publishing.Drivers {
		drivers.Go(func() { p.drive(ctx, name) })
	}
	p.drive(ctx, NoDriver)
	drivers.Wait()
}

// drive has one driver work until ctx ends.
func (p *Publisher) drive(ctx context.Context, driver string) {
	Watch(ctx, p.service.store, func(ctx context.Context) time.Duration {
		next, err := p.Turn(ctx, driver)
		away := errors.Is(err, ErrUnavailable)
		again := p.away.Swap(away) && away
		if err != nil && ctx.Err() == nil && !errors.Is(err, errLeaseLost) && !again {
			p.service.log.Error("records cannot be published for now", "error", err)
		}
		if err != nil {
			return idleFault
		}
		return p.service.until(next, publishIdle)
	})
}

// Turn does one round of what is due for a driver and says when something is due next; zero
// if nothing is, or another host holds the lease.
func (p *Publisher) Turn(ctx context.Context, driver string) (next time.Time, err error) {
	if p.keeper.holding().Number == 0 {
		return time.Time{}, nil
	}
	if driver != NoDriver && driver == p.service.publishing.KeyZone {
		if next, err = p.watchKeyZone(ctx); err != nil {
			return time.Time{}, err
		}
	}
	due, err := p.due(ctx, driver)
	switch {
	case err != nil || len(due) == 0:
		return next, err
	case due[0].NextAt.After(p.service.now()):
		return earlier(next, due[0].NextAt), nil
	}
	if err := p.round(ctx, due); err != nil {
		return time.Time{}, err
	}
	return p.service.now(), nil // there may be more
}

// due lists what is due, or if nothing is, the record that will be first.
func (p *Publisher) due(ctx context.Context, driver string) (due []Published, err error) {
	now := p.service.now()
	err = p.service.store.View(ctx, func(tx Tx) (err error) {
		drivers := []string{driver}
		if driver == NoDriver {
			if drivers, err = p.unknown(tx); err != nil {
				return err
			}
		}
		if due, err = dueOf(tx, drivers, now, publishDue); err == nil && len(due) == 0 {
			due, err = dueOf(tx, drivers, now.Add(100*365*day), 1)
		}
		return err
	})
	return due, err
}

// dueOf lists what is due for some drivers, earliest first.
func dueOf(tx Tx, drivers []string, at time.Time, limit int) (due []Published, err error) {
	for _, name := range drivers {
		rows, err := tx.PublishedDue(name, at, limit)
		if err != nil {
			return nil, err
		}
		due = append(due, rows...)
	}
	slices.SortStableFunc(due, func(a, b Published) int { return a.NextAt.Compare(b.NextAt) })
	return due, nil
}

// unknown are the drivers that records stand with and that are not configured.
func (p *Publisher) unknown(tx Tx) ([]string, error) {
	drivers, err := tx.PublishedDrivers()
	return slices.DeleteFunc(drivers, func(name string) bool {
		_, configured := p.service.publishing.Drivers[name]
		return configured
	}), err
}
