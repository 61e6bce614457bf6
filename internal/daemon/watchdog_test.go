package daemon

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"
)

// An accept loop is stuck when it neither waits nor moves between two looks.
func TestStuckAcceptLoop(t *testing.T) {
	type look struct {
		name      string
		accepting bool
		rounds    uint64
		full      bool
		stuck     bool
	}
	for _, looks := range [][]look{
		{{"waits", true, 1, false, false}, {"still waits", true, 1, false, false}},
		{{"works", false, 1, false, false}, {"works on the next", false, 2, false, false}, {"stands", false, 2, false, true}},
		{{"not begun", false, 0, false, false}, {"never begins", false, 0, false, true}},
		{{"full", false, 5, true, false}, {"still full", false, 5, true, false}, {"a place is free", false, 5, false, false}, {"and not given away", false, 5, false, true}},
		{{"works", false, 1, false, false}, {"waits again", true, 1, false, false}, {"works", false, 1, false, false}},
	} {
		s := &socket{}
		for _, l := range looks {
			s.accepting.Store(l.accepting)
			s.rounds.Store(l.rounds)
			if got := s.stuck(l.full); got != l.stuck {
				t.Errorf("%s: %v", l.name, got)
			}
		}
	}
}

// A daemon is alive with clients and without, and while it stops; not when a
// listener's loop does not run.
func TestAlive(t *testing.T) {
	d := start(t, newSite(t).load)
	for range 3 {
		send(t, d, localMTA(t, d))
		if err := d.alive(); err != nil {
			t.Error(err)
		}
	}
	idle, err := Open(newSite(t).load, slog.New(slog.DiscardHandler), Environment{})
	if err != nil {
		t.Fatal(err)
	}
	defer idle.closeListeners()
	if err := idle.alive(); err != nil {
		t.Errorf("at the first look: %v", err)
	}
	if err := idle.alive(); err == nil {
		t.Error("nobody accepts, and it is said to be alive")
	}
	idle.stopping.Store(true)
	if err := idle.alive(); err != nil {
		t.Errorf("while it stops: %v", err)
	}
}

// With all places taken the loop waits for one: that is alive.
func TestAliveWhenFull(t *testing.T) {
	s := newSite(t)
	s.configure(t, "[limits]\nconnections = 1\n")
	d := start(t, s.load)
	mta := d.dial(t)
	for range 3 {
		if err := d.alive(); err != nil {
			t.Error(err)
		}
	}
	mta.Close()
	send(t, d, localMTA(t, d))
}

// A decision is made on the tables in use. A panic in it is its message's matter, not
// the watchdog's.
func TestAliveWithoutTables(t *testing.T) {
	var log bytes.Buffer
	d := &Daemon{log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if err := d.alive(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "the watchdog's decision panicked") {
		t.Errorf("no decision was made without tables: %q", &log)
	}
}

func TestSocketCountsRounds(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &socket{Listener: ln}
	ln.Close()
	if _, err := s.Accept(); err == nil || s.rounds.Load() != 1 || s.accepting.Load() {
		t.Errorf("%v, %d rounds", err, s.rounds.Load())
	}
}
