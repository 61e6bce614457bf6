package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	connections    = 8
	connectTimeout = 5 * time.Second
	idleAtMost     = 5 * time.Minute // of a connection nobody uses
)

// openPostgres prepares the connections; none is made yet.
func openPostgres(url string, timeout time.Duration, log *slog.Logger) (*engine, error) {
	config, err := parsePostgres(url)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if config.ConnectTimeout == 0 || config.ConnectTimeout > connectTimeout {
		config.ConnectTimeout = connectTimeout
	}
	// The server's own limits end what this host cannot end any more: a writer that lost its network holds the lock no longer.
	for name, value := range map[string]string{
		"application_name":                    "postseal",
		"statement_timeout":                   strconv.FormatInt(timeout.Milliseconds(), 10),
		"idle_in_transaction_session_timeout": strconv.FormatInt(timeout.Milliseconds(), 10),
		"tcp_user_timeout":                    strconv.FormatInt(timeout.Milliseconds(), 10),
	} {
		if _, given := config.RuntimeParams[name]; !given {
			config.RuntimeParams[name] = value
		}
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(idleAtMost)
	e := &engine{
		name:     fmt.Sprintf("store postgres://%s/%s", net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))), config.Database),
		write:    db,
		read:     db,
		snapshot: sql.LevelRepeatableRead,
		// A lock of the transaction, not of the session: it ends with its connection. The number is "postseal" in ASCII. A
		// migration may take longer than other statements.
		exclusive: "SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(8101821198652236140)",
		// One row that every writer locks first: READ COMMITTED then reads what no other writer can change meanwhile.
		lock:       "SELECT id FROM store FOR UPDATE",
		notify:     "NOTIFY postseal",
		translate:  postgresTypes.Replace,
		weigh:      weighPostgres,
		advise:     advisePostgres,
		rowsAtOnce: 1000,                                       // of 65,535 places
		scrub:      func(context.Context) bool { return true }, // VACUUM is the server's
	}
	if strings.HasPrefix(config.Host, "/") { // a directory of sockets
		e.name = fmt.Sprintf("store postgres://%s (%s)", config.Database, config.Host)
	}
	l := &listener{config: config, log: log, name: e.name}
	e.watch = l.run
	return e, nil
}

// parsePostgres reads the URL. Where that fails the text of the error may show a part of the password, unless it is about a
// file or sslmode.
func parsePostgres(address string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(address)
	file := (*fs.PathError)(nil)
	switch {
	case err == nil:
		return config, nil
	case errors.As(err, &file):
		return nil, fmt.Errorf("the postgres:// URL names a file that cannot be read: %w", file)
	case strings.Contains(err.Error(), "sslmode is invalid"):
		return nil, errors.New("the postgres:// URL cannot be read: sslmode is invalid; use disable, require, verify-ca or verify-full")
	}
	return nil, errors.New("the postgres:// URL cannot be read; in a password, percent-encode all but letters and digits (%2F for /), or leave it to a passfile")
}

// advisePostgres says what to do about an error that another try will not mend, or "".
func advisePostgres(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		var connect *pgconn.ConnectError
		if errors.As(err, &connect) {
			return "is the server up, and may this host reach it (pg_isready with the host and port of [store] url)?"
		}
		return ""
	}
	switch e.Code {
	case "28P01":
		return "the password in [store] url, or in the passfile, is not that of the user"
	case "28000":
		return "the server does not let this user in from here: see its pg_hba.conf, or name another user in [store] url"
	case "3D000":
		return "make the database (createdb --owner USER DATABASE), or name another in [store] url"
	case "42P01":
		return "an empty database gets its tables when the service starts"
	case "42501":
		return "the user of [store] url has to own the database (ALTER DATABASE … OWNER TO …), or be granted CREATE on its schema public"
	}
	return ""
}

// weighPostgres judges by SQLSTATE (PostgreSQL manual, appendix A).
func weighPostgres(err error) weight {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		switch {
		case e.Code == "40001", e.Code == "40P01": // serialization failure, deadlock
			return conflict
		case e.Code == "0A000" && strings.Contains(e.Routine, "RevalidateCachedQuery"): // the schema changed under a prepared statement
			return conflict
		case e.Code == "53100": // disk full
			return full
		case e.Code == "25006": // read-only: a standby
			return temporary
		}
		switch e.Code[:2] {
		case "08", "53", "55", "57", "58": // connection, resources, lock, operator (shutdown, time-out), system
			return temporary
		}
		return permanent
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) {
		return temporary
	}
	return permanent
}
