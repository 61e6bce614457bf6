package domains

import (
	"context"
	"time"
)

// HostStarted notes that a host signs from the store. If it did not stop in
// order last time, its last signatures are unknown, and now is taken for them:
// that errs to longer retention.
func (s *Service) HostStarted(ctx context.Context, name string) error {
	now := s.now()
	return s.store.Update(ctx, func(tx Tx) error {
		hosts, err := tx.Hosts()
		if err != nil {
			return err
		}
		for _, h := range hosts {
			if h.Name == name {
				if err := markAll(tx, now); err != nil {
					return err
				}
			}
		}
		return tx.PutHost(Host{Name: name, SeenAt: now})
	})
}

// markAll marks every key that may have signed when the host fell.
func markAll(tx Tx, now time.Time) error {
	var ids []string
	err := eachKey(tx, func(k Key) {
		if k.State == Active || k.State == Retiring {
			ids = append(ids, k.ID)
		}
	})
	for _, id := range ids {
		if err == nil {
			err = tx.MarkSigned(id, now)
		}
	}
	return err
}

// HostReports takes what a host signed with, by key, and which snapshot it runs.
// A host reports every minute, and at its stop.
func (s *Service) HostReports(ctx context.Context, name string, version int64, signed map[string]time.Time) error {
	return s.store.Update(ctx, func(tx Tx) error {
		for id, at := range signed {
			if err := tx.MarkSigned(id, storeTime(at)); err != nil {
				return err
			}
		}
		return tx.PutHost(Host{Name: name, SeenAt: s.now(), Version: version})
	})
}

// HostStopped notes an orderly stop, or that a host is gone for good: retirement
// does not wait for it any more.
func (s *Service) HostStopped(ctx context.Context, actor, name string) error {
	return s.store.Update(ctx, func(tx Tx) error {
		if err := tx.DeleteHost(name); err != nil {
			return err
		}
		return tx.Append(Entry{At: s.now(), Actor: actor, Verb: "host stopped", Reason: name})
	})
}
