// Package dns looks up TXT records for the verification of signatures: from a file of static records, from a cache, or from recursive
// resolvers.
//
// A question goes out over UDP with EDNS and room for 1232 octets (what passes every network unfragmented), without EDNS to a server that
// does not know it, then over TCP if the answer was cut short. Each has a random ID and a socket, and so a source port, of its own; only an answer from the server asked, with that ID and that
// question, counts. A server that fails is followed by the next one, and for a while it is asked last.
//
// What comes out is one of three things: an [Answer]; an error that is [ErrNotFound], permanent; a [TemporaryError].
//
// # What is cached
//
// Answers for their TTL, at most an hour. Names that do not exist or have no TXT record for what the zone's SOA record permits (RFC 2308
// section 5), at most 5 minutes, and not at all without an SOA record. No TTL is lengthened. Temporary failures are not cached: the resolver
// does that as far as it is good (RFC 2308 section 7), and the next message should have its own chance. Questions for one name that are
// asked at the same time are one question.
package dns

import (
	"context"
	"fmt"
	"time"
)

// Answer is what LookupTXT found.
type Answer struct {
	// TXT has the text of each record, its strings joined with nothing between (RFC 6376 section 3.6.2.2). Never empty.
	TXT []string
	// Secure is set if DNSSEC vouches for all of it: each server that was asked set AD and is one to be believed (Config.TrustAD).
	Secure bool
	// TTL is how long the answer may still be kept; 0 for static records.
	TTL time.Duration
	// Name is where the records stand, at the end of the CNAME chain if there is one.
	Name string
	// Server is who answered, HOST:PORT, or FILE:LINE of a static record.
	Server string
}

// Resolver looks up TXT records. It is safe for concurrent use.
type Resolver struct {
	records  recordsFile
	cache    *cache // nil: no caching
	flights  flights
	network  network
	observe  func(Event)
	now      func() time.Time
	deadline time.Duration
}

// New returns a Resolver. The error names every mistake in c and every bad line of the records file.
func New(c Config) (*Resolver, error) {
	c = c.withDefaults()
	servers, err := newServers(c)
	if err != nil {
		return nil, err
	}
	trust, err := newTrust(c.TrustAD)
	if err != nil {
		return nil, err
	}
	r := &Resolver{
		records:  recordsFile{path: c.RecordsFile},
		network:  network{servers: servers, trust: trust, timeout: c.Timeout, attempts: c.Attempts},
		observe:  c.Observe,
		now:      c.Now,
		deadline: c.Deadline,
	}
	if c.CacheSize > 0 {
		r.cache = newCache(c.CacheSize, c.Now)
	}
	return r, r.Reload()
}

// Reload reads the records file again. If that fails the records stay as they were.
func (r *Resolver) Reload() error { return r.records.load() }

// LookupTXT returns the TXT records of a name, which is given as A-labels; a final dot and letter case make no difference.
//
// The error is a *NotFoundError or a *NameError, both of which are [ErrNotFound], or a *TemporaryError. When ctx ends, only this look-up
// does: others that wait for the same name go on.
func (r *Resolver) LookupTXT(ctx context.Context, name string) (Answer, error) {
	start := time.Now()
	answer, source, err := r.lookup(ctx, name)
	if r.observe != nil {
		r.observe(Event{Name: name, Source: source, Outcome: outcomeOf(err), Elapsed: time.Since(start)})
	}
	return answer, err
}

func (r *Resolver) lookup(ctx context.Context, name string) (Answer, Source, error) {
	name, err := canonical(name)
	if err != nil {
		return Answer{}, FromNowhere, err
	}
	if answer, ok := r.records.find(name); ok {
		return answer, FromRecords, nil
	}
	if answer, err, ok := r.cache.get(name); ok {
		return answer, FromCache, err
	}
	found, shared, err := r.flights.do(ctx, name, r.ask)
	source := FromNetwork
	if shared {
		source = FromShared
	}
	if err != nil {
		return Answer{}, source, err
	}
	answer, err := found.unpack(r.now())
	return answer, source, err
}

// ask is what one of those who want to know a name does for all of them.
func (r *Resolver) ask(ctx context.Context, name string) (finding, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.deadline, errDeadline)
	defer cancel()
	found, err := r.network.follow(ctx, name)
	if err != nil {
		return finding{}, err
	}
	found.expires = r.now().Add(found.lifetime())
	r.cache.put(name, found)
	return found, nil
}

// errDeadline is why ctx ends in ask.
var errDeadline = fmt.Errorf("no answer within the time for a look-up: %w", context.DeadlineExceeded)
