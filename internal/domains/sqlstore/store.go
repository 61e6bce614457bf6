// Package sqlstore keeps domains, keys, users and the journal in a database: SQLite for one host, PostgreSQL for several.
//
//	s, err := sqlstore.Open(ctx, "sqlite:/var/lib/postseal/postseal.db", sqlstore.Options{Seal: seal.Source{File: identity}})
//
// Both engines have one schema (migrations/) and run the same statements; sqlite.go and postgres.go hold what they do
// differently. Writers wait for each other, across processes and hosts, so that an Update sees nothing change under it.
// Private halves are stored as seal makes them, in a table of their own that no listing reads.
//
// No call hangs: each statement of a View and each Update has a deadline, and a database that is away, full or busy for too long is a
// domains.ErrUnavailable.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
)

// Options are settings of a Store; the zero value of each but Seal is its default.
type Options struct {
	Seal    seal.Source   // where the identity comes from; a file is made at the very first start
	Timeout time.Duration // for each statement of a View and each Update; 10 s
	Log     *slog.Logger  // what goes on beside calls: connections lost and found; nothing is logged without
}

const (
	defaultTimeout = 10 * time.Second
	attempts       = 6 // of a transaction that loses against others
)

// Store is a domains.Store on SQL. It is safe for concurrent use.
type Store struct {
	*engine
	timeout time.Duration
	log     *slog.Logger
	box     *seal.Box
	known   int // number of the newest schema that this program knows
	feed    *feed
	residue atomic.Bool // something erased may still be on disk
}

var _ domains.Store = (*Store)(nil)

// CheckURL sees whether the URL of one of the two kinds can be read; nothing is opened.
func CheckURL(url string) error {
	switch scheme, path, _ := strings.Cut(url, ":"); scheme {
	case "sqlite":
		return checkPath(path)
	case "postgres", "postgresql":
		_, err := parsePostgres(url)
		return err
	}
	return nil
}

// Open opens the store at url, sqlite:/path or postgres://user@host/database, brings its schema up to date and reads the
// identity. A database that cannot be reached now is a domains.ErrUnavailable, a schema of a newer postseal a *SchemaError.
// No error shows url's password.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	s := &Store{timeout: o.Timeout, log: o.Log}
	if s.timeout <= 0 {
		s.timeout = defaultTimeout
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	switch scheme, rest, _ := strings.Cut(url, ":"); scheme {
	case "sqlite":
		s.engine, err = openSQLite(rest, s.log)
	case "postgres", "postgresql":
		s.engine, err = openPostgres(url, s.timeout, s.log)
	default:
		err = errors.New("store: no kind of store: want sqlite:/path or postgres://user@host/database")
	}
	if err != nil {
		return nil, err
	}
	s.feed = newFeed(s.watch)
	if err := s.start(ctx, o.Seal); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) start(ctx context.Context, source seal.Source) error {
	if err := s.migrate(ctx); err != nil {
		return err
	}
	source.Apart = s.dir
	return s.unlock(ctx, source)
}

// Close ends all feeds and connections.
func (s *Store) Close() error {
	s.feed.close()
	readErr, writeErr := s.read.Close(), s.write.Close()
	if writeErr != nil {
		return s.explain("close", writeErr)
	}
	if readErr != nil {
		return s.explain("close", readErr)
	}
	return nil
}

// String is the store's address without its password.
func (s *Store) String() string { return s.name }

// View runs f on one consistent state of the store. It ends when one statement takes too long, not when there are many: a listing of
// 100,000 rows takes its time, and keeps nobody waiting.
func (s *Store) View(ctx context.Context, f func(domains.Tx) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(s.timeout, func() {
		cancel(fmt.Errorf("%w: read: no answer within %v: %w", domains.ErrUnavailable, s.timeout, context.DeadlineExceeded))
	})
	defer silent.Stop()
	answered := func() { silent.Reset(s.timeout) }
	return s.retry(ctx, forever, func(ctx context.Context) error {
		return s.attempt(ctx, s.read, &sql.TxOptions{Isolation: s.snapshot, ReadOnly: true}, f, answered)
	})
}

// forever is for what has another bound.
const forever = 24 * time.Hour

// Update runs f in a transaction that waits for all other writers first. After a connection that broke while the database
// was to commit, nobody can tell whether it did: the error says so, and f has to find out when it runs again.
func (s *Store) Update(ctx context.Context, f func(domains.Tx) error) error {
	return s.retry(ctx, s.timeout, func(ctx context.Context) error { return s.attempt(ctx, s.write, &sql.TxOptions{}, f, func() {}) })
}

// Changes receives after commits of any process, see feed.
func (s *Store) Changes(ctx context.Context) <-chan struct{} { return s.feed.subscribe(ctx) }

// retry runs a transaction until it did not lose against another, attempts times at most and no longer than limit. It waits that long
// for others to be done with the store.
func (s *Store) retry(ctx context.Context, limit time.Duration, transaction func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for n := 1; ; n++ {
		err := transaction(limited)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil { // the caller's will, not the store's fault
			return fmt.Errorf("%s: %w", s.name, context.Cause(ctx))
		}
		if lost := (*conflictError)(nil); !errors.As(err, &lost) || n >= attempts && !lost.busy {
			return err
		}
		if !pause(limited, time.Duration(min(n, attempts))*rand.N(20*time.Millisecond)) {
			return err
		}
	}
}

func (s *Store) attempt(ctx context.Context, db *sql.DB, o *sql.TxOptions, f func(domains.Tx) error, answered func()) error {
	sqlTx, err := db.BeginTx(ctx, o)
	if err != nil {
		return unbegun(s.explain("begin", err))
	}
	defer sqlTx.Rollback() // does nothing after Commit
	t := &tx{ctx: ctx, store: s, sql: sqlTx, readOnly: o.ReadOnly, answered: answered}
	if err := t.begin(); err != nil {
		return unbegun(err)
	}
	err = f(t)
	if t.broken != nil { // also when f did not pass it on
		return t.broken
	}
	if err != nil {
		return err
	}
	if o.ReadOnly {
		return nil
	}
	if err := t.end(); err != nil {
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return s.explain("commit", err)
	}
	if t.wrote {
		s.feed.tell()
	}
	if t.erased {
		s.residue.Store(true)
	}
	if s.residue.Load() && s.scrub(ctx) {
		s.residue.Store(false)
	}
	return nil
}

// pause waits, or says that ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
