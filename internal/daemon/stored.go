package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/notify"
	"github.com/postseal/postseal/internal/filter"
	"github.com/postseal/postseal/internal/managed"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/keytable"
)

// stored is the daemon's side of the store; nil without one.
type stored struct {
	opened  *Managed
	managed *managed.Managed
	rows    *managed.Rows // in use
	files   []policy.UserRule
	running sync.WaitGroup
	host    domains.Host // this process
}

// openStore opens the store and reads it once: a milter that was never able to
// read it does not know whom it must not sign for, and does not start.
func (d *Daemon) openStore(cfg *config.Config) error {
	if cfg.Store.URL == "" {
		return nil
	}
	opened, err := openSoon(cfg, d.log)
	if err != nil {
		return lateStore(err)
	}
	host := domains.Host{Name: hostName(), Process: processName()}
	m := managed.New(opened.Service, managed.Options{
		Changes: opened.Store.Changes, Gated: gated(cfg), Host: host, KeysCached: int(cfg.Limits.KeysCached), Log: d.log,
		Own: ownDomain(cfg),
	})
	rows, err := m.Read(context.Background()) // the store bounds it by itself, however many rows there are
	if err != nil {
		opened.Close()
		return lateStore(err)
	}
	d.store = &stored{opened: opened, managed: m, rows: rows, host: host}
	return nil
}

// openSoon does not wait longer for the store than the service manager does.
func openSoon(cfg *config.Config, log *slog.Logger) (*Managed, error) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	return OpenManaged(ctx, cfg, log)
}

// storeTimeout bounds the wait for a store that is away or busy at start.
const storeTimeout = 20 * time.Second

// lateStore: a store that did not answer within storeTimeout may do so later. Without
// that the service manager would not try again.
func lateStore(err error) error {
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, domains.ErrUnavailable) {
		return fmt.Errorf("%w: %w", domains.ErrUnavailable, err)
	}
	return err
}

// addStored puts the rows of the store into a new snapshot. Keys of the tables of which
// the store has not heard yet are behind the gate like those that DNS has not confirmed.
func (d *Daemon) addStored(s *filter.Snapshot) {
	if d.store == nil {
		return
	}
	d.store.files = s.Users
	merge(s.Snapshot, d.store.rows, s.Users)
}

// AddStore puts what the store says into a snapshot of BuildOnce, for a command
// that ends soon: done closes the store. Without a store, or one that was never
// opened, it does nothing: to look is no reason to make one.
func AddStore(ctx context.Context, cfg *config.Config, s *filter.Snapshot, log *slog.Logger) (done func() error, err error) {
	if path, ok := strings.CutPrefix(cfg.Store.URL, "sqlite:"); ok || cfg.Store.URL == "" {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return func() error { return nil }, nil
		}
	}
	opened, err := OpenManaged(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	rows, err := managed.New(opened.Service, managed.Options{Gated: gated(cfg), KeysCached: int(cfg.Limits.KeysCached), Log: log}).Read(ctx)
	if err != nil {
		opened.Close()
		return nil, err
	}
	merge(s.Snapshot, rows, s.Users)
	return opened.Close, nil
}

// merge adds the store's rows: users of the configuration come first.
func merge(s *policy.Snapshot, rows *managed.Rows, files []policy.UserRule) {
	s.Managed, s.Users = rows.Managed, slices.Concat(files, rows.Users)
}

// adopt takes up new rows of the store, for messages that begin from now on. A reload
// may have read later ones meanwhile.
func (d *Daemon) adopt(rows *managed.Rows) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	if rows.Before(d.store.rows) {
		return
	}
	d.store.rows = rows
	next := *d.current.Load()
	tables := *next.Snapshot
	merge(&tables, rows, d.store.files)
	next.Snapshot = &tables
	d.current.Store(&next)
	d.log.Info("store read", "version", rows.Version, "domain_count", len(rows.Managed.Rows), "key_count", rows.Keys)
	for _, err := range rows.Outages {
		d.log.Error("out of service", "problem", err.Error())
	}
}

// closeStore is for a daemon that does not come to run.
func (d *Daemon) closeStore() {
	if d.store != nil {
		d.store.opened.Close()
	}
}

// keepStore follows the store, tells it what is signed, and looks after the keys
// when it is this host's turn, until stop is called.
func (d *Daemon) keepStore() (stop func()) {
	if d.store == nil {
		return func() {}
	}
	s := d.store
	ctx, cancel := context.WithCancel(context.Background())
	d.reloading.Lock() // a SIGHUP may have come already
	rows := s.rows
	d.reloading.Unlock()
	s.running.Go(func() { s.managed.Follow(ctx, rows, d.adopt) })
	keeper := domains.NewKeeper(s.opened.Service, s.host.Process)
	s.running.Go(func() { keeper.Run(ctx) })
	s.running.Go(func() { domains.NewPublisher(s.opened.Service, keeper).Run(ctx) }) // without drivers it says so where there is work for one
	s.running.Go(func() { s.managed.Report(ctx, rows) })
	told, _ := channels(d.first) // judged by Build
	s.running.Go(func() { notify.NewCourier(s.opened.Store, domains.NewSystemClock(), d.log, told...).Run(ctx) })
	return func() {
		cancel()
		s.running.Wait()
		s.opened.Close()
	}
}

// observeStored notes which keys signed, and mail that nothing signs for.
func (d *Daemon) observeStored(e filter.Event) {
	now := time.Now()
	if len(e.Keys) > 0 {
		d.store.managed.Signed(e.Keys, now)
	} else if e.Reason == policy.NoKey {
		d.store.managed.Unsigned(e.Sender, now)
	}
}

// watchTables has the keys of the tables watched as those of the store are: they
// sign at once, and stop while DNS has lost them.
func (d *Daemon) watchTables(ctx context.Context, tables *keytable.Tables) {
	if d.store == nil {
		return
	}
	if err := d.tellTables(ctx, tables); err != nil && ctx.Err() == nil {
		d.log.Error("the keys of the tables are not watched", "error", err)
	}
}

func (d *Daemon) tellTables(ctx context.Context, tables *keytable.Tables) error {
	var keys []domains.TableKey
	if d.first.Domains.Tables != "ignore" {
		keys = tableKeys(ctx, tables)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.store.opened.Service.WatchTables(ctx, "serve@"+d.store.host.Name, d.store.host, keys, gated(d.first))
}

// gated: the keys of the tables sign only when DNS has confirmed them.
func gated(cfg *config.Config) bool { return cfg.Domains.Tables == "gate" }

// tableKeys are those that work and whose domain is known: of a line with "%" in the path,
// one for each domain that was found. Where the sender alone says the domain there is no
// name to ask DNS about, and behind the gate such a line signs for nobody.
func tableKeys(ctx context.Context, tables *keytable.Tables) (keys []domains.TableKey) {
	for ref := range tables.All() {
		if ctx.Err() != nil {
			return nil
		}
		if ref.Domain == "%" || ref.Problem() != nil {
			continue
		}
		print, err := ref.Fingerprint()
		if err != nil {
			continue // told already
		}
		keys = append(keys, domains.TableKey{Domain: ref.Domain, Selector: strings.ToLower(ref.Selector), Print: print, Read: ref.Private})
	}
	return keys
}
