package domains

import (
	"context"
	"slices"
)

// A key zone that got another name is to be named in key_zone.former until the last
// customer has followed. Where that was forgotten, what customers point to is in no zone
// of ours: it is not written any more. It is not removed either, and it is said.

// outside is a record that was written into what is no zone of ours any more.
func (s *Service) outside(p Published) bool { return s.policy.KeyZone.of(p.Name) == "" }

// stranded are the names in no zone of ours that CNAME records of a row with living keys
// point to, or pointed to when they were last seen.
func (s *Service) stranded(row *Situation) (names []string) {
	add := func(name string) {
		if name != "" && s.policy.KeyZone.of(name) == "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, k := range row.Keys {
		if k.Slot == 0 || !k.living() {
			continue
		}
		add(k.Target)
		for _, a := range row.Domain.Aliases {
			if a.GoneAt.IsZero() {
				add(a.Target)
			}
		}
	}
	return names
}

// Stranded counts the CNAME records of customers that point into no zone of ours, and names
// where some of them do.
func (s *Service) Stranded(ctx context.Context) (count int, names []string, err error) {
	rows, err := s.situations(ctx)
	for i := range rows {
		if rows[i].Domain.IsSharedSet() {
			continue
		}
		for _, name := range s.stranded(&rows[i]) {
			count++
			if len(names) < strandedShown && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return count, names, err
}

// strandedShown is how many names somebody is told.
const strandedShown = 5

// tellStranded says so to whoever has just changed the configuration.
func (s *Service) tellStranded(ctx context.Context) error {
	count, names, err := s.Stranded(ctx)
	if count > 0 {
		s.log.Error("customers point to a zone that is not ours any more: put its name into key_zone.former", "count", count, "names", names)
	}
	return err
}
