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
	"path/filepath"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/postseal/postseal/internal/access"
	"github.com/postseal/postseal/internal/domains"
)

const (
	pollEvery = 250 * time.Millisecond // a look at a counter in shared memory
	readers   = 5                      // connections: the feed has one of them
	scrubWait = 50 * time.Millisecond
	busyWait  = 100 * time.Millisecond // SQLite waits for a lock whatever becomes of the caller, so not long; see Store.retry
)

// openSQLite opens or creates the database file at path.
func openSQLite(path string, log *slog.Logger) (*engine, error) {
	e := &engine{
		name:       "store sqlite:" + path,
		exclusive:  "SELECT 1", // BEGIN IMMEDIATE has waited already
		translate:  func(schema string) string { return schema },
		weigh:      weighSQLite,
		advise:     func(err error) string { return adviseSQLite(path, err) },
		rowsAtOnce: 40, // modernc looks through all arguments for each place
	}
	if err := checkPath(path); err != nil {
		return nil, fmt.Errorf("%s: %w", e.name, err)
	}
	if err := private(path, log); err != nil {
		return nil, fmt.Errorf("%s: %w", e.name, unmade(path, err))
	}
	e.dir = filepath.Dir(path)
	var err error
	if e.write, err = sqliteDB(path, 1, busyWait, "immediate", "query_only(0)"); err != nil {
		return nil, fmt.Errorf("%s: %w", e.name, err)
	}
	if e.read, err = sqliteDB(path, readers, busyWait, "deferred", "query_only(1)"); err != nil {
		return nil, fmt.Errorf("%s: %w", e.name, err)
	}
	e.watch = func(ctx context.Context, changed func()) { poll(ctx, e.read, changed) }
	e.scrub = func(ctx context.Context) bool { return truncateLog(ctx, path) }
	return e, nil
}

func checkPath(path string) error {
	if !filepath.IsAbs(path) {
		return errors.New("want an absolute path, such as sqlite:/var/lib/postseal/postseal.db")
	}
	return nil
}

// unmade says what to do where the file cannot be made. A disk that is full may have room later.
func unmade(path string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", domains.ErrUnavailable, access.ToMake(path, err))
	}
	return access.ToMake(path, err)
}

// private makes a new database file with mode 0600 and takes an old one from others' eyes. SQLite gives its -wal and -shm
// files the same mode and owner.
func private(path string, log *slog.Logger) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file; name a file in a directory of the service's, such as sqlite:/var/lib/postseal/postseal.db")
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		if err := os.Chmod(path, mode&^0o007); err != nil {
			return fmt.Errorf("mode %04o lets every user of this host at it: %w", mode, err)
		}
		log.Warn("the database was open to every user of this host; that is mended", "path", path, "mode", fmt.Sprintf("%04o", mode))
	}
	return nil
}

// truncateLog empties the write-ahead log, in which overwritten pages live on. A reader may be in the way: it has its own
// connection, so that nobody waits for that longer than scrubWait.
func truncateLog(ctx context.Context, path string) bool {
	db, err := sqliteDB(path, 1, scrubWait, "deferred", "query_only(0)")
	if err != nil {
		return false
	}
	defer db.Close()
	var busy, frames, moved int
	err = db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
	return err == nil && busy == 0
}

func sqliteDB(path string, connections int, timeout time.Duration, begin, access string) (*sql.DB, error) {
	q := url.Values{"_txlock": {begin}, "_error_rc": {"1"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", timeout.Milliseconds()), // first: the next ones may have to wait
		"journal_mode(WAL)",
		"synchronous(FULL)", // a commit survives a power cut
		"foreign_keys(1)",
		"secure_delete(1)", // ruling 37: what is deleted is overwritten
		access,
	}}
	connector, err := sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// poll looks at SQLite's data version: it changes with the commits of all connections but its own.
func poll(ctx context.Context, db *sql.DB, changed func()) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		_ = pollConnection(ctx, db, ticker.C, changed) // the next one starts with changed
		pause(ctx, pollEvery)
	}
}

// pollConnection polls until its connection fails. What was committed before it began is told, too.
func pollConnection(ctx context.Context, db *sql.DB, tick <-chan time.Time, changed func()) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	last := int64(-1)
	for {
		var version int64
		if err := conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
			return err
		}
		if version != last {
			last = version
			changed()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick:
		}
	}
}

// weighSQLite judges by the primary result code (https://sqlite.org/rescode.html).
func weighSQLite(err error) weight {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return permanent
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY: // after busyWait, or at once: while another process turns the WAL on or recovers it
		return busy
	case sqlite3.SQLITE_FULL:
		return full
	case sqlite3.SQLITE_IOERR:
		if e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE { // the shared memory beside the database finds no room (ENOSPC)
			return full
		}
		return temporary
	case sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN,
		sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_PROTOCOL:
		return temporary
	}
	return permanent
}

// adviseSQLite says what to do about an error that another try will not mend, or "".
func adviseSQLite(path string, err error) string {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return "the file is no SQLite database: restore its backup, name another in [store] url, or move it away and a new one is made"
	case sqlite3.SQLITE_CORRUPT:
		return "the database is damaged: stop the service and restore its backup (docs/fleet.md)"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
		dir := filepath.Dir(path)
		return fmt.Sprintf("the service's user has to be able to write the file, those beside it and their directory: chown -R postseal: %s; a read-only file system or a tight sandbox does the same", dir)
	case sqlite3.SQLITE_IOERR:
		if weighSQLite(err) == full {
			return "" // explain has said it
		}
		return "its disk gives errors or has no room: see df and the kernel's log (dmesg)"
	}
	return ""
}
