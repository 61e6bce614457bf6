package domains

import (
	"context"
	"errors"
	"slices"
)

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
