package panel

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// zones remembers for a while in which zone a domain is: pages show it often, and DNS may
// take its time.
type zones struct {
	find records.Finder
	now  func() time.Time

	mu    sync.Mutex
	known map[string]knownZone
}

type knownZone struct {
	zone  records.Zone
	until time.Time
}

const (
	maxZones   = 2000
	zoneFor    = 10 * time.Minute
	guessFor   = 30 * time.Second
	zoneLookup = 5 * time.Second
)

func newZones(find records.Finder, now func() time.Time) *zones {
	if find == nil {
		find = func(context.Context, string) (string, []string, error) {
			return "", nil, errors.New("nobody looks for zones here")
		}
	}
	return &zones{find: find, now: now, known: map[string]knownZone{}}
}

func (z *zones) of(ctx context.Context, domain string) records.Zone {
	z.mu.Lock()
	known, ok := z.known[domain]
	z.mu.Unlock()
	if ok && z.now().Before(known.until) {
		return known.zone
	}
	ctx, cancel := context.WithTimeout(ctx, zoneLookup)
	defer cancel()
	found := records.Find(ctx, z.find, domain)
	lasts := zoneFor
	if found.Guessed {
		lasts = guessFor
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if len(z.known) >= maxZones {
		clear(z.known)
	}
	z.known[domain] = knownZone{found, z.now().Add(lasts)}
	return found
}

// Sources reads domains that the host sends for.
type Sources func(ctx context.Context) []domains.Sighting

// sightings remembers what the sources said for as long as somebody fills in a form.
type sightings struct {
	read Sources
	now  func() time.Time

	mu    sync.Mutex
	list  []domains.Sighting
	until time.Time
}

const sightingsFor = 30 * time.Second

func (s *sightings) get(ctx context.Context) []domains.Sighting {
	if s.read == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); !now.Before(s.until) {
		s.list, s.until = s.read(ctx), now.Add(sightingsFor)
	}
	return s.list
}
