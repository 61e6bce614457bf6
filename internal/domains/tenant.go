package domains

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Of is the service as one tenant may use it: it finds the rows of that owner and no
// others, and makes rows of that owner only. Who it is for is judged inside of each
// transaction, so that a row that changes hands is out of reach at once.
//
// What a tenant may not do at all: sign for a domain before DNS has proved once that it
// is theirs (KAR-5), take over a name that is somebody else's, and change outgoing
// users beyond the key that they sign with.
func (s *Service) Of(tenant string) *Service {
	of := *s
	of.store = tenantStore{s.store, tenant, s.tenants}
	return &of
}

// tenantStore lets tenants have a part of what the store can do at a time: one who asks for
// much leaves room for others.
type tenantStore struct {
	Store
	tenant string
	turns  *Turns
}

const (
	tenantsAtStore = 4 // a store has 8 connections
	tenantAtStore  = 2
	tenantWaiting  = 16 // with those; each holds one of the panel's connections
)

func (s tenantStore) View(ctx context.Context, f func(Tx) error) error {
	return s.turns.Take(ctx, s.tenant, func() error {
		return s.Store.View(ctx, func(tx Tx) error { return f(tenantTx{tx, s.tenant}) })
	})
}

func (s tenantStore) Update(ctx context.Context, f func(Tx) error) error {
	return s.turns.Take(ctx, s.tenant, func() error {
		return s.Store.Update(ctx, func(tx Tx) error { return f(tenantTx{tx, s.tenant}) })
	})
}

// tenantTx shows the rows of one owner. That of the shared set is nobody's: what gives a
// tenant its keys reads the whole store. KeysNamed and Tombstones stay whole, too: a
// selector is free for nobody or for all.
type tenantTx struct {
	Tx
	tenant string
}

// whole is a transaction on all rows.
func whole(tx Tx) Tx {
	if t, ok := tx.(tenantTx); ok {
		return t.Tx
	}
	return tx
}

// as is a transaction on what the owner of a row may know of. The operator's rows have none.
func as(tx Tx, owner string) Tx {
	if owner == "" {
		return tx
	}
	return tenantTx{whole(tx), owner}
}

func (t tenantTx) Domain(name string) (Domain, error) {
	d, err := t.Tx.Domain(name)
	if err == nil && d.Owner != t.tenant {
		return Domain{}, ErrNotFound
	}
	return d, err
}

func (t tenantTx) Domains(after string, limit int) ([]Domain, error) {
	return t.Tx.DomainsOf(t.tenant, after, limit)
}

func (t tenantTx) PutDomain(d Domain) error {
	there, err := t.Tx.Domain(d.Name)
	isNew := errors.Is(err, ErrNotFound)
	if isNew {
		there.Owner, err = t.tenant, nil
	}
	switch {
	case err != nil:
		return err
	case d.Owner != t.tenant || there.Owner != t.tenant:
		return notYours(d.Name)
	case isNew || !there.DeletedAt.IsZero():
		if err := t.mayClaim(d.Name); err != nil {
			return err
		}
	}
	return t.Tx.PutDomain(d)
}

func notYours(name string) error {
	return &Refused{
		Rule: "not-yours", What: name + " is somebody else's here, or was until lately",
		Way: "whoever runs this mail server can give it to you",
	}
}

// mayClaim: a domain and its addresses are signed for under one name in DNS, so they are
// for one tenant. What another has there stands in the way: the domain's row, deleted ones
// too; of addresses, those that DNS has confirmed, as a mere claim keeps nobody out.
func (t tenantTx) mayClaim(name string) error {
	domain := domainOf(name)
	switch d, err := t.Tx.Domain(domain); {
	case ignoreNotFound(err) != nil:
		return err
	case err == nil && d.Owner != t.tenant:
		return notYours(name)
	}
	keys, err := t.Tx.KeysIn(domain)
	if err != nil {
		return err
	}
	others := map[string][]Key{}
	for _, k := range keys {
		if !isWatched(k.Owner) {
			others[k.Owner] = append(others[k.Owner], k)
		}
	}
	for other, keys := range others {
		if !proven(keys) || !slices.ContainsFunc(keys, func(k Key) bool { return k.living() }) {
			continue
		}
		if d, err := t.Tx.Domain(other); err == nil && d.Owner != t.tenant {
			return notYours(name)
		} else if ignoreNotFound(err) != nil {
			return err
		}
	}
	return nil
}

// mayName: where the name of a slot alone proves whose a domain is, since others have, or
// had, CNAME records to the same target, a tenant does not choose it.
func (s *Service) mayName(d *Domain, selector string) error {
	_, tenant := s.store.(tenantStore)
	if !tenant || selector == "" || d.Publish == PublishTXT || d.Publish == PublishCNAME && d.Name == d.SigningDomain() {
		return nil
	}
	return &Refused{
		Rule: "random-slots", What: "the names of these CNAME records prove that " + d.SigningDomain() + " is yours, and so nobody chooses them",
		Way: "leave the selector out and postseal makes one",
	}
}

func (t tenantTx) DeleteDomain(name string) error {
	if _, err := t.Domain(name); err != nil {
		return ignoreNotFound(err)
	}
	return t.Tx.DeleteDomain(name)
}

func (t tenantTx) User(match string) (User, error) {
	u, err := t.Tx.User(match)
	if err == nil && u.Owner != t.tenant {
		return User{}, ErrNotFound
	}
	return u, err
}

func (t tenantTx) Users() ([]User, error) { return t.Tx.UsersOf(t.tenant) }

func (t tenantTx) PutUser(u User) error {
	there, err := t.User(u.Match)
	if ignoreNotFound(err) != nil {
		return err
	}
	if there.Key = u.Key; err != nil || !reflect.DeepEqual(there, u) {
		return usersAreOurs()
	}
	return t.Tx.PutUser(u)
}

func (t tenantTx) DeleteUser(string) error { return usersAreOurs() }

func usersAreOurs() error {
	return &Refused{
		Rule: "operator-only", What: "who may send, and for which domains, is decided by whoever runs this mail server",
		Way: "a tenant chooses the selector of its own outgoing users",
	}
}

// Candidate, Candidates: mail tells nobody whose a domain is, so a tenant sees only what
// is below domains of its own, as DNS has shown.
func (t tenantTx) Candidate(domain string) (Candidate, error) {
	own, err := t.isBelow(domain)
	if err != nil || !own {
		return Candidate{}, errors.Join(err, ErrNotFound)
	}
	return t.Tx.Candidate(domain)
}

func (t tenantTx) Candidates(after string, limit int) ([]Candidate, error) {
	all, err := t.Tx.Candidates(after, limit)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	mine := map[string]bool{}
	if err := eachDomain(t, func(d Domain) { mine[d.Name] = true }); err != nil {
		return nil, err
	}
	var own []Candidate
	for _, c := range all {
		if !slices.ContainsFunc(parents(c.Domain), func(parent string) bool { return mine[parent] }) {
			continue
		}
		below, err := t.isBelow(c.Domain)
		if err != nil {
			return nil, err
		}
		if below {
			own = append(own, c)
		}
	}
	return own, nil
}

// parents are the domains above one, the nearest first.
func parents(domain string) (out []string) {
	for _, parent, ok := strings.Cut(domain, "."); ok; _, parent, ok = strings.Cut(parent, ".") {
		out = append(out, parent)
	}
	return out
}

func (t tenantTx) isBelow(domain string) (bool, error) {
	for _, parent := range parents(domain) {
		d, err := t.Domain(parent)
		if ignoreNotFound(err) != nil {
			return false, err
		}
		if err != nil || !d.DeletedAt.IsZero() {
			continue
		}
		if keys, err := t.Tx.KeysOf(parent); err != nil || proven(ofThisLife(&d, keys)) {
			return err == nil, err
		}
	}
	return false, nil
}

func (t tenantTx) PutCandidate(Candidate) error { return usersAreOurs() }

func (t tenantTx) Key(id string) (Key, error) {
	k, err := t.Tx.Key(id)
	if err == nil {
		_, err = t.Domain(k.Owner)
	}
	if err != nil {
		return Key{}, err
	}
	return k, nil
}

func (t tenantTx) KeysOf(owner string) ([]Key, error) {
	if _, err := t.Domain(owner); err != nil {
		return nil, ignoreNotFound(err)
	}
	return t.Tx.KeysOf(owner)
}

func (t tenantTx) KeysPrinted(print string) ([]Key, error) {
	keys, err := t.Tx.KeysPrinted(print)
	return t.ownKeys(keys, err)
}

func (t tenantTx) Keys(afterOwner, afterID string, limit int) ([]Key, error) {
	var out []Key
	read := t.KeysOf // whose the first row is, has to be seen
	for rows := []Domain{{Name: afterOwner}}; len(rows) > 0 && len(out) < limit; {
		name := rows[0].Name
		keys, err := read(name)
		if err != nil {
			return nil, err
		}
		read = t.Tx.KeysOf
		slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(a.ID, b.ID) })
		for _, k := range keys {
			if name != afterOwner || k.ID > afterID {
				out = append(out, k)
			}
		}
		if rows = rows[1:]; len(rows) == 0 {
			if rows, err = t.Domains(name, page); err != nil {
				return nil, err
			}
		}
	}
	return out[:min(limit, len(out))], nil
}

func (t tenantTx) ownKeys(keys []Key, err error) ([]Key, error) {
	var own []Key
	owners := map[string]bool{}
	for _, k := range keys {
		mine, known := owners[k.Owner]
		if !known && err == nil {
			_, notMine := t.Domain(k.Owner)
			mine, err = notMine == nil, ignoreNotFound(notMine)
			owners[k.Owner] = mine
		}
		if mine {
			own = append(own, k)
		}
	}
	return own, err
}

func (t tenantTx) PutKey(k Key) error {
	if err := t.mayMake(&k); err != nil {
		return err
	}
	if k.State == Active && k.VerifiedAt.IsZero() {
		shown, err := t.hasShown(k.Owner)
		if err != nil {
			return err
		}
		if !shown {
			return &Refused{
				Rule: "KAR-5", What: "nothing is signed for a domain before its DNS has shown that it is yours",
				Way: "publish the records and verify; signing begins by itself then",
			}
		}
	}
	return t.Tx.PutKey(k)
}

// maxGivenUp is how many keys of a row a tenant may make and give up within a day, those that
// signed for a moment too: they stay until the row is forgotten.
const maxGivenUp = 20

// mayMake refuses a new key where too many were given up. What follows a compromised one
// waits for nothing.
func (t tenantTx) mayMake(k *Key) error {
	if _, err := t.Tx.Key(k.ID); !errors.Is(err, ErrNotFound) {
		return err
	}
	if old, err := t.Tx.Key(k.Replaces); err == nil && old.Compromised {
		return nil
	}
	keys, err := t.Tx.KeysOf(k.Owner)
	if err != nil {
		return err
	}
	keys = slices.DeleteFunc(keys, func(old Key) bool {
		return old.living() && old.State != Retiring || k.CreatedAt.Sub(old.CreatedAt) >= day
	})
	if len(keys) < maxGivenUp {
		return nil
	}
	return &Refused{
		Rule: "too-many-keys", What: fmt.Sprintf("%d keys of %s were made and given up within a day", len(keys), k.Owner),
		Way: "publish what stands there now; another key can be made at " + stamp(keys[len(keys)-maxGivenUp].CreatedAt.Add(day)),
	}
}

// hasShown: DNS has confirmed a key of a row since it was added.
func (t tenantTx) hasShown(name string) (bool, error) {
	d, err := t.Tx.Domain(name)
	if err != nil || !d.DeletedAt.IsZero() {
		return false, ignoreNotFound(err)
	}
	keys, err := t.Tx.KeysOf(name)
	return slices.ContainsFunc(ofThisLife(&d, keys), func(k Key) bool { return !k.VerifiedAt.IsZero() }), err
}

func (t tenantTx) Private(id string) ([]byte, error) {
	if _, err := t.Key(id); err != nil {
		return nil, err
	}
	return t.Tx.Private(id)
}

// Journal gives the lines about rows that are the tenant's now, from when they were made:
// what was before may be about a row of somebody else.
func (t tenantTx) Journal(q JournalQuery) ([]Entry, error) {
	if q.Domain == "" {
		q.Owner = t.tenant
		return t.ownLines(q)
	}
	from, err := t.ownFrom(q.Domain)
	if err != nil {
		return nil, ignoreNotFound(err)
	}
	if q.Since.Before(from) {
		q.Since = from
	}
	return t.Tx.Journal(q)
}

// recentLines are the last of all, among which those of who has many rows are: to find these
// last ones, not all of theirs have to be read.
const recentLines = 5000

func (t tenantTx) ownLines(q JournalQuery) ([]Entry, error) {
	if !q.Last || q.Limit == 0 {
		return t.Tx.Journal(q)
	}
	end, err := t.Tx.Journal(JournalQuery{Last: true, Limit: 1})
	if err != nil || len(end) == 0 {
		return nil, err
	}
	recent := q
	recent.After = max(q.After, end[0].ID-recentLines)
	if lines, err := t.Tx.Journal(recent); err != nil || len(lines) == q.Limit {
		return lines, err
	}
	return t.Tx.Journal(q)
}

// ownFrom is since when a row of domains or users is the tenant's; ErrNotFound if it is not.
func (t tenantTx) ownFrom(name string) (time.Time, error) {
	d, err := t.Domain(name)
	if err == nil || !errors.Is(err, ErrNotFound) {
		return d.OwnFrom(), err
	}
	u, err := t.User(name)
	return u.OwnedSince, err
}

// OwnFrom is when what the journal says of a row begins to be its owner's to know.
func (d *Domain) OwnFrom() time.Time {
	if d.OwnedSince.IsZero() {
		return d.CreatedAt
	}
	return d.OwnedSince.Add(time.Microsecond) // after the line that says whose it was
}
