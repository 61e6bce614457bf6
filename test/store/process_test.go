package store

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
	"github.com/postseal/postseal/internal/domains/sqlstore"
	"github.com/postseal/postseal/internal/domains/sqlstore/enginetest"
)

// onBoth runs f on a new database of either engine.
func onBoth(t *testing.T, f func(t *testing.T, url string)) {
	t.Run("SQLite", func(t *testing.T) { f(t, newFile(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { f(t, newDatabase(t)) })
}

// open opens a store with the identity in a new file.
func open(t *testing.T, url string) (s *sqlstore.Store, identity string) {
	t.Helper()
	identity = filepath.Join(t.TempDir(), "identity")
	return openWith(t, url, sqlstore.Options{Seal: seal.Source{File: identity}}), identity
}

func openWith(t *testing.T, url string, o sqlstore.Options) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustUpdate(t *testing.T, s domains.Store, f func(domains.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func traces(t *testing.T, s domains.Store, name string) (n int) {
	t.Helper()
	if err := s.View(t.Context(), func(tx domains.Tx) (err error) {
		n, err = enginetest.Traces(tx, name)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// Two processes that read, change and write the same row, and this one, lose nothing.
func TestProcessesWriteAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s, identity := open(t, url)
		mustUpdate(t, s, func(tx domains.Tx) error { return tx.PutCandidate(domains.Candidate{Domain: "counted"}) })
		const each = 60
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if err := helper(t, "count", url, identity, each).Run(); err != nil {
					t.Error(err)
				}
			})
		}
		count(s, each)
		wg.Wait()
		if err := s.View(t.Context(), func(tx domains.Tx) error {
			c, err := tx.Candidate("counted")
			if c.Count != 3*each {
				t.Errorf("counted to %d, want %d", c.Count, 3*each)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}

// A writer killed between any two statements of a transaction leaves nothing of it, and nobody waits for it.
func TestWriterDiesBeforeEachStatement(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s, identity := open(t, url)
		for number := range len(enginetest.Writes("")) + 1 {
			cmd := helper(t, "die", url, identity, number)
			if err := cmd.Run(); !killed(cmd) {
				t.Fatalf("before statement %d: %v, not killed", number, err)
			}
			mustUpdate(t, s, func(tx domains.Tx) error { return tx.PutHost(domains.Host{Name: "the next"}) })
			if n := traces(t, s, dying(number)); n != 0 {
				t.Errorf("killed before statement %d it leaves %d", number, n)
			}
		}
	})
}

func killed(cmd *exec.Cmd) bool {
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// A writer killed at any moment: what the store said is there is there, and the rest is whole or absent.
func TestWriterDiesAtAnyMoment(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s, identity := open(t, url)
		known := -1
		for round := range 6 {
			told := killedAfter(t, helper(t, "write", url, identity, 0), 3+round, time.Duration(round)*700*time.Microsecond)
			known = max(known, told)
			for n := range known + 1 {
				if found := traces(t, s, written(n)); found != enginetest.Whole {
					t.Errorf("round %d: number %d was told to be there, and %d of it is", round, n, found)
				}
			}
			for n := known + 1; n <= known+2; n++ {
				if found := traces(t, s, written(n)); found != 0 && found != enginetest.Whole {
					t.Errorf("round %d: %d of number %d is there", round, found, n)
				}
			}
		}
	})
}

// killedAfter runs a writer until it has told some numbers, and a little more; it returns the last number told.
func killedAfter(t *testing.T, cmd *exec.Cmd, numbers int, more time.Duration) int {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := -1
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
		if numbers--; numbers == 0 {
			time.AfterFunc(more, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); !killed(cmd) {
		t.Fatalf("the writer ended by itself: %v", err)
	}
	return last
}
