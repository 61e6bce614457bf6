package panel

import (
	"context"
	"math"

	"github.com/postseal/postseal/internal/domains"
)

// turns bounds the verbs that make keys or ask DNS at a time. The operator has places of
// its own, and a tenant never all of the others: whose name servers are slow keeps nobody
// else waiting. Verbs that only change rows, `compromised` among them, take no turn here.
type turns struct{ operator, tenants *domains.Turns }

const (
	atWork         = 4
	atWorkOfTenant = 2
	waitOfTenant   = 16 // with those
)

func newTurns() *turns {
	return &turns{operator: domains.NewTurns(atWork, atWork, math.MaxInt), tenants: domains.NewTurns(atWork, atWorkOfTenant, waitOfTenant)}
}

// take does something when it is its turn.
func (t *turns) take(ctx context.Context, who Identity, f func() error) error {
	if who.Operator() {
		return t.operator.Take(ctx, "", f)
	}
	return t.tenants.Take(ctx, who.Tenant, f)
}
