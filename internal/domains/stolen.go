package domains

import (
	"fmt"
	"slices"
)

// compromise stops the pair of a key in its row, and finds what signs in its place; nil if
// nothing does.
func (l *life) compromise(tx Tx, k *Key, spare *Draft) (*Key, error) {
	served := l.stopPair(k)
	if !served {
		return nil, nil
	}
	if next := l.takeOver(k); next != nil {
		return next, nil
	}
	if spare == nil || l.noSuccessorYet(k) != nil {
		return nil, nil
	}
	if _, err := l.introduce(tx, []Draft{*spare}); err != nil {
		if isRefused(err) { // no free slot: the domain goes unsigned, which is said
			l.note(nil, "no successor: %v", err)
			return nil, nil
		}
		return nil, err
	}
	next := l.key(spare.Key.ID)
	l.handOut(next)
	return next, nil
}

// stopPair stops each key of a row that has the pair of k, and tells whether one of them
// was in service. All are stopped before anything follows: none of them can.
func (l *life) stopPair(k *Key) (served bool) {
	for _, same := range l.keys {
		if same.Print != k.Print || same.Compromised {
			continue
		}
		served = served || same.inService()
		same.Compromised, same.CompromisedAt = true, l.now
		l.retire(same, "compromised")
		l.schedule(same)
		switch {
		case l.nameTaken(same):
			l.tell(KeyCompromised, same, "%s: the key %s of before is compromised and stopped. Its name has another key now, whose record belongs there.",
				l.domain.Name, same.Selector)
		case same == k || same.DNSGoneAt.IsZero():
			l.tell(KeyCompromised, same, "%s: the key %s is compromised and stopped. Publish %q at %s at once.",
				l.domain.Name, same.Selector, RevokedRecord, same.recordAt())
		}
	}
	return served
}

// takeOver lets a ready key take over from one that was stopped; nil: there is none.
func (l *life) takeOver(k *Key) *Key {
	for _, next := range l.keys {
		if next.Algorithm == k.Algorithm && l.confirmedForUse(next) {
			l.activate(next, "takes over from the compromised "+k.Selector)
			return next
		}
	}
	return nil
}

// inService: it signs, or would but for DNS.
func (k *Key) inService() bool { return k.State == Active || k.State == Suspended }

// stolenIn tells whether a pair of a row was compromised, under this name or another.
func stolenIn(keys []Key, print string) bool {
	return slices.ContainsFunc(keys, func(k Key) bool { return k.Compromised && k.Print == print })
}

// stolenPair is a key with a pair that somebody declared compromised who may say so for the
// rows of an owner, as in dropStolen; nil: nobody has.
func stolenPair(tx Tx, print, owner string) (*Key, error) {
	keys, err := whole(tx).KeysPrinted(print)
	for i := range keys {
		k := &keys[i]
		if err != nil || !k.Compromised || isLent(k.Owner) {
			continue
		}
		var d Domain
		if d, err = whole(tx).Domain(k.Owner); err == nil && (d.Owner == "" || d.Owner == owner) {
			return k, nil
		}
		err = ignoreNotFound(err)
	}
	return nil, err
}

// mayImport refuses a pair that was compromised: it would never sign.
func (l *life) mayImport(tx Tx, d Draft) error {
	if !d.Key.Imported {
		return nil
	}
	stolen, err := stolenPair(tx, d.Key.Print, l.domain.Owner)
	if err != nil || stolen == nil {
		return err
	}
	return &Refused{
		Rule: "compromised-pair",
		What: fmt.Sprintf("this pair is the key %s of %s, which was declared compromised on %s and never signs again, under no name", stolen.Selector, stolen.Owner, date(stolen.CompromisedAt)),
		Way:  "`postseal domain add " + l.domain.Name + "` makes another pair",
	}
}

// otherNames are those of records with the pair of k that DNS may have.
func (l *life) otherNames(k *Key) (names []string) {
	for _, same := range l.keys {
		if same.Print == k.Print && same.DNSGoneAt.IsZero() && same.recordAt() != k.recordAt() {
			names = append(names, same.recordAt())
		}
	}
	return names
}

// stopElsewhere stops the pair in all other rows that have it: a stolen pair is stolen
// under every name. Those that use a shared key follow their set, see sharedPairOf. It gives
// the names of the records.
func (s *Service) stopElsewhere(tx Tx, actor string, k *Key) (names []string, err error) {
	keys, err := stoppable(tx, k.Print)
	var rows []string
	for _, same := range keys {
		if same.Owner != k.Owner && !same.isShared() && !same.Compromised && !slices.Contains(rows, same.Owner) {
			rows = append(rows, same.Owner)
		}
	}
	for _, name := range rows {
		if err != nil {
			break
		}
		var stopped []string
		stopped, err = s.stopIn(whole(tx), actor, name, k)
		names = append(names, stopped...)
	}
	return names, err
}

func (s *Service) stopIn(tx Tx, actor, name string, stolen *Key) ([]string, error) {
	before, err := load(tx, name)
	if err != nil {
		return nil, err
	}
	l := s.life(before, actor, "compromised")
	if l.stopPair(stolen) && !l.domain.Watched() && l.takeOver(stolen) == nil {
		l.note(nil, "nothing follows: `postseal domain add %s` makes another key", name)
	}
	return l.otherNames(stolen), l.save(tx, before)
}

// stoppable are the keys of a pair that somebody's word stops: all of them, or those of a
// tenant and what outgoing users were lent of these.
func stoppable(tx Tx, print string) ([]Key, error) {
	all, err := whole(tx).KeysPrinted(print)
	of, tenant := tx.(tenantTx)
	if err != nil || !tenant {
		return all, err
	}
	own, err := of.ownKeys(all, nil)
	stoppable := slices.Clone(own)
	for _, k := range all {
		if isLent(k.Owner) && slices.ContainsFunc(own, func(mine Key) bool { return mine.Selector == k.Selector }) {
			stoppable = append(stoppable, k)
		}
	}
	return stoppable, err
}
