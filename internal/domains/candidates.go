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

// Whoever may send through this host can make us remember domains: bounds of that.
const (
	maxCandidates   = 10000
	candidateFor    = 90 * day  // since mail came from it last
	candidateNotice = time.Hour // between two notices of new ones
	candidateNames  = 20        // in one notice
)

// Seen adds sightings to the candidates. The first of a domain is told once (KAR-7):
// at once, or with others when an hour has passed since the last such notice.
func (s *Service) Seen(ctx context.Context, sightings []Sighting) error {
	return s.store.Update(ctx, func(tx Tx) error {
		known, err := s.pruneCandidates(tx)
		if err != nil {
			return err
		}
		room := maxCandidates - len(known)
		for _, sight := range sightings {
			fresh, err := s.sight(tx, sight)
			if err != nil {
				return err
			}
			if !fresh {
				continue
			}
			if room--; room < 0 && len(known) > 0 {
				if err := tx.DeleteCandidate(known[0].Domain); err != nil {
					return err
				}
				known, room = known[1:], 0
			}
		}
		return s.tellCandidates(tx)
	})
}

// pruneCandidates forgets those that no mail came from for long, and gives the others,
// first what can be spared: seen least often, then longest ago.
func (s *Service) pruneCandidates(tx Tx) ([]Candidate, error) {
	all, err := tx.Candidates("", maxCandidates)
	if err != nil {
		return nil, err
	}
	kept := all[:0]
	for _, c := range all {
		if s.now().Sub(c.LastSeen) < candidateFor {
			kept = append(kept, c)
		} else if err := tx.DeleteCandidate(c.Domain); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(kept, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Count, b.Count), a.LastSeen.Compare(b.LastSeen))
	})
	return kept, nil
}

func (s *Service) sight(tx Tx, sight Sighting) (fresh bool, err error) {
	if managed, err := isManaged(tx, sight.Domain); managed || err != nil {
		return false, err
	}
	c, err := tx.Candidate(sight.Domain)
	if fresh = errors.Is(err, ErrNotFound); fresh {
		c = Candidate{Domain: sight.Domain, Source: sight.Source, FirstSeen: storeTime(sight.Last), Told: sight.Source != "mail"}
	} else if err != nil {
		return false, err
	}
	c.Count += sight.Count
	c.LastSeen = storeTime(sight.Last)
	return fresh, tx.PutCandidate(c)
}

// tellCandidates puts one notice about all candidates that nobody was told of into the
// outbox, if the last one is an hour old: a login in wrong hands can send from any number
// of domains.
func (s *Service) tellCandidates(tx Tx) error {
	last, err := tx.CandidatesToldAt()
	now := s.now()
	if since := now.Sub(last); err != nil || since >= 0 && since < candidateNotice {
		return err
	}
	all, err := tx.Candidates("", maxCandidates)
	var names []string
	for _, c := range all {
		if err != nil || c.Told {
			continue
		}
		names = append(names, c.Domain)
		c.Told = true
		err = tx.PutCandidate(c)
	}
	if err != nil || len(names) == 0 {
		return err
	}
	n := Notice{At: now, NextAt: now, Event: DomainUnsignedSeen, Text: unsignedText(names)}
	if len(names) == 1 {
		n.Domain = names[0]
	}
	return errors.Join(tx.PutCandidatesToldAt(now), tx.PutNotice(n))
}

func unsignedText(names []string) string {
	if len(names) == 1 {
		return fmt.Sprintf("mail from %s leaves unsigned: it has no key here. `postseal domain add %s` makes one.", names[0], names[0])
	}
	list := strings.Join(names[:min(len(names), candidateNames)], ", ")
	if more := len(names) - candidateNames; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("mail from %d domains leaves unsigned, which have no key here: %s. `postseal domain candidates` lists them, and how often they were seen; "+
		"`domain add` makes a key. If they are not yours, look who sends from them.", len(names), list)
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
