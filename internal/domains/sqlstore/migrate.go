package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Each file is one step of the schema, NNNN_name.sql, applied once and never changed afterwards.
//
//go:embed migrations/*.sql
var migrations embed.FS

// SchemaError says that a newer postseal has used the store.
type SchemaError struct {
	Store      string
	Have, Know int // schema numbers: the store's, this program's
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("%s: its schema is number %d and this postseal knows %d: a newer postseal has used it; install that version on this host, or restore a backup made before",
		e.Store, e.Have, e.Know)
}

const (
	createSchema = `CREATE TABLE IF NOT EXISTS schema_version (number INTEGER NOT NULL)`
	readSchema   = `SELECT COALESCE(MAX(number), 0) FROM schema_version`
)

// steps are the migrations in order; the last one's number is the schema that this program knows.
func steps() ([]string, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql") // in lexical order
	if err != nil {
		return nil, err
	}
	var all []string
	for i, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("%s: migrations are numbered from 0001 without gaps", name)
		}
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, string(text))
	}
	return all, nil
}

// migrate brings the schema up to date in one transaction; another process that does the same waits.
func (s *Store) migrate(ctx context.Context) error {
	steps, err := steps()
	if err != nil {
		return err
	}
	s.known = len(steps)
	// a migration may rewrite a big table
	return s.retry(ctx, 6*s.timeout, func(ctx context.Context) error { return s.migration(ctx, steps) })
}

func (s *Store) migration(ctx context.Context, steps []string) error {
	sqlTx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.explain("open", err)
	}
	defer sqlTx.Rollback() // does nothing after Commit
	if err := s.apply(ctx, sqlTx, steps); err != nil {
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return s.explain("migrate", err)
	}
	return nil
}

func (s *Store) apply(ctx context.Context, sqlTx *sql.Tx, steps []string) error {
	for _, statement := range []string{s.exclusive, s.translate(createSchema)} {
		if _, err := sqlTx.ExecContext(ctx, statement); err != nil {
			return s.explain("open", err)
		}
	}
	var have int
	if err := sqlTx.QueryRowContext(ctx, readSchema).Scan(&have); err != nil {
		return s.explain("open", err)
	}
	if err := s.tooNew(have); err != nil {
		return err
	}
	for i := have; i < len(steps); i++ {
		if _, err := sqlTx.ExecContext(ctx, s.translate(steps[i])); err != nil {
			return s.explain(fmt.Sprintf("migrate to schema %d", i+1), err)
		}
		if _, err := sqlTx.ExecContext(ctx, "INSERT INTO schema_version (number) VALUES ($1)", i+1); err != nil {
			return s.explain("migrate", err)
		}
	}
	return nil
}

func (s *Store) tooNew(have int) error {
	if have > s.known {
		return &SchemaError{Store: s.name, Have: have, Know: s.known}
	}
	return nil
}

// schema reads the number of the store's schema.
func (t *tx) schema() (int, error) {
	var have int
	err := t.query(readSchema, nil, []any{&have}, func() {})
	return have, err
}
