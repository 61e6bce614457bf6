package store

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
	"github.com/postseal/postseal/internal/domains/sqlstore"
	"github.com/postseal/postseal/internal/domains/sqlstore/enginetest"
)

// The test binary runs once more as another process that uses the same store: what it is to do, and with what, is in these.
const (
	helperVar = "STORE_HELPER" // count, die or write
	urlVar    = "STORE_URL"
	sealVar   = "STORE_IDENTITY"
	numberVar = "STORE_NUMBER"
)

// helper is this binary as another process.
func helper(t *testing.T, what, url, identity string, number int) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), helperVar+"="+what, urlVar+"="+url, sealVar+"="+identity, numberVar+"="+strconv.Itoa(number))
	cmd.Stderr = os.Stderr
	return cmd
}

// runHelper is what the other process does. It says nothing but what it has done.
func runHelper() bool {
	what := os.Getenv(helperVar)
	if what == "" {
		return false
	}
	number, err := strconv.Atoi(os.Getenv(numberVar))
	if err != nil {
		panic(err)
	}
	s, err := sqlstore.Open(context.Background(), os.Getenv(urlVar), sqlstore.Options{Seal: seal.Source{File: os.Getenv(sealVar)}})
	if err != nil {
		panic(err)
	}
	defer s.Close()
	switch what {
	case "count":
		count(s, number)
	case "die":
		dieBefore(s, number)
	case "write":
		write(s)
	}
	return true
}

// count adds one, number times.
func count(s domains.Store, number int) {
	for range number {
		if err := s.Update(context.Background(), func(tx domains.Tx) error {
			c, err := tx.Candidate("counted")
			if err != nil {
				return err
			}
			c.Count++
			return tx.PutCandidate(c)
		}); err != nil {
			panic(err)
		}
	}
}

// dieBefore ends this process by SIGKILL in a transaction, before its statement number; past the last: before it is committed.
func dieBefore(s domains.Store, number int) {
	err := s.Update(context.Background(), func(tx domains.Tx) error {
		for i, write := range enginetest.Writes(dying(number)) {
			if i == number {
				die()
			}
			if err := write(tx); err != nil {
				return err
			}
		}
		die()
		return nil
	})
	panic(err)
}

func dying(number int) string { return fmt.Sprintf("dies-before-%d.example", number) }

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// write writes one name after the other until it is killed, and tells each once the store said that it is there.
func write(s domains.Store) {
	for n := 0; ; n++ {
		if err := s.Update(context.Background(), func(tx domains.Tx) error {
			for _, write := range enginetest.Writes(written(n)) {
				if err := write(tx); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			panic(err)
		}
		fmt.Println(n)
	}
}

func written(n int) string { return fmt.Sprintf("written-%d.example", n) }
