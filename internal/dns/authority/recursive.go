package authority

import (
	"context"
	"errors"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/internal/dns"
)

// Recursive asks the configured resolvers the same questions: for hosts that reach no other server, and for what receivers see.
type Recursive struct {
	Resolver *dns.Resolver
}

// Follow looks up the TXT records of a name. The hops of a CNAME chain come out of one answer.
func (r Recursive) Follow(ctx context.Context, name string) Chain {
	m, server, err := r.Resolver.Query(ctx, recursive(name, TXT))
	return follow(name, func(name string) Hop { return r.hop(m, server, err, name, TXT) })
}

// Ask asks for records of a name.
func (r Recursive) Ask(ctx context.Context, name string, t Type) Hop {
	m, server, err := r.Resolver.Query(ctx, recursive(name, t))
	return r.hop(m, server, err, name, t)
}

// Peek is Ask with its one answer.
func (r Recursive) Peek(ctx context.Context, name string, t Type) Answer {
	return r.Ask(ctx, name, t).Answers[0]
}

// Locate finds the zone that a domain belongs to, as far as the resolver tells. The error is a *NoDomainError, or temporary.
func (r Recursive) Locate(ctx context.Context, domain string) (Zone, error) {
	start := registrable(plain(domain))
	if a := r.Peek(ctx, start, NS); a.Status == NXDomain {
		return Zone{}, &NoDomainError{start}
	}
	hop := r.Ask(ctx, domain, SOA)
	a := hop.Answers[0]
	if !a.Status.Answered() {
		return Zone{}, errors.New(a.Server + ": " + a.Detail)
	}
	z := Zone{Name: hop.Zone, Start: a.SOA, Hop: hop}
	for _, ns := range r.Peek(ctx, z.Name, NS).Of(NS) {
		z.NameServers = append(z.NameServers, ns.Target)
	}
	return z, nil
}

// Unchecked tells whether the resolver has an answer as soon as it is told not to validate (RFC 4035 section 3.2.2, the CD bit): then DNSSEC
// is what is wrong.
func (r Recursive) Unchecked(ctx context.Context, name string) bool {
	q := recursive(name, TXT)
	q.CheckingDisabled = true
	_, _, err := r.Resolver.Query(ctx, q)
	return err == nil
}

func recursive(name string, t Type) *wire.Msg {
	q := new(wire.Msg).SetQuestion(wire.Fqdn(name), uint16(t))
	q.AuthenticatedData = true // asks for AD (RFC 6840 section 5.7)
	q.SetEdns0(udpSize, false)
	return q
}

// hop reads one name out of a resolver's message, which has the whole chain.
func (r Recursive) hop(m *wire.Msg, server string, err error, name string, t Type) Hop {
	hop := Hop{Name: plain(name), Type: t}
	a := Answer{Server: server, Address: server}
	var temporary *dns.TemporaryError
	var code dns.RcodeError
	switch {
	case errors.As(err, &temporary):
		a.Status, a.Detail = TimedOut, err.Error()
		if n := len(temporary.Tries); n > 0 {
			a.Server, a.Address = temporary.Tries[n-1].Server, temporary.Tries[n-1].Server
		}
		if errors.As(temporary.Err, &code) {
			a.Status, a.Rcode = Failed, string(code)
		}
	case err != nil:
		a.Status, a.Detail = Malformed, err.Error()
	default:
		a = r.read(a, m, name, t)
	}
	hop.Answers = []Answer{a}
	if a.SOA != nil && isBelow(hop.Name, a.SOA.Zone) {
		hop.Zone = a.SOA.Zone
	}
	return hop
}

func (r Recursive) read(a Answer, m *wire.Msg, name string, t Type) Answer {
	a.Rcode, a.Size, a.SOA = wire.RcodeToString[m.Rcode], m.Len(), startOf(m)
	a.Secure = m.AuthenticatedData && r.Resolver.Believes(a.Address)
	a.Records = records(m.Answer, name, t)
	switch {
	case len(a.Records) > 0:
		a.Status = Found
	case m.Rcode == wire.RcodeNameError:
		a.Status = NXDomain
	default:
		a.Status = NoData
	}
	if a.SOA != nil && a.Status != Found {
		a.NegativeTTL = min(a.SOA.TTL, a.SOA.Minimum)
	}
	return a
}
