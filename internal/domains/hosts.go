package domains

import (
	"context"
	"slices"
	"time"
)

// HostStarted notes that a process of a host signs from the store. If the one before it
// did not stop in order, its last signatures are unknown, and now is taken for them:
// that errs to longer retention. One that is alive after all comes back with its next
// report. h.Version is what the process has read; 0 if it does not know yet.
func (s *Service) HostStarted(ctx context.Context, h Host) error {
	now := s.now()
	return s.store.Update(ctx, func(tx Tx) error {
		hosts, err := tx.Hosts()
		if err != nil {
			return err
		}
		if before := ofName(hosts, h.Name); len(before) > 0 {
			if err := markAll(tx, now, 0); err != nil { // nobody knows when it fell
				return err
			}
			if err := deleteHosts(tx, before); err != nil {
				return err
			}
		}
		h.SeenAt = now
		return tx.PutHost(h)
	})
}

func ofName(hosts []Host, name string) []Host {
	return slices.DeleteFunc(slices.Clone(hosts), func(h Host) bool { return h.Name != name })
}

func deleteHosts(tx Tx, hosts []Host) error {
	for _, h := range hosts {
		if err := tx.DeleteHost(h.Name, h.Process); err != nil {
			return err
		}
	}
	return nil
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

// HostReports takes what a process signed with, by key, and which snapshot it runs. It
// reports every minute, and at its stop. twins are other processes that report under
// the same host name: each keeps a row of its own, and retirement waits for all.
func (s *Service) HostReports(ctx context.Context, h Host, signed map[string]time.Time) (twins int, err error) {
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		for id, at := range signed {
			if err := tx.MarkSigned(id, storeTime(at)); err != nil {
				return err
			}
		}
		h.SeenAt = now
		if err := tx.PutHost(h); err != nil {
			return err
		}
		hosts, err := tx.Hosts()
		twins = len(twinsOf(hosts, h, now))
		return err
	})
	return twins, err
}

// twinsOf are the other processes of a host name that reported lately.
func twinsOf(hosts []Host, h Host, now time.Time) []Host {
	return slices.DeleteFunc(ofName(hosts, h.Name), func(o Host) bool {
		return o.Process == h.Process || now.Sub(o.SeenAt) >= hostSilence
	})
}

// HostStopped notes an orderly stop: retirement does not wait for the process any more.
// What its tables have stays watched, for it will be back.
func (s *Service) HostStopped(ctx context.Context, actor string, h Host) error {
	return s.store.Update(ctx, func(tx Tx) error {
		if err := tx.DeleteHost(h.Name, h.Process); err != nil {
			return err
		}
		return tx.Append(Entry{At: s.now(), Actor: actor, Verb: "host stopped", Reason: h.Name})
	})
}

// hostSilence is after how long without a report, one of which comes every minute,
// a host is taken for dead without being asked about. It is as much as a dead one
// may have signed after its last report.
const hostSilence = 5 * time.Minute

// Hosts lists the processes that sign from the store, by name.
func (s *Service) Hosts(ctx context.Context) (hosts []Host, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) {
		hosts, err = tx.Hosts()
		return err
	})
	return hosts, err
}

// HostTables counts the keys that the tables of each host have: of hosts that stopped, too,
// since what those had stays watched.
func (s *Service) HostTables(ctx context.Context) (counts map[string]int, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		counts = map[string]int{}
		return eachDeclaration(tx, func(d Declaration) { counts[d.Host]++ })
	})
	return counts, err
}

// ForgetHost takes a host off the list that is gone for good, so that retirement does
// not wait for it, with what its tables had. One that has reported lately wants a yes:
// if it lives, it comes back with its next report, and its tables with its next reload.
func (s *Service) ForgetHost(ctx context.Context, actor, name string, yes bool) error {
	declared, err := s.declaredBy(ctx, name)
	if err != nil {
		return err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		hosts, err := tx.Hosts()
		if err != nil {
			return err
		}
		hosts = ofName(hosts, name)
		if len(hosts)+len(declared) == 0 {
			return &Refused{Rule: "no-such-host", What: "no host " + name + " signs from this store", Way: "`postseal host list` shows them", Err: ErrNotFound}
		}
		return s.forgetHosts(tx, actor, name, hosts, yes)
	})
	if err != nil {
		return err
	}
	w := watching{service: s, actor: actor, host: Host{Name: name}}
	for batch := range slices.Chunk(declared, 100) {
		if err := w.bringInLine(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) forgetHosts(tx Tx, actor, name string, hosts []Host, yes bool) error {
	now, last := s.now(), time.Time{}
	for _, h := range hosts {
		if now.Sub(h.SeenAt) < hostSilence && !yes {
			return &Unconfirmed{"host-alive", name + " reported at " + stamp(h.SeenAt) + " and may still be signing; a key that it signs with could be taken out of DNS too early."}
		}
		if err := markAll(tx, earlier(h.SeenAt.Add(hostSilence), now), h.Version); err != nil {
			return err
		}
		if h.SeenAt.After(last) {
			last = h.SeenAt
		}
	}
	if err := deleteHosts(tx, hosts); err != nil {
		return err
	}
	reason := name + ", which had stopped"
	if len(hosts) > 0 {
		reason = name + ", last heard of at " + stamp(last)
	}
	return tx.Append(Entry{At: now, Actor: actor, Verb: "host forget", Reason: reason})
}
