package life

import (
	"database/sql"
	"fmt"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver sqlite
)

// ages makes the keys of a row older: all of their times lie that much further back, in the store of a daemon that runs, as if it had
// done nothing else for so long. No clock is turned.
func (s *story) ages(name string, by time.Duration) {
	s.Helper()
	db, err := sql.Open("sqlite", s.path("db/postseal.db")+"?_pragma=busy_timeout(10000)&_txlock=immediate")
	s.must(err)
	defer db.Close()
	var columns []string
	rows, err := db.Query("SELECT name FROM pragma_table_info('keys') WHERE type = 'INTEGER'")
	s.must(err)
	defer rows.Close()
	for rows.Next() {
		var column string
		s.must(rows.Scan(&column))
		columns = append(columns, column)
	}
	s.must(rows.Err())
	var shifts []string
	for _, c := range columns { // a time is in microseconds since 1970; no other number is as large
		shifts = append(shifts, fmt.Sprintf("%[1]s = CASE WHEN %[1]s > 1000000000000000 THEN %[1]s - %[2]d ELSE %[1]s END", c, by.Microseconds()))
	}
	done, err := db.Exec("UPDATE keys SET "+strings.Join(shifts, ", ")+", revision = revision + 1 WHERE owner = ?", name)
	s.must(err)
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		s.Fatalf("%s has no keys that could age: %v", name, err)
	}
}
