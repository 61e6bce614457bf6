package panel

import (
	"context"
	"errors"
	"sync"

	"github.com/postseal/postseal/internal/domains"
)

// turns bounds the verbs that make keys or ask DNS at a time. The operator has places of
// its own, and a tenant never all of the others: whose name servers are slow keeps nobody
// else waiting. Verbs that only change rows, `compromised` among them, take no turn.
type turns struct {
	operator, tenants chan struct{}

	mu  sync.Mutex
	own map[string]*ownTurns // of tenants that wait or work
}

type ownTurns struct {
	places  chan struct{}
	holders int // that wait or work
}

const (
	atWork         = 4
	atWorkOfTenant = 2
)

func newTurns() *turns {
	return &turns{operator: make(chan struct{}, atWork), tenants: make(chan struct{}, atWork), own: map[string]*ownTurns{}}
}

// take does something when it is its turn.
func (t *turns) take(ctx context.Context, who Identity, f func() error) error {
	if who.Operator() {
		return within(ctx, t.operator, f)
	}
	places, leave := t.enter(who.Tenant)
	defer leave()
	return within(ctx, places, func() error { return within(ctx, t.tenants, f) })
}

// enter gives the places of a tenant, which are there until the last one has left.
func (t *turns) enter(tenant string) (places chan struct{}, leave func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.own[tenant]
	if own == nil {
		own = &ownTurns{places: make(chan struct{}, atWorkOfTenant)}
		t.own[tenant] = own
	}
	own.holders++
	return own.places, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.holders--; own.holders == 0 {
			delete(t.own, tenant)
		}
	}
}

func within(ctx context.Context, places chan struct{}, f func() error) error {
	select {
	case places <- struct{}{}:
	case <-ctx.Done():
		return errors.Join(domains.ErrUnavailable, ctx.Err())
	}
	defer func() { <-places }()
	return f()
}
