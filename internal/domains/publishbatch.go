package domains

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// update is a transaction, which may be refused to who lost the lease.
type update func(ctx context.Context, f func(Tx) error) error

// batch are records of one driver in one zone, claimed for an attempt.
type batch struct {
	driver, zone string
	rows         []Published
}

// attempt is a record with what came of trying to write it.
type attempt struct {
	Published
	outcome DNSOutcome
}

// publish tries records, also before they are due with force. What an attempt is to do
// stands in the store before it is made, and what came of it afterwards. It gives the
// rows as they were wanted.
func (s *Service) publish(ctx context.Context, actor string, due []Published, update update, force bool) ([]attempt, error) {
	batches, out, err := s.claim(ctx, actor, due, update, force)
	if err != nil {
		return nil, err
	}
	for _, b := range batches {
		outcomes := s.apply(ctx, &b)
		if ctx.Err() != nil {
			return out, ctx.Err() // another try when the claim runs out
		}
		if err := s.finish(ctx, actor, &b, outcomes, update); err != nil {
			return out, err
		}
		for i := range b.rows {
			out = append(out, attempt{b.rows[i], outcomes[i]})
		}
	}
	return out, nil
}

// claim takes records out of reach of other publishers and notes the attempt. Those that
// nothing has to be done about in DNS are done with it, as refused.
func (s *Service) claim(ctx context.Context, actor string, due []Published, update update, force bool) (batches []batch, settled []attempt, err error) {
	found := map[[2]string]*batch{}
	err = update(ctx, func(tx Tx) error {
		clear(found)
		settled = nil
		for _, d := range due {
			row, err := tx.Published(d.Driver, d.Name, d.Type)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			now := s.now()
			if !force && (row.NextAt.IsZero() || row.NextAt.After(now)) {
				continue // somebody was faster
			}
			row.expire(now)
			zone, fault := s.publishing.mayWrite(&row)
			switch {
			case fault != nil:
				outcome := DNSOutcome{Err: fault}
				row.Attempts++
				if err = s.settle(tx, actor, row, outcome); err != nil {
					return err
				}
				settled = append(settled, attempt{row, outcome})
				continue
			case row.Want == "" && len(row.ours()) == 0: // nothing there is ours
				if err := s.leave(tx, actor, row); err != nil {
					return err
				}
				continue
			}
			row.Attempts++
			row.NextAt = now.Add(publishClaim)
			claimed := row
			if row.Want != "" && !slices.Contains(row.Maybe, row.Want) {
				row.Maybe = append(slices.Clone(row.Maybe), row.Want)
			}
			row.Revision++
			claimed.Revision = row.Revision
			if err := tx.PutPublished(row); err != nil {
				return err
			}
			key := [2]string{row.Driver, zone}
			if found[key] == nil {
				found[key] = &batch{driver: row.Driver, zone: zone}
			}
			found[key].rows = append(found[key].rows, claimed)
		}
		return nil
	})
	for _, key := range slices.SortedFunc(maps.Keys(found), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		batches = append(batches, *found[key])
	}
	return batches, settled, err
}

// leave forgets a record that somebody else wrote: it is not ours to remove.
func (s *Service) leave(tx Tx, actor string, row Published) error {
	if row.Value != "" {
		err := tx.Append(s.publishEntry(actor, &row, "the record "+row.Name+" is not wanted any more and stays: postseal did not write it"))
		if err != nil {
			return err
		}
	}
	return tx.DeletePublished(row.Driver, row.Name, row.Type)
}

// apply has a driver do a batch. There is an outcome for each row.
func (s *Service) apply(ctx context.Context, b *batch) []DNSOutcome {
	ctx, cancel := context.WithTimeout(ctx, publishFor)
	defer cancel()
	changes := make([]DNSChange, len(b.rows))
	for i := range b.rows {
		changes[i] = b.rows[i].change(b.zone)
	}
	driver := s.publishing.Drivers[b.driver]
	outcomes, err := driver.Writer.Apply(ctx, b.zone, changes)
	if err == nil && len(outcomes) != len(changes) {
		err = fmt.Errorf("the driver %s tells of %d records where %d were to be written", b.driver, len(outcomes), len(changes))
	}
	if err == nil {
		return outcomes
	}
	outcomes = make([]DNSOutcome, len(changes))
	for i := range outcomes {
		outcomes[i] = DNSOutcome{Touched: true, Err: err}
	}
	return outcomes
}
