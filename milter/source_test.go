package milter

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// watched is a socket that says, each time its reader begins to wait (and sets a deadline for that), whether the reader holds memory.
type watched struct {
	*net.UnixConn
	reader *reader
	waits  chan bool
}

func (w *watched) SetReadDeadline(t time.Time) error {
	err := w.UnixConn.SetReadDeadline(t)
	w.waits <- w.reader.bytes != nil
	return err
}

// TestIdleMemory sees that a connection holds a buffer while half a packet is there, and none while it waits for the next.
func TestIdleMemory(t *testing.T) {
	near, far := socketPair(t)
	r := &reader{limits: DefaultLimits}
	w := &watched{far, r, make(chan bool, 10)}
	r.source = newSource(w, DefaultLimits, new(atomic.Bool))
	result := make(chan error, 1)
	go func() {
		for {
			if _, err := r.next(); err != nil {
				result <- err
				return
			}
		}
	}()
	for _, step := range []struct {
		send string
		want bool
	}{{"", false}, {"\x00\x00", true}, {"\x00\x03Hx\x00", false}, {frame('B', "xyz")[:6], true}, {"yz", false}, {frame('N', "") + frame('N', ""), false}, {frame('N', "") + "\x00", true}} {
		if _, err := near.Write([]byte(step.send)); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-w.waits:
			if got != step.want {
				t.Errorf("after %q: memory held %v, want %v", step.send, got, step.want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("after %q: no wait", step.send)
		}
	}
	near.Close()
	if err := <-result; !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ended with %v", err)
	}
}

// TestOldDeadline sees that a deadline that passed while the Session was at work does not end the next wait.
func TestOldDeadline(t *testing.T) {
	near, far := socketPair(t)
	r := reader{limits: DefaultLimits, source: newSource(far, DefaultLimits, new(atomic.Bool))}
	for range 2 {
		far.SetReadDeadline(longAgo)
		near.Write([]byte(frame('N', "")))
		if p, err := r.next(); err != nil || p.cmd != CmdEOH {
			t.Fatal(p, err)
		}
	}
}

// TestWokenWithinPacket sees that a reader that is woken within a packet, as a server that stops does, sets its deadline again.
func TestWokenWithinPacket(t *testing.T) {
	near, far := socketPair(t)
	r := &reader{limits: DefaultLimits}
	w := &watched{far, r, make(chan bool, 10)}
	r.source = newSource(w, DefaultLimits, new(atomic.Bool))
	near.Write([]byte{0, 0})
	go r.next()
	for _, step := range []func(){
		func() {}, // it waits
		func() { far.SetReadDeadline(longAgo) },
		func() {}, // cleared by now, and to be set
	} {
		step()
		select {
		case <-w.waits:
		case <-time.After(10 * time.Second):
			t.Fatal("a wait without deadline")
		}
	}
}

// socketPair gives both ends of a connection.
func socketPair(t testing.TB) (near, far *net.UnixConn) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); f.Close() })
	return c.(*net.UnixConn), f.(*net.UnixConn)
}
