package domains

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
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

// expire ends a wish whose time is over.
func (p *Published) expire(now time.Time) {
	if !p.Until.IsZero() && !now.Before(p.Until) {
		p.Want, p.Until, p.Since = "", time.Time{}, now
		p.Attempts, p.Problem, p.Foreign, p.ToldAt = 0, "", false, time.Time{}
	}
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

// finish notes what came of a batch.
func (s *Service) finish(ctx context.Context, actor string, b *batch, outcomes []DNSOutcome, update update) error {
	return update(ctx, func(tx Tx) error {
		for i, attempted := range b.rows {
			row, err := tx.Published(attempted.Driver, attempted.Name, attempted.Type)
			switch {
			case errors.Is(err, ErrNotFound):
				err = s.concludeGone(tx, attempted, outcomes[i])
			case err == nil:
				err = s.conclude(tx, actor, row, attempted, outcomes[i])
			}
			if err != nil {
				return err
			}
		}
		if slices.ContainsFunc(outcomes, func(o DNSOutcome) bool { return o.Anew }) {
			return s.writeAgain(tx, b)
		}
		return nil
	})
}

// writeAgain has a driver write all that it wrote into a zone before, and that is gone: a zone
// file was lost, or a person has deleted our part of it.
func (s *Service) writeAgain(tx Tx, b *batch) error {
	rows, err := tx.PublishedBelow(b.driver, b.zone)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if s.zoneFor(&row) != b.zone || slices.ContainsFunc(b.rows, func(r Published) bool { return r.Name == row.Name && r.Type == row.Type }) {
			continue
		}
		if err := row.dueAgain(tx, s.now()); err != nil {
			return err
		}
	}
	return nil
}

// conclude notes the outcome of one attempt. The wish may have changed meanwhile: then
// only what stands in DNS is learned from it. Another attempt may have begun, of the
// daemon and of `domain publish`: then nobody knows whose change came last.
func (s *Service) conclude(tx Tx, actor string, row, attempted Published, o DNSOutcome) error {
	if attempted.overtaken(&row) {
		if !o.Touched {
			return nil
		}
		row.doubt(attempted.Want, s.now())
		return tx.PutPublished(row)
	}
	if !o.Touched && row.Revision == attempted.Revision { // nothing was sent: what the attempt might have written it did not
		row.Maybe = attempted.Maybe
	}
	if row.Want == attempted.Want && row.Since.Equal(attempted.Since) {
		return s.settle(tx, actor, row, o)
	}
	if o.Err != nil || o.Verdict == DNSForeign {
		return nil
	}
	row.learn(attempted.Want, o, attempted.ours(), s.now())
	row.Revision++
	return tx.PutPublished(row)
}

// overtaken says whether more has happened to a row since it was claimed for an attempt
// than that something else is wanted.
func (p *Published) overtaken(row *Published) bool {
	otherWish := row.Revision == p.Revision+1 && row.Attempts == 0 && !row.Since.Equal(p.Since)
	return row.Revision != p.Revision && !otherWish
}

// doubt has DNS looked at again: a value may have been written there since it was known
// what stands.
func (p *Published) doubt(value string, now time.Time) {
	if value != "" && !slices.Contains(p.Maybe, value) {
		p.Maybe = append(p.Maybe, value)
	}
	p.NextAt = now
	p.Revision++
}

// concludeGone sees to what an attempt may have written for a row that is gone by now:
// another driver has the record, or a person, or nobody wants it and it has to go.
func (s *Service) concludeGone(tx Tx, attempted Published, o DNSOutcome) error {
	if !o.Touched || attempted.Want == "" {
		return nil
	}
	rows, err := tx.PublishedOf(attempted.Owner)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.Name == attempted.Name && row.Type == attempted.Type {
			row.doubt(attempted.Want, s.now())
			return tx.PutPublished(row)
		}
	}
	d, err := tx.Domain(attempted.Owner)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err == nil && !attempted.Zoned && d.Driver == "" && d.DeletedAt.IsZero() {
		return nil // what stands is a person's
	}
	back := Published{
		Driver: attempted.Driver, Name: attempted.Name, Type: attempted.Type, Owner: attempted.Owner, Zoned: attempted.Zoned,
		Since: s.now(), Revision: attempted.Revision,
	}
	back.doubt(attempted.Want, s.now())
	return tx.PutPublished(back)
}

// learn takes what a successful attempt says about DNS.
func (p *Published) learn(value string, o DNSOutcome, ours []string, now time.Time) {
	switch {
	case o.Verdict != DNSSame:
		p.WrittenAt = now
	case !slices.Contains(ours, value): // somebody else published it
		p.WrittenAt = time.Time{}
	case p.WrittenAt.IsZero():
		p.WrittenAt = now
	}
	p.Value, p.Maybe = value, nil
}
