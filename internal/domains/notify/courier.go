package notify

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// Notifier delivers one notification. It may be asked again for the same
// Notice.ID after a crash between delivery and the note of it.
type Notifier interface {
	Notify(ctx context.Context, n domains.Notice) error
}

// Channel is a Notifier with the name under which the outbox knows it.
type Channel struct {
	Name     string
	Notifier Notifier
}

// Courier delivers what is in the outbox, by each channel once. Any number of
// hosts may run one: a notice is claimed before it is delivered.
type Courier struct {
	store    domains.Store
	clock    domains.Clock
	log      *slog.Logger
	channels []Channel
}

// NewCourier makes a courier. Without channels notifications are only logged.
func NewCourier(store domains.Store, clock domains.Clock, log *slog.Logger, channels ...Channel) *Courier {
	return &Courier{store, clock, log, channels}
}

// now is the time of day as the store has it.
func (c *Courier) now() time.Time { return c.clock.Now().UTC().Round(0).Truncate(time.Microsecond) }

const (
	courierBatch = 20
	courierIdle  = 30 * time.Second
	claimFor     = 5 * time.Minute // after that a notice whose courier died is tried again
	deliverFor   = time.Minute
	giveUpAfter  = 72 * time.Hour
	retryFirst   = time.Minute
	retryMost    = 6 * time.Hour
)

// Run delivers until ctx ends.
func (c *Courier) Run(ctx context.Context) {
	var away bool // the store; said once
	domains.Watch(ctx, c.store, func(ctx context.Context) time.Duration {
		for ctx.Err() == nil {
			more, err := c.Turn(ctx)
			again := away
			if away = errors.Is(err, domains.ErrUnavailable); err != nil && ctx.Err() == nil && !(away && again) {
				c.log.Error("notifications cannot be delivered for now", "error", err)
			}
			if !more || err != nil {
				break
			}
		}
		return courierIdle
	})
}

// Turn delivers what is due, up to a batch; more says that something may be left.
func (c *Courier) Turn(ctx context.Context) (more bool, err error) {
	due, err := c.due(ctx)
	if err != nil || !due {
		return false, err
	}
	claimed, err := c.claim(ctx)
	if err != nil {
		return false, err
	}
	silent := map[string]error{} // channels that gave no answer: they keep no other waiting
	for _, n := range claimed {
		if c.now().Add(deliverFor).After(n.NextAt) {
			break // the claim may run out meanwhile, and another courier take it: it is due again then
		}
		fault, skip := silent[n.Channel]
		if !skip {
			var inVain bool
			if inVain, fault = c.deliver(ctx, n); inVain {
				silent[n.Channel] = fault
			}
		}
		if ctx.Err() != nil {
			return false, ctx.Err() // another try when the claim runs out
		}
		if err := c.conclude(ctx, n, fault); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (c *Courier) due(ctx context.Context) (due bool, err error) {
	err = c.store.View(ctx, func(tx domains.Tx) error {
		notices, err := tx.Notices(c.now(), 1)
		due = len(notices) > 0
		return err
	})
	return due, err
}

// claim tells new notices apart by channel and puts what it takes out of reach
// of other couriers.
func (c *Courier) claim(ctx context.Context) (claimed []domains.Notice, err error) {
	var fresh []domains.Notice
	err = c.store.Update(ctx, func(tx domains.Tx) error {
		claimed, fresh = nil, nil
		now := c.now()
		notices, err := tx.Notices(now, courierBatch)
		if err != nil {
			return err
		}
		for _, n := range notices {
			if n.Channel == "" {
				fresh = append(fresh, n)
				err = c.tellApart(tx, n)
			} else {
				n.Attempts++
				n.NextAt = now.Add(claimFor)
				claimed = append(claimed, n)
				err = tx.PutNotice(n)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, n := range fresh {
		c.log.Info("notification", "event", string(n.Event), "domain", n.Domain, "selector", n.Selector, "text", n.Text)
	}
	return claimed, nil
}

// tellApart makes a notice for each channel of one.
func (c *Courier) tellApart(tx domains.Tx, n domains.Notice) error {
	if err := tx.DeleteNotice(n.ID); err != nil {
		return err
	}
	n.ID = 0
	for _, channel := range c.channels {
		n.Channel = channel.Name
		if err := tx.PutNotice(n); err != nil {
			return err
		}
	}
	return nil
}

// deliver gives a notice to its channel, and says whether that was waited for in vain.
func (c *Courier) deliver(ctx context.Context, n domains.Notice) (inVain bool, fault error) {
	attempt, cancel := context.WithTimeout(ctx, deliverFor)
	defer cancel()
	for _, channel := range c.channels {
		if channel.Name == n.Channel { // none: the configuration has changed, and nobody wants it
			fault = channel.Notifier.Notify(attempt, n)
		}
	}
	return fault != nil && attempt.Err() != nil || errors.Is(fault, context.DeadlineExceeded), fault
}

// conclude notes what came of an attempt.
func (c *Courier) conclude(ctx context.Context, n domains.Notice, fault error) error {
	if fault != nil && n.Attempts == 1 {
		c.log.Warn("a notification could not be delivered, it is tried again", "channel", n.Channel, "event", string(n.Event), "domain", n.Domain, "error", fault)
	}
	return c.store.Update(ctx, func(tx domains.Tx) error {
		if fault == nil {
			return tx.DeleteNotice(n.ID)
		}
		return c.putOff(tx, n, fault)
	})
}

// putOff tries again later, and gives up after days.
func (c *Courier) putOff(tx domains.Tx, n domains.Notice, fault error) error {
	now := c.now()
	if now.Sub(n.At) < giveUpAfter {
		n.Error = fault.Error()
		n.NextAt = now.Add(min(retryFirst<<min(n.Attempts-1, 20), retryMost))
		return tx.PutNotice(n)
	}
	if err := tx.DeleteNotice(n.ID); err != nil {
		return err
	}
	return tx.Append(domains.Entry{
		At: now, Actor: "courier", Verb: "notify", Domain: n.Domain, Selector: n.Selector,
		Reason: string(n.Event) + " by " + n.Channel + " given up: " + fault.Error(),
	})
}
