package load

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/miltertest"
	"github.com/postseal/postseal/test/internal/await"
)

// Issue 3, line 3. Six connections send 10,000 messages. Meanwhile the key table,
// the signing table and the configuration change under the daemon's feet, or break,
// and SIGHUP comes every 100 ms, whatever is just being written. Every message must
// leave with the two keys of one generation, none of them later than one that left
// after it on the same connection, and the log must tell the same.
func TestReloadUnderTraffic(t *testing.T) {
	const connections, messages = 6, 10_000
	s := newScene(t)
	s.daemon = serve(t, s.dir, "")

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var changing, sending sync.WaitGroup
	rounds := make(chan struct{}) // closed when everything was broken and mended twice
	changing.Go(func() { s.change(ctx, rounds) })
	changing.Go(func() { s.hangUp(ctx, 100*time.Millisecond) })
	var left atomic.Int64
	left.Store(messages)
	for range connections {
		mta := s.daemon.mustDial()
		sending.Go(func() { s.send(mta, &left, rounds) })
	}
	sending.Wait()
	cancel()
	changing.Wait()
	if t.Failed() {
		return
	}

	last := s.next()
	s.daemon.reload()
	mta := s.daemon.mustDial()
	s.sendOne(mta, last)
	s.daemon.stop()
	s.compareWithLog()
	if len(s.signed) < 10 {
		t.Errorf("only %d generations of keys signed", len(s.signed))
	}
	t.Logf("%d messages with %d generations of keys; %d reloads went well, %d were refused",
		s.total(), len(s.signed), s.daemon.count(message("reloaded")), s.daemon.count(isRefused))
}

// hangUp sends SIGHUP again and again.
func (s *scene) hangUp(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.daemon.cmd.Process.Signal(syscall.SIGHUP); err != nil {
				s.Error(err)
				return
			}
		}
	}
}

// send sends messages until enough were sent and rounds is closed.
func (s *scene) send(mta *miltertest.MTA, left *atomic.Int64, rounds <-chan struct{}) {
	oldest := 0
	for !s.Failed() {
		if left.Add(-1) < 0 {
			select {
			case <-rounds:
				return
			default:
			}
		}
		oldest = s.sendOne(mta, oldest)
	}
}

// sendOne sends a message that must be signed by one generation, oldest or a later
// one, and returns which it was.
func (s *scene) sendOne(mta *miltertest.MTA, oldest int) (generation int) {
	names, err := signatures(mta, mail("ada@example.com"), s.lookup)
	if err != nil {
		s.Errorf("a message was lost: %v", err)
		return oldest
	}
	keys := strings.Join(names, ",")
	if _, err := fmt.Sscanf(keys, "example.com/g%d-rsa", &generation); err != nil || keys != keysOf(generation) {
		s.Errorf("signed with %q", keys)
	}
	if generation < oldest {
		s.Errorf("generation %d after %d", generation, oldest)
	}
	s.mu.Lock()
	s.signed[keys]++
	s.mu.Unlock()
	return generation
}

// compareWithLog compares what was received with what the daemon logged.
func (s *scene) compareWithLog() {
	s.Helper()
	logged := map[string]int{}
	for _, l := range s.daemon.said() {
		if l.Msg == "message" {
			logged[l.Keys]++
			if l.Decision != "signed" || l.Level != "INFO" {
				s.Errorf("logged %s", l.text)
			}
		}
	}
	if !maps.Equal(logged, s.signed) {
		s.Errorf("received %v\nlogged %v", s.signed, logged)
	}
}

func (s *scene) total() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, messages := range s.signed {
		n += messages
	}
	return n
}

// change makes generation after generation of keys, and breaks something at times.
func (s *scene) change(ctx context.Context, rounds chan<- struct{}) {
	faults := []func(generation int) (seen func() bool){s.breakKeyTable, s.loseSigningTable, s.breakConfiguration, s.addBadRow, s.spoilKey}
	for round := 1; ctx.Err() == nil; round++ {
		for _, fault := range faults {
			for range 3 { // as fast as keys can be made: reloads meet them anywhere
				s.next()
			}
			n := s.next()
			s.wait(ctx, "generation signs", func() bool { return s.signedBy(n) > 0 })
			seen := fault(n)
			s.wait(ctx, "reload meets the fault", seen)
			before := s.total()
			s.wait(ctx, "messages after the fault", func() bool { return s.total() > before+20 })
			s.mend()
		}
		if round == 2 {
			close(rounds)
		}
	}
}

// wait polls until done, or the test is over.
func (s *scene) wait(ctx context.Context, what string, done func() bool) {
	if err := await.That(what, func() bool { return ctx.Err() != nil || s.Failed() || done() }); err != nil {
		s.Error(err)
	}
}

func isRefused(l line) bool { return strings.HasPrefix(l.Msg, "reload failed") }

// refused tells whether a reload was refused from now on.
func (s *scene) refused() func() bool {
	before := s.daemon.count(isRefused)
	return func() bool { return s.daemon.count(isRefused) > before }
}

// reported tells whether a problem is logged from now on.
func (s *scene) reported(words string) func() bool {
	is := func(l line) bool { return strings.Contains(l.Problem, words) }
	before := s.daemon.count(is)
	return func() bool { return s.daemon.count(is) > before }
}

func (s *scene) breakKeyTable(int) func() bool {
	s.replace("keytable", "k example.com:nothing-behind\n")
	return s.refused()
}

func (s *scene) loseSigningTable(int) func() bool {
	if err := os.Remove(s.path("signingtable")); err != nil {
		s.Error(err)
	}
	return s.refused()
}

func (s *scene) breakConfiguration(int) func() bool {
	s.replace("postseal.toml", "[sign\n")
	return s.refused()
}

// addBadRow puts a row that cannot work before the good ones: it goes out alone.
func (s *scene) addBadRow(generation int) func() bool {
	s.replace("keytable", "lost lost.example:s:./nowhere.pem\n"+keyTable(generation))
	s.replace("signingtable", "*@lost.example lost\n"+signingTable(generation))
	return s.reported("nowhere.pem does not exist")
}

// spoilKey spoils a key file in its place. The generation signs on.
func (s *scene) spoilKey(generation int) func() bool {
	name := fmt.Sprintf("g%d-rsa.pem", generation)
	if err := os.WriteFile(s.path(name), []byte("spoilt\n"), 0o600); err != nil {
		s.Error(err)
	}
	return s.reported(name + ": neither PEM nor base64: want a private key in PEM (-----BEGIN …), or base64 of it; the key read before signs on")
}
