package check

import (
	"context"
	"net/netip"
	"time"

	"github.com/postseal/postseal/internal/dns/authority"
)

// Bounds of what is good practice.
const (
	longNegative = time.Hour
	longTTL      = 24 * time.Hour
	shortTTL     = time.Minute
	plainUDP     = 512 // octets of an answer that every way takes (RFC 1035 section 4.2.1)
)

// aside notes what is to be known of the zone, whatever comes of the record.
func (c *checking) aside(ctx context.Context) {
	if negative := c.zone.NegativeTTL(); negative > longNegative {
		c.report.raise("D108", facts{"detail": negative.String()})
	}
	c.delegated(ctx)
	c.onePlace()
}

// delegated reports name servers of _domainkey itself (D505).
func (c *checking) delegated(ctx context.Context) {
	name := "_domainkey." + c.subject.Domain
	var servers []string
	for _, r := range c.source.Peek(ctx, name, authority.NS).Of(authority.NS) {
		servers = append(servers, r.Target)
	}
	if servers != nil {
		c.report.raise("D505", facts{"other": list(servers)})
	}
}

// onePlace reports authoritative servers that all fall together (D603).
func (c *checking) onePlace() {
	if c.via == Resolver {
		return // it says nothing of their addresses
	}
	networks := map[string]bool{}
	var last string
	for _, a := range c.zone.Hop.Answers {
		last = network(a.Address)
		networks[last] = true
	}
	if len(networks) == 1 {
		c.report.raise("D603", facts{"detail": "all addresses are in " + last})
	}
}

// network is the part of an address that one place shares: /24, or /48 for IPv6.
func network(hostPort string) string {
	at, err := netip.ParseAddrPort(hostPort)
	if err != nil {
		return hostPort
	}
	bits := 24
	if at.Addr().Is6() {
		bits = 48
	}
	prefix, err := at.Addr().Prefix(bits)
	if err != nil {
		return hostPort
	}
	return prefix.String()
}

// afterwards looks at what surrounds a record that is good: wildcards, TTL, TCP, and what resolvers say.
func (c *checking) afterwards(ctx context.Context) {
	if name, yes := c.wildcard(ctx); yes {
		c.report.raise("D207", facts{"other": name})
	}
	if ttl := c.end.ttl(); ttl > longTTL || ttl < shortTTL {
		c.report.raise("D601", facts{"detail": ttl.String()})
	}
	if c.subject.SharedWith != nil {
		c.report.raise("D413", facts{"other": list(c.subject.SharedWith)})
	}
	c.overTCP(ctx)
	if c.report.failed() {
		return
	}
	if c.via == Authoritative && c.engine.Resolver != nil {
		c.resolver(ctx)
		c.invents(ctx)
	}
	if c.engine.Public != nil {
		c.public(ctx)
	}
}

// tcpAsker is a source that can ask over TCP alone.
type tcpAsker interface {
	AskTCP(ctx context.Context, hop authority.Hop) (silent []authority.Answer)
}

// overTCP asks again over TCP if the answer is too long for every way over UDP (D604).
func (c *checking) overTCP(ctx context.Context) {
	source, ok := c.source.(tcpAsker)
	if !ok || c.end.answered[0].Size <= plainUDP {
		return
	}
	if silent := source.AskTCP(ctx, c.end.hop); silent != nil {
		c.report.raise("D604", facts{"servers": serverNames(silent), "detail": describeAll(silent)})
	}
}

// resolver asks the configured resolver, last of all: before the servers have the record it would remember that there is none (D107).
func (c *checking) resolver(ctx context.Context) {
	v := newView(c.engine.Resolver.Follow(ctx, c.name).Last())
	asked := facts{"servers": serverNames(v.hop.Answers)}
	switch {
	case len(v.answered) == 0:
		asked["detail"], asked["failed"] = describeAll(v.failed), serverNames(v.failed)
		if !c.bogus(ctx, c.name, c.engine.Resolver) {
			c.report.raiseAs(v.failureCode(), Warning, asked)
		}
	case essence(v.answered[0]) != essence(c.end.answered[0]):
		asked["detail"] = describeAll(v.answered)
		if left := max(v.ttl(), v.negativeTTL()); left > 0 {
			asked["detail"] += ", for " + left.String() + " more"
			c.report.retryIn(left)
		}
		c.report.raise("D107", asked)
	default:
		c.secure = v.answered[0].Secure
	}
}

// unvalidated is a source that can ask its resolver not to validate.
type unvalidated interface {
	Unchecked(ctx context.Context, name string) bool
}

// bogus reports a resolver that has an answer and does not believe it (D605).
func (c *checking) bogus(ctx context.Context, name string, source Source) bool {
	resolver, ok := source.(unvalidated)
	if !ok || !resolver.Unchecked(ctx, name) {
		return false
	}
	c.report.raise("D605", facts{"servers": "of this host", "detail": "SERVFAIL; without validation there is an answer: the zone's DNSSEC is bogus"})
	return true
}

// invents reports a resolver that has addresses for names which do not exist (D606).
func (c *checking) invents(ctx context.Context) {
	name := randomName(c.zone.Name)
	made := c.engine.Resolver.Peek(ctx, name, authority.A)
	if made.Status == authority.Found && c.source.Peek(ctx, name, authority.A).Status == authority.NXDomain {
		c.report.raise("D606", facts{"other": name, "servers": made.Server, "detail": describeAddresses(made)})
	}
}

func describeAddresses(a authority.Answer) string {
	var out []string
	for _, r := range a.Records {
		out = append(out, r.Type.String()+" "+r.Target)
	}
	return list(out)
}

// public asks a resolver of the outside world (D110).
func (c *checking) public(ctx context.Context) {
	v := newView(c.engine.Public.Follow(ctx, c.name).Last())
	if len(v.answered) == 0 || v.status() == authority.Found {
		return
	}
	c.report.raise("D110", facts{"servers": serverNames(v.answered), "detail": describeAll(v.answered)})
	c.report.decide(Absent)
	c.report.retryIn(v.negativeTTL())
}
