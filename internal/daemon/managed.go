package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/dns/authority"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
	"github.com/postseal/postseal/internal/domains/sqlstore"
)

// ErrNoStore says that the configuration names no store: only files are used.
var ErrNoStore = errors.New("no store is configured; set [store] url, for example \"sqlite:/var/lib/postseal/postseal.db\"")

// Managed is the opened store with the verbs on it.
type Managed struct {
	Service *domains.Service
	Store   *sqlstore.Store

	checker *lateChecker
}

// OpenManaged opens the store of [store] with the defaults of [domains]. It is
// ErrNoStore where none is configured and a domains.ErrUnavailable while it cannot
// be reached. DNS is asked through [check], from the first check on.
func OpenManaged(ctx context.Context, cfg *config.Config, log *slog.Logger) (*Managed, error) {
	if cfg.Store.URL == "" {
		return nil, ErrNoStore
	}
	store, err := sqlstore.Open(ctx, cfg.Store.URL, sqlstore.Options{Seal: identity(cfg.Store), Log: log})
	if err != nil {
		return nil, err
	}
	checker := &lateChecker{cfg: cfg, log: log}
	service := domains.New(domains.Options{Store: store, Policy: policyOf(cfg), Checker: checker, Log: log, Publishing: publishing(cfg)})
	return &Managed{service, store, checker}, nil
}

// Locate finds the zone that a domain belongs to, and its name servers.
func (m *Managed) Locate(ctx context.Context, domain string) (authority.Zone, error) {
	engine, err := m.checker.made(ctx)
	if err != nil {
		return authority.Zone{}, err
	}
	source := engine.Authority
	if source == nil {
		source = engine.Resolver
	}
	return source.Locate(ctx, domain)
}

// Close closes the store.
func (m *Managed) Close() error { return m.Store.Close() }

// identity says what unseals private keys: the file, unless something else is
// configured.
func identity(s config.Store) seal.Source {
	source := seal.Source{Recipients: s.Recipients}
	switch {
	case s.Credential != "":
		source.Credential = s.Credential
	case len(s.IdentityCommand) > 0:
		source.Command = s.IdentityCommand
	default:
		source.File = s.Identity
	}
	if path, ok := strings.CutPrefix(s.URL, "sqlite:"); ok {
		source.Apart = filepath.Dir(path)
	}
	return source
}

// policyOf are the timing and the defaults of all domains.
func policyOf(cfg *config.Config) domains.Policy {
	d, p := cfg.Domains, domains.DefaultPolicy()
	p.Selector, p.OnMissing = d.Selector, domains.OnMissing(d.OnMissing)
	p.RetireAfter, p.RotateEvery = time.Duration(d.RetireAfter), time.Duration(d.RotateEvery)
	if z := cfg.KeyZone; z.Name != "" {
		p.KeyZone = domains.KeyZone{Name: z.Name, SharedTarget: z.Shared(), Former: z.Former}
	}
	return p
}

// lateChecker makes the engine at the first check: to find out whom it can ask
// takes seconds, which a command that only lists does not have.
type lateChecker struct {
	log *slog.Logger

	mu     sync.Mutex
	cfg    *config.Config
	engine *check.Engine // nil: not made yet
}

// made gives the engine. Whoever asks first may go away, and the others live with what
// was found then: so that does not end with ctx, but when maxProbe is over.
func (c *lateChecker) made(ctx context.Context) (*check.Engine, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.engine != nil {
		return c.engine, nil
	}
	engine, why, err := NewChecker(context.WithoutCancel(ctx), c.cfg)
	if err != nil {
		return nil, err
	}
	if why != "" {
		c.log.Info("checks of keys", "via", why)
	}
	c.engine = engine
	return engine, nil
}

// reload takes up a configuration, with a new engine if that asks others.
func (c *lateChecker) reload(cfg *config.Config) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cfg.Check != c.cfg.Check || !reflect.DeepEqual(cfg.DNS, c.cfg.DNS) {
		c.engine = nil
	}
	c.cfg = cfg
}

// Check implements domains.Checker.
func (c *lateChecker) Check(ctx context.Context, s check.Subject) check.Result {
	engine, err := c.made(ctx)
	if err != nil {
		return c.unable(err)
	}
	return engine.Check(ctx, s)
}

// Vacant implements domains.Checker.
func (c *lateChecker) Vacant(ctx context.Context, s check.Subject) check.Result {
	engine, err := c.made(ctx)
	if err != nil {
		return c.unable(err)
	}
	return engine.Vacant(ctx, s)
}

// unable is what can be said without an engine.
func (c *lateChecker) unable(err error) check.Result {
	return check.Result{At: time.Now(), Verdict: check.Temporary, Findings: []check.Finding{{
		Code: "D103", Severity: check.Unsettled, Title: "DNS cannot be asked", Got: err.Error(), Change: "mend [dns] in postseal.toml",
	}}}
}

// processName tells this process from every other one that works on the store.
func processName() string { return fmt.Sprintf("%s-%d-%s", hostName(), os.Getpid(), rand.Text()[:6]) }

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}
