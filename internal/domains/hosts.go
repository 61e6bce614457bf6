package domains

import (
	"context"
	"slices"
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
				if err := markAll(tx, now, 0); err != nil { // nobody knows when it fell
					return err
				}
			}
		}
		return tx.PutHost(Host{Name: name, SeenAt: now})
	})
}

// markAll marks every key that a host may have signed with until it fell: those in
// service, and those that were replaced since the version that it had.
func markAll(tx Tx, now time.Time, version int64) error {
	var ids []string
	err := eachKey(tx, func(k Key) {
		if k.State == Active || k.State == Retiring && k.RetiringVersion > version {
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

// HostStopped notes an orderly stop: retirement does not wait for the host any more.
func (s *Service) HostStopped(ctx context.Context, actor, name string) error {
	return s.store.Update(ctx, func(tx Tx) error {
		if err := tx.DeleteHost(name); err != nil {
			return err
		}
		return tx.Append(Entry{At: s.now(), Actor: actor, Verb: "host stopped", Reason: name})
	})
}

// hostSilence is after how long without a report, one of which comes every minute,
// a host is taken for dead without being asked about. It is as much as a dead one
// may have signed after its last report.
const hostSilence = 5 * time.Minute

// Hosts lists the machines that sign from the store, by name.
func (s *Service) Hosts(ctx context.Context) (hosts []Host, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) {
		hosts, err = tx.Hosts()
		return err
	})
	return hosts, err
}

// ForgetHost takes a host off the list that is gone for good, so that retirement does
// not wait for it. One that has reported lately wants a yes: if it lives, it comes
// back with its next report.
func (s *Service) ForgetHost(ctx context.Context, actor, name string, yes bool) error {
	return s.store.Update(ctx, func(tx Tx) error {
		hosts, err := tx.Hosts()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(hosts, func(h Host) bool { return h.Name == name })
		if i < 0 {
			return &Refused{Rule: "no-such-host", What: "no host " + name + " signs from this store", Way: "`postseal host list` shows them", Err: ErrNotFound}
		}
		seen, now := hosts[i].SeenAt, s.now()
		if now.Sub(seen) < hostSilence && !yes {
			return &Unconfirmed{"host-alive", name + " reported at " + stamp(seen) + " and may still be signing; a key that it signs with could be taken out of DNS too early."}
		}
		if err := markAll(tx, earlier(seen.Add(hostSilence), now), hosts[i].Version); err != nil {
			return err
		}
		if err := tx.DeleteHost(name); err != nil {
			return err
		}
		return tx.Append(Entry{At: now, Actor: actor, Verb: "host forget", Reason: name + ", last heard of at " + stamp(seen)})
	})
}
