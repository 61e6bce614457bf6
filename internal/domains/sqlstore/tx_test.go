package sqlstore

import (
	"path/filepath"
	"testing"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
)

// A listing that breaks off is an error: a snapshot made of its first rows would leave the other domains unsigned.
func TestListingThatBreaksOff(t *testing.T) {
	s, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "postseal.db"),
		Options{Seal: seal.Source{File: filepath.Join(t.TempDir(), "identity")}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// abs fails for the tenth row: the least integer has no positive counterpart
	const ten = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
		SELECT abs(CASE i WHEN 10 THEN -9223372036854775807 - 1 ELSE i END) FROM n`
	rows := 0
	err = s.View(t.Context(), func(dt domains.Tx) error {
		return dt.(*tx).query(ten, nil, []any{new(int64)}, func() { rows++ })
	})
	if err == nil || rows != 9 {
		t.Errorf("%d rows, %v, want 9 and an error", rows, err)
	}
}
