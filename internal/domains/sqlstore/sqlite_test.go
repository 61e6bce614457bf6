package sqlstore_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/sqlstore"
	"github.com/postseal/postseal/internal/domains/sqlstore/enginetest"
	"github.com/postseal/postseal/internal/domains/storetest"
)

func TestSQLite(t *testing.T) { enginetest.Run(t, newFile) }

func TestSQLiteIsAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) domains.Store { return open(t, newFile(t), sqlstore.Options{}) })
}

// newFile is the URL of a database whose path has all that a URI has to escape.
func newFile(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "a?b=c&d #%20 ü")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + filepath.Join(dir, "postseal.db")
}

func BenchmarkSQLite(b *testing.B) {
	enginetest.Bench(b, "sqlite:"+filepath.Join(b.TempDir(), "postseal.db"), filepath.Join(b.TempDir(), "identity"))
}
