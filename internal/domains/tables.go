package domains

import (
	"context"
	"fmt"
	"slices"

	"github.com/postseal/postseal/dkim"
)

// TableKey is a key of the hand-edited tables of a host.
type TableKey struct {
	Domain   string // d=, in lower-case A-labels
	Selector string // s=, in lower case
	Print    dkim.Fingerprint
	// Read gives the key itself, of which only the public half is kept. It is called for
	// a pair that the store does not know.
	Read func() (*dkim.PrivateKey, error)
}

func (k *TableKey) name() string { return k.Selector + " " + k.Print.String() }

// WatchTables takes what the tables of a host have, and brings what is watched in line
// with the tables of all hosts: what any of them has is watched. A table's key signs at
// once, as admins expect, and stops only when DNS loses it; behind the gate it waits for
// DNS as managed keys do, and signs while Snapshot.Confirmed names it. A key that is
// managed under the same name is not watched.
func (s *Service) WatchTables(ctx context.Context, actor string, host Host, keys []TableKey, gate bool) error {
	w := watching{service: s, actor: actor, host: host, gate: gate, wanted: map[string][]TableKey{}, drafts: map[string]Key{}}
	for _, k := range keys {
		w.wanted[k.Domain] = append(w.wanted[k.Domain], k)
	}
	unlike, known, err := w.unlike(ctx)
	for batch := range slices.Chunk(unlike, 100) {
		if err != nil {
			break
		}
		w.read(batch, known)
		err = w.bringInLine(ctx, batch)
	}
	return err
}

// watching is one host's call of WatchTables.
type watching struct {
	service *Service
	actor   string
	host    Host
	gate    bool
	wanted  map[string][]TableKey // by domain
	drafts  map[string]Key        // public sides of wanted ones that the store did not know, by domain and name
}

// declarations are what the host says of a domain.
func (w *watching) declarations(domain string) map[string]Declaration {
	out := map[string]Declaration{}
	for _, k := range w.wanted[domain] {
		out[k.name()] = Declaration{Domain: domain, Selector: k.Selector, Print: k.Print.String(), Host: w.host.Name, Gated: w.gate}
	}
	return out
}

// unlike are the domains of which the store has something else than it should, in order;
// known are the keys that are watched, by domain and name.
func (w *watching) unlike(ctx context.Context) (names []string, known map[string]bool, err error) {
	err = w.service.store.View(ctx, func(tx Tx) error {
		v := view{said: declared{}, others: declared{}, rows: map[string]Activation{}, watched: map[string][]string{}, managed: map[string]bool{}}
		err := v.read(tx, w.host.Name)
		if err != nil {
			return err
		}
		hosts, err := tx.Hosts()
		shared := len(twinsOf(hosts, w.host, w.service.now())) > 0
		names, known = nil, map[string]bool{}
		for domain := range v.domains(w.wanted) {
			if v.differs(domain, w.declarations(domain), shared) {
				names = append(names, domain)
			}
			for _, name := range v.watched[domain] {
				known[domain+" "+name] = true
			}
		}
		slices.Sort(names)
		return err
	})
	return names, known, err
}

// read reads what the store does not know, before the transaction.
func (w *watching) read(batch []string, known map[string]bool) {
	for _, domain := range batch {
		for _, k := range w.wanted[domain] {
			id := domain + " " + k.name()
			if _, drafted := w.drafts[id]; known[id] || drafted {
				continue
			}
			private, err := k.Read()
			if err != nil {
				continue // it went bad, which is told elsewhere
			}
			draft, err := newDraft(private)
			if err != nil || draft.Key.Print != k.Print.String() {
				continue // another key by now: the next pass tells of it
			}
			draft.Key.Domain, draft.Key.Selector, draft.Key.Imported = k.Domain, k.Selector, true
			w.drafts[id] = draft.Key
		}
	}
}

// bringInLine does so for some domains.
func (w *watching) bringInLine(ctx context.Context, batch []string) error {
	return w.service.store.Update(ctx, func(tx Tx) error {
		hosts, err := tx.Hosts()
		if err != nil {
			return err
		}
		shared := len(twinsOf(hosts, w.host, w.service.now())) > 0
		for _, domain := range batch {
			all, err := declare(tx, w.host.Name, domain, w.declarations(domain), shared)
			if err != nil {
				return err
			}
			if err := w.watch(tx, domain, all); err != nil {
				return fmt.Errorf("keys of the tables for %s: %w", domain, err)
			}
		}
		return nil
	})
}

// watch makes the row of a domain watch just what the tables have.
func (w *watching) watch(tx Tx, domain string, tables []Declaration) error {
	s := w.service
	d := Domain{Name: tablePrefix + domain, Enabled: true, Publish: PublishTXT, CreatedAt: s.now()}
	before, err := loadOrNew(tx, d)
	if err != nil {
		return err
	}
	l := s.life(before, w.actor, "watch")
	if before.Domain.CreatedAt.IsZero() {
		l.domain = d
	}
	l.domain.Activation = tableActivation(tables)
	unmanaged := map[string]bool{}
	for _, t := range tables {
		managed, err := isManagedKey(tx, t)
		if err != nil {
			return err
		}
		unmanaged[t.name()] = unmanaged[t.name()] || !managed
	}
	if err := l.unwatch(tx, func(k *Key) bool { return unmanaged[k.pairName()] }, "not in the tables of any host"); err != nil {
		return err
	}
	l.behindGate()
	for _, t := range tables {
		draft, mine := w.drafts[domain+" "+t.name()]
		if mine && unmanaged[t.name()] && !slices.ContainsFunc(l.keys, func(k *Key) bool { return k.pairName() == t.name() }) {
			l.watchKey(draft, "in the tables")
			stolen, err := stolenPair(tx, draft.Print, "")
			if err != nil {
				return err
			}
			if stolen != nil { // nothing signs with it, and somebody has put it there
				l.stopPair(&draft)
			}
		}
	}
	return l.saveWatched(tx, before)
}

// tableActivation: one host that wants the gate is enough for DNS to be waited for; the
// others do not ask whether it has confirmed a key.
func tableActivation(tables []Declaration) Activation {
	if slices.ContainsFunc(tables, func(d Declaration) bool { return d.Gated }) {
		return ActivateVerified
	}
	return ActivateImmediate
}

// behindGate takes keys out of service that DNS never confirmed, where the gate is new,
// and puts those in that waited, where it is gone.
func (l *life) behindGate() {
	for _, k := range l.keys {
		switch gated := l.domain.Activation == ActivateVerified; {
		case gated && k.State == Active && k.VerifiedAt.IsZero():
			l.move(k, Pending, "the tables are behind the gate now")
			l.openWindow(k)
			l.schedule(k)
		case !gated && k.State.beforeSigning():
			l.activateUnverified(k, "the tables are not behind the gate any more")
		}
	}
}

// pairName names a key among those of its domain: a selector may have several pairs.
func (k *Key) pairName() string { return k.Selector + " " + k.Print }

// isManagedKey: the store itself has this pair under this name.
func isManagedKey(tx Tx, d Declaration) (bool, error) {
	keys, err := tx.KeysNamed(d.Domain, d.Selector)
	return slices.ContainsFunc(keys, func(k Key) bool { return !isWatched(k.Owner) && k.living() && k.Print == d.Print }), err
}
