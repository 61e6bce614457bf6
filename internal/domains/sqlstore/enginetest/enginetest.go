// Package enginetest is what a sqlstore has to do on either engine beyond the contract of domains.Store: several processes,
// sealing, schema, changes. The unit tests run it on SQLite, test/store on PostgreSQL.
package enginetest

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
	"github.com/postseal/postseal/internal/domains/sqlstore"
)

// Engine gives the URL of a new and empty database.
type Engine func(t *testing.T) string

// Run runs everything.
func Run(t *testing.T, e Engine) {
	for _, tt := range []struct {
		name string
		f    func(*testing.T, Engine)
	}{
		{"EveryFieldIsKept", everyFieldIsKept},
		{"ForeignTextIsKept", foreignTextIsKept},
		{"ForeignTextIsLookedFor", foreignTextIsLookedFor},
		{"AllOrNothing", allOrNothing},
		{"AFaultEndsTheTransaction", aFaultEndsTheTransaction},
		{"ViewDoesNotWrite", viewDoesNotWrite},
		{"ViewSeesOneState", viewSeesOneState},
		{"WritersWaitForEachOther", writersWaitForEachOther},
		{"ChangesOfOthersAreHeard", changesOfOthersAreHeard},
		{"ChangesEnd", changesEnd},
		{"SchemaOfANewerProgram", schemaOfANewerProgram},
		{"OpenedAtOnce", openedAtOnce},
		{"Deadlines", deadlines},
		{"MarkSigned", markSigned},
		{"FormerLeaseIsRefused", formerLeaseIsRefused},
		{"PrivateHalvesAreSealed", privateHalvesAreSealed},
		{"LostIdentityIsNotReplaced", lostIdentityIsNotReplaced},
		{"ForeignIdentity", foreignIdentity},
		{"Rekey", rekey},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.f(t, e) })
	}
}

// place is a database with the identity that belongs to it.
type place struct {
	url  string
	seal seal.Source
}

func newPlace(t *testing.T, e Engine) place {
	t.Helper()
	return place{url: e(t), seal: seal.Source{File: filepath.Join(t.TempDir(), "identity")}}
}

// open opens the store once more.
func (p place) open(t *testing.T) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), p.url, sqlstore.Options{Seal: p.seal, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// database is the database without the store.
func (p place) database(t *testing.T) *sql.DB {
	t.Helper()
	driver, source := "pgx", p.url
	if path, is := strings.CutPrefix(p.url, "sqlite:"); is {
		driver, source = "sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// run changes the database behind the store's back.
func (p place) run(t *testing.T, statement string) {
	t.Helper()
	if _, err := p.database(t).ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func opened(t *testing.T, e Engine) *sqlstore.Store {
	t.Helper()
	return newPlace(t, e).open(t)
}

func update(t *testing.T, s domains.Store, f func(domains.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, s domains.Store, f func(domains.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// patience is how long a test waits for what should come at once; it is reached only in failure.
const patience = 2 * time.Minute

func patiently(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
