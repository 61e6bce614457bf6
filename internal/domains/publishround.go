package domains

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	publishRound  = 10 * time.Second // after it a driver begins nothing more in a round: others may have become due
	publishSilent = 2 * time.Second  // a batch that failed after that long was waited for in vain
	publishPutOff = time.Minute      // what a silent driver has to do besides
)

// round has the drivers do what is due, each for itself: what one of them waits for keeps
// none of the others.
func (p *Publisher) round(ctx context.Context, due []Published) error {
	var drivers [][]Published
	places := map[string]int{}
	for _, row := range due {
		name := row.Driver
		if _, configured := p.service.publishing.Drivers[name]; !configured {
			name = ""
		}
		at, ok := places[name]
		if !ok {
			at = len(drivers)
			places[name], drivers = at, append(drivers, nil)
		}
		drivers[at] = append(drivers[at], row)
	}
	errs := make([]error, len(drivers))
	var others sync.WaitGroup
	for i, rows := range drivers[1:] {
		others.Go(func() { errs[i+1] = p.drive(ctx, rows) })
	}
	errs[0] = p.drive(ctx, drivers[0])
	others.Wait()
	return errors.Join(errs...)
}

// drive has one driver do what is due for it, zone by zone. A driver that lets us wait in
// vain for one zone is not asked about the others for a while.
func (p *Publisher) drive(ctx context.Context, rows []Published) error {
	s := p.service
	begin := s.clock.Elapsed()
	batches := s.byZone(rows)
	for i, b := range batches {
		at := s.clock.Elapsed()
		if i > 0 && at-begin >= publishRound {
			return nil
		}
		tried, err := s.publish(ctx, "keeper@"+p.keeper.host, b, p.keeper.update, false)
		if err != nil {
			return err
		}
		if s.clock.Elapsed()-at >= publishSilent && !slices.ContainsFunc(tried, func(a attempt) bool { return a.outcome.Err == nil }) {
			return p.putOff(ctx, slices.Concat(batches[i+1:]...))
		}
	}
	return nil
}

// byZone parts rows of one driver into batches of a zone, that of the first row first.
func (s *Service) byZone(rows []Published) (batches [][]Published) {
	var zones []string
	of := map[string][]Published{}
	for _, row := range rows {
		zone := s.zoneFor(&row)
		if of[zone] == nil {
			zones = append(zones, zone)
		}
		of[zone] = append(of[zone], row)
	}
	for _, zone := range zones {
		batches = slices.AppendSeq(batches, slices.Chunk(of[zone], publishBatch))
	}
	return batches
}

// putOff lets records wait whose driver is silent. It is no attempt: the zone that the
// driver fails in waits longer than these, so that they come before it another time.
func (p *Publisher) putOff(ctx context.Context, rows []Published) error {
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
			if row.NextAt.IsZero() || row.NextAt.After(now) {
				continue // somebody else tries it
			}
			if row.Problem == "" {
				row.Problem = fmt.Sprintf("put off: the driver %s gave no answer about another zone", row.Driver)
			}
			row.NextAt = now.Add(publishPutOff)
			row.Revision++
			if err := tx.PutPublished(row); err != nil {
				return err
			}
		}
		return nil
	})
}
