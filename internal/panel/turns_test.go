package panel

import (
	"context"
	"errors"
	"testing"

	"github.com/postseal/postseal/internal/domains"
)

// TestTurns has one tenant take all the places that it gets.
func TestTurns(t *testing.T) {
	turns, held, done := newTurns(), make(chan struct{}), make(chan struct{})
	defer close(held)
	slow := Identity{Name: "eve", Tenant: "slow"}
	for range atWorkOfTenant {
		began := make(chan struct{})
		go func() {
			turns.take(t.Context(), slow, func() error { close(began); <-held; return nil })
		}()
		<-began
	}
	go func() {
		defer close(done)
		for _, who := range []Identity{{Name: "ada"}, {Name: "bob", Tenant: "other"}} {
			if err := turns.take(t.Context(), who, func() error { return nil }); err != nil {
				t.Errorf("%s: %v", who.Name, err)
			}
		}
	}()
	<-done

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	err := turns.take(gone, slow, func() error { t.Error("one place too many"); return nil })
	if !errors.Is(err, domains.ErrUnavailable) {
		t.Errorf("who waits in vain is told %v", err)
	}
	if len(turns.own) != 1 {
		t.Errorf("%d tenants are remembered, one is at work", len(turns.own))
	}
}
