package domains

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/postseal/postseal/dkim"
)

// Snapshot is what signing needs of the store. It does not change.
type Snapshot struct {
	Version int64
	Domains map[string]*Signing // by Domain.Name: domain or address; deleted ones are not there
	// Blocked are pairs that nothing may sign with, whatever the tables say (ruling 11),
	// with the reason.
	Blocked map[Pair]string
	// Confirmed are pairs that are in service and that DNS has confirmed: those of tables
	// behind the gate may sign.
	Confirmed map[Pair]bool
	Users     []UserSigning // in the order in which they are tried
}

// Pair is a pair under a name in DNS.
type Pair struct {
	Name  string // "selector._domainkey.domain"; empty: whatever the name
	Print string // fingerprint; empty: whatever the pair
}

// Signing is what a domain or an address of it is signed with.
type Signing struct {
	Name             string
	Owner            string // tenant
	Claimed          bool   // by its owner, and nothing has proved it yet: the row binds nobody
	Keys             []SigningKey
	Disabled         bool // ends the search, unless DisabledFallback
	DisabledFallback bool
	SubDomains       bool
	Why              string // why there are no keys: "pending", "suspended" …
}

// SigningKey names a key; Service.Private has its private half.
type SigningKey struct {
	ID        string
	Domain    string // d=
	Selector  string // s=
	Algorithm dkim.Algorithm
	Bits      int
}

// UserSigning is the row of an outgoing user with the keys that it stands for
// now.
type UserSigning struct {
	User
	Keys []SigningKey
	Why  string // why there are no keys though the row names one
	// Lent are those of Keys that a domain has published under its own name, with that
	// domain as d=; every domain is there for which that is asked (User.FromAsD).
	Lent map[string][]SigningKey
}

func (s *Signing) has(id string) bool {
	for _, k := range s.Keys {
		if k.ID == id {
			return true
		}
	}
	return false
}

// signingOf says what a domain is signed with: the active key of each algorithm.
func signingOf(d Domain, keys []Key) Signing {
	s := Signing{
		Name: d.Name, Owner: d.Owner, Disabled: !d.Enabled, DisabledFallback: d.DisabledFallback, SubDomains: d.SubDomains,
	}
	for i := range keys {
		if !d.Requested && d.DeletedAt.IsZero() && signs(&d, keys, &keys[i]) {
			s.Keys = append(s.Keys, signingKey(&keys[i]))
		}
	}
	s.Claimed = isClaim(&d, ofThisLife(&d, keys))
	switch {
	case len(s.Keys) > 0:
	case d.Requested:
		s.Why = "requested"
	default:
		s.Why = whyNone(keys)
	}
	return s
}

// isClaim: a tenant says that the domain is its own, and nothing has shown it yet.
func isClaim(d *Domain, keys []Key) bool { return d.Owner != "" && !proven(keys) }

// ofThisLife leaves out keys that a row had before it was deleted: what they proved may be
// long ago.
func ofThisLife(d *Domain, keys []Key) []Key {
	return slices.DeleteFunc(slices.Clone(keys), func(k Key) bool { return k.before(d) })
}

// before: the key is one that the row had before it was deleted and added again.
func (k *Key) before(d *Domain) bool { return k.CreatedAt.Before(d.CreatedAt) }

// proven: DNS has confirmed a key of the row once, or the operator let one sign without.
func proven(keys []Key) bool {
	return slices.ContainsFunc(keys, func(k Key) bool { return !k.VerifiedAt.IsZero() || !k.ActivatedAt.IsZero() })
}

// signs: the active key, and with dual_sign the ready key that will follow it, once
// life has let it (besides).
func signs(d *Domain, keys []Key, k *Key) bool {
	if k.Compromised || k.Owner == SharedSet {
		return false
	}
	if k.State == Ready && d.DualSign && !k.ActivatedAt.IsZero() {
		for i := range keys {
			if keys[i].State == Active && keys[i].Algorithm == k.Algorithm {
				return true
			}
		}
	}
	return k.State == Active
}

// whyNone is the state of the most recent key that does not sign.
func whyNone(keys []Key) string {
	for i := len(keys) - 1; i >= 0; i-- {
		if keys[i].Compromised {
			return "compromised"
		}
		if keys[i].living() {
			return string(keys[i].State)
		}
	}
	return "no key"
}

func signingKey(k *Key) SigningKey {
	return SigningKey{ID: k.ID, Domain: k.Domain, Selector: k.Selector, Algorithm: k.Algorithm, Bits: k.Bits}
}

// byAge sorts the keys of a row as KeysOf does.
func byAge(keys []Key) []Key {
	slices.SortFunc(keys, func(a, b Key) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return keys
}

// page is how many rows are read at a time.
const page = 1000

// Version is that of the store's present snapshot: cheap to ask.
func (s *Service) Version(ctx context.Context) (version int64, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) {
		version, err = tx.Version()
		return err
	})
	return version, err
}

// Snapshot reads what signing needs, in one consistent reading.
func (s *Service) Snapshot(ctx context.Context) (*Snapshot, error) {
	var snap *Snapshot
	err := s.store.View(ctx, func(tx Tx) error {
		snap = &Snapshot{Domains: map[string]*Signing{}, Blocked: map[Pair]string{}, Confirmed: map[Pair]bool{}}
		var err error
		if snap.Version, err = tx.Version(); err != nil {
			return err
		}
		keys := map[string][]Key{}
		if err := eachKey(tx, func(k Key) { keys[k.Owner] = append(keys[k.Owner], k) }); err != nil {
			return err
		}
		if err := dropStolen(tx, keys); err != nil {
			return err
		}
		if err := eachDomain(tx, func(d Domain) { snap.add(d, byAge(keys[d.Name])) }); err != nil {
			return err
		}
		snap.unblock()
		return snap.addUsers(tx, keys)
	})
	if err != nil {
		return nil, err
	}
	return snap, nil
}

func (s *Snapshot) add(d Domain, keys []Key) {
	for i := range keys {
		s.addPair(&d, &keys[i], isClaim(&d, keys))
	}
	if d.DeletedAt.IsZero() && !d.Watched() && !d.IsSharedSet() {
		signing := signingOf(d, keys)
		s.Domains[d.Name] = &signing
	}
}

// addPair says what the store knows of one pair. A compromised one signs under no name,
// and what stands at its name has to be revoked, so no other pair does there. A key that DNS
// never had and that never signed, or whose domain is only claimed, says nothing of the name.
func (s *Snapshot) addPair(d *Domain, k *Key, claim bool) {
	pair := Pair{dkim.RecordName(k.Selector, k.Domain), k.Print}
	used := d.Watched() || !claim && (!k.VerifiedAt.IsZero() || !k.ActivatedAt.IsZero())
	switch {
	case k.Compromised:
		if used {
			s.Blocked[Pair{Name: pair.Name}] = "compromised"
		}
		s.Blocked[Pair{Print: pair.Print}] = "compromised"
	case k.State == Suspended, d.Watched() && !k.living():
		s.Blocked[pair] = string(k.State)
	case k.State == Active && !k.VerifiedAt.IsZero():
		s.Confirmed[pair] = true
	}
}

// dropStolen: a pair that was compromised signs under no name, though other rows that have
// it may not tell yet. A tenant's word is about the tenant's own rows. What the tables have is
// blocked by its pair.
func dropStolen(tx Tx, keys map[string][]Key) error {
	owners := map[string]string{} // of rows
	owner := func(row string) (string, error) {
		if by, known := owners[row]; known {
			return by, nil
		}
		d, err := tx.Domain(row)
		owners[row] = d.Owner
		return d.Owner, ignoreNotFound(err)
	}
	stolen := map[string]map[string]bool{} // by whose word, for each pair
	for row, of := range keys {
		for i := range of {
			if !of[i].Compromised || isLent(row) {
				continue
			}
			by, err := owner(row)
			if err != nil {
				return err
			}
			if stolen[of[i].Print] == nil {
				stolen[of[i].Print] = map[string]bool{}
			}
			stolen[of[i].Print][by] = true
		}
	}
	for row, of := range keys {
		for i := range of {
			words := stolen[of[i].Print]
			if words == nil || isTable(row) {
				continue
			}
			by, err := owner(row)
			if err != nil {
				return err
			}
			of[i].Compromised = of[i].Compromised || words[""] || words[by]
		}
	}
	return nil
}

// unblock: a name is free for another pair again once DNS has confirmed that.
func (s *Snapshot) unblock() {
	for pair := range s.Confirmed {
		delete(s.Blocked, Pair{Name: pair.Name})
	}
}

func (s *Snapshot) addUsers(tx Tx, keys map[string][]Key) error {
	users, err := tx.Users()
	if err != nil {
		return err
	}
	confirmed := lentKeys(keys)
	for _, u := range users {
		row := UserSigning{User: u}
		if u.Key != "" {
			row.Keys, row.Why = s.keysNamed(u.Key, keys)
		}
		name, _, _ := strings.Cut(u.Key, "/")
		row.Lent = u.lentTo(row.Keys, printsOf(keys[name]), confirmed)
		s.Users = append(s.Users, row)
	}
	return nil
}

func printsOf(keys []Key) map[string]string {
	prints := map[string]string{}
	for i := range keys {
		prints[keys[i].ID] = keys[i].Print
	}
	return prints
}

// keysNamed resolves DOMAIN to its signing keys and DOMAIN/SELECTOR to that key
// or the one that followed it in rotations (ruling 12).
func (s *Snapshot) keysNamed(ref string, keys map[string][]Key) ([]SigningKey, string) {
	name, selector, one := strings.Cut(ref, "/")
	signing, ok := s.Domains[name]
	switch {
	case !ok:
		return nil, name + " is not managed"
	case signing.Disabled:
		return nil, name + " is disabled"
	case !one:
		return signing.Keys, signing.Why
	}
	followed := follow(byAge(keys[name]), selector)
	for _, k := range signing.Keys {
		if followed[k.ID] {
			return []SigningKey{k}, ""
		}
	}
	return nil, ref + " does not sign"
}

// eachKey calls f for all keys in the order of the store.
func eachKey(tx Tx, f func(Key)) error {
	var owner, id string
	for {
		keys, err := tx.Keys(owner, id, page)
		if err != nil {
			return err
		}
		for _, k := range keys {
			f(k)
			owner, id = k.Owner, k.ID
		}
		if len(keys) < page {
			return nil
		}
	}
}

// eachDomain calls f for all rows by name.
func eachDomain(tx Tx, f func(Domain)) error {
	var after string
	for {
		rows, err := tx.Domains(after, page)
		if err != nil {
			return err
		}
		for _, d := range rows {
			f(d)
			after = d.Name
		}
		if len(rows) < page {
			return nil
		}
	}
}

// Private gives the private half of a key. The error says which key.
func (s *Service) Private(ctx context.Context, id string) (*dkim.PrivateKey, error) {
	var pem []byte
	err := s.store.View(ctx, func(tx Tx) error {
		k, err := tx.Key(id)
		switch {
		case err == nil && k.Pair != "":
			pem, err = whole(tx).Private(k.Pair)
		case err == nil || errors.Is(err, ErrNotFound):
			pem, err = tx.Private(id)
		}
		return err
	})
	if err != nil {
		return nil, keyError(id, err)
	}
	key, err := dkim.ParsePrivateKey(pem)
	clear(pem)
	return key, keyError(id, err)
}

func keyError(id string, err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(errors.New("private half of key "+id), err)
}
