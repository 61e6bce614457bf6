package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/dns"
	"github.com/postseal/postseal/internal/dns/authority"
)

// maxProbe is how long the choice of check.via = "auto" may take.
const maxProbe = 6 * time.Second

// NewChecker makes the engine that checks the records of keys, as [check] and
// [dns] say. The static records file is not asked: it never opens the gate of a
// key. why tells how check.via = "auto" was decided, and is empty otherwise.
func NewChecker(ctx context.Context, cfg *config.Config) (engine *check.Engine, why string, err error) {
	resolver, err := dns.New(dns.Config{
		Servers: cfg.DNS.Nameservers, Deadline: time.Duration(cfg.DNS.Timeout), CacheSize: -1, TrustAD: cfg.DNS.TrustAD,
	})
	if err != nil {
		return nil, "", config.Problems{cfg.Problem("dns", "", "%v", err)}
	}
	engine = &check.Engine{Resolver: authority.Recursive{Resolver: resolver}}
	client := authority.New(authority.Config{Resolver: resolver})
	switch cfg.Check.Via {
	case "authoritative":
		engine.Authority = client
	case "auto":
		ctx, cancel := context.WithTimeout(ctx, maxProbe)
		defer cancel()
		if err := client.Reachable(ctx); err != nil {
			return engine, fmt.Sprintf("checks go through the resolver: authoritative servers cannot be asked from here (%v)", err), nil
		}
		engine.Authority, why = client, "checks go to the authoritative servers"
	}
	return engine, why, nil
}
