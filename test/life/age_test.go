package life

import (
	"database/sql"
	"fmt"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver sqlite
)

// ages makes a row and its keys older: all of their times lie that much further back, in the store of a daemon that runs, as if it had
// done nothing else for so long. No clock is turned.
func (s *story) ages(name string, by time.Duration) {
	s.Helper()
	db, err := sql.Open("sqlite", s.Path("db/postseal.db")+"?_pragma=busy_timeout(120000)&_txlock=immediate")
	s.Must(err)
	defer db.Close()
	tx, err := db.Begin()
	s.Must(err)
	defer tx.Rollback()
	for _, table := range []struct{ name, of, more string }{{"domains", "name", ""}, {"keys", "owner", ", revision = revision + 1"}} {
		done, err := tx.Exec("UPDATE "+table.name+" SET "+s.shifted(tx, table.name, by)+table.more+" WHERE "+table.of+" = ?", name)
		s.Must(err)
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			s.Fatalf("%s has no %s that could age: %v", name, table.name, err)
		}
	}
	s.Must(tx.Commit())
}

// shifted sets all times of a table back.
func (s *story) shifted(tx *sql.Tx, table string, by time.Duration) string {
	s.Helper()
	rows, err := tx.Query("SELECT name FROM pragma_table_info(?) WHERE type = 'INTEGER'", table)
	s.Must(err)
	defer rows.Close()
	var shifts []string
	for rows.Next() { // a time is in microseconds since 1970; no other number is as large
		var column string
		s.Must(rows.Scan(&column))
		shifts = append(shifts, fmt.Sprintf("%[1]s = CASE WHEN %[1]s > 1000000000000000 THEN %[1]s - %[2]d ELSE %[1]s END", column, by.Microseconds()))
	}
	s.Must(rows.Err())
	return strings.Join(shifts, ", ")
}
