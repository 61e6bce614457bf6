// Package daemon turns a configuration into the objects of a running milter,
// and keeps it running: listeners, reload, orderly stop.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/filter"
	"github.com/postseal/postseal/internal/logging"
	"github.com/postseal/postseal/internal/metrics"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/internal/systemd"
	"github.com/postseal/postseal/keytable"
	"github.com/postseal/postseal/milter"
)

// Daemon is one running milter.
type Daemon struct {
	load    func() (*config.Config, error)
	log     *slog.Logger
	current atomic.Pointer[filter.Snapshot]
	first   *config.Config // as started: listeners and limits keep to it

	env      Environment
	doors    []*door
	serving  atomic.Bool
	stopping atomic.Bool

	metrics *metrics.Metrics // nil: nobody wants to know
	sides   []*sideDoor      // of [metrics] and [panel], as far as these are wanted

	store *stored // nil: files only

	reloading sync.Mutex
	lookup    *Lookup
	validate  context.CancelFunc // stops the running pass over the keys
}

// Environment is what the process has from whoever started it. The zero value is a
// process without a service manager.
type Environment struct {
	Manager  *systemd.Manager
	Sockets  *systemd.Sockets
	LogLines *logging.Counts // of the log; may be nil
	Version  string          // of the program
}

// Open builds the first snapshot and opens the listeners. load gives the
// configuration, now and at each reload. The error holds all problems of
// configuration and tables.
func Open(load func() (*config.Config, error), log *slog.Logger, env Environment) (*Daemon, error) {
	cfg, err := load()
	if err != nil {
		return nil, err
	}
	d := &Daemon{load: load, log: log, env: env, first: cfg, validate: func() {}}
	d.newMetrics(cfg)
	start := time.Now()
	if err := d.openStore(cfg); err != nil {
		return nil, err
	}
	if err := d.prepare(cfg); err != nil {
		d.closeStore()
		return nil, err
	}
	d.noteReload(nil, time.Since(start))
	return d, nil
}

// prepare makes the first snapshot and opens the listeners.
func (d *Daemon) prepare(cfg *config.Config) error {
	snapshot, err := d.build(cfg)
	if err != nil {
		return err
	}
	if cfg.Strict {
		if err := strictly(snapshot); err != nil {
			return err
		}
	}
	if err := d.openAll(cfg); err != nil {
		return err
	}
	gate := filter.NewGate(int(cfg.Limits.KeyOperations))
	for _, dr := range d.doors {
		dr.server = d.server(dr.Listener, cfg.Limits, gate)
	}
	d.use(snapshot)
	return nil
}

// build makes a snapshot, and what it looks keys up with.
func (d *Daemon) build(cfg *config.Config) (*filter.Snapshot, error) {
	lookup, lookupErr := NewLookup(cfg, d.lookup, d.lookupObserver())
	snapshot, err := Build(cfg, Given{Prev: d.current.Load(), Notice: d.notice, Lookup: lookup})
	if err := errors.Join(lookupErr, err); err != nil {
		return nil, err
	}
	if lookup == d.lookup { // last, since what it takes up is in use at once
		if err := lookup.reload(cfg); err != nil {
			return nil, err
		}
	}
	d.lookup = lookup
	d.addStored(snapshot)
	return snapshot, nil
}

// ListenError says that a listener could not be opened, which may be better at the
// next try: another program has its port, or its directory is not there yet.
type ListenError struct{ Err error }

func (e *ListenError) Error() string { return e.Err.Error() }
func (e *ListenError) Unwrap() error { return e.Err }

// server is the milter server of one listener.
func (d *Daemon) server(l config.Listener, limits config.Limits, gate filter.Gate) *milter.Server {
	mode, _ := policy.ParseMode(l.Mode)
	s := &milter.Server{
		Handler: &filter.Handler{Current: d.current.Load, Mode: mode, Log: d.log, Gate: gate, Observe: d.messageObserver()},
		Limits: milter.Limits{
			FrameBytes:   int(limits.FrameBytes),
			DrainBytes:   int(limits.DrainBytes),
			Connections:  connections(limits, len(d.first.Listeners), d.log),
			IdleTimeout:  time.Duration(limits.IdleTimeout),
			FrameTimeout: time.Duration(limits.FrameTimeout),
			WriteTimeout: time.Duration(limits.WriteTimeout),
		},
		Log: d.log,
	}
	s.Actions, s.Required, s.Steps = filter.Negotiation(mode)
	s.Macros = func() map[milter.Stage][]string { return filter.Macros(&d.current.Load().Trust) }
	return s
}

// keptDescriptors are left for keys, tables, look-ups and listeners.
const keptDescriptors = 64

// connections is the cap of one listener of several.
func connections(limits config.Limits, listeners int, log *slog.Logger) int {
	most := max(1, descriptors()/listeners)
	if int(limits.Connections) <= most {
		return int(limits.Connections)
	}
	log.Warn("fewer connections than configured: the process may not open more files", "key", "limits.connections", "connections", most)
	return most
}

// descriptors is how many connections the process may have open files for: with the
// last one taken, no key could be read.
func descriptors() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<30 {
		return 1 << 30
	}
	return max(1, int(limit.Cur)-keptDescriptors)
}

// Run serves until ctx ends or a listener fails, and then stops in order:
// messages that are under way have limits.stop_timeout to end.
func (d *Daemon) Run(ctx context.Context) error {
	watched, unwatch := context.WithCancel(context.Background())
	defer unwatch()
	defer d.keepStore()()
	defer d.serveSides()() // until its end the panel needs the store
	failed := make(chan error, len(d.sockets()))
	for _, dr := range d.doors {
		for _, s := range dr.sockets {
			d.log.Info("listening", "address", dr.Address, "mode", dr.Mode)
			go func() { failed <- dr.server.Serve(s) }()
		}
	}
	d.serving.Store(true)
	d.env.Manager.Ready(d.status())
	go d.watch(watched)
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	d.stopping.Store(true)
	d.log.Info("stopping", "timeout", time.Duration(d.first.Limits.StopTimeout))
	d.env.Manager.Stopping("stopping: messages under way may end", time.Duration(d.first.Limits.StopTimeout)+stopRest)
	d.stop()
	d.log.Info("stopped")
	if errors.Is(err, milter.ErrServerClosed) {
		err = nil
	}
	return err
}

// stopRest is for what has to end after the last message.
const stopRest = 10 * time.Second

func (d *Daemon) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(d.first.Limits.StopTimeout))
	defer cancel()
	var wg sync.WaitGroup
	for _, dr := range d.doors {
		wg.Go(func() {
			if err := dr.server.Shutdown(ctx); err != nil {
				d.log.Warn("messages were cut off", "error", err)
			}
		})
	}
	wg.Wait()
	d.reloading.Lock()
	d.validate()
	d.reloading.Unlock()
}

// use makes a snapshot the current one, names its rows that are out of
// service, and begins a pass over its keys.
func (d *Daemon) use(s *filter.Snapshot) {
	d.validate()
	ctx, cancel := context.WithCancel(context.Background())
	d.validate = cancel
	d.current.Store(s)
	for _, p := range s.Outages {
		d.log.Error("out of service", "problem", p.Error())
	}
	for _, p := range s.Tables.Problems() {
		d.notice(p)
	}
	go d.readKeys(ctx, s.Tables)
}

// notice logs a row or key that cannot work, or one that had better be another.
func (d *Daemon) notice(p keytable.Problem) {
	if p.Warning {
		d.log.Warn("weak key", "problem", p.String())
		return
	}
	d.log.Error("out of service", "problem", p.String())
}

// strictly makes every row that cannot work an error.
func strictly(s *filter.Snapshot) error {
	errs, _ := AllProblems(context.Background(), s)
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("strict = true and rows are out of service:\n%w", errors.Join(errs...))
}

// AllProblems reads every key and lists each row that cannot work, and what works
// and had better be changed.
func AllProblems(ctx context.Context, s *filter.Snapshot) (errs, warnings []error) {
	errs = slices.Clone(s.Outages)
	add := func(p keytable.Problem) {
		if p.Warning {
			warnings = append(warnings, p)
		} else {
			errs = append(errs, p)
		}
	}
	for _, p := range s.Tables.Problems() {
		add(p)
	}
	s.Tables.Validate(ctx, add)
	return errs, warnings
}
