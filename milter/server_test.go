package milter_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/miltertest"
)

func TestShutdown(t *testing.T) {
	s := &milter.Server{Handler: nothing, Log: slog.New(slog.DiscardHandler)}
	dial, served := startUnix(t, s)
	idle, fresh, busy := dial(), dial(), dial()
	begin(t, idle)
	if err := idle.Abort(); err != nil {
		t.Fatal(err)
	}
	expect(t, "continue")(idle.Unknown("SYNC")) // the ABORT has been handled
	begin(t, busy)

	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	gone(t, idle)
	gone(t, fresh)
	if err := await(t, served); !errors.Is(err, milter.ErrServerClosed) {
		t.Errorf("Serve returned %v", err)
	}
	select {
	case err := <-stopped:
		t.Fatalf("Shutdown returned %v with a message under way", err)
	default:
	}
	finish(t, busy)
	gone(t, busy)
	if err := await(t, stopped); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(l); !errors.Is(err, milter.ErrServerClosed) {
		t.Errorf("Serve after Shutdown returned %v", err)
	}
}

func TestShutdownDeadline(t *testing.T) {
	s := &milter.Server{Handler: nothing, Log: slog.New(slog.DiscardHandler)}
	dial, _ := startUnix(t, s)
	busy := dial()
	begin(t, busy)
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(ctx) }()
	expect(t, "continue")(busy.Rcpt("<b@example.net>"))
	cancel()
	if err := await(t, stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown returned %v", err)
	}
	gone(t, busy)
}

// slowToClose is a Session that takes its time to say what became of its message.
type slowToClose struct {
	milter.NopSession
	closed *atomic.Bool
}

func (s slowToClose) Close() {
	time.Sleep(time.Second / 2)
	s.closed.Store(true)
}

// TestShutdownHearsSessionsOut sees that Sessions whose connections are closed at the deadline have ended when Shutdown returns.
func TestShutdownHearsSessionsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed atomic.Bool
		s := &milter.Server{Log: slog.New(slog.DiscardHandler), Handler: milter.HandlerFunc(func(*milter.Conn) milter.Session { return slowToClose{closed: &closed} })}
		begin(t, startPipe(t, s)())
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) || !closed.Load() {
			t.Errorf("Shutdown returned %v, the Session has ended: %v", err, closed.Load())
		}
	})
}

// waiter is a Session that waits at the end of a message until its connection ends.
type waiter struct {
	milter.NopSession
	conn                 *milter.Conn
	waits, waited, leave chan struct{}
	closed               *atomic.Int32
}

func (w waiter) EndOfMessage(*milter.Modifications) milter.Response {
	close(w.waits)
	<-w.conn.Context().Done()
	close(w.waited)
	<-w.leave
	return milter.Tempfail
}
func (w waiter) Close() { w.closed.Add(1) }

func TestClose(t *testing.T) {
	var closed atomic.Int32
	w := waiter{waits: make(chan struct{}), waited: make(chan struct{}), leave: make(chan struct{}), closed: &closed}
	s := &milter.Server{Log: slog.New(slog.DiscardHandler), Handler: milter.HandlerFunc(func(c *milter.Conn) milter.Session {
		w.conn = c
		return w
	})}
	dial, _ := startUnix(t, s)
	m := dial()
	begin(t, m)
	expect(t, "continue")(m.EOH())
	if err := m.Command(milter.CmdEOM); err != nil {
		t.Fatal(err)
	}
	await(t, w.waits)
	s.Close()
	gone(t, m) // though the Session is still at work
	await(t, w.waited)
	close(w.leave)
	if err := s.Shutdown(context.Background()); err != nil { // waits for the connection's goroutine
		t.Error(err)
	}
	if n := closed.Load(); n != 1 {
		t.Errorf("Session.Close was called %d times", n)
	}
}

// pressed is a Session whose server is told to stop while it ends its first message.
type pressed struct {
	milter.NopSession
	stop  func()
	mails *atomic.Int32
}

func (p pressed) Mail(string, []string) milter.Response {
	p.mails.Add(1)
	return milter.Continue
}

func (p pressed) EndOfMessage(*milter.Modifications) milter.Response {
	p.stop()
	return milter.Continue
}

// TestShutdownBetweenMessages sees that a connection ends between two messages, but not before one that the MTA has begun already.
func TestShutdownBetweenMessages(t *testing.T) {
	var mails atomic.Int32
	var s *milter.Server
	began, stopped := make(chan struct{}), make(chan error, 1)
	stop := func() {
		go func() { stopped <- s.Shutdown(context.Background()) }()
		<-began
	}
	s = &milter.Server{Handler: milter.HandlerFunc(func(*milter.Conn) milter.Session { return pressed{stop: stop, mails: &mails} }), Log: slog.New(slog.DiscardHandler)}
	dial, served := startUnix(t, s)
	go func() {
		<-served // Serve has returned: the server stops
		close(began)
	}()
	m := dial()
	begin(t, m)
	expect(t, "continue")(m.EOH())
	m.Write(append(miltertest.Packet(milter.CmdEOM), miltertest.Packet(milter.CmdMail, []byte("<a@example.org>\x00")...)...))
	for range 2 { // replies, to EOM and to MAIL
		if code, _, err := m.ReadPacket(); err != nil || code != 'c' {
			t.Fatal(code, err)
		}
	}
	expect(t, "continue")(m.EOH())
	if _, _, err := m.EOM(); err != nil {
		t.Fatal(err)
	}
	gone(t, m)
	if err := await(t, stopped); err != nil || mails.Load() != 2 {
		t.Errorf("%d messages begun, Shutdown: %v", mails.Load(), err)
	}
}

// TestConnections sees that with all places taken a client waits unaccepted, and is served when a place is free.
func TestConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &milter.Server{Handler: nothing, Limits: milter.Limits{Connections: 2}, Log: slog.New(slog.DiscardHandler)}
		dial := startPipe(t, s)
		a, b := dial(), dial()
		begin(t, a)
		begin(t, b)
		waiting := make(chan *miltertest.MTA, 1)
		go func() { waiting <- dial() }()
		time.Sleep(time.Minute) // of the bubble's clock
		select {
		case <-waiting:
			t.Fatal("a third connection was accepted")
		default:
		}
		a.Quit()
		begin(t, <-waiting)
		s.Close()
	})
}

// TestConnectionsOfListeners sees that listeners share the places.
func TestConnectionsOfListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &milter.Server{Handler: nothing, Limits: milter.Limits{Connections: 1}, Log: slog.New(slog.DiscardHandler)}
		one, two := miltertest.NewListener(), miltertest.NewListener()
		go s.Serve(one)
		go s.Serve(two)
		synctest.Wait() // both accept
		first, second := dialer(t, one)(), dialer(t, two)()
		if _, err := first.Negotiate(miltertest.PostfixOffer); err != nil { // nobody reads it: the other was quicker
			first, second = second, first
			if _, err := first.Negotiate(miltertest.PostfixOffer); err != nil {
				t.Fatal(err)
			}
		}
		if err := second.Abort(); err == nil {
			t.Error("a second connection is served")
		}
		first.Quit()
		begin(t, second)
		s.Close()
	})
}

// TestTimeouts sees how long a connection may stay silent: long between packets, shortly within one.
func TestTimeouts(t *testing.T) {
	limits := milter.Limits{IdleTimeout: 2 * time.Hour, FrameTimeout: 30 * time.Second}
	for _, test := range []struct {
		name string
		send []byte
		want time.Duration
	}{
		{"between packets", nil, 2 * time.Hour},
		{"in the length", []byte{0, 0}, 30 * time.Second},
		{"before the command", []byte{0, 0, 0, 9}, 30 * time.Second},
		{"in the data", []byte("\x00\x00\x00\x09Rabc"), 30 * time.Second},
		{"while thrown away", []byte("\x00\x20\x00\x00Labc"), 30 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &milter.Server{Handler: nothing, Limits: limits, Log: slog.New(slog.DiscardHandler)}
				defer s.Close()
				m := startPipe(t, s)()
				m.Timeout = 3 * time.Hour
				begin(t, m)
				time.Sleep(time.Hour)
				expect(t, "continue")(m.Rcpt("<b@example.net>"))
				if test.send != nil {
					m.Write(test.send)
				}
				start := time.Now()
				if code, _, err := m.ReadPacket(); err == nil {
					t.Errorf("got %q, want the end", code)
				}
				if took := time.Since(start); took != test.want {
					t.Errorf("closed after %v, want %v", took, test.want)
				}
			})
		})
	}
	t.Run("each packet anew", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &milter.Server{Handler: nothing, Limits: limits, Log: slog.New(slog.DiscardHandler)}
			defer s.Close()
			m := startPipe(t, s)()
			begin(t, m)
			rcpt := miltertest.Packet(milter.CmdRcpt, []byte("<b@example.net>\x00")...)
			for range 3 {
				m.Write(rcpt[:7])
				time.Sleep(20 * time.Second)
				m.Write(rcpt[7:])
				if code, _, err := m.ReadPacket(); err != nil || code != 'c' {
					t.Fatal(code, err)
				}
			}
		})
	})
	t.Run("drop by drop", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &milter.Server{Handler: nothing, Limits: limits, Log: slog.New(slog.DiscardHandler)}
			defer s.Close()
			m := startPipe(t, s)()
			begin(t, m)
			start := time.Now()
			err := m.Write([]byte{0, 0, 1, 0, 'R'})
			for err == nil {
				time.Sleep(10 * time.Second)
				err = m.Write([]byte{'x'})
			}
			if took := time.Since(start); took > 40*time.Second {
				t.Errorf("a packet took %v", took)
			}
		})
	})
	t.Run("peer that does not read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &milter.Server{Handler: nothing, Limits: milter.Limits{WriteTimeout: time.Minute}, Log: slog.New(slog.DiscardHandler)}
			defer s.Close()
			m := startPipe(t, s)()
			begin(t, m)
			start := time.Now()
			m.Command(milter.CmdRcpt, []byte("<b@example.net>\x00")...)
			time.Sleep(time.Minute + time.Second)
			if err := m.Command(milter.CmdData); err == nil {
				t.Errorf("still open after %v", time.Since(start))
			}
		})
	})
}

// TestTimeoutsOfSockets is the same for the way in which sockets are read.
func TestTimeoutsOfSockets(t *testing.T) {
	for name, limits := range map[string]milter.Limits{
		"between packets": {IdleTimeout: 20 * time.Millisecond},
		"within one":      {FrameTimeout: 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			s := &milter.Server{Handler: nothing, Limits: limits, Log: slog.New(slog.DiscardHandler)}
			dial, _ := startUnix(t, s)
			m := dial()
			if limits.FrameTimeout != 0 {
				begin(t, m)
				m.Write([]byte("\x00\x00\x00\x09Rab"))
			}
			gone(t, m)
		})
	}
}

// broke is a listener that fails some times before it works.
type broke struct {
	*miltertest.Listener
	failures atomic.Int32
	err      error
}

func (b *broke) Accept() (net.Conn, error) {
	if b.failures.Add(-1) >= 0 {
		return nil, b.err
	}
	return b.Listener.Accept()
}

func TestAcceptErrors(t *testing.T) {
	for _, code := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED, syscall.ENOBUFS, syscall.ENOMEM, syscall.EPROTO, syscall.EHOSTUNREACH, syscall.EPERM} {
		t.Run(code.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &logBook{}
				s := &milter.Server{Handler: nothing, Log: slog.New(log)}
				l := &broke{Listener: miltertest.NewListener(), err: &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", code)}}
				l.failures.Store(20)
				start := time.Now()
				go s.Serve(l)
				begin(t, dialer(t, l.Listener)())
				if took := time.Since(start); took < 10*time.Second || took > 20*time.Second {
					t.Errorf("20 failures took %v", took)
				}
				if n := log.count("cannot accept"); n != 1 {
					t.Errorf("logged %d times", n)
				}
				s.Close()
			})
		})
	}
	t.Run("for good", func(t *testing.T) {
		want := errors.New("no such thing")
		s := &milter.Server{Handler: nothing, Log: slog.New(slog.DiscardHandler)}
		l := &broke{Listener: miltertest.NewListener(), err: want}
		l.failures.Store(1)
		if err := s.Serve(l); !errors.Is(err, want) {
			t.Errorf("Serve returned %v", err)
		}
	})
	t.Run("stopped while it waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			log := &logBook{}
			s := &milter.Server{Handler: nothing, Log: slog.New(log)}
			l := &broke{Listener: miltertest.NewListener(), err: syscall.EMFILE}
			l.failures.Store(1 << 30)
			served := make(chan error, 1)
			go func() { served <- s.Serve(l) }()
			time.Sleep(10*time.Minute - time.Second)
			if n := log.count("cannot accept"); n < 9 || n > 10 {
				t.Errorf("logged %d times in ten minutes", n)
			}
			s.Close()
			if err := <-served; !errors.Is(err, milter.ErrServerClosed) {
				t.Errorf("Serve returned %v", err)
			}
		})
	})
}

// counting counts the writes to its connections.
type counting struct {
	net.Listener
	writes atomic.Int32
}

type countedConn struct {
	*net.UnixConn
	l *counting
}

func (l *counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countedConn{c.(*net.UnixConn), l}, nil
}

func (c countedConn) Write(p []byte) (int, error) {
	c.l.writes.Add(1)
	return c.UnixConn.Write(p)
}

// changer makes three changes to each message.
type changer struct{ milter.NopSession }

func (changer) EndOfMessage(m *milter.Modifications) milter.Response {
	m.InsertHeader(0, "A", "1")
	m.InsertHeader(0, "B", "2")
	m.ChangeHeader(1, "Subject", "3")
	return milter.Accept
}

func TestOneWritePerReply(t *testing.T) {
	unix, err := net.Listen("unix", filepath.Join(t.TempDir(), "m"))
	if err != nil {
		t.Fatal(err)
	}
	l := &counting{Listener: unix}
	s := &milter.Server{
		Handler: milter.HandlerFunc(func(*milter.Conn) milter.Session { return changer{} }),
		Actions: milter.ActAddHeader | milter.ActChangeHeader,
		Steps:   milter.StepNoReplyHeader | milter.StepNoReplyMail,
		Log:     slog.New(slog.DiscardHandler),
	}
	go s.Serve(l)
	defer s.Close()
	m, err := miltertest.Dial("unix", unix.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Negotiate(miltertest.PostfixOffer); err != nil {
		t.Fatal(err)
	}
	result, err := m.Send(miltertest.Message{From: "<a@example.org>", To: []string{"<b@example.net>"}, Raw: []byte("Subject: x\n\nbody\n")})
	if err != nil || len(result.Modifications) != 3 {
		t.Fatalf("%+v, %v", result, err)
	}
	// OPTNEG, CONNECT, HELO, RCPT, DATA, EOH, BODY, end; none for MAIL and HEADER.
	if n := l.writes.Load(); n != 8 {
		t.Errorf("%d writes, want 8", n)
	}
}
