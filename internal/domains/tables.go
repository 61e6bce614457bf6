package domains

import (
	"context"
	"slices"
	"strings"

	"github.com/postseal/postseal/dkim"
)

// TableKey is the public side of a key of the hand-edited tables.
type TableKey struct{ key Key }

// NewTableKey describes a key of the tables. The private half is not kept.
func NewTableKey(domain, selector string, private *dkim.PrivateKey) (TableKey, error) {
	d, err := newDraft(private)
	if err != nil {
		return TableKey{}, err
	}
	d.Key.Domain, d.Key.Selector, d.Key.Imported = strings.ToLower(domain), strings.ToLower(selector), true
	d.Key.Owner = tablePrefix + d.Key.Domain
	return TableKey{d.Key}, nil
}

// tablePrefix begins the names of rows that watch keys of the tables. No domain
// has a colon.
const tablePrefix = "table:"

// Watched says that a row only watches keys of the hand-edited tables: they are
// checked and blocked as others are, but their private halves are not here.
func (d *Domain) Watched() bool { return isWatched(d.Name) }

// ParseRow reads the name of a row that is there, and gives its domain: what
// ParseName takes, or "table:example.com" for one that watches.
func ParseRow(text string) (name, domain string, err error) {
	if watched, ok := strings.CutPrefix(text, tablePrefix); ok {
		domain, err = ParseDomain(watched, true)
		return tablePrefix + domain, domain, err
	}
	return ParseName(text, true)
}

// SigningDomain is the d= of a row's keys.
func (d *Domain) SigningDomain() string { return domainOf(d.Name) }

func isWatched(name string) bool { return strings.HasPrefix(name, tablePrefix) }

// WatchTables brings what is watched in line with the tables. A table's key signs
// at once, as admins expect, and stops only when DNS loses it; behind the gate it
// waits for DNS as managed keys do (Snapshot.Blocked names it until then). A key
// that is managed under the same name is not watched.
func (s *Service) WatchTables(ctx context.Context, actor string, keys []TableKey, gate bool) error {
	wanted := map[string][]TableKey{}
	for _, k := range keys {
		wanted[k.key.Owner] = append(wanted[k.key.Owner], k)
	}
	names, err := s.unlike(ctx, wanted, gate)
	for batch := range slices.Chunk(names, 100) {
		if err != nil {
			break
		}
		err = s.store.Update(ctx, func(tx Tx) error {
			for _, name := range batch {
				if err := s.watch(tx, actor, name, wanted[name], gate); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return err
}

// unlike are the rows that differ from what is wanted, in order.
func (s *Service) unlike(ctx context.Context, wanted map[string][]TableKey, gate bool) ([]string, error) {
	var names []string
	err := s.store.View(ctx, func(tx Tx) error {
		have, prints, managed := map[string]Domain{}, map[string][]string{}, map[string]bool{}
		err := eachDomain(tx, func(d Domain) {
			if d.Watched() {
				have[d.Name] = d
			}
		})
		if err == nil {
			err = eachKey(tx, func(k Key) {
				if isWatched(k.Owner) {
					prints[k.Owner] = append(prints[k.Owner], k.Selector+" "+k.Print)
				} else if k.living() {
					managed[dkim.RecordName(k.Selector, k.Domain)] = true
				}
			})
		}
		names = nil
		for name, keys := range wanted {
			keys = slices.DeleteFunc(keys, func(k TableKey) bool { return managed[dkim.RecordName(k.key.Selector, k.key.Domain)] })
			if wanted[name] = keys; len(keys) == 0 {
				delete(wanted, name)
				continue
			}
			d, there := have[name]
			if !there || d.Activation != tableActivation(gate) || !sameSet(prints[name], tablePrints(keys)) {
				names = append(names, name)
			}
		}
		for name := range have {
			if wanted[name] == nil {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return err
	})
	return names, err
}

func tableActivation(gate bool) Activation {
	if gate {
		return ActivateVerified
	}
	return ActivateImmediate
}

func tablePrints(keys []TableKey) []string {
	var out []string
	for _, k := range keys {
		out = append(out, k.key.Selector+" "+k.key.Print)
	}
	return out
}

func sameSet(a, b []string) bool {
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// watch makes one row watch just these keys.
func (s *Service) watch(tx Tx, actor, name string, keys []TableKey, gate bool) error {
	d := Domain{
		Name: name, Enabled: true, Activation: tableActivation(gate), Publish: PublishTXT, CreatedAt: s.now(),
	}
	before, err := loadOrNew(tx, d)
	if err != nil {
		return err
	}
	l := s.life(before, actor, "watch")
	l.domain = d
	if !before.Domain.CreatedAt.IsZero() {
		l.domain.CreatedAt = before.Domain.CreatedAt
	}
	if err := l.dropUnwatched(tx, keys); err != nil {
		return err
	}
	l.behindGate()
	for _, k := range keys {
		if err := l.watchKey(tx, k); err != nil {
			return err
		}
	}
	if err := l.save(tx, before); err != nil || len(l.keys) > 0 {
		return err
	}
	return tx.DeleteDomain(name)
}

// behindGate takes keys out of service that DNS never confirmed, where the gate is new.
func (l *life) behindGate() {
	for _, k := range l.keys {
		if l.domain.Activation == ActivateVerified && k.State == Active && k.VerifiedAt.IsZero() {
			l.move(k, Pending, "the tables are behind the gate now")
			l.openWindow(k)
			l.schedule(k)
		}
	}
}

// dropUnwatched forgets keys that the tables do not have any more.
func (l *life) dropUnwatched(tx Tx, keys []TableKey) error {
	wanted := tablePrints(keys)
	var kept []*Key
	for _, k := range l.keys {
		if slices.Contains(wanted, k.Selector+" "+k.Print) {
			kept = append(kept, k)
			continue
		}
		l.note(k, "not in the tables any more")
		if err := tx.DeleteKey(k.ID); err != nil {
			return err
		}
	}
	l.keys = kept
	return nil
}

func (l *life) watchKey(tx Tx, t TableKey) error {
	managed, err := isManagedKey(tx, t)
	if err != nil || managed || slices.ContainsFunc(l.keys, func(k *Key) bool { return k.Selector == t.key.Selector && k.Print == t.key.Print }) {
		return err
	}
	k := t.key
	k.CreatedAt, k.Health.Since = l.now, l.now
	l.keys = append(l.keys, &k)
	to := Pending
	if l.domain.Activation == ActivateImmediate {
		to, k.ActivatedAt = Active, l.now
	}
	l.move(&k, to, "in the tables")
	l.openWindow(&k)
	l.schedule(&k)
	return nil
}

// isManagedKey: the store itself has a key of this name.
func isManagedKey(tx Tx, t TableKey) (bool, error) {
	keys, err := tx.KeysNamed(t.key.Domain, t.key.Selector)
	return slices.ContainsFunc(keys, func(k Key) bool { return !isWatched(k.Owner) && k.living() }), err
}
