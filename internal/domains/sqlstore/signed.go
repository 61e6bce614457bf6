package sqlstore

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MarkSigned collects: a host reports thousands of keys a minute, and over a network each statement is a way there and back.
// What was collected is written before the next statement of another kind and at the end.
func (t *tx) MarkSigned(id string, at time.Time) error {
	if t.readOnly {
		t.broken = errReadOnly
	}
	if t.broken != nil {
		return t.broken
	}
	if t.signed == nil {
		t.signed = map[string]time.Time{}
	}
	if at.After(t.signed[id]) {
		t.signed[id] = at
	}
	return nil
}

// writeSigned writes what MarkSigned has collected.
func (t *tx) writeSigned() error {
	signed := t.signed
	t.signed = nil
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(signed)), t.store.rowsAtOnce) {
		var rows []string
		var args []any
		for _, id := range ids {
			n := len(args)
			rows = append(rows, "($"+strconv.Itoa(n+1)+", CAST($"+strconv.Itoa(n+2)+" AS BIGINT))")
			args = append(args, id, micros(signed[id]))
		}
		// both engines name the columns of VALUES column1 and column2
		if err := t.exec("UPDATE keys SET last_signed_at = v.column2 FROM (VALUES "+strings.Join(rows, ", ")+
			") AS v WHERE keys.id = v.column1 AND keys.last_signed_at < v.column2", args...); err != nil {
			return err
		}
	}
	return nil
}
