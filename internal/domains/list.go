package domains

import (
	"context"
	"slices"
	"time"
)

// Row is a line of the list: a domain with its keys and its status.
type Row struct {
	Domain Domain `json:"domain"`
	Keys   []Key  `json:"keys"` // oldest first; destroyed ones are left out
	Status Status `json:"status"`

	Publishing []Published `json:"publishing,omitempty"` // records that drivers write
}

// List gives up to limit rows with a name above after, by name.
func (s *Service) List(ctx context.Context, after string, limit int) ([]Row, error) {
	var rows []Row
	err := s.store.View(ctx, func(tx Tx) error {
		rows = nil
		for len(rows) < limit {
			domains, err := tx.Domains(after, limit)
			if err != nil {
				return err
			}
			for _, d := range domains {
				after = d.Name
				if !d.DeletedAt.IsZero() || len(rows) == limit {
					continue
				}
				row, err := s.row(tx, d)
				if err != nil {
					return err
				}
				rows = append(rows, row)
			}
			if len(domains) < limit {
				break
			}
		}
		return nil
	})
	return rows, err
}

func (s *Service) row(tx Tx, d Domain) (Row, error) {
	keys, err := tx.KeysOf(d.Name)
	if err != nil {
		return Row{}, err
	}
	return s.rowOf(tx, d, keys)
}

// rowOf is a row whose keys have been read, oldest first.
func (s *Service) rowOf(tx Tx, d Domain, keys []Key) (row Row, err error) {
	now := s.aligned(Situation{Domain: d, Keys: keys})
	d, keys = now.Domain, now.Keys
	row = Row{Domain: d, Status: StatusOf(d, keys, s.now())}
	if row.Publishing, err = s.rowPublishing(tx, &d, keys); err != nil {
		return Row{}, err
	}
	row.Status = row.Status.withPublishing(&d, row.Publishing)
	for _, k := range keys {
		if k.DestroyedAt.IsZero() {
			row.Keys = append(row.Keys, k)
		}
	}
	return row, nil
}

// Detail is everything about one row.
type Detail struct {
	Row
	History []Key                 `json:"history,omitempty"` // destroyed keys
	Runs    map[string][]CheckRun `json:"runs"`              // by Key.ID, newest first
	Next    map[string]string     `json:"next"`              // by Key.ID: what comes next
	Journal []Entry               `json:"journal"`           // the latest, oldest first
}

// CanRollBack: there is a key that Rollback would look at.
func (d *Detail) CanRollBack() bool {
	return len(rollbacks(ofThisLife(&d.Domain, slices.Concat(d.History, d.Keys)))) > 0
}

// What a Detail holds at most.
const (
	detailRuns    = 5
	detailEntries = 50
)

// Show tells everything about one row.
func (s *Service) Show(ctx context.Context, name string) (Detail, error) {
	var d Detail
	err := s.store.View(ctx, func(tx Tx) error {
		situation, err := loadLive(tx, name)
		if err != nil {
			return err
		}
		situation = s.aligned(situation)
		d = Detail{Runs: map[string][]CheckRun{}, Next: map[string]string{}}
		if d.Row, err = s.row(tx, situation.Domain); err != nil {
			return err
		}
		l := s.life(situation, "", "")
		for _, k := range l.keys {
			if !k.DestroyedAt.IsZero() {
				d.History = append(d.History, *k)
			}
			if d.Runs[k.ID], err = tx.Runs(k.ID, detailRuns); err != nil {
				return err
			}
			d.Next[k.ID] = l.nextStep(k)
		}
		d.Journal, err = tx.Journal(JournalQuery{Domain: name, Last: true, Limit: detailEntries})
		return err
	})
	return d, err
}

// Journal lists lines of the journal, oldest first.
func (s *Service) Journal(ctx context.Context, q JournalQuery) (entries []Entry, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) {
		entries, err = tx.Journal(q)
		return err
	})
	return entries, err
}

// nextStep says what the future holds for a key.
func (l *life) nextStep(k *Key) string {
	switch {
	case k.State == Generated:
		return "records are handed out"
	case k.State == Pending && k.Good.Count > 0:
		return "confirmed once; the second look is at " + stamp(k.NextCheckAt)
	case k.State == Pending:
		return "next look " + stamp(k.NextCheckAt) + "; gives up at " + stamp(k.Deadline)
	case k.State == Failed && k.NextCheckAt.IsZero():
		return "`verify --retry` looks again"
	case k.State == Failed, k.State == Suspended:
		return "next look " + stamp(k.NextCheckAt)
	case k.State == Ready && l.domain.Activation == ActivateManual:
		return "`enable` lets it sign"
	case k.State == Ready:
		return "signs from " + stamp(k.HoldUntil)
	case k.State == Active && k.Health.Status == Broken:
		if grace, ever := l.grace(&l.domain, k.Health.Reason); !ever {
			return "stops signing at " + stamp(k.Health.Since.Add(grace))
		}
	case k.State == Retiring && l.domain.KeepsSlot(k):
		return "the slot is free at " + stamp(l.retireAt(k)) + "; its CNAME stays"
	case k.State == Retiring:
		return "keep the record until " + stamp(l.retireAt(k))
	case !k.DestroyedAt.IsZero():
		return ""
	case k.State == Retired && k.DNSGoneAt.IsZero() && l.domain.KeepsSlot(k):
		return "the slot is free; its CNAME stays"
	case k.State == Retired && k.DNSGoneAt.IsZero():
		return "the record is safe to remove from DNS"
	case k.State == Retired:
		return "destroyed at " + stamp(k.DNSGoneAt.Add(l.DestroyAfter))
	}
	return ""
}

// KeepUntil is when the record of a retiring key may go.
func (s *Service) KeepUntil(d Domain, k Key) time.Time {
	return s.life(Situation{Domain: d}, "", "").retireAt(&k)
}
