package domains

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	publishRound  = 2 * time.Second // after it a driver begins nothing more in a round: something urgent may have become due
	publishPutOff = time.Minute     // what is left of a zone about which a driver gave no answer
)

// noAnswer is what errors of a DNSWriter have that has waited in vain: for a server, a
// program, a lock.
type noAnswer interface{ NoAnswer() bool }

// silent tells whether a driver gave no answer about some of what was tried.
func silent(tried []attempt) bool {
	return slices.ContainsFunc(tried, func(a attempt) bool { return isSilent(a.outcome.Err) })
}

func isSilent(err error) bool {
	var waited noAnswer
	return errors.As(err, &waited) && waited.NoAnswer()
}

// round has a driver do what is due for it, zone by zone, and ends where the driver lets us
// wait in vain: that zone is behind all others then.
func (p *Publisher) round(ctx context.Context, rows []Published) error {
	s := p.service
	begin := s.clock.Elapsed()
	batches := s.batches(rows)
	for i, b := range batches {
		if i > 0 && s.clock.Elapsed()-begin >= publishRound {
			return nil
		}
		tried, err := s.publish(ctx, "keeper@"+p.keeper.host, b, p.keeper.update, false)
		if err != nil {
			return err
		}
		if silent(tried) {
			return p.putOff(ctx, s.zoneFor(&b[0]), slices.Concat(batches[i+1:]...))
		}
	}
	return nil
}

// batches parts rows into those of one driver and zone, that of the first row first.
func (s *Service) batches(rows []Published) (batches [][]Published) {
	var places [][2]string
	of := map[[2]string][]Published{}
	for _, row := range rows {
		place := [2]string{row.Driver, s.zoneFor(&row)}
		if of[place] == nil {
			places = append(places, place)
		}
		of[place] = append(of[place], row)
	}
	for _, place := range places {
		batches = slices.AppendSeq(batches, slices.Chunk(of[place], publishBatch))
	}
	return batches
}

// putOff lets the other records of a zone wait about which the driver gave no answer. Those
// of other zones are still due, and say why they have not had their turn.
func (p *Publisher) putOff(ctx context.Context, zone string, rows []Published) error {
	if len(rows) == 0 {
		return nil
	}
	return p.keeper.update(ctx, func(tx Tx) error {
		now := p.service.now()
		for _, r := range rows {
			row, err := tx.Published(r.Driver, r.Name, r.Type)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			same := p.service.zoneFor(&row) == zone
			if row.NextAt.IsZero() || row.NextAt.After(now) || !same && row.Problem != "" {
				continue // somebody else tries it, or nothing is to be noted
			}
			if row.Problem == "" {
				row.Problem = notTried(row.Driver)
			}
			if same {
				row.NextAt = now.Add(publishPutOff)
			}
			row.Revision++
			if err := tx.PutPublished(row); err != nil {
				return err
			}
		}
		return nil
	})
}

func notTried(driver string) string {
	return fmt.Sprintf("not tried yet: the driver %s gave no answer about something else", driver)
}
