package domains

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Sighting is mail seen from a domain that nothing signs for.
type Sighting struct {
	Domain string
	Source string // "mail", or the name of a source of candidates
	Count  int64
	Last   time.Time
}

// maxCandidates bounds what senders can make us remember.
const maxCandidates = 10000

// Seen adds sightings to the candidates. The first of a domain is told once
// (KAR-7).
func (s *Service) Seen(ctx context.Context, sightings []Sighting) error {
	return s.store.Update(ctx, func(tx Tx) error {
		known, err := tx.Candidates("", maxCandidates)
		if err != nil {
			return err
		}
		room := maxCandidates - len(known)
		for _, sight := range sightings {
			fresh, err := s.sight(tx, sight, room > 0)
			if err != nil {
				return err
			}
			if fresh {
				room--
			}
		}
		return nil
	})
}

func (s *Service) sight(tx Tx, sight Sighting, room bool) (fresh bool, err error) {
	if managed, err := isManaged(tx, sight.Domain); managed || err != nil {
		return false, err
	}
	c, err := tx.Candidate(sight.Domain)
	fresh = errors.Is(err, ErrNotFound)
	switch {
	case err != nil && !fresh, fresh && !room:
		return false, ignoreNotFound(err)
	case fresh:
		c = Candidate{Domain: sight.Domain, Source: sight.Source, FirstSeen: storeTime(sight.Last)}
	}
	c.Count += sight.Count
	c.LastSeen = storeTime(sight.Last)
	if err := tx.PutCandidate(c); err != nil || !fresh || sight.Source != "mail" {
		return fresh, err
	}
	now := s.now()
	return true, tx.PutNotice(Notice{
		At: now, NextAt: now, Event: DomainUnsignedSeen, Domain: sight.Domain,
		Text: fmt.Sprintf("mail from %s leaves unsigned: it has no key here. `postseal domain add %s` makes one.", sight.Domain, sight.Domain),
	})
}

func isManaged(tx Tx, domain string) (bool, error) {
	d, err := tx.Domain(domain)
	return err == nil && d.DeletedAt.IsZero(), ignoreNotFound(err)
}

func ignoreNotFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Candidates lists domains that mail comes from, and those that sources found
// elsewhere, of which nothing here takes care yet: by name, then source (INF-10,
// INF-19, OCR-11).
func (s *Service) Candidates(ctx context.Context, found ...Sighting) ([]Candidate, error) {
	var out []Candidate
	err := s.store.View(ctx, func(tx Tx) error {
		all, err := tx.Candidates("", maxCandidates)
		if err != nil {
			return err
		}
		for _, f := range found {
			all = append(all, Candidate{Domain: f.Domain, Source: f.Source, FirstSeen: storeTime(f.Last), LastSeen: storeTime(f.Last), Count: f.Count})
		}
		out = nil
		served := map[string]bool{}
		for _, c := range all {
			does, known := served[c.Domain]
			if !known {
				if does, err = isServed(tx, c.Domain); err != nil {
					return err
				}
				served[c.Domain] = does
			}
			if !does {
				out = append(out, c)
			}
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b Candidate) int {
		return cmp.Or(strings.Compare(a.Domain, b.Domain), strings.Compare(a.Source, b.Source))
	})
	return out, err
}

// isServed: the domain has a row, or keys in the tables, or a parent that signs for
// what is below it.
func isServed(tx Tx, domain string) (bool, error) {
	for _, name := range []string{domain, tablePrefix + domain} {
		if managed, err := isManaged(tx, name); managed || err != nil {
			return managed, err
		}
	}
	for _, parent, ok := strings.Cut(domain, "."); ok; _, parent, ok = strings.Cut(parent, ".") {
		d, err := tx.Domain(parent)
		if ignoreNotFound(err) != nil {
			return false, err
		}
		if err == nil && d.DeletedAt.IsZero() && d.SubDomains {
			return true, nil
		}
	}
	return false, nil
}
