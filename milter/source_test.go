package milter

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// watched is a socket that says, each time its reader begins to wait, whether the reader holds memory.
type watched struct {
	*net.UnixConn
	reader *reader
	waits  chan bool
}

func (w *watched) SyscallConn() (syscall.RawConn, error) {
	raw, err := w.UnixConn.SyscallConn()
	return &watchedReads{raw, w}, err
}

type watchedReads struct {
	syscall.RawConn
	socket *watched
}

func (w *watchedReads) Read(ready func(fd uintptr) bool) error {
	return w.RawConn.Read(func(fd uintptr) bool {
		ok := ready(fd)
		if !ok {
			w.socket.waits <- w.socket.reader.bytes != nil
		}
		return ok
	})
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
		case <-time.After(time.Minute):
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

// TestRungEarly sees that a wait does not end before it must, though its timer rang: it was set for an earlier wait, or by a server that stops. A slow machine
// only makes it longer.
func TestRungEarly(t *testing.T) {
	limits := DefaultLimits
	limits.IdleTimeout, limits.FrameTimeout = 400*time.Millisecond, 200*time.Millisecond
	for _, c := range []struct {
		name, sent string
		woken      bool
		least      time.Duration
		want       string
	}{
		{"set for an earlier wait", "", false, limits.IdleTimeout, "no packet within"},
		{"between packets", "", true, limits.IdleTimeout, "no packet within"},
		{"within a packet", "\x00\x00", true, limits.FrameTimeout, "half a packet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			near, far := socketPair(t)
			r := &reader{limits: limits, wait: forPacket}
			w := &watched{far, r, make(chan bool, 10)}
			r.source = newSource(w, limits, new(atomic.Bool))
			near.Write([]byte(c.sent))
			ended := make(chan error, 1)
			start := time.Now()
			go func() {
				_, err := r.next()
				ended <- err
			}()
			<-w.waits
			if c.woken {
				far.SetReadDeadline(longAgo)
			}
			select {
			case err := <-ended:
				if !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("ended with %v, want %q", err, c.want)
				}
				if took := time.Since(start); took < c.least {
					t.Errorf("ended after %v, not %v", took, c.least)
				}
			case <-time.After(time.Minute):
				t.Fatal("a wait without deadline")
			}
		})
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
