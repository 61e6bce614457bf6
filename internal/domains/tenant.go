package domains

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
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
	of.store = tenantStore{s.store, tenant}
	return &of
}

type tenantStore struct {
	Store
	tenant string
}

func (s tenantStore) View(ctx context.Context, f func(Tx) error) error {
	return s.Store.View(ctx, func(tx Tx) error { return f(tenantTx{tx, s.tenant}) })
}

func (s tenantStore) Update(ctx context.Context, f func(Tx) error) error {
	return s.Store.Update(ctx, func(tx Tx) error { return f(tenantTx{tx, s.tenant}) })
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

func (t tenantTx) Domain(name string) (Domain, error) {
	d, err := t.Tx.Domain(name)
	if err == nil && d.Owner != t.tenant {
		return Domain{}, ErrNotFound
	}
	return d, err
}

func (t tenantTx) Domains(after string, limit int) ([]Domain, error) {
	var out []Domain
	for {
		rows, err := t.Tx.Domains(after, page)
		if err != nil {
			return nil, err
		}
		for _, d := range rows {
			if after = d.Name; d.Owner != t.tenant {
				continue
			}
			if out = append(out, d); len(out) == limit {
				return out, nil
			}
		}
		if len(rows) < page {
			return out, nil
		}
	}
}

func (t tenantTx) PutDomain(d Domain) error {
	there, err := t.Tx.Domain(d.Name)
	if errors.Is(err, ErrNotFound) {
		there.Owner, err = t.tenant, nil
	}
	switch {
	case err != nil:
		return err
	case d.Owner != t.tenant || there.Owner != t.tenant:
		return &Refused{
			Rule: "not-yours", What: d.Name + " is somebody else's here, or was until lately",
			Way: "whoever runs this mail server can give it to you",
		}
	}
	return t.Tx.PutDomain(d)
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

func (t tenantTx) Users() ([]User, error) {
	users, err := t.Tx.Users()
	return slices.DeleteFunc(users, func(u User) bool { return u.Owner != t.tenant }), err
}

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
// is below domains of its own.
func (t tenantTx) Candidate(domain string) (Candidate, error) {
	own, err := t.isBelow(domain)
	if err != nil || !own {
		return Candidate{}, errors.Join(err, ErrNotFound)
	}
	return t.Tx.Candidate(domain)
}

func (t tenantTx) Candidates(after string, limit int) ([]Candidate, error) {
	all, err := t.Tx.Candidates(after, limit)
	var own []Candidate
	for _, c := range all {
		below := false
		if err == nil {
			below, err = t.isBelow(c.Domain)
		}
		if below {
			own = append(own, c)
		}
	}
	return own, err
}

func (t tenantTx) isBelow(domain string) (bool, error) {
	for _, parent, ok := strings.Cut(domain, "."); ok; _, parent, ok = strings.Cut(parent, ".") {
		_, err := t.Domain(parent)
		if err == nil || !errors.Is(err, ErrNotFound) {
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
	for {
		keys, err := t.Tx.Keys(afterOwner, afterID, page)
		full := len(keys) == page
		if full {
			afterOwner, afterID = keys[page-1].Owner, keys[page-1].ID
		}
		own, err := t.ownKeys(keys, err)
		out = append(out, own...)
		switch {
		case err != nil:
			return nil, err
		case len(out) >= limit:
			return out[:limit], nil
		case !full:
			return out, nil
		}
	}
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
	if k.State == Active && k.VerifiedAt.IsZero() {
		siblings, err := t.Tx.KeysOf(k.Owner)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(siblings, func(s Key) bool { return !s.VerifiedAt.IsZero() }) {
			return &Refused{
				Rule: "KAR-5", What: "nothing is signed for a domain before its DNS has shown that it is yours",
				Way: "publish the records and verify; signing begins by itself then",
			}
		}
	}
	return t.Tx.PutKey(k)
}

func (t tenantTx) Private(id string) ([]byte, error) {
	if _, err := t.Key(id); err != nil {
		return nil, err
	}
	return t.Tx.Private(id)
}

// tenantJournal is how far back a tenant's lines are looked for among all.
const tenantJournal = 5000

// Journal gives the lines about rows that are the tenant's now.
func (t tenantTx) Journal(q JournalQuery) ([]Entry, error) {
	if q.Domain != "" {
		if mine, err := t.subject(q.Domain); err != nil || !mine {
			return nil, err
		}
		return t.Tx.Journal(q)
	}
	wide := q
	wide.Limit = tenantJournal
	all, err := t.Tx.Journal(wide)
	var own []Entry
	subjects := map[string]bool{}
	for _, e := range all {
		mine, known := subjects[e.Domain]
		if !known && err == nil {
			mine, err = t.subject(e.Domain)
			subjects[e.Domain] = mine
		}
		if mine {
			own = append(own, e)
		}
	}
	if beyond := len(own) - q.Limit; q.Limit > 0 && beyond > 0 {
		if q.Last {
			return own[beyond:], err
		}
		return own[:q.Limit], err
	}
	return own, err
}

// subject tells whether a line of the journal is about a row of the tenant.
func (t tenantTx) subject(name string) (bool, error) {
	_, err := t.Domain(name)
	if errors.Is(err, ErrNotFound) {
		_, err = t.User(name)
	}
	return err == nil, ignoreNotFound(err)
}
