package domains

import (
	"context"
	"errors"
	"sync"
)

// Turns bounds what is done at a time in the name of tenants, so that none keeps others
// waiting: there are places for all of them, and each has some of its own.
type Turns struct {
	all  chan struct{}
	each int
	most int // that wait or work for each

	mu  sync.Mutex
	own map[string]*ownTurns // of tenants that wait or work
}

type ownTurns struct {
	places  chan struct{}
	holders int // that wait or work
}

// ErrTooMany is a tenant that asks for more before what it asked for is done.
var ErrTooMany = errors.New("too many requests at a time")

// NewTurns has so many places for all and for each; most may be there of each, at work or
// waiting.
func NewTurns(all, each, most int) *Turns {
	return &Turns{all: make(chan struct{}, all), each: each, most: most, own: map[string]*ownTurns{}}
}

// Take does something when it is a tenant's turn. Whoever waits until ctx ends gets
// ErrUnavailable, who comes when too many wait ErrTooMany.
func (t *Turns) Take(ctx context.Context, tenant string, f func() error) error {
	places, leave := t.enter(tenant)
	if places == nil {
		return ErrTooMany
	}
	defer leave()
	return within(ctx, places, func() error { return within(ctx, t.all, f) })
}

// enter gives the places of a tenant, which are there until the last one has left; nil if too
// many wait for them.
func (t *Turns) enter(tenant string) (places chan struct{}, leave func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.own[tenant]
	if own == nil {
		own = &ownTurns{places: make(chan struct{}, t.each)}
		t.own[tenant] = own
	}
	if own.holders == t.most {
		return nil, nil
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
		return errors.Join(ErrUnavailable, ctx.Err())
	}
	defer func() { <-places }()
	return f()
}
