package load

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
)

// restingTolerance is by how much the memory of two moments of rest may differ, in
// bytes: the collector lets the heap double before it looks, from 4 MB at least, and
// buffers lie in pools until it does. 300 bytes lost with each message are more.
const restingTolerance = 8 << 20

// Issue 3, line 8: what a mail server does to a milter in a busy hour, good and bad,
// leaves descriptors, goroutines and memory as they were when the work began.
func TestNothingLeaks(t *testing.T) {
	const warmUp, rounds = 3, 20
	s := newScene(t)
	s.daemon = serve(t, s.dir, "[limits]\nframe_timeout = \"10s\"\nwrite_timeout = \"10s\"\n")
	work := func(rounds int) {
		var late sync.WaitGroup
		defer late.Wait()
		for range rounds {
			s.next()
			s.daemon.reload()
			s.begin(&late, endedByTime)
			var round sync.WaitGroup
			s.begin(&round, sessions)
			if round.Wait(); t.Failed() {
				t.FailNow()
			}
		}
	}
	idle := len(s.openAtRest())
	work(warmUp)
	s.daemon.await("descriptors as before the warm-up", func() bool { return s.daemon.descriptors() == idle })
	before := s.daemon.resident()
	work(rounds)
	s.daemon.await("descriptors as before the work", func() bool { return s.daemon.descriptors() == idle })
	if err := await.Patiently("memory as before the work", func() bool { return s.daemon.resident() <= before+restingTolerance }); err != nil {
		t.Error(err) // the collector, which comes every two minutes, did not help
	}
	after := s.daemon.resident()
	t.Logf("%d messages in the log; %d descriptors before and after; %d KB resident before, %d KB after",
		s.daemon.count(message("message")), idle, before>>10, after>>10)

	fresh := newScene(t)
	fresh.daemon = serve(t, fresh.dir, "")
	fresh.sendOne(fresh.daemon.mustDial(), 1)
	want, got := fresh.daemon.goroutines(), s.daemon.goroutines()
	if n := want[connection]; n != 1 {
		t.Errorf("%d goroutines for the one connection of the fresh daemon", n)
	}
	delete(want, connection)
	if !maps.Equal(got, want) {
		t.Errorf("goroutines of a fresh daemon: %v\nand after the work: %v", want, got)
	}
}

// begin begins sessions of some kinds, several of each.
func (s *scene) begin(under *sync.WaitGroup, kinds map[string]func(*scene) error) {
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		for range 4 {
			under.Go(func() {
				if err := kinds[name](s); err != nil {
					s.Errorf("%s: %v", name, err)
				}
			})
		}
	}
}

var goroutine = regexp.MustCompile(`^created by (?:github.com/postseal/postseal/)?(\S+)`)

const (
	connection = "milter.(*Server).Serve"        // makes one goroutine for each
	pass       = "internal/daemon.(*Daemon).use" // makes the one that reads all keys, and ends
)

// goroutines ends the daemon as SIGQUIT does, with a trace of all goroutines, and
// counts them by who made them. The runtime makes its own when it likes.
func (d *daemon) goroutines() map[string]int {
	d.Helper()
	d.signal(syscall.SIGQUIT)
	_ = d.cmd.Wait() // exit status 2
	made := map[string]int{}
	for _, l := range d.said() {
		if m := goroutine.FindStringSubmatch(l.text); m != nil && !strings.HasPrefix(m[1], "runtime.") && m[1] != pass {
			made[m[1]]++
		}
	}
	return made
}
