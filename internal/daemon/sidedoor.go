package daemon

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/postseal/postseal/internal/config"
)

// sideDoor is an HTTP listener that mail does not need: [metrics], [panel]. Trouble with
// it never keeps mail waiting: the milter starts without, the log says so once, and the
// door is tried again until it opens or the daemon stops.
type sideDoor struct {
	key    string          // of the configuration, such as metrics.listen
	where  string          // its value, see config.ParseHTTPAddress
	socket config.Listener // owner, group and mode of a unix socket
	server *http.Server
	most   int // connections at a time: they shall not take the descriptors that mail needs

	mu      sync.Mutex
	sockets []net.Listener // while it is open
	problem error          // why it is not
}

// Between two tries of a side door that does not open.
const (
	firstPause = time.Second
	mostPause  = time.Minute
)

// nextPause comes after a pause.
func nextPause(p time.Duration) time.Duration { return min(2*p, mostPause) }

// addSideDoor opens a side door, or leaves it to keepOpen.
func (d *Daemon) addSideDoor(s *sideDoor) {
	d.sides = append(d.sides, s)
	if err := d.tryOpen(s); err != nil {
		d.log.Error("a listener that mail does not need is not open; it is tried again until it is", "key", s.key, "error", err)
	}
}

func (d *Daemon) tryOpen(s *sideDoor) error {
	sockets, err := d.openHTTP(s.where, s.socket)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets, s.problem = sockets, err
	return err
}

// closed says why the door is not open, or nil.
func (s *sideDoor) closed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problem
}

// serveSides keeps all side doors open until stop is called, which lets answers that
// have begun end.
func (d *Daemon) serveSides() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, s := range d.sides {
		running.Go(func() { d.keepOpen(ctx, s) })
	}
	return func() {
		cancel()
		for _, s := range d.sides {
			s.shutdown()
		}
		running.Wait()
	}
}

// keepOpen serves a side door, and opens it again when it was lost.
func (d *Daemon) keepOpen(ctx context.Context, s *sideDoor) {
	pause := firstPause
	for {
		if s.closed() == nil {
			d.log.Info("serving HTTP", "key", s.key, "address", s.where)
			err := s.serve()
			if ctx.Err() != nil {
				return
			}
			s.lose(err)
			d.log.Error("a listener that mail does not need was lost; it is tried again until it opens", "key", s.key, "error", err)
			pause = firstPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		pause = nextPause(pause)
		if d.tryOpen(s) == nil {
			d.env.Manager.Status(d.status())
		}
	}
}

// serve answers at all sockets until one fails or the server is shut down.
func (s *sideDoor) serve() error {
	s.mu.Lock()
	sockets := s.sockets
	s.mu.Unlock()
	ended := make(chan error, len(sockets))
	for _, ln := range sockets {
		go func() { ended <- s.server.Serve(netutil.LimitListener(ln, s.most)) }()
	}
	err := <-ended
	closeAll(sockets)
	for range sockets[1:] {
		<-ended
	}
	return err
}

func (s *sideDoor) lose(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets, s.problem = nil, err
}

// shutdown ends the server; idle connections go at once.
func (s *sideDoor) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		s.server.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	closeAll(s.sockets) // one that was opened meanwhile
}

func closeAll(listeners []net.Listener) {
	for _, ln := range listeners {
		ln.Close()
	}
}

// openHTTP opens what config.ParseHTTPAddress describes; a unix socket is made like another.
func (d *Daemon) openHTTP(where string, socket config.Listener) ([]net.Listener, error) {
	network, address, err := config.ParseHTTPAddress(where)
	if err != nil {
		return nil, err
	}
	var ln net.Listener
	switch network {
	case "fd":
		return d.env.Sockets.Take(address)
	case "unix":
		socket.Address = where
		ln, err = listenUnix(address, socket)
	default:
		ln, err = listenTCP(network, address, where)
	}
	if err != nil {
		return nil, err
	}
	return []net.Listener{ln}, nil
}

// closedSides tells which side doors are not open, in a line each.
func (d *Daemon) closedSides() (lines []string) {
	for _, s := range d.sides {
		if err := s.closed(); err != nil {
			lines = append(lines, s.key+" is not open: "+err.Error())
		}
	}
	return lines
}
