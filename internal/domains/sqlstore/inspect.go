package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"modernc.org/sqlite"

	"github.com/postseal/postseal/internal/access"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
)

// Inspect opens a store that exists, to look at it: nothing is made, brought up to date or unsealed, and Update fails. A
// SQLite file that does not exist is an fs.ErrNotExist.
func Inspect(ctx context.Context, url string, o Options) (*Store, error) {
	s := &Store{timeout: o.Timeout, log: slog.New(slog.DiscardHandler)}
	if s.timeout <= 0 {
		s.timeout = defaultTimeout
	}
	var err error
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		s.engine, err = inspectSQLite(path)
	} else if s.engine, err = openPostgres(url, s.timeout, s.log); err == nil {
		s.watch = func(context.Context, func()) {}
	}
	if err != nil {
		return nil, err
	}
	s.feed = newFeed(s.watch)
	if err := s.current(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// inspectSQLite opens the file without a right to write. One whose write-ahead log is gone was closed in order: it is read
// as it stands, so that not even the files beside it are made.
func inspectSQLite(path string) (*engine, error) {
	e := &engine{
		name: "store sqlite:" + path, translate: func(s string) string { return s }, watch: func(context.Context, func()) {},
		weigh: weighSQLite, advise: func(err error) string { return adviseSQLite(path, err) }, rowsAtOnce: 1,
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%s: %w", e.name, access.ToRead(path, err))
	}
	query := url.Values{"mode": {"ro"}, "_pragma": {fmt.Sprintf("busy_timeout(%d)", scrubWait.Milliseconds()), "query_only(1)"}}
	if _, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		query.Set("immutable", "1")
	}
	connector, err := sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.name, err)
	}
	e.read = sql.OpenDB(connector)
	e.read.SetMaxOpenConns(1)
	e.write = e.read
	return e, nil
}

// current sees that the store has the schema that this program knows.
func (s *Store) current(ctx context.Context) error {
	all, err := steps()
	if err != nil {
		return err
	}
	s.known = len(all)
	return s.View(ctx, func(dt domains.Tx) error {
		have, err := dt.(*tx).schema()
		switch {
		case err != nil:
			return err
		case have < s.known:
			return fmt.Errorf("%s: its schema is number %d and this postseal knows %d: restart the service, which brings it up to date", s.name, have, s.known)
		}
		return s.tooNew(have)
	})
}

// Opens tells whether an identity opens what the store's private keys are sealed to; nothing is kept of it.
func (s *Store) Opens(ctx context.Context, source seal.Source) error {
	probe, recipients, err := s.probe(ctx)
	if err != nil || probe == nil {
		return err
	}
	box, err := seal.Load(ctx, source)
	if err != nil {
		return err
	}
	if _, err := box.Open(probe); err != nil {
		return fmt.Errorf("the private keys are sealed to %s: %w", recipients, err)
	}
	return nil
}
