package sqlstore

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/domains/seal"
)

// Each driver asks what is due for it after every change: however many records stand in DNS, only
// those are read.
func TestWhatIsDueIsNotSearchedFor(t *testing.T) {
	s, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "postseal.db"), Options{Seal: seal.Source{File: filepath.Join(t.TempDir(), "identity")}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, tt := range []struct {
		name, query string
		args        []any
	}{
		{"of a driver", "SELECT * FROM published " + dueOfDriver, []any{1, "ns", 1}},
		{"drivers", driversDue, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rows, err := s.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+tt.query, tt.args...)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var plan []string
			for rows.Next() {
				var number [3]int
				var step string
				if err := rows.Scan(&number[0], &number[1], &number[2], &step); err != nil {
					t.Fatal(err)
				}
				plan = append(plan, step)
			}
			if len(plan) != 1 || !strings.Contains(plan[0], "INDEX published_due") {
				t.Errorf("%q", plan)
			}
		})
	}
}
