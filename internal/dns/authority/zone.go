package authority

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	wire "github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"
)

// zone is a zone cut with the addresses of its servers.
type zone struct {
	name    string   // plain
	names   []string // of the servers, sorted
	servers []server
}

// NoDomainError says that a registrable domain does not exist.
type NoDomainError struct{ Domain string }

func (e *NoDomainError) Error() string { return show(e.Domain) + " does not exist" }

// NoServersError says that none of a zone's name servers has an address.
type NoServersError struct {
	Zone    string
	Servers []string
}

func (e *NoServersError) Error() string {
	return fmt.Sprintf("no address of a name server of %s: %s", show(e.Zone), strings.Join(e.Servers, ", "))
}

// show names a zone for people.
func show(zone string) string {
	if zone == "" {
		return "the root zone"
	}
	return zone
}

// top returns the zone where the way down to a name begins: that of its registrable domain.
func (c *Client) top(ctx context.Context, name string) (*zone, error) {
	start := registrable(plain(name))
	if z := c.zones.get(start); z != nil {
		return z, nil
	}
	z, err := c.enclosing(ctx, start)
	if err == nil {
		c.zones.put(start, z)
	}
	return z, err
}

// registrable returns the domain that somebody registered to have a name; the name itself if it is a public suffix.
func registrable(name string) string {
	if domain, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return domain
	}
	return name
}

// enclosing asks the resolver for the zone that holds a name which ought to exist.
func (c *Client) enclosing(ctx context.Context, start string) (*zone, error) {
	for name := start; ; {
		m, _, err := c.recurse(ctx, name, NS)
		if err != nil {
			return nil, err
		}
		if m.Rcode == wire.RcodeNameError && name == start {
			return nil, &NoDomainError{start}
		}
		var servers []string
		for _, r := range records(m.Answer, name, NS) {
			if r.Type == NS && len(servers) < maxNames {
				servers = append(servers, r.Target)
			}
		}
		if servers != nil {
			return c.resolve(ctx, name, servers)
		}
		if name == "" {
			return nil, errors.New("the resolver does not tell the name servers of the root zone")
		}
		_, name, _ = strings.Cut(name, ".")
	}
}

// resolve finds the addresses of a zone's servers.
func (c *Client) resolve(ctx context.Context, name string, names []string) (*zone, error) {
	slices.Sort(names)
	z := &zone{name: name, names: slices.Compact(names)}
	found := make([][]server, len(z.names))
	failures := make([]error, len(z.names))
	var waiting sync.WaitGroup
	for i, ns := range z.names {
		waiting.Go(func() { found[i], failures[i] = c.addresses(ctx, ns) })
	}
	waiting.Wait()
	for round := range maxPerName { // first one address of each name
		for _, list := range found {
			if round < len(list) && len(z.servers) < maxServers {
				z.servers = append(z.servers, list[round])
			}
		}
	}
	if z.servers != nil {
		return z, nil
	}
	if err := errors.Join(failures...); err != nil {
		return nil, fmt.Errorf("name servers of %s: %w", show(name), err)
	}
	return nil, &NoServersError{name, z.names}
}

// addresses are those of one name server, IPv4 first. A failure counts only if nothing is found.
func (c *Client) addresses(ctx context.Context, ns string) (out []server, err error) {
	for _, t := range []Type{A, AAAA} {
		m, _, failure := c.recurse(ctx, ns, t)
		if failure != nil {
			err = failure
			continue
		}
		for _, rr := range m.Answer { // behind a CNAME too, which is not allowed and works
			if address := addressOf(rr); address != "" && len(out) < maxPerName {
				out = append(out, server{ns, net.JoinHostPort(address, c.port)})
			}
		}
	}
	if out != nil {
		return out, nil
	}
	return nil, err
}

func addressOf(rr wire.RR) string {
	switch rr := rr.(type) {
	case *wire.A:
		return rr.A.String()
	case *wire.AAAA:
		return rr.AAAA.String()
	}
	return ""
}

// recurse asks the resolver, which need not validate (the CD bit): a zone whose DNSSEC is broken has servers that can be asked all the same.
func (c *Client) recurse(ctx context.Context, name string, t Type) (*wire.Msg, string, error) {
	q := recursive(name, t)
	q.CheckingDisabled = true
	return c.resolver.Query(ctx, q)
}

// zoneCache keeps the servers of a zone for the questions of one check, and for the next one's.
type zoneCache struct {
	mu     sync.Mutex
	byName map[string]cachedZone
}

type cachedZone struct {
	zone    *zone
	expires time.Time
}

const (
	zoneLifetime = 30 * time.Second // the resolver keeps them longer
	maxZones     = 2000
)

func (c *zoneCache) get(name string) *zone {
	c.mu.Lock()
	defer c.mu.Unlock()
	if z, ok := c.byName[name]; ok && time.Now().Before(z.expires) {
		return z.zone
	}
	return nil
}

func (c *zoneCache) put(name string, z *zone) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byName == nil || len(c.byName) >= maxZones {
		c.byName = map[string]cachedZone{}
	}
	c.byName[name] = cachedZone{z, time.Now().Add(zoneLifetime)}
}
