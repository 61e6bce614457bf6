package daemon

import (
	"context"
	"log/slog"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/sqlstore"
)

// Inspected is the store as somebody sees it who changes nothing.
type Inspected struct {
	*domains.Service
	Name   string // of the store, without its password
	Sealed error  // why the identity does not open the private keys; nil if it does
	Close  func() error
}

// Inspect opens the store of [store] for looking. It is ErrNoStore where none is
// configured, and an fs.ErrNotExist for a file that nobody has made yet.
func Inspect(ctx context.Context, cfg *config.Config) (*Inspected, error) {
	if cfg.Store.URL == "" {
		return nil, ErrNoStore
	}
	store, err := sqlstore.Inspect(ctx, cfg.Store.URL, sqlstore.Options{})
	if err != nil {
		return nil, err
	}
	return &Inspected{
		Service: domains.New(domains.Options{Store: store, Policy: policyOf(cfg), Log: slog.New(slog.DiscardHandler)}),
		Name:    store.String(), Sealed: store.Opens(ctx, identity(cfg.Store)), Close: store.Close,
	}, nil
}
