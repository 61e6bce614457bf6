package sqlstore_test

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
	"github.com/postseal/postseal/internal/domains/sqlstore"
)

// fingerprints are those of all files of a directory.
func fingerprints(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	all := map[string][32]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = sha256.Sum256(text)
	}
	return all
}

func names(t *testing.T, s *sqlstore.Store) (all []string) {
	t.Helper()
	if err := s.View(t.Context(), func(tx domains.Tx) error {
		rows, err := tx.Domains("", 10)
		for _, d := range rows {
			all = append(all, d.Name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// Who inspects sees what is there, while the service runs and afterwards, and leaves no trace.
func TestInspect(t *testing.T) {
	dir := t.TempDir()
	url := "sqlite:" + filepath.Join(dir, "postseal.db")
	if _, err := sqlstore.Inspect(t.Context(), url, sqlstore.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("no file: %v", err)
	}
	identity := filepath.Join(t.TempDir(), "identity")
	s, err := sqlstore.Open(t.Context(), url, sqlstore.Options{Seal: seal.Source{File: identity}})
	if err != nil {
		t.Fatal(err)
	}
	add := func(name string) {
		update(t, s, func(tx domains.Tx) error { return tx.PutDomain(domains.Domain{Name: name}) })
	}
	look := func(when, want string) {
		t.Helper()
		before := fingerprints(t, dir)
		seen, err := sqlstore.Inspect(t.Context(), url, sqlstore.Options{})
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if got := strings.Join(names(t, seen), " "); got != want {
			t.Errorf("%s: saw %q, want %q", when, got, want)
		}
		if err := seen.Update(t.Context(), func(tx domains.Tx) error { return tx.PutDomain(domains.Domain{Name: "forbidden.example"}) }); err == nil {
			t.Errorf("%s: it wrote", when)
		}
		if err := seen.Opens(t.Context(), seal.Source{File: identity}); err != nil {
			t.Errorf("%s: the identity: %v", when, err)
		}
		other := filepath.Join(t.TempDir(), "other")
		if _, err := seal.Create(seal.Source{File: other}); err != nil {
			t.Fatal(err)
		}
		if err := seen.Opens(t.Context(), seal.Source{File: other}); !errors.Is(err, seal.ErrCannotOpen) {
			t.Errorf("%s: another identity: %v", when, err)
		}
		if err := seen.Opens(t.Context(), seal.Source{File: other + "none"}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: no identity: %v", when, err)
		}
		if err := seen.Close(); err != nil {
			t.Errorf("%s: %v", when, err)
		}
		after := fingerprints(t, dir)
		delete(before, "postseal.db-shm") // marks of readers
		delete(after, "postseal.db-shm")
		if len(before) != len(after) {
			t.Errorf("%s: files %v, before %v", when, after, before)
		}
		for name, sum := range before {
			if after[name] != sum {
				t.Errorf("%s: %s was changed", when, name)
			}
		}
	}
	add("a.example")
	look("while it runs", "a.example")
	add("b.example")
	look("while it runs on", "a.example b.example")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	look("afterwards", "a.example b.example")
}

func TestInspectRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postseal.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlstore.Inspect(t.Context(), "sqlite:"+path, sqlstore.Options{}); err == nil || !strings.Contains(err.Error(), "the file is no SQLite database") {
		t.Errorf("no database: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlstore.Inspect(t.Context(), "sqlite:"+path, sqlstore.Options{}); err == nil {
		t.Error("an empty file")
	}
	if _, err := sqlstore.Inspect(t.Context(), "postgres://postseal@127.0.0.1:1/postseal", sqlstore.Options{}); !errors.Is(err, domains.ErrUnavailable) {
		t.Errorf("no server: %v", err)
	}
}
