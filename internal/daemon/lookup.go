package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"time"

	"github.com/postseal/postseal/internal/access"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/dns"
	"github.com/postseal/postseal/verifier"
)

// Lookup finds the keys of incoming mail: it joins the resolver with what the
// verifier wants of one. It outlives a snapshot, and with it its cache.
type Lookup struct {
	resolver *dns.Resolver
	cfg      config.DNS
	cached   int64
}

// NewLookup makes a resolver as the configuration says, or takes up the one of
// before where nothing about it changed. observe is told of each look-up; it may be nil.
func NewLookup(cfg *config.Config, before *Lookup, observe func(dns.Event)) (*Lookup, error) {
	if before != nil && reflect.DeepEqual(before.cfg, cfg.DNS) && before.cached == cfg.Limits.RecordsCached {
		return before, nil
	}
	resolver, err := dns.New(dns.Config{
		Servers:     cfg.DNS.Nameservers,
		Deadline:    time.Duration(cfg.DNS.Timeout) * 9 / 10, // before the verifier gives up, to say what was tried
		CacheSize:   int(cfg.Limits.RecordsCached),
		TrustAD:     cfg.DNS.TrustAD,
		RecordsFile: cfg.DNS.RecordsFile,
		Observe:     observe,
	})
	if err != nil {
		return nil, config.Problems{dnsProblem(cfg, err)}
	}
	return &Lookup{resolver: resolver, cfg: cfg.DNS, cached: cfg.Limits.RecordsCached}, nil
}

// dnsProblem is why there can be no look-ups.
func dnsProblem(cfg *config.Config, err error) config.Problem {
	var file *fs.PathError
	if errors.As(err, &file) && file.Path == cfg.DNS.RecordsFile {
		return cfg.Problem("dns.records_file", "mend dns.records_file, or leave it empty", "%v", access.ToRead(file.Path, err))
	}
	return cfg.Problem("dns", "", "%v", err)
}

// reload takes up a changed file of static records.
func (l *Lookup) reload(cfg *config.Config) error {
	if err := l.resolver.Reload(); err != nil {
		return config.Problems{dnsProblem(cfg, err)}
	}
	return nil
}

// LookupTXT implements verifier.Lookup.
func (l *Lookup) LookupTXT(ctx context.Context, name string) (verifier.Answer, error) {
	answer, err := l.resolver.LookupTXT(ctx, name)
	var temporary *dns.TemporaryError
	switch {
	case errors.Is(err, dns.ErrNotFound):
		err = fmt.Errorf("%w: %w", verifier.ErrNotFound, err)
	case errors.As(err, &temporary) && temporary.Timeout():
		err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return verifier.Answer{TXT: answer.TXT, Secure: answer.Secure}, err
}
