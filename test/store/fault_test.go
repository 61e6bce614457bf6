package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
	"github.com/postseal/postseal/internal/domains/sqlstore"
	"github.com/postseal/postseal/internal/domains/sqlstore/enginetest"
	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/postgres"
)

func writeAll(name string) func(domains.Tx) error {
	return func(tx domains.Tx) error {
		for _, write := range enginetest.Writes(name) {
			if err := write(tx); err != nil {
				return err
			}
		}
		return nil
	}
}

// isAway checks the error for a store that cannot be used now.
func isAway(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, domains.ErrUnavailable) {
		t.Errorf("%s: %v, want ErrUnavailable", what, err)
	}
	hidesPassword(t, err)
}

func hidesPassword(t *testing.T, err error) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), "a secret") || strings.Contains(err.Error(), "a%20secret")) {
		t.Errorf("shows the password: %v", err)
	}
}

// hears waits until a change is heard that shows version.
func hears(t *testing.T, s domains.Store, changes <-chan struct{}, version int64) {
	t.Helper()
	end := time.After(await.Deadline)
	for {
		select {
		case <-changes:
		case <-end:
			t.Fatalf("version %d was not heard of", version)
		}
		var v int64
		if err := s.View(t.Context(), func(tx domains.Tx) (err error) { v, err = tx.Version(); return err }); err == nil && v == version {
			return
		}
	}
}

func start(t *testing.T) {
	t.Helper()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
}

func TestServerGoesAndComesBack(t *testing.T) {
	for how, end := range map[string]func() error{"stopped": server.Stop, "crashed": server.Crash} {
		t.Run(how, func(t *testing.T) {
			url := newDatabase(t)
			s, identity := open(t, url)
			changes := s.Changes(t.Context())
			mustUpdate(t, s, writeAll("before.example"))
			hears(t, s, changes, 1)
			_ = end() // a server that was stopped hard says so
			isAway(t, "Update", s.Update(t.Context(), writeAll("away.example")))
			isAway(t, "View", s.View(t.Context(), func(tx domains.Tx) error { _, err := tx.Version(); return err }))
			_, err := sqlstore.Open(t.Context(), url, sqlstore.Options{Seal: seal.Source{File: identity}})
			isAway(t, "Open", err)

			start(t)
			for name, want := range map[string]int{"before.example": enginetest.Whole, "away.example": 0} {
				if n := traces(t, s, name); n != want {
					t.Errorf("%s: %d are there, want %d", name, n, want)
				}
			}
			other := openWith(t, url, sqlstore.Options{Seal: seal.Source{File: identity}})
			mustUpdate(t, other, writeAll("after.example"))
			hears(t, s, changes, 2)
		})
	}
}

func TestServerDiesInATransaction(t *testing.T) {
	s, _ := open(t, newDatabase(t))
	isAway(t, "Update", s.Update(t.Context(), func(tx domains.Tx) error {
		if err := writeAll("dies.example")(tx); err != nil {
			return err
		}
		_ = server.Crash()
		return nil
	}))
	start(t)
	if n := traces(t, s, "dies.example"); n != 0 {
		t.Errorf("%d are there", n)
	}
	mustUpdate(t, s, writeAll("again.example"))
}

// A host that holds the lease is cut off in the middle of a transaction, which keeps all other writers waiting. Its call ends by
// its deadline; the server ends its transaction; another host takes over; back again, the former holder writes nothing.
func TestLeaseHolderIsCutOff(t *testing.T) {
	url := newDatabase(t)
	name := url[strings.LastIndex(url, "/")+1 : strings.Index(url, "?")]
	far := newLink(t)
	present, identity := open(t, url)
	former := openWith(t, far.url(name), sqlstore.Options{Seal: seal.Source{File: identity}, Timeout: 5 * time.Second})
	changes := former.Changes(t.Context())
	hears(t, former, changes, 0)
	mustUpdate(t, former, func(tx domains.Tx) error { return tx.PutLease(domains.Lease{Holder: "mx1", Number: 1}) })

	isAway(t, "Update of the host that is cut off", former.Update(t.Context(), func(tx domains.Tx) error {
		if err := writeAll("cut.example")(tx); err != nil {
			return err
		}
		far.set(true)
		_, err := tx.Version()
		return err
	}))
	isAway(t, "its View", former.View(t.Context(), func(tx domains.Tx) error { _, err := tx.Version(); return err }))
	mustUpdate(t, present, func(tx domains.Tx) error {
		if err := writeAll("present.example")(tx); err != nil {
			return err
		}
		return tx.PutLease(domains.Lease{Holder: "mx2", Number: 2})
	})

	far.drop()
	far.set(false)
	err := former.Update(t.Context(), func(tx domains.Tx) error {
		if err := writeAll("former.example")(tx); err != nil {
			return err
		}
		return tx.PutLease(domains.Lease{Holder: "mx1", Number: 1, Until: time.Now().Add(time.Hour)})
	})
	if err == nil || errors.Is(err, domains.ErrUnavailable) || !strings.Contains(err.Error(), "mx2") {
		t.Errorf("the former holder: %v, want to be told of mx2", err)
	}
	for name, want := range map[string]int{"cut.example": 0, "present.example": enginetest.Whole, "former.example": 0} {
		if n := traces(t, present, name); n != want {
			t.Errorf("%s: %d are there, want %d", name, n, want)
		}
	}
	hears(t, former, changes, 1)
}

func TestConnectionsAreDropped(t *testing.T) {
	url := newDatabase(t)
	far := newLink(t)
	near, identity := open(t, url)
	s := openWith(t, far.url(url[strings.LastIndex(url, "/")+1:strings.Index(url, "?")]), sqlstore.Options{Seal: seal.Source{File: identity}})
	changes := s.Changes(t.Context())
	for round := range int64(3) {
		far.drop()
		mustUpdate(t, near, writeAll(fmt.Sprintf("d%d.example", round)))
		hears(t, s, changes, round+1)
	}
}

// A change that no NOTIFY told of, as behind a pooler that passes none on, is read within 30 s (ruling 37).
func TestNotificationIsLost(t *testing.T) {
	url := newDatabase(t)
	s, _ := open(t, url)
	changes := s.Changes(t.Context())
	hears(t, s, changes, 0)
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "UPDATE store SET version = 7"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changes:
	case <-time.After(2 * await.Deadline):
		t.Fatal("nothing was read again")
	}
	if err := s.View(t.Context(), func(tx domains.Tx) error {
		v, err := tx.Version()
		if v != 7 {
			t.Errorf("version %d, want 7", v)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// No message is lost in a database that has run full, and it works again when there is room.
func TestDiskRunsFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("small", dir, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s, _ := open(t, "sqlite:"+filepath.Join(dir, "postseal.db"))
	defer s.Close() // before Unmount
	mustUpdate(t, s, writeAll(written(0)))
	filler := filepath.Join(dir, "filler")
	fill(t, filler)

	done := 1
	for {
		err := s.Update(t.Context(), writeAll(written(done)))
		if err != nil {
			isAway(t, "Update on a full disk", err)
			if !strings.Contains(err.Error(), "full") {
				t.Errorf("%v does not say why", err)
			}
			break
		}
		if done++; done > 1000 {
			t.Fatal("the disk does not run full")
		}
	}
	for n := range done {
		if found := traces(t, s, written(n)); found != enginetest.Whole {
			t.Errorf("number %d: %d are there", n, found)
		}
	}
	if found := traces(t, s, written(done)); found != 0 {
		t.Errorf("of the one that failed %d are there", found)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, s, writeAll(written(done)))
	if found := traces(t, s, written(done)); found != enginetest.Whole {
		t.Errorf("with room again: %d are there", found)
	}
}

// fill leaves no room on the file system of path.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// What waiting does not mend is not called temporary.
func TestServerRefuses(t *testing.T) {
	url := newDatabase(t)
	if err := server.Run("DROP ROLE IF EXISTS stranger"); err != nil {
		t.Fatal(err)
	}
	if err := server.Run("CREATE ROLE stranger LOGIN PASSWORD 'a secret too'"); err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", postgres.Port)
	for name, tt := range map[string]struct{ url, says string }{
		"wrong password":   {strings.Replace(url, "a%20secret", "a%20secret%20guess", 1), "password"},
		"no such database": {postgres.URL(address, "nowhere"), "nowhere"},
		"no rights":        {"postgres://stranger:a%20secret%20too@" + address + url[strings.LastIndex(url, "/"):], "permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sqlstore.Open(t.Context(), tt.url, sqlstore.Options{Seal: seal.Source{File: filepath.Join(t.TempDir(), "identity")}})
			if err == nil || errors.Is(err, domains.ErrUnavailable) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %q and no ErrUnavailable", err, tt.says)
			}
			hidesPassword(t, err)
		})
	}
}

// A caller's own deadline ends a call as well.
func TestCallerGivesUp(t *testing.T) {
	s, _ := open(t, newDatabase(t))
	mustUpdate(t, s, func(tx domains.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := s.Update(ctx, writeAll("never.example")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the caller's deadline", err)
		}
		return nil
	})
}
