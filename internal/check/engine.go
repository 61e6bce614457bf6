package check

import (
	"context"
	"strings"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns/authority"
)

// Source answers questions of DNS.
type Source interface {
	// Follow looks up TXT records along the CNAME records, at every server.
	Follow(ctx context.Context, name string) authority.Chain
	// Ask asks every server.
	Ask(ctx context.Context, name string, t authority.Type) authority.Hop
	// Peek asks one server.
	Peek(ctx context.Context, name string, t authority.Type) authority.Answer
	// Locate finds the zone of a domain.
	Locate(ctx context.Context, domain string) (authority.Zone, error)
}

// Engine checks keys. It is safe for concurrent use.
type Engine struct {
	Authority Source           // authoritative servers; nil: the resolver alone is asked
	Resolver  Source           // the configured resolver
	Public    Source           // a resolver of the outside world, to find out about split DNS; nil: none
	Now       func() time.Time // nil: time.Now
}

// source tells whom a check asks first.
func (e *Engine) source(want Via) (Source, Via) {
	if want == Resolver || e.Authority == nil {
		return e.Resolver, Resolver
	}
	return e.Authority, Authoritative
}

// Check looks a key up and judges what comes back. It never fails: what cannot be found out is a finding too. The time that it takes is
// bounded by its sources and by ctx.
//
// A result has passed if all authoritative servers that answer give the same one TXT record, at the end of the CNAME chain that Subject
// wants, if nothing about it is an error, if its key is that of Subject as a number, and if a message signed with Subject.Signer verifies
// with exactly this text. Only then the resolver is asked.
func (e *Engine) Check(ctx context.Context, s Subject) Result {
	c := e.begin(s)
	c.run(ctx)
	return c.result()
}

// Vacant tells whether a selector may be taken: the verdict is OK if no key record stands at its name, Temporary if that cannot be told,
// and there is a finding D105 else. Only authoritative servers are asked; without them it cannot be told, and nobody is: a resolver would
// remember that the new name does not exist, and give that as an answer after it was published.
func (e *Engine) Vacant(ctx context.Context, s Subject) Result {
	s.Via = Authoritative
	c := e.begin(s)
	if c.via != Authoritative {
		c.report.decide(Temporary)
		return c.result()
	}
	if c.look(ctx) && c.onward(ctx) {
		c.vacancy()
	}
	return c.result()
}

func (e *Engine) begin(s Subject) *checking {
	s.Domain, s.Selector = strings.ToLower(s.Domain), strings.ToLower(s.Selector)
	c := &checking{engine: e, subject: s, clock: e.Now, name: dkim.RecordName(s.Selector, s.Domain)}
	if c.clock == nil {
		c.clock = time.Now
	}
	c.now = c.clock()
	c.source, c.via = e.source(s.Via)
	want := "one TXT record with a key, v=DKIM1; p=…"
	if s.Public != nil {
		c.ours = keyText(s.Public)
		want = short(recordText(s.Public)) + "  (" + describeKey(s.Public) + ")"
	}
	c.report.common = facts{
		"name": c.name, "domain": s.Domain, "selector": s.Selector, "host": s.Selector + "._domainkey", "zone": s.Domain,
		"want": want, "target": s.Target, "servers": "the name servers of " + s.Domain, "found": "nothing", "type": c.wantedType().String(),
	}
	if s.Public != nil {
		c.report.common["ours"] = describeKey(s.Public)
	}
	return c
}
