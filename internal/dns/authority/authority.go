// Package authority asks the authoritative servers of a zone, each by itself, and reports what each said.
//
// A configured resolver only says where the servers are. It is never asked for the name itself: a name that does not exist yet would be
// remembered there as absent, and with it everything below (RFC 2308, RFC 8020), for as long as the zone's SOA record says. The way begins at
// the registrable domain, which exists, and goes down by the referrals of the servers. A CNAME is followed hop by hop, each at the authority
// of its own name. DNSSEC is not validated; who validates is the resolver.
//
//	c := authority.New(authority.Config{Resolver: resolver})
//	for _, hop := range c.Follow(ctx, "s1._domainkey.example.com").Hops {
//		for _, a := range hop.Answers {
//			fmt.Println(a.Server, a.Status, a.Texts())
//		}
//	}
package authority

import (
	"context"
	"fmt"
	"time"

	"github.com/postseal/postseal/internal/dns"
)

// Config says how to ask. The zero value of each field but Resolver stands for its default.
type Config struct {
	Resolver *dns.Resolver // finds the servers
	Port     int           // of the authoritative servers; 53. Tests have no other choice
	Timeout  time.Duration // for a question to a server over one network; 2 seconds
	Deadline time.Duration // for a call of Ask, Follow or Locate with all its questions; 20 seconds
	PerHost  int           // questions to one server in a second; 10
}

// Bounds of what a stranger's zone may make us do.
const (
	maxHops        = 8  // CNAME records in a chain, as in package dns
	maxDelegations = 10 // referrals on the way down
	maxNames       = 13 // name servers of a zone
	maxServers     = 16 // their addresses
	maxPerName     = 4  // addresses of one of them
	udpAttempts    = 2
)

// Client asks authoritative servers. It is safe for concurrent use.
type Client struct {
	resolver *dns.Resolver
	port     string
	timeout  time.Duration
	deadline time.Duration
	pace     *pace
	zones    zoneCache
}

// New returns a Client.
func New(c Config) *Client {
	port := 53
	if c.Port != 0 {
		port = c.Port
	}
	return &Client{
		resolver: c.Resolver,
		port:     fmt.Sprint(port),
		timeout:  positiveOr(c.Timeout, 2*time.Second),
		deadline: positiveOr(c.Deadline, 20*time.Second),
		pace:     newPace(positiveOr(c.PerHost, 10)),
	}
}

func positiveOr[T int | time.Duration](value, otherwise T) T {
	if value > 0 {
		return value
	}
	return otherwise
}

// errDeadline is why ctx ends in a call.
var errDeadline = fmt.Errorf("no answer within the time for a check: %w", context.DeadlineExceeded)

func (c *Client) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.deadline, errDeadline)
}
