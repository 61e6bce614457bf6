package domains

import (
	"errors"
	"fmt"
	"reflect"
	"time"
)

// load reads the situation of a domain.
func load(tx Tx, name string) (Situation, error) {
	var s Situation
	var err error
	if s.Domain, err = tx.Domain(name); err != nil {
		if errors.Is(err, ErrNotFound) {
			return s, unknownDomain(name)
		}
		return s, err
	}
	if s.Keys, err = tx.KeysOf(name); err != nil {
		return s, err
	}
	if s.Hosts, err = tx.Hosts(); err != nil {
		return s, err
	}
	s.Tables, err = tx.DeclarationsOf(domainOf(name))
	return s, err
}

// save writes what life made of a situation: keys with their private halves
// first, then states, journal and notifications, all in the caller's transaction.
func (l *life) save(tx Tx, before Situation) error {
	if err := l.stopAtVersion(tx, before); err != nil {
		return err
	}
	if err := l.saveRows(tx, before); err != nil {
		return err
	}
	for _, id := range l.erased {
		if err := tx.DeletePrivate(id); err != nil {
			return err
		}
	}
	for _, t := range l.buried {
		if err := tx.PutTombstone(t); err != nil {
			return err
		}
	}
	if err := l.savePublishing(tx, before); err != nil {
		return err
	}
	return l.saveRecords(tx)
}

// stopAtVersion makes a new version if what signs has changed, and notes it in
// the keys that stopped: they may not retire before every host has it.
func (l *life) stopAtVersion(tx Tx, before Situation) error {
	was, is := signingOf(before.Domain, before.Keys), signingOf(l.domain, l.values())
	if reflect.DeepEqual(was, is) {
		return nil
	}
	version, err := tx.Bump()
	if err != nil {
		return err
	}
	for _, stopped := range was.Keys {
		if k := l.key(stopped.ID); k != nil && !is.has(stopped.ID) {
			k.RetiringVersion = version
		}
	}
	return nil
}

func (l *life) saveRows(tx Tx, before Situation) error {
	for i := range l.drafts {
		pem, err := l.drafts[i].Private.PEM()
		if err != nil {
			return fmt.Errorf("encode the private half: %w", err)
		}
		if err := tx.PutPrivate(l.drafts[i].Key.ID, pem); err != nil {
			return err
		}
	}
	old := map[string]Key{}
	for _, k := range before.Keys {
		old[k.ID] = k
	}
	for _, k := range l.keys {
		if o, ok := old[k.ID]; ok && reflect.DeepEqual(o, *k) {
			continue
		}
		k.Revision++
		if err := tx.PutKey(*k); err != nil {
			return err
		}
	}
	if reflect.DeepEqual(before.Domain, l.domain) {
		return nil
	}
	return tx.PutDomain(l.domain)
}

func (l *life) saveRecords(tx Tx) error {
	for _, r := range l.runs {
		if err := tx.PutRun(r); err != nil {
			return err
		}
	}
	for _, e := range l.entries {
		if err := tx.Append(e); err != nil {
			return err
		}
	}
	for _, n := range l.notices {
		if err := tx.PutNotice(n); err != nil {
			return err
		}
	}
	return nil
}

func (l *life) values() []Key {
	keys := make([]Key, len(l.keys))
	for i, k := range l.keys {
		keys[i] = *k
	}
	return keys
}

// storeTime is the resolution that every engine keeps.
func storeTime(t time.Time) time.Time { return t.UTC().Round(0).Truncate(time.Microsecond) }
