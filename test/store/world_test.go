// Package store runs the store's suites against a real PostgreSQL, and breaks what a store stands on: the server, the disk, the
// network, the process that writes.
package store

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/sqlstore/enginetest"
	"github.com/postseal/postseal/internal/domains/storetest"
	"github.com/postseal/postseal/test/internal/postgres"
	"github.com/postseal/postseal/test/internal/sandbox"
)

var server *postgres.Server

func TestMain(m *testing.M) {
	if runHelper() {
		return
	}
	sandbox.MainWith(func() int {
		var err error
		if server, err = postgres.New(filepath.Join(sandbox.Dir(), "postgres")); err != nil {
			fmt.Fprintln(os.Stderr, "store:", err)
			return 1
		}
		code := m.Run()
		if code != 0 {
			fmt.Fprintf(os.Stderr, "PostgreSQL said:\n%s", server.Log())
		}
		if err := server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "store:", err)
			return 1
		}
		return code
	})
}

// newDatabase is an enginetest.Engine.
func newDatabase(t *testing.T) string {
	t.Helper()
	url, err := server.Create()
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// newFile is one, too.
func newFile(t *testing.T) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "postseal.db")
}

func TestPostgreSQL(t *testing.T) { enginetest.Run(t, newDatabase) }

func TestPostgreSQLIsAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) domains.Store {
		s, _ := open(t, newDatabase(t))
		return s
	})
}

func BenchmarkPostgreSQL(b *testing.B) {
	url, err := server.Create()
	if err != nil {
		b.Fatal(err)
	}
	enginetest.Bench(b, url, filepath.Join(b.TempDir(), "identity"))
}
