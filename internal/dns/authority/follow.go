package authority

import (
	"context"
	"errors"
	"time"
)

// Hop is what the servers of one zone said about one name.
type Hop struct {
	Name        string   // without final dot
	Type        Type     // that was asked for
	Zone        string   // that holds Name, as far as is known; empty for the root zone
	NameServers []string // names of Zone's servers, sorted
	Answers     []Answer // one for each address of a server
	Err         error    // why nobody could be asked: *NoDomainError, *NoServersError, or a failure of the resolver
}

// Chain is a look-up of TXT records along the CNAME records.
type Chain struct {
	Hops []Hop // the first one is for the name itself; never empty
	Loop bool  // it came back to where it was, or had more than 8 CNAME records
}

// Last is where the chain ends.
func (c Chain) Last() Hop { return c.Hops[len(c.Hops)-1] }

// Alias is where the CNAME record of a hop points, if all servers that answered agree about it.
func (h Hop) Alias() string {
	target := ""
	for _, a := range h.Answers {
		if !a.Status.Answered() {
			continue
		}
		alias := a.Alias()
		if alias == "" || target != "" && alias != target {
			return ""
		}
		target = alias
	}
	return target
}

// Follow looks up the TXT records of a name at every authoritative server, and of the target of its CNAME record, at that one's servers, and
// so on.
func (c *Client) Follow(ctx context.Context, name string) Chain {
	ctx, cancel := c.within(ctx)
	defer cancel()
	return follow(name, func(name string) Hop { return c.descend(ctx, name, TXT) })
}

func follow(name string, ask func(name string) Hop) Chain {
	var chain Chain
	seen := map[string]bool{}
	for {
		seen[plain(name)] = true
		hop := ask(name)
		chain.Hops = append(chain.Hops, hop)
		next := hop.Alias()
		if next == "" {
			return chain
		}
		if seen[next] || len(chain.Hops) > maxHops {
			chain.Loop = true
			return chain
		}
		name = next
	}
}

// Ask asks every authoritative server for records of a name.
func (c *Client) Ask(ctx context.Context, name string, t Type) Hop {
	ctx, cancel := c.within(ctx)
	defer cancel()
	return c.descend(ctx, name, t)
}

// Peek asks the servers one after the other until one answers; of those that do not, it returns the last.
func (c *Client) Peek(ctx context.Context, name string, t Type) Answer {
	ctx, cancel := c.within(ctx)
	defer cancel()
	z, err := c.top(ctx, plain(name))
	for range maxDelegations {
		if err != nil {
			break
		}
		var last reply
		for _, s := range z.servers {
			if last = c.ask(ctx, s, plain(name), t); last.Status.Answered() || leadsDown(last.referral, z, plain(name)) {
				break
			}
		}
		if last.Status.Answered() || !leadsDown(last.referral, z, plain(name)) {
			return last.Answer
		}
		z, err = c.resolve(ctx, last.referral.zone, last.referral.servers)
	}
	a := Answer{Status: TimedOut, Detail: "too many delegations"}
	if err != nil {
		a.Detail = err.Error()
	}
	return a
}

// descend goes down from the registrable domain to the servers that know the name.
func (c *Client) descend(ctx context.Context, name string, t Type) Hop {
	hop := Hop{Name: plain(name), Type: t}
	z, err := c.top(ctx, hop.Name)
	for range maxDelegations {
		if err != nil {
			hop.Err = err
			return hop
		}
		hop.Zone, hop.NameServers = z.name, z.names
		answers, below := c.all(ctx, z, hop.Name, t)
		if below == nil || anyAnswered(answers) {
			hop.Answers = answers
			hop.refineZone()
			return hop
		}
		z, err = c.resolve(ctx, below.zone, below.servers)
	}
	hop.Err = errors.New("too many delegations")
	return hop
}

func anyAnswered(answers []Answer) bool {
	for _, a := range answers {
		if a.Status.Answered() {
			return true
		}
	}
	return false
}

// refineZone takes the zone from an SOA record: a server that has both parent and child gives no referral.
func (h *Hop) refineZone() {
	for _, a := range h.Answers {
		if a.Status.Answered() && a.SOA != nil && isBelow(h.Name, a.SOA.Zone) && isBelow(a.SOA.Zone, h.Zone) {
			h.Zone = a.SOA.Zone
			return
		}
	}
}

// Zone is the zone that holds a domain.
type Zone struct {
	Name        string // apex
	NameServers []string
	Start       *Start // nil if no server gave an SOA record
	Hop         Hop    // what each server said
}

// NegativeTTL is how long caches keep that a name of the zone does not exist.
func (z Zone) NegativeTTL() time.Duration {
	if z.Start == nil {
		return 0
	}
	return min(z.Start.TTL, z.Start.Minimum)
}

// Locate finds the zone that a domain belongs to. The error is a *NoDomainError, a *NoServersError, or temporary.
func (c *Client) Locate(ctx context.Context, domain string) (Zone, error) {
	hop := c.Ask(ctx, domain, SOA)
	if hop.Err != nil {
		return Zone{}, hop.Err
	}
	z := Zone{Name: hop.Zone, NameServers: hop.NameServers, Hop: hop}
	for _, a := range hop.Answers {
		if a.Status.Answered() && a.SOA != nil {
			z.Start = a.SOA
			return z, nil
		}
	}
	return z, nil
}

// Reachable tells whether authoritative servers can be asked from this host at all: whether port 53 of the outside world is open. It tries
// those of the root zone.
func (c *Client) Reachable(ctx context.Context) error {
	ctx, cancel := c.within(ctx)
	defer cancel()
	root, err := c.enclosing(ctx, "")
	if err != nil {
		return err
	}
	few := *root
	few.servers = few.servers[:min(len(few.servers), 3)]
	answers, _ := c.all(ctx, &few, "", SOA)
	for _, a := range answers {
		if a.Status.Answered() {
			return nil
		}
		err = errors.New("root server " + a.Address + ": " + string(a.Status) + " " + a.Detail)
	}
	return err
}
