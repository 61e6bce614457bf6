package domains

import (
	"context"
	"iter"
	"maps"
	"slices"
)

// name names a declared key among those of its domain.
func (d *Declaration) name() string { return d.Selector + " " + d.Print }

// declared are keys of tables by domain and name.
type declared map[string]map[string]Declaration

func (d declared) add(one Declaration) {
	if d[one.Domain] == nil {
		d[one.Domain] = map[string]Declaration{}
	}
	was := d[one.Domain][one.name()]
	one.Gated = one.Gated || was.Gated
	d[one.Domain][one.name()] = one
}

// eachDeclaration calls f for what the tables of all hosts have.
func eachDeclaration(tx Tx, f func(Declaration)) error {
	var after Declaration
	for {
		all, err := tx.Declarations(after, page)
		if err != nil {
			return err
		}
		for _, d := range all {
			f(d)
			after = d
		}
		if len(all) < page {
			return nil
		}
	}
}

// declaredBy names the domains of which a host's tables have keys.
func (s *Service) declaredBy(ctx context.Context, host string) ([]string, error) {
	found := map[string]bool{}
	err := s.store.View(ctx, func(tx Tx) error {
		return eachDeclaration(tx, func(d Declaration) {
			if d.Host == host {
				found[d.Domain] = true
			}
		})
	})
	return slices.Sorted(maps.Keys(found)), err
}

// declare makes wanted what a host's tables have of a domain, and gives what those of
// all hosts have. While another process says under the same name what its tables have
// (shared), nothing is taken back: it may be the other's.
func declare(tx Tx, host, domain string, wanted map[string]Declaration, shared bool) ([]Declaration, error) {
	all, err := tx.DeclarationsOf(domain)
	if err != nil {
		return nil, err
	}
	have := map[string]Declaration{}
	for _, d := range all {
		if d.Host == host {
			have[d.name()] = d
		}
	}
	for name, d := range have {
		if _, keep := wanted[name]; keep || shared {
			continue
		}
		if err := tx.DeleteDeclaration(d); err != nil {
			return nil, err
		}
	}
	for name, d := range wanted {
		if was, there := have[name]; there && was == d {
			continue
		}
		if err := tx.PutDeclaration(d); err != nil {
			return nil, err
		}
	}
	return tx.DeclarationsOf(domain)
}

// view is what the store has of tables: what a host said, what the others did, what is
// watched for them, and which keys are managed under names of their own.
type view struct {
	said, others declared
	rows         map[string]Activation // by domain
	watched      map[string][]string   // by domain
	managed      map[string]bool       // "domain selector fingerprint"
}

func (v *view) read(tx Tx, host string) error {
	err := eachDeclaration(tx, func(d Declaration) {
		if d.Host == host {
			v.said.add(d)
		} else {
			v.others.add(d)
		}
	})
	if err == nil {
		err = eachDomain(tx, func(d Domain) {
			if isTable(d.Name) {
				v.rows[d.SigningDomain()] = d.Activation
			}
		})
	}
	if err != nil {
		return err
	}
	return eachKey(tx, func(k Key) {
		if isTable(k.Owner) {
			v.watched[k.Domain] = append(v.watched[k.Domain], k.pairName())
		} else if !isWatched(k.Owner) && k.living() {
			v.managed[k.Domain+" "+k.pairName()] = true
		}
	})
}

// domains yields those of which anybody has or wants something.
func (v *view) domains(wanted map[string][]TableKey) iter.Seq[string] {
	all := map[string]bool{}
	for domain := range wanted {
		all[domain] = true
	}
	for domain := range v.said {
		all[domain] = true
	}
	for domain := range v.others {
		all[domain] = true
	}
	for domain := range v.rows {
		all[domain] = true
	}
	return maps.Keys(all)
}

// differs tells whether something is to be written for a domain.
func (v *view) differs(domain string, wanted map[string]Declaration, shared bool) bool {
	if shared {
		wanted = maps.Clone(wanted)
		for name, d := range v.said[domain] {
			if _, there := wanted[name]; !there {
				wanted[name] = d
			}
		}
	}
	if !maps.Equal(v.said[domain], wanted) {
		return true
	}
	var union []string
	activation := ActivateImmediate
	for _, said := range []map[string]Declaration{wanted, v.others[domain]} {
		for name, d := range said {
			if d.Gated {
				activation = ActivateVerified
			}
			if !v.managed[domain+" "+name] {
				union = append(union, name)
			}
		}
	}
	have := slices.Sorted(slices.Values(v.watched[domain]))
	slices.Sort(union)
	union = slices.Compact(union)
	return !slices.Equal(union, have) || len(union) > 0 && v.rows[domain] != activation
}
