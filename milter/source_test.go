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
	w.waits <- w.reader.bytes != nil
	return w.UnixConn.SetReadDeadline(t)
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
