package load

import (
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/postseal/postseal/milter/miltertest"
	"github.com/postseal/postseal/test/internal/await"
)

// Issue 3, line 2: no descriptors left. Those who have a connection are served as
// ever, the others wait and are served when descriptors come back, whether there are
// more of them or others end; the log tells it once.
func TestNoDescriptorsLeft(t *testing.T) {
	s := newScene(t)
	s.daemon = serve(t, s.dir, "")
	s.sendOne(s.daemon.mustDial(), 1)
	s.leaveDescriptors(20)

	served := s.connections(20)
	var waiting sync.WaitGroup
	s.waitInLine(&waiting, 10)
	s.daemon.await("words about the first burst", func() bool { return s.bursts() == 1 })
	s.serves(served)
	refused := s.refused()
	s.daemon.signal(syscall.SIGHUP) // which needs descriptors too
	s.daemon.await("a reload without descriptors", refused)
	s.serves(served)
	if n := s.bursts(); n != 1 {
		t.Errorf("one burst is told %d times", n)
	}

	s.daemon.limitDescriptors(1000)
	waiting.Wait()
	s.daemon.reload()
	if n := s.bursts(); n != 1 {
		t.Errorf("the end of the burst is told as %d bursts", n-1)
	}

	s.leaveDescriptors(0)
	s.waitInLine(&waiting, 10)
	s.serves(served)
	for _, mta := range served {
		s.daemon.must(mta.Quit())
	}
	waiting.Wait()

	if n := s.bursts(); n != 1 {
		t.Errorf("those who were let in one by one are told as %d bursts", n)
	}
	sent := s.total()
	s.daemon.stop()
	s.compareWithLog()
	t.Logf("%d messages, none lost; 20 clients had to wait", sent)
}

// openAtRest are the daemon's descriptors while no table or key is being read.
func (s *scene) openAtRest() (open map[int]string) {
	s.Helper()
	s.daemon.await("no table or key open", func() bool {
		open = s.daemon.openFiles()
		for _, path := range open {
			if strings.HasPrefix(path, s.dir+"/") {
				return false
			}
		}
		return true
	})
	return open
}

// leaveDescriptors lets the daemon open so many files more.
func (s *scene) leaveDescriptors(free int) {
	s.Helper()
	open := s.openAtRest()
	limit := 0 // numbers below it may be used
	for ; free > 0 || open[limit] != ""; limit++ {
		if open[limit] == "" {
			free--
		}
	}
	s.daemon.limitDescriptors(limit)
}

func (d *daemon) limitDescriptors(n int) {
	d.Helper()
	limit := unix.Rlimit{Cur: uint64(n), Max: 1000}
	d.must(unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_NOFILE, &limit, nil))
}

// bursts is how often the log told that descriptors are lacking.
func (s *scene) bursts() int {
	return s.daemon.count(func(l line) bool { return strings.Contains(l.Msg, "cannot accept") })
}

func (s *scene) connections(n int) []*miltertest.MTA {
	s.Helper()
	mtas := make([]*miltertest.MTA, n)
	for i := range mtas {
		mtas[i] = s.daemon.mustDial()
	}
	return mtas
}

// serves sends messages on all of the connections.
func (s *scene) serves(mtas []*miltertest.MTA) {
	for _, mta := range mtas {
		for range 5 {
			s.sendOne(mta, 1)
		}
	}
}

// waitInLine has clients connect, who wait until they are served, with a message.
func (s *scene) waitInLine(waiting *sync.WaitGroup, clients int) {
	for range clients {
		mta, err := miltertest.Dial("unix", s.daemon.socket) // in the backlog
		s.daemon.must(err)
		mta.Timeout = await.Deadline
		waiting.Go(func() {
			defer mta.Close()
			if _, err := mta.Negotiate(miltertest.PostfixOffer); err != nil {
				s.Errorf("a client that waited: %v", err)
				return
			}
			mta.Client = local
			s.sendOne(mta, 1)
		})
	}
}
