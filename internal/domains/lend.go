package domains

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

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
// domain and pair.
type lends map[string]map[string]Key

// lent finds what the rows of users with fallback_d = "from" lend: the keys that they sign
// with, and those that will follow, so that there is time to publish them.
func lent(tx Tx, users []User) (lends, error) {
	wanted := lends{}
	for _, u := range users {
		if !u.FromAsD || u.Reauth || u.Disabled {
			continue
		}
		keys, err := lendable(tx, u.Key)
		if err != nil {
			return nil, err
		}
		for _, domain := range u.Domains {
			own, err := hasOwnKey(tx, domain)
			if err != nil {
				return nil, err
			}
			for _, k := range keys {
				if !own && k.Domain != domain {
					wanted.add(domain, k)
				}
			}
		}
	}
	return wanted, nil
}

func (w lends) add(domain string, k Key) {
	if w[domain] == nil {
		w[domain] = map[string]Key{}
	}
	w[domain][k.pairName()] = Key{
		ID: newID(), Domain: domain, Selector: k.Selector, Algorithm: k.Algorithm, Bits: k.Bits,
		Record: k.Record, Public: k.Public, Print: k.Print, Imported: true, State: Generated, Health: Health{Status: Unverified},
	}
}

// lendable are the keys that a reference stands for, now or soon.
func lendable(tx Tx, ref string) ([]Key, error) {
	name, selector, one := strings.Cut(ref, "/")
	d, err := tx.Domain(name)
	if err != nil || !d.DeletedAt.IsZero() {
		return nil, ignoreNotFound(err)
	}
	keys, err := tx.KeysOf(name)
	followed := follow(keys, selector)
	return slices.DeleteFunc(keys, func(k Key) bool {
		soon := k.State == Active || k.State == Suspended || k.State == Ready || k.State == Pending
		return k.Compromised || !soon || one && !followed[k.ID]
	}), err
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
func hasOwnKey(tx Tx, domain string) (bool, error) {
	d, err := tx.Domain(domain)
	if err != nil || !d.DeletedAt.IsZero() {
		return false, ignoreNotFound(err)
	}
	keys, err := tx.KeysOf(domain)
	return slices.ContainsFunc(keys, func(k Key) bool { return k.State == Active && !k.Compromised }), err
}

// lend brings the rows that watch lent keys in line with the users.
func (s *Service) lend(tx Tx, actor string) error {
	wanted, unlike, err := unlent(tx)
	for _, domain := range unlike {
		if err == nil {
			err = s.lendTo(tx, actor, domain, wanted[domain])
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
	if wanted, err = lent(tx, users); err != nil {
		return nil, nil, err
	}
	names, err := lentRows(tx)
	for domain := range wanted {
		names[domain] = true
	}
	for _, domain := range slices.Sorted(maps.Keys(names)) {
		if err != nil {
			break
		}
		var keys []Key
		keys, err = tx.KeysOf(lentPrefix + domain)
		have := map[string]bool{}
		for _, k := range keys {
			have[k.pairName()] = true
		}
		same := len(have) == len(wanted[domain]) && len(have) > 0
		for name := range wanted[domain] {
			same = same && have[name]
		}
		if !same {
			unlike = append(unlike, domain)
		}
	}
	return wanted, unlike, err
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
func (s *Service) lendTo(tx Tx, actor, domain string, keys map[string]Key) error {
	d := Domain{Name: lentPrefix + domain, Enabled: true, Activation: ActivateVerified, Publish: PublishTXT, OnMissing: "suspend", CreatedAt: s.now()}
	before, err := loadOrNew(tx, d)
	if err != nil {
		return err
	}
	l := s.life(before, actor, "lend")
	if before.Domain.CreatedAt.IsZero() {
		l.domain = d
	}
	wanted := func(k *Key) bool { _, ok := keys[k.pairName()]; return ok }
	if err := l.unwatch(tx, wanted, "not lent any more"); err != nil {
		return err
	}
	have := map[string]bool{}
	for _, k := range l.keys {
		have[k.pairName()] = true
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		if !have[name] {
			l.watchKey(keys[name], "lent by an outgoing user")
		}
	}
	return l.saveWatched(tx, before)
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

// lend has the keeper follow what changed elsewhere: keys that were rotated, domains that
// have got a key of their own.
func (k *Keeper) lend(ctx context.Context) error {
	var unlike []string
	err := k.service.store.View(ctx, func(tx Tx) (err error) {
		_, unlike, err = unlent(tx)
		return err
	})
	if err != nil || len(unlike) == 0 {
		return err
	}
	return k.update(ctx, func(tx Tx) error { return k.service.lend(tx, "keeper@"+k.host) })
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
