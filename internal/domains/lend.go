package domains

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/dkim"
)

// maxLent bounds the domains of one user whose DNS is asked about keys that are not
// theirs.
const maxLent = 100

// checkLending says whether d= may be the sender's domain (MA-17's second reading): DNS
// has to be asked about each such domain, so they have to be known.
func checkLending(u *User) error {
	switch {
	case !u.FromAsD:
		return nil
	case u.Key == "":
		return &Refused{Rule: "MA-17", What: "without a key there is nothing that could be signed with in the sender's name", Way: "say --key or --selector, too"}
	case len(u.Domains) == 0:
		return &Refused{
			Rule: "MA-17", What: "d= of the sender's domain verifies only while that domain publishes this very key, and DNS can be asked only about domains that are known",
			Way: "list them with --domains; or say --fallback-d key, which always verifies",
		}
	case len(u.Domains) > maxLent:
		return invalid(fmt.Sprint(len(u.Domains)), "domains are too many for fallback_d = from", fmt.Sprintf("at most %d of a user are looked at; `domain add` gives a domain a key of its own", maxLent))
	}
	for _, d := range u.Domains {
		if strings.HasPrefix(d, ".") {
			return invalid(d, "is a pattern, and DNS cannot be asked about it", "list the domains one by one for fallback_d = from")
		}
	}
	return nil
}

// lends are the keys that are to be watched under domains which have none of their own, by
// domain and pair. Each domain of a row that lends is there. Those that are retiring or
// compromised are not lent anew: only what stands in DNS is looked after.
type lends map[string]map[string]Key

// lent finds what the rows of users with fallback_d = "from" lend: the keys that they sign
// with, those that will follow, so that there is time to publish them, and those that came
// before, as long as mail with their signatures is under way.
func (r *lending) lent(users []User) lends {
	wanted := lends{}
	for _, u := range users {
		if !u.lends() {
			continue
		}
		keys := r.lendable(u.Key)
		for _, domain := range u.Domains {
			if wanted[domain] == nil {
				wanted[domain] = map[string]Key{}
			}
			own := r.hasOwnKey(domain)
			for _, k := range keys {
				if k.Domain != domain && (!own || k.lentBefore()) {
					wanted.add(domain, k)
				}
			}
		}
	}
	return wanted
}

func (u *User) lends() bool { return u.FromAsD && !u.Reauth && !u.Disabled }

func (w lends) add(domain string, k Key) {
	lent := Key{
		ID: newID(), Domain: domain, Selector: k.Selector, Algorithm: k.Algorithm, Bits: k.Bits,
		Record: k.Record, Public: k.Public, Print: k.Print, Imported: true, State: Generated, Health: Health{Status: Unverified},
	}
	if k.lentBefore() {
		lent.State, lent.Compromised = Retiring, k.Compromised
	}
	w[domain][k.pairName()] = lent
}

// lentBefore: nobody is to publish it any more.
func (k *Key) lentBefore() bool { return k.Compromised || k.State == Retiring }

// lendable are the keys that a reference stands for, now, soon or until lately.
func (r *lending) lendable(ref string) []Key {
	name, selector, one := strings.Cut(ref, "/")
	keys := r.keys[name]
	followed := follow(keys, selector)
	return slices.DeleteFunc(slices.Clone(keys), func(k Key) bool {
		soon := k.State == Active || k.State == Suspended || k.State == Ready || k.State == Pending
		return !soon && !k.lentBefore() || one && !followed[k.ID]
	})
}

// follow are the keys with a selector and those that followed them in rotations, by ID;
// keys are oldest first.
func follow(keys []Key, selector string) map[string]bool {
	followed := map[string]bool{}
	for i := range keys {
		if k := &keys[i]; k.Selector == selector || followed[k.Replaces] {
			followed[k.ID] = true
		}
	}
	return followed
}

// hasOwnKey: the domain's own key goes first, so nothing else is looked for.
func (r *lending) hasOwnKey(domain string) bool {
	return slices.ContainsFunc(r.keys[domain], func(k Key) bool { return k.State == Active && !k.Compromised })
}

// lending is what it takes to know what is lent: the keys of rows that are not deleted,
// oldest first, and which domains have a row that watches.
type lending struct {
	keys    map[string][]Key
	watched map[string]bool
}

// fewRows are read one by one; more in one reading of all.
const fewRows = 100

func readLending(tx Tx, users []User) (*lending, error) {
	r := &lending{keys: map[string][]Key{}}
	var err error
	if r.watched, err = lentRows(tx); err != nil {
		return nil, err
	}
	rows := map[string]bool{}
	for domain := range r.watched {
		rows[lentPrefix+domain] = true
	}
	for _, u := range users {
		if u.lends() {
			name, _, _ := strings.Cut(u.Key, "/")
			rows[name] = true
			for _, domain := range u.Domains {
				rows[domain] = true
			}
		}
	}
	if len(rows) > fewRows {
		return r, r.readAll(tx, rows)
	}
	for name := range rows {
		if err := r.readOne(tx, name); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *lending) readOne(tx Tx, name string) error {
	d, err := tx.Domain(name)
	if err != nil || !d.DeletedAt.IsZero() {
		return ignoreNotFound(err)
	}
	r.keys[name], err = tx.KeysOf(name)
	return err
}

func (r *lending) readAll(tx Tx, rows map[string]bool) error {
	err := eachDomain(tx, func(d Domain) {
		if rows[d.Name] && d.DeletedAt.IsZero() {
			r.keys[d.Name] = nil
		}
	})
	if err != nil {
		return err
	}
	err = eachKey(tx, func(k Key) {
		if of, there := r.keys[k.Owner]; there {
			r.keys[k.Owner] = append(of, k)
		}
	})
	for _, keys := range r.keys {
		byAge(keys)
	}
	return err
}

// step is what a key that was lent is to do.
type step int

const (
	stays step = iota
	goes
	retires // its mail is under way
	returns // it is lent again
	stops   // it was compromised
)

// next compares a key that is watched with what is wanted of it.
func (w lends) next(domain string, k *Key) step {
	want, ok := w[domain][k.pairName()]
	switch {
	case !ok, want.lentBefore() && k.neverSigned() && !k.Compromised:
		return goes
	case want.Compromised && !k.Compromised:
		return stops
	case want.Compromised:
		if !k.DNSGoneAt.IsZero() {
			return goes
		}
	case want.State == Retiring && k.inService():
		return retires
	case want.State == Retiring && k.State != Retiring:
		return goes
	case want.State != Retiring && k.State == Retiring:
		return returns
	}
	return stays
}

// lend brings the rows that watch lent keys in line with the users.
func (s *Service) lend(tx Tx, actor string) error {
	wanted, unlike, err := unlent(tx)
	for _, domain := range unlike {
		if err == nil {
			err = s.lendTo(tx, actor, domain, wanted)
		}
	}
	return err
}

// unlent are the domains of which other keys are watched than should be, in order.
func unlent(tx Tx) (wanted lends, unlike []string, err error) {
	users, err := tx.Users()
	if err != nil {
		return nil, nil, err
	}
	r, err := readLending(tx, users)
	if err != nil {
		return nil, nil, err
	}
	wanted = r.lent(users)
	names := maps.Clone(r.watched)
	for domain := range wanted {
		names[domain] = true
	}
	for _, domain := range slices.Sorted(maps.Keys(names)) {
		have := r.keys[lentPrefix+domain]
		changes := slices.ContainsFunc(have, func(k Key) bool { return wanted.next(domain, &k) != stays })
		if changes || len(wanted.missing(domain, have)) > 0 || r.watched[domain] && len(have) == 0 {
			unlike = append(unlike, domain)
		}
	}
	return wanted, unlike, nil
}

// missing are the names of pairs that are to be lent and are not watched.
func (w lends) missing(domain string, have []Key) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(w[domain])) {
		want := w[domain][name]
		if !want.lentBefore() && !slices.ContainsFunc(have, func(k Key) bool { return k.pairName() == name }) {
			names = append(names, name)
		}
	}
	return names
}

// lentRows names the domains that have a row which watches lent keys.
func lentRows(tx Tx) (map[string]bool, error) {
	found := map[string]bool{}
	for after := lentPrefix; ; {
		rows, err := tx.Domains(after, page)
		if err != nil {
			return nil, err
		}
		for _, d := range rows {
			if !d.Lent() {
				return found, nil
			}
			found[d.SigningDomain()] = true
			after = d.Name
		}
		if len(rows) < page {
			return found, nil
		}
	}
}

// lendTo makes the row of a domain watch just these keys. The fallback has a d= that
// always verifies, so a key that DNS loses is given up without a grace.
func (s *Service) lendTo(tx Tx, actor, domain string, wanted lends) error {
	d := Domain{Name: lentPrefix + domain, Enabled: true, Activation: ActivateVerified, Publish: PublishTXT, OnMissing: "suspend", CreatedAt: s.now()}
	before, err := loadOrNew(tx, d)
	if err != nil {
		return err
	}
	l := s.life(before, actor, "lend")
	if before.Domain.CreatedAt.IsZero() {
		l.domain = d
	}
	missing := wanted.missing(domain, before.Keys)
	if err := l.unwatch(tx, func(k *Key) bool { return wanted.next(domain, k) != goes }, "not lent any more"); err != nil {
		return err
	}
	for _, k := range l.keys {
		switch wanted.next(domain, k) {
		case retires:
			l.beginRetiring(k, "replaced where it was lent from")
		case returns:
			l.lendAgain(k)
		case stops:
			l.stopPair(k)
		}
	}
	for _, name := range missing {
		l.watchKey(wanted[domain][name], "lent by an outgoing user")
	}
	return l.saveWatched(tx, before)
}

// lendAgain: a rollback has put the key back, and DNS may have its record still.
func (l *life) lendAgain(k *Key) {
	if k.Health.Status == OK {
		l.reactivate(k, "lent again")
		return
	}
	l.move(k, Pending, "lent again")
	l.openWindow(k)
	l.schedule(k)
}

// Lent lists the rows that watch keys of outgoing users, for the domains of one of them.
func (s *Service) Lent(ctx context.Context, u User) ([]Row, error) {
	var rows []Row
	err := s.store.View(ctx, func(tx Tx) error {
		rows = nil
		for _, domain := range u.Domains {
			d, err := tx.Domain(lentPrefix + domain)
			if err == nil {
				var row Row
				row, err = s.row(tx, d)
				rows = append(rows, row)
			}
			if ignoreNotFound(err) != nil {
				return err
			}
		}
		return nil
	})
	return rows, err
}

// lendEvery is how often is looked for keys to lend that do not sign yet. What signs makes
// another version.
const lendEvery = time.Minute

// lend has the keeper follow what changed elsewhere: keys that were rotated, domains that
// have got a key of their own.
func (k *Keeper) lend(ctx context.Context) error {
	elapsed := k.service.clock.Elapsed()
	version, err := k.service.Version(ctx)
	if err != nil || k.lentAt != 0 && version == k.lentVersion && elapsed-k.lentAt < lendEvery {
		return err
	}
	var unlike []string
	err = k.service.store.View(ctx, func(tx Tx) (err error) {
		_, unlike, err = unlent(tx)
		return err
	})
	if err == nil && len(unlike) > 0 {
		err = k.update(ctx, func(tx Tx) error { return k.service.lend(tx, "keeper@"+k.host) })
	}
	if err == nil {
		k.lentVersion, k.lentAt = version, elapsed
	}
	return err
}

// lentKeys are those of lent keys that DNS has confirmed under their domain.
func lentKeys(keys map[string][]Key) map[Pair]bool {
	confirmed := map[Pair]bool{}
	for owner, of := range keys {
		if !isLent(owner) {
			continue
		}
		for i := range of {
			if k := &of[i]; k.State == Active && !k.VerifiedAt.IsZero() {
				confirmed[Pair{dkim.RecordName(k.Selector, k.Domain), k.Print}] = true
			}
		}
	}
	return confirmed
}

// lentTo are those of a user's keys that each listed domain has published itself, with
// that domain as d=.
func (u *User) lentTo(signing []SigningKey, prints map[string]string, confirmed map[Pair]bool) map[string][]SigningKey {
	if !u.FromAsD {
		return nil
	}
	out := map[string][]SigningKey{}
	for _, domain := range u.Domains {
		out[domain] = nil
		for _, k := range signing {
			if confirmed[Pair{dkim.RecordName(k.Selector, domain), prints[k.ID]}] {
				k.Domain = domain
				out[domain] = append(out[domain], k)
			}
		}
	}
	return out
}
