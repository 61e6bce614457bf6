package managed

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/storetest"
)

// A domain is disabled while a slow store is read for private halves: mail hears of it
// at once.
func TestFollowDoesNotWaitForKeys(t *testing.T) {
	store := storetest.NewMemory()
	service := domains.New(domains.Options{Store: store})
	_, err := service.Add(t.Context(), "test", domains.AddRequest{
		Name: "example.com", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}, Activation: domains.ActivateImmediate, Yes: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	m := New(service, Options{Changes: store.Changes, KeysCached: 10, Log: slog.New(slog.DiscardHandler)})
	let := make(chan struct{})
	fetch := m.keys.fetch
	m.keys.fetch = func(ctx context.Context, id string) (*dkim.PrivateKey, error) {
		<-let
		return fetch(ctx, id)
	}
	rows, err := m.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	defer close(let)
	used := make(chan *Rows, 10)
	go m.Follow(ctx, rows, func(r *Rows) { used <- r })
	if _, err := service.Disable(t.Context(), "test", "example.com"); err != nil {
		t.Fatal(err)
	}
	select {
	case r := <-used:
		if !r.Managed.Rows["example.com"].Disabled {
			t.Error("rows came without the change")
		}
	case <-time.After(2 * time.Minute):
		t.Error("the change waits for a key")
	}
}
