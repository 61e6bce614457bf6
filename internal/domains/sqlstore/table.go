package sqlstore

import (
	"fmt"
	"strings"

	"github.com/postseal/postseal/internal/domains"
)

// column is a column and the field of a row that it stands for (column.go).
type column struct {
	name  string
	field any
}

// table stores rows of one type: one list of columns serves reading and writing.
type table[T any] struct {
	columns  func(*T) []column
	selected string // SELECT … FROM …
	upsert   string // INSERT … ON CONFLICT …
	insert   string // without the first column, which the engine fills
}

// newTable describes a table whose primary key are the first keys of its columns.
func newTable[T any](name string, keys int, columns func(*T) []column) *table[T] {
	var names, places, changes []string
	for i, c := range columns(new(T)) {
		names = append(names, c.name)
		places = append(places, fmt.Sprintf("$%d", i+1))
		if i >= keys {
			changes = append(changes, c.name+" = excluded."+c.name)
		}
	}
	into := func(from int) string {
		return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", name, strings.Join(names[from:], ", "), strings.Join(places[:len(places)-from], ", "))
	}
	return &table[T]{
		columns:  columns,
		selected: fmt.Sprintf("SELECT %s FROM %s ", strings.Join(names, ", "), name),
		upsert:   fmt.Sprintf("%s ON CONFLICT (%s) DO UPDATE SET %s", into(0), strings.Join(names[:keys], ", "), strings.Join(changes, ", ")),
		insert:   into(1),
	}
}

// fields are what Scan fills and what a statement takes.
func (tb *table[T]) fields(row *T) []any {
	columns := tb.columns(row)
	fields := make([]any, len(columns))
	for i, c := range columns {
		fields[i] = c.field
	}
	return fields
}

// put inserts or replaces row.
func (tb *table[T]) put(t *tx, row T) error { return t.exec(tb.upsert, tb.fields(&row)...) }

// add inserts row; the engine gives the first column its value.
func (tb *table[T]) add(t *tx, row T) error { return t.exec(tb.insert, tb.fields(&row)[1:]...) }

// list reads the rows that the rest of a SELECT (WHERE, ORDER BY, LIMIT) names.
func (tb *table[T]) list(t *tx, rest string, args ...any) ([]T, error) {
	var all []T
	var row T
	fields := tb.fields(&row)
	err := t.query(tb.selected+rest, args, fields, func() { all = append(all, row) })
	if err != nil {
		return nil, err
	}
	return all, nil
}

// one reads a row, or answers ErrNotFound.
func (tb *table[T]) one(t *tx, rest string, args ...any) (T, error) {
	all, err := tb.list(t, rest, args...)
	if err == nil && len(all) == 0 {
		err = domains.ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}
