package milter

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ErrServerClosed is what Serve returns after Shutdown or Close.
var ErrServerClosed = errors.New("milter: server closed")

// Server serves the milter protocol. Its fields must not change once Serve was called. It may serve several listeners.
type Server struct {
	// Handler makes the Sessions.
	Handler Handler

	// Actions that Sessions may want to take. What the MTA does not offer is not asked for; Conn.Negotiated tells what was agreed.
	Actions Action
	// Required actions: an MTA that does not offer all of them is refused, with an error in the log.
	Required Action
	// Steps that are wanted, if the MTA offers them. StepNoMail is ignored: a message begins with MAIL.
	Steps Step
	// Macros gives those that are wanted, stage by stage, if the MTA lets a filter choose them (ActSetMacros); nil wants none. It is asked for each connection. Such a
	// list REPLACES the one that the administrator of the MTA configured for that stage: name those that may be needed by others of its defaults too. A stage without a
	// list is left alone.
	Macros func() map[Stage][]string

	Limits Limits
	// Log takes what happens to connections; nil is slog.Default().
	Log *slog.Logger

	ids      atomic.Uint64
	stopping atomic.Bool // Shutdown or Close was called

	mu          sync.Mutex
	changed     sync.Cond // of active and stopping, on mu; see init
	done        chan struct{}
	listeners   map[net.Listener]struct{}
	connections map[*connection]struct{}
	serving     sync.WaitGroup
	once        sync.Once
}

func (s *Server) init() {
	s.once.Do(func() {
		s.changed.L = &s.mu
		s.done = make(chan struct{})
		s.listeners = map[net.Listener]struct{}{}
		s.connections = map[*connection]struct{}{}
	})
}

// Serve accepts connections from l and serves each in a goroutine of its own. It returns when l fails for good, or with ErrServerClosed. It closes l.
func (s *Server) Serve(l net.Listener) error {
	s.init()
	l = &onceListener{Listener: l}
	defer l.Close()
	if !s.addListener(l) {
		return ErrServerClosed
	}
	defer s.removeListener(l)
	limits := s.Limits.orDefault()
	retry := backoff{done: s.done, log: s.log()}
	for {
		if !s.awaitCapacity(limits.Connections) {
			return ErrServerClosed
		}
		nc, err := l.Accept()
		if err != nil {
			if s.stopping.Load() {
				return ErrServerClosed
			}
			if !isTemporary(err) {
				return err
			}
			retry.wait(err, l.Addr())
			continue
		}
		retry.reset()
		c := newConnection(s, nc, s.ids.Add(1), limits, newWish(s))
		if !s.addConnection(c, limits.Connections) {
			nc.Close()
			return ErrServerClosed
		}
		go func() {
			defer s.removeConnection(c)
			c.serve()
		}()
	}
}

// closeGrace is how long Shutdown waits for Sessions whose connections it had to close, so that they can say what became of their messages.
const closeGrace = time.Second

// Shutdown stops the server: it closes the listeners and the connections that have no message under way, and waits until the others have ended theirs. If ctx ends first
// it closes those too, waits a second at most for their Sessions to end, and returns ctx.Err().
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop(func(c *connection) { c.SetReadDeadline(longAgo) })
	ended := make(chan struct{})
	go func() {
		s.serving.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		s.Close()
		select {
		case <-ended:
		case <-time.After(closeGrace):
		}
		return ctx.Err()
	}
}

// Close stops the server and closes all connections, in whatever state. It does not wait for Sessions that are at work.
func (s *Server) Close() error {
	return s.stop(func(c *connection) {
		c.cancel() // first: a Session that finds its connection closed has to know that it is we who stop
		c.Conn.Close()
	})
}

// stop closes the listeners and does something to each connection.
func (s *Server) stop(each func(*connection)) error {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping.Swap(true) {
		close(s.done)
	}
	s.changed.Broadcast()
	var errs []error
	for l := range s.listeners {
		errs = append(errs, l.Close())
	}
	for c := range s.connections {
		each(c)
	}
	return errors.Join(errs...)
}

// awaitCapacity waits until a connection more may be served. It tells whether the server still runs.
func (s *Server) awaitCapacity(limit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waitLocked(limit)
	return !s.stopping.Load()
}

func (s *Server) waitLocked(limit int) {
	for limit > 0 && len(s.connections) >= limit && !s.stopping.Load() {
		s.changed.Wait()
	}
}

// addConnection counts a connection. It waits again for a place, which another listener may have taken.
func (s *Server) addConnection(c *connection, limit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waitLocked(limit)
	if s.stopping.Load() {
		return false
	}
	s.connections[c] = struct{}{}
	s.serving.Add(1)
	return true
}

func (s *Server) removeConnection(c *connection) {
	s.mu.Lock()
	delete(s.connections, c)
	s.mu.Unlock()
	s.changed.Broadcast()
	s.serving.Done()
}

func (s *Server) addListener(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) removeListener(l net.Listener) {
	s.mu.Lock()
	delete(s.listeners, l)
	s.mu.Unlock()
}

func (s *Server) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.Default()
}

// onceListener can be closed twice.
type onceListener struct {
	net.Listener
	once sync.Once
	err  error
}

func (l *onceListener) Close() error {
	l.once.Do(func() { l.err = l.Listener.Close() })
	return l.err
}
