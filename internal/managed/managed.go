// Package managed joins the store of managed domains with the running milter: it
// turns the store's rows into those of policy, keeps private halves in memory,
// hears of changes, and reports what was signed.
//
//	m := managed.New(service, managed.Options{Changes: store.Changes, Log: log})
//	rows, err := m.Read(ctx)         // at start
//	go m.Follow(ctx, rows, d.adopt)  // and whenever something changes
//
// Nothing here is asked while a message is on its way but for a key that was
// never used: a store that is away changes nothing for those that were.
package managed

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// Options are the parts of a Managed beside its Service.
type Options struct {
	Changes    func(ctx context.Context) <-chan struct{} // of the store
	Gated      bool                                      // keys of the tables sign when the store says that DNS confirmed them
	Host       domains.Host                              // this process, among those of the store
	KeysCached int                                       // parsed keys in memory; the others are kept in PEM
	Log        *slog.Logger

	// Own is the domain that our own notifications are sent from, in A-labels: mail about
	// a candidate makes no candidate. Empty: none are sent.
	Own string
}

// Managed is the store as the milter sees it.
type Managed struct {
	service *domains.Service
	opts    Options
	keys    *vault

	marks   sync.Map      // of *mark by key ID
	names   sync.Map      // of *mark by DOMAIN/SELECTOR; the latest key of that name
	reads   atomic.Int64  // of the store, begun
	version atomic.Int64  // of the rows in use
	cold    chan struct{} // there may be private halves to read

	twins bool // of Report alone: another process has this host's name

	mu   sync.Mutex
	seen map[string]*domains.Sighting // mail that left unsigned, by domain
}

// mark is when a key last signed here, in microseconds since 1970; 0: not since
// the last report.
type mark struct {
	at   atomic.Int64
	gone atomic.Int64 // since when it may not sign, in the same way; 0: it may
}

// New makes a Managed.
func New(service *domains.Service, o Options) *Managed {
	return &Managed{service: service, opts: o, keys: newVault(service.Private, o.KeysCached), cold: make(chan struct{}, 1), seen: map[string]*domains.Sighting{}}
}

// reread is how often the store is looked at though it told of no change; retry, how
// often while it is away.
const (
	reread = 30 * time.Second
	retry  = time.Second
)

// Read takes what signing needs from the store.
func (m *Managed) Read(ctx context.Context) (*Rows, error) {
	read := m.reads.Add(1)
	snapshot, err := m.service.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	rows := m.rows(snapshot)
	rows.read = read
	return rows, nil
}

// Follow gives use new rows after each change, until ctx ends, and has the private
// halves of those that begin read beside that. While the store is away the last rows
// serve on.
func (m *Managed) Follow(ctx context.Context, rows *Rows, use func(*Rows)) {
	m.version.Store(rows.Version)
	var warming sync.WaitGroup
	defer warming.Wait()
	warming.Go(func() { m.keepWarm(ctx) })
	changes := m.opts.Changes(ctx)
	away := false
	for {
		err := m.catchUp(ctx, use) // at first, too: something may have changed before anybody listened
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !away:
			m.opts.Log.Error("the store is away; what it said last serves on", "error", err)
		case err == nil && away:
			m.opts.Log.Info("the store is back")
			m.wake()
		}
		away = err != nil
		wait := reread
		if away {
			wait = retry
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case _, open := <-changes:
			if !open {
				changes = nil
			}
		case <-timer.C:
		}
		timer.Stop()
	}
}

// catchUp reads the store if signing depends on what changed.
func (m *Managed) catchUp(ctx context.Context, use func(*Rows)) error {
	version, err := m.service.Version(ctx)
	if err != nil || version == m.version.Load() {
		return err
	}
	rows, err := m.Read(ctx)
	if err != nil {
		return err
	}
	use(rows)
	m.version.Store(rows.Version)
	m.wake()
	return nil
}

// wake has keepWarm look again.
func (m *Managed) wake() {
	select {
	case m.cold <- struct{}{}:
	default: // it will
	}
}

// keepWarm reads private halves whenever some may be cold. There may be thousands, and
// a slow store: a key that must not sign any more does not wait for them.
func (m *Managed) keepWarm(ctx context.Context) {
	for {
		m.warm(ctx)
		select {
		case <-ctx.Done():
			return
		case <-m.cold:
		}
	}
}

// warm reads the private halves that nobody asked for yet.
func (m *Managed) warm(ctx context.Context) {
	for _, h := range m.keys.cold() {
		if ctx.Err() != nil {
			return
		}
		_, err := h.Private()
		if err != nil {
			m.opts.Log.Error("out of service", "problem", err.Error())
		}
		if errors.Is(err, domains.ErrUnavailable) {
			return // the others would only wait; Follow tells when the store is back
		}
	}
}
