package milter

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// errStopped ends a connection that was waiting between messages when the server was told to stop.
var errStopped = errors.New("milter: the server stops")

// longAgo is a deadline that wakes a reader at once.
var longAgo = time.Unix(1, 0)

// newSource gives the source for a connection: one that waits without memory if it is a socket.
func newSource(c net.Conn, limits Limits, stopping *atomic.Bool) source {
	w := waiter{conn: c, limits: limits, stopping: stopping}
	if sc, ok := c.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			s := &socket{waiter: w, raw: raw}
			s.ready = s.readable
			return s
		}
	}
	return &stream{waiter: w}
}

// waiter keeps the read deadline of a connection. The timer behind it costs more than a small message should pay: one that is set stands as long as it rings
// before the wait must end. Whoever hears it ring early sets it anew.
type waiter struct {
	conn     net.Conn
	limits   Limits
	stopping *atomic.Bool
	until    time.Time // when this wait must end; zero before it begins
	set      time.Time // when the timer rings; zero: it is not set
}

// arm makes sure that the timer rings before the wait must end. A server that stops rings it at once: it sets stopping first and the deadlines then, here it is the
// other way round, so that one of the two sees the other.
func (w *waiter) arm(b *buffer, within waiting) {
	now := time.Now()
	if w.until.IsZero() {
		w.until = now.Add(w.limits.IdleTimeout)
		if within == forRest {
			w.until = b.deadline(now.Add(w.limits.FrameTimeout))
		}
	}
	if w.set.Before(now) || w.set.After(w.until) {
		w.ring(earlier(w.until, now.Add(w.limits.FrameTimeout)))
	}
	if within == forMessage && w.stopping.Load() {
		w.ring(longAgo)
	}
}

func (w *waiter) ring(at time.Time) {
	w.set = at
	w.conn.SetReadDeadline(at)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// failed judges a read that failed; nil means to try again: the timer was set for an earlier wait, or the server stops but this message may end.
func (w *waiter) failed(err error, within waiting) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	if within == forMessage && w.stopping.Load() {
		return errStopped
	}
	if w.until.IsZero() || time.Now().Before(w.until) {
		w.ring(w.until)
		return nil
	}
	if within == forRest {
		return fmt.Errorf("milter: half a packet, and no more within %v: %w", w.limits.FrameTimeout, err)
	}
	return fmt.Errorf("milter: no packet within %v: %w", w.limits.IdleTimeout, err)
}

// socket reads a TCP or Unix socket. It waits in the runtime's poller with no memory to read into, and takes a buffer when there is something to read.
type socket struct {
	waiter
	raw   syscall.RawConn
	ready func(fd uintptr) bool // readable, made once

	buf    *buffer
	within waiting
	err    error
}

func (s *socket) fill(b *buffer, within waiting) error {
	s.buf, s.within, s.err, s.until = b, within, nil, time.Time{}
	for {
		err := s.raw.Read(s.ready)
		if err == nil {
			return s.err
		}
		err = s.failed(err, within)
		if errors.Is(err, errStopped) && s.late() {
			return s.err
		}
		if err != nil {
			b.release()
			return err
		}
	}
}

// late reads what the MTA had sent when the server was told to stop: a message may have begun in it, and the MTA, which awaits no
// reply before the end of the header, counts on us. A read whose deadline has passed would not look.
func (s *socket) late() (ok bool) {
	err := s.raw.Control(func(fd uintptr) { ok = s.readable(fd) })
	return ok && err == nil
}

// readable reads what there is. false makes the poller wait and call again.
func (s *socket) readable(fd uintptr) bool {
	s.buf.hold()
	for {
		n, err := syscall.Read(int(fd), s.buf.free())
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			s.buf.release()
			s.arm(s.buf, s.within)
			return false
		case err != nil:
			s.err = os.NewSyscallError("read", err)
		case n == 0:
			s.err = io.EOF
		default:
			s.buf.end += n
		}
		return true
	}
}

// stream reads any other connection: the first bytes into a few of its own, the rest into a buffer.
type stream struct {
	waiter
	few [64]byte
}

func (s *stream) fill(b *buffer, within waiting) error {
	b.release()
	s.until = time.Time{}
	for {
		s.arm(b, within)
		to := s.few[:]
		if b.bytes != nil {
			to = b.free()
		}
		n, err := s.conn.Read(to)
		if n > 0 {
			if b.bytes == nil {
				b.hold()
				copy(b.bytes, s.few[:n])
			}
			b.end += n
			return nil
		}
		if err != nil {
			if err = s.failed(err, within); err != nil {
				return err
			}
		}
	}
}
