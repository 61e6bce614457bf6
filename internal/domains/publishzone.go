package domains

import (
	"context"
	"slices"
	"time"
)

// keyZoneWatch remembers when the key zone was compared with what the store wants of it.
type keyZoneWatch struct {
	seen  int64         // last line of the journal at that time
	at    time.Duration // Clock.Elapsed
	took  time.Duration
	begun bool
}

const (
	keyZoneEvery = 10 * time.Minute // also without a line of the journal
	keyZoneLeast = time.Second
	keyZoneShare = 20 // of the time, one part at most goes into reading the whole store
)

// watchKeyZone notes what has to be written into the key zone: after each change in the
// store, but not all of the time. It says when it wants to be asked again.
func (p *Publisher) watchKeyZone(ctx context.Context) (again time.Time, err error) {
	s := p.service
	if s.publishing.KeyZone == "" {
		return time.Time{}, nil
	}
	var last []Entry
	err = s.store.View(ctx, func(tx Tx) (err error) {
		last, err = tx.Journal(JournalQuery{Last: true, Limit: 1})
		return err
	})
	if err != nil || len(last) == 0 {
		return time.Time{}, err
	}
	begin := s.clock.Elapsed()
	rest := p.zone.at + max(keyZoneLeast, keyZoneShare*p.zone.took) - begin
	switch {
	case p.zone.begun && last[0].ID == p.zone.seen && begin-p.zone.at < keyZoneEvery:
		return time.Time{}, nil
	case p.zone.begun && rest > 0:
		return s.now().Add(rest), nil
	}
	if err := s.planKeyZone(ctx, p.keeper.update); err != nil {
		return time.Time{}, err
	}
	end := s.clock.Elapsed()
	p.zone = keyZoneWatch{seen: last[0].ID, at: end, took: end - begin, begun: true}
	return time.Time{}, nil
}

// planKeyZone notes the differences between the key zone as it has to be and as it was
// written. A row that somebody works at meanwhile is compared once more.
func (s *Service) planKeyZone(ctx context.Context, update update) error {
	for range 3 {
		step, _, err := s.compareKeyZone(ctx)
		if err != nil {
			return err
		}
		overtaken := false
		for part := range step.parts(keyZoneRows) {
			err := update(ctx, func(tx Tx) error {
				now, err := part.ofNow(tx)
				if err != nil {
					return err
				}
				overtaken = overtaken || len(now.put)+len(now.gone) < len(part.put)+len(part.gone)
				return now.save(tx)
			})
			if err != nil {
				return err
			}
		}
		if !overtaken {
			break
		}
	}
	return nil
}

// revokeTargets has what stands of compromised keys in the key zone revoked, without waiting
// until all of the zone is compared.
func (l *life) revokeTargets(tx Tx) error {
	step := plan{now: l.now}
	for _, k := range l.keys {
		if !k.Compromised || k.Target == "" || l.publishing == nil || l.publishing.KeyZone == "" {
			continue
		}
		row, err := tx.Published(l.publishing.KeyZone, k.Target, "TXT")
		if ignoreNotFound(err) != nil {
			return err
		}
		if err == nil && row.Want == k.Record {
			step.want(row, wanted{DNSRecord: DNSRecord{Value: RevokedRecord, TTL: keyZoneTTL}, owner: row.Owner})
		}
	}
	return step.save(tx)
}

// compareKeyZone gives what has to be noted, and the rows that stand there now.
func (s *Service) compareKeyZone(ctx context.Context) (step plan, written []Published, err error) {
	rows, err := s.situations(ctx)
	if err != nil {
		return step, nil, err
	}
	owners := map[string]string{} // by target
	for _, row := range rows {
		for _, k := range row.Keys {
			if k.Target != "" && (owners[k.Target] == "" || k.Pair == "") {
				owners[k.Target] = row.Domain.Name
			}
			for _, slot := range k.OtherSlots(row.Domain.Slots) {
				if owners[slot.Target] == "" {
					owners[slot.Target] = row.Domain.Name
				}
			}
		}
	}
	var want []wanted
	for _, r := range KeyZoneRecords(s.policy, rows) {
		want = append(want, wanted{DNSRecord: r, owner: owners[r.Name]})
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		written, err = tx.PublishedInKeyZone()
		return err
	})
	step = plan{now: s.now(), driver: s.publishing.KeyZone, zoned: true}
	step.compare(slices.DeleteFunc(slices.Clone(written), s.outside), want)
	return step, written, err
}

// keyZoneRows is how many rows of the key zone are noted in one transaction.
const keyZoneRows = 1000

// situations reads all rows with their keys.
func (s *Service) situations(ctx context.Context) (rows []Situation, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		rows = nil
		keys := map[string][]Key{}
		if err := eachKey(tx, func(k Key) { keys[k.Owner] = append(keys[k.Owner], k) }); err != nil {
			return err
		}
		return eachDomain(tx, func(d Domain) { rows = append(rows, Situation{Domain: d, Keys: byAge(keys[d.Name])}) })
	})
	return rows, err
}
