package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// tx is one transaction. The first error of the engine is its end: SQLite may have rolled back by itself, and a statement that
// came after would be a transaction of its own.
type tx struct {
	ctx      context.Context
	store    *Store
	sql      *sql.Tx
	readOnly bool
	broken   error
	wrote    bool                 // something was written: others are to hear of it
	erased   bool                 // a private half was deleted or replaced
	signed   map[string]time.Time // not written yet, see MarkSigned
	answered func()               // is told of each statement that was answered
}

var _ domains.Tx = (*tx)(nil)

// begin waits for other writers, and makes sure that no newer postseal has changed the schema meanwhile.
func (t *tx) begin() error {
	if t.readOnly {
		return nil
	}
	if t.store.lock != "" {
		if err := t.query(t.store.lock, nil, []any{new(int64)}, func() {}); err != nil {
			return err
		}
	}
	have, err := t.schema()
	if err != nil {
		return err
	}
	return t.store.tooNew(have)
}

// end writes what waits, and lets the engine tell the other hosts once the transaction is committed.
func (t *tx) end() error {
	if err := t.writeSigned(); err != nil {
		return err
	}
	if !t.wrote || t.store.notify == "" {
		return nil
	}
	return t.exec(t.store.notify)
}

var errReadOnly = errors.New("a View was asked to write")

func (t *tx) exec(statement string, args ...any) error {
	if t.readOnly && t.broken == nil {
		t.broken = errReadOnly
	}
	if t.broken != nil {
		return t.broken
	}
	if err := t.writeSigned(); err != nil {
		return err
	}
	t.wrote = true
	if _, err := t.sql.ExecContext(t.ctx, statement, asText(args)...); err != nil {
		t.broken = t.store.explain("write", err)
	}
	return t.broken
}

// query runs a SELECT, or an UPDATE with RETURNING; each row is scanned into fields before row is called.
func (t *tx) query(statement string, args, fields []any, row func()) error {
	if t.broken != nil {
		return t.broken
	}
	if err := t.writeSigned(); err != nil {
		return err
	}
	if t.broken = t.read(statement, args, fields, row); t.broken == nil {
		t.answered()
	}
	return t.broken
}

func (t *tx) read(statement string, args, fields []any, row func()) error {
	rows, err := t.sql.QueryContext(t.ctx, statement, asText(args)...)
	if err != nil {
		return t.store.explain("read", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(fields...); err != nil {
			return t.store.explain("read", err)
		}
		row()
	}
	if err := rows.Err(); err != nil {
		return t.store.explain("read", err)
	}
	return nil
}

// asText lets a row be looked for by whatever somebody has sent, as its columns are stored.
func asText(args []any) []any {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = text[string]{&s}
		}
	}
	return args
}
