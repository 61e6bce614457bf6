package load

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
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
	s.daemon = serve(t, s.dir, "[limits]\nframe_timeout = \"1s\"\nwrite_timeout = \"1s\"\n")
	work := func(rounds int) {
		for range rounds {
			s.next()
			s.daemon.reload()
			if s.ofAllKinds(); t.Failed() {
				t.FailNow()
			}
		}
	}
	idle := s.daemon.descriptors()
	work(warmUp)
	s.daemon.await("descriptors as before the warm-up", func() bool { return s.daemon.descriptors() == idle })
	before := s.daemon.resident()
	work(rounds)
	s.daemon.await("descriptors as before the work", func() bool { return s.daemon.descriptors() == idle })
	after := s.daemon.resident()
	if after > before+restingTolerance {
		t.Errorf("%d KB resident before, %d KB after", before>>10, after>>10)
	}
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

// ofAllKinds plays all kinds of sessions, several of each at a time.
func (s *scene) ofAllKinds() {
	var wg sync.WaitGroup
	for _, name := range slices.Sorted(maps.Keys(sessions)) {
		for range 4 {
			wg.Go(func() {
				if err := sessions[name](s); err != nil {
					s.Errorf("%s: %v", name, err)
				}
			})
		}
	}
	wg.Wait()
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
	_ = d.end() // exit status 2
	made := map[string]int{}
	for _, l := range d.lines {
		if m := goroutine.FindStringSubmatch(l.text); m != nil && !strings.HasPrefix(m[1], "runtime.") && m[1] != pass {
			made[m[1]]++
		}
	}
	return made
}
