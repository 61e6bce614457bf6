package main

import (
	"context"
	"time"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/daemon"
	"github.com/postseal/postseal/internal/doctor"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/sources"
)

// inspectStore opens the store for the doctor, who changes nothing. Like every command
// it does so as the store's owner; from then on nothing is read as root.
func inspectStore(ctx context.Context, cfg *config.Config) (*doctor.Opened, error) {
	var found []domains.Sighting
	for _, r := range sources.Read(ctx, sources.Host{}, cfg.Domains.Candidates, time.Now()) {
		found = append(found, r.Domains...)
	}
	borrowCredential(cfg.Store)
	if err := becomeOwner(cfg.Store.URL); err != nil {
		return nil, err
	}
	store, err := daemon.Inspect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &doctor.Opened{Store: store.Service, Name: store.Name, Sealed: store.Sealed, Sightings: found, Close: store.Close}, nil
}
