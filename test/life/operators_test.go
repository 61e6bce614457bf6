package life

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/postseal/postseal/test/internal/daemon"
)

// Several operators at once, each with a process of its own, while the daemon runs.
func TestOperatorsAtOnce(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	selector := s.connected(s.zone)

	s.within("domains of their own", func() {
		s.atOnce(5, done, 5, func(n int) []string {
			return []string{"domain", "add", fmt.Sprintf("d%d.%s", n, s.zone), "-a", "ed25519"}
		})
		for n := range 5 {
			s.is(fmt.Sprintf("d%d.%s", n, s.zone), "Pending validation")
		}
	})
	s.within("the same domain", func() {
		s.atOnce(3, done, 1, func(int) []string { return []string{"domain", "add", "one." + s.zone, "-a", "ed25519"} })
		if keys := s.show("one." + s.zone).Keys; len(keys) != 1 {
			s.Errorf("%d keys", len(keys))
		}
	})
	s.within("the same rotation", func() {
		s.atOnce(3, done, 1, func(int) []string { return []string{"domain", "rotate", s.zone} })
		if keys := s.show(s.zone).Keys; len(keys) != 2 {
			s.Errorf("%d keys", len(keys))
		}
		s.ok("domain", "rotate", s.zone, "--abort")
	})
	s.within("on and off", func() {
		s.atOnce(6, done, 6, func(n int) []string { return []string{"domain", []string{"disable", "enable"}[n%2], s.zone} })
		s.ok("domain", "enable", s.zone).says("Connected")
		s.signedSoon(s.zone, s.zone+"/"+selector)
	})
}

// atOnce starts n verbs together. As many as told end with code, and the others are refused by what those did.
func (s *story) atOnce(n, code, as int, verb func(n int) []string) {
	s.Helper()
	outputs, faults := make([]daemon.Output, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { outputs[i], faults[i] = program.Do(append(verb(i), "--config", s.config)...) })
	}
	all.Wait()
	s.Must(errors.Join(faults...))
	count := 0
	for i, output := range outputs {
		r := said{s, output, strings.Join(verb(i), " ")}
		if r.Code == code {
			count++
			continue
		}
		r.exits(refused)
	}
	if count != as {
		s.Errorf("%d of %d ended with %d, want %d", count, n, code, as)
	}
}
