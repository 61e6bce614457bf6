package domains

import (
	"context"
	"errors"
	"time"
)

// Publisher has the drivers write what stands in the store to be written: on the one
// host whose keeper holds the lease.
type Publisher struct {
	service *Service
	keeper  *Keeper
	zone    keyZoneWatch
}

// NewPublisher makes a publisher beside a keeper.
func NewPublisher(s *Service, k *Keeper) *Publisher { return &Publisher{service: s, keeper: k} }

const (
	publishIdle  = 30 * time.Second
	publishDue   = 2000             // records looked at in one round, of all drivers
	publishBatch = 200              // records of one driver and zone that are written together
	publishFor   = 90 * time.Second // bounds what a driver does with a batch
	// publishClaim is after how long a record whose publisher died is tried again.
	publishClaim      = publishFor + 30*time.Second
	publishRetryFirst = 15 * time.Second
	publishRetryMost  = time.Hour
	// publishForeignRetry: a record of somebody else goes when a person removes it.
	publishForeignRetry = 15 * time.Minute
	publishTellAfter    = 5 // attempts that failed
)

// Run publishes until ctx ends.
func (p *Publisher) Run(ctx context.Context) {
	var away bool // the store; said once
	p.service.watch(ctx, func(ctx context.Context) time.Duration {
		next, err := p.Turn(ctx)
		again := away
		if away = errors.Is(err, ErrUnavailable); err != nil && ctx.Err() == nil && !errors.Is(err, errLeaseLost) && !(away && again) {
			p.service.log.Error("records cannot be published for now", "error", err)
		}
		if err != nil {
			return idleFault
		}
		return p.service.until(next, publishIdle)
	})
}

// Turn does one round of what is due and says when something is due next; zero if nothing
// is, or another host holds the lease.
func (p *Publisher) Turn(ctx context.Context) (next time.Time, err error) {
	if p.keeper.holding().Number == 0 {
		return time.Time{}, nil
	}
	soon, err := p.watchKeyZone(ctx)
	if err != nil {
		return time.Time{}, err
	}
	due, err := p.due(ctx)
	switch {
	case err != nil || len(due) == 0:
		return soon, err
	case due[0].NextAt.After(p.service.now()):
		return earlier(soon, due[0].NextAt), nil
	}
	if err := p.round(ctx, due); err != nil {
		return time.Time{}, err
	}
	return p.service.now(), nil // there may be more
}

// due lists what is due, or if nothing is, the record that will be first.
func (p *Publisher) due(ctx context.Context) (due []Published, err error) {
	now := p.service.now()
	err = p.service.store.View(ctx, func(tx Tx) (err error) {
		if due, err = tx.PublishedDue(now, publishDue); err == nil && len(due) == 0 {
			due, err = tx.PublishedDue(now.Add(100*365*day), 1)
		}
		return err
	})
	return due, err
}
