package sqlstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
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

// Whoever waits for another writer waits no longer than the caller does: SQLite's own
// waiting knows nothing of contexts.
func TestWaitingEndsWithTheCaller(t *testing.T) {
	url := newFile(t)
	same := sqlstore.Options{Seal: seal.Source{File: filepath.Join(t.TempDir(), "identity")}}
	holder, waiting := open(t, url, same), open(t, url, same)
	for name, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"cancelled": context.WithCancel,
		"deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 200*time.Millisecond)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := end(t.Context())
			err := holder.Update(t.Context(), func(tx domains.Tx) error {
				if _, err := tx.Bump(); err != nil {
					return err
				}
				gone := make(chan error, 1)
				go func() {
					gone <- waiting.Update(ctx, func(tx domains.Tx) error { _, err := tx.Bump(); return err })
				}()
				time.AfterFunc(200*time.Millisecond, cancel)
				select {
				case err := <-gone:
					if !errors.Is(err, ctx.Err()) || err == nil {
						t.Errorf("%v, want %v", err, ctx.Err())
					}
				case <-time.After(patience):
					t.Error("it waits on though nobody wants to know any more")
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := waiting.Update(t.Context(), func(tx domains.Tx) error { _, err := tx.Bump(); return err }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A writer that takes long keeps the others waiting; they do not give up after a few tries.
func TestWaitingForASlowWriter(t *testing.T) {
	t.Parallel()
	url := newFile(t)
	same := sqlstore.Options{Seal: seal.Source{File: filepath.Join(t.TempDir(), "identity")}, Timeout: patience}
	holder, waiting := open(t, url, same), open(t, url, same)
	bump := func(tx domains.Tx) error { _, err := tx.Bump(); return err }
	gone := make(chan error, 1)
	err := holder.Update(t.Context(), func(tx domains.Tx) error {
		go func() { gone <- waiting.Update(t.Context(), bump) }()
		select {
		case err := <-gone:
			gone <- err
		case <-time.After(3 * time.Second): // some twenty tries
		}
		return bump(tx)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-gone; err != nil {
		t.Error(err)
	}
}

// A reading of many rows may take longer than a single statement may; one that comes to a
// stand ends.
func TestLongViews(t *testing.T) {
	t.Parallel()
	const limit = 5 * time.Second
	s := open(t, newFile(t), sqlstore.Options{Timeout: limit})
	err := s.View(t.Context(), func(tx domains.Tx) error {
		for end := time.Now().Add(3 * limit); time.Now().Before(end); {
			if _, err := tx.Domains("", 10); err != nil {
				return err
			}
			time.Sleep(limit / 20)
		}
		return nil
	})
	if err != nil {
		t.Errorf("many statements: %v", err)
	}
	err = s.View(t.Context(), func(tx domains.Tx) error {
		var err error
		for end := time.Now().Add(patience); err == nil && time.Now().Before(end); {
			time.Sleep(2 * limit) // the store hears nothing of the caller, as a caller of a dead server
			_, err = tx.Domains("", 10)
		}
		return err
	})
	if !errors.Is(err, domains.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a stand: %v, want ErrUnavailable", err)
	}
}

// patience is how long a test waits for what should come at once; it is reached only in failure.
const patience = 2 * time.Minute
