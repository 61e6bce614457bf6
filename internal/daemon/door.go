package daemon

import (
	"net"
	"sync/atomic"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/milter"
)

// door is one [[listener]] row: its sockets and the milter behind them.
type door struct {
	config.Listener
	server  *milter.Server
	sockets []*socket
}

// socket is a listening socket whose accept loop can be seen at work.
type socket struct {
	net.Listener
	accepting atomic.Bool   // the loop waits for a connection
	rounds    atomic.Uint64 // of the loop

	seen uint64 // rounds at the last look
	busy bool   // it was not accepting at the last look, though it could
}

// Accept implements net.Listener.
func (s *socket) Accept() (net.Conn, error) {
	s.rounds.Add(1)
	s.accepting.Store(true)
	defer s.accepting.Store(false)
	return s.Listener.Accept()
}

// stuck tells whether the accept loop has stood still between two looks, neither
// waiting for a connection nor for the place of one that ends (full).
func (s *socket) stuck(full bool) bool {
	before, seen := s.busy, s.seen
	s.busy, s.seen = !full && !s.accepting.Load(), s.rounds.Load()
	return before && s.busy && seen == s.seen
}

// open opens the sockets of a row, or takes those that systemd hands over.
func (d *Daemon) open(l config.Listener) (*door, error) {
	network, name, err := config.ParseAddress(l.Address)
	if err != nil {
		return nil, err
	}
	var listeners []net.Listener
	if network == "fd" {
		listeners, err = d.env.Sockets.Take(name)
	} else {
		var ln net.Listener
		ln, err = listen(l)
		listeners = append(listeners, ln)
	}
	if err != nil {
		return nil, err
	}
	dr := &door{Listener: l}
	for _, ln := range listeners {
		dr.sockets = append(dr.sockets, &socket{Listener: ln})
	}
	return dr, nil
}

// openAll opens all [[listener]] rows, or none, and the side doors that can be opened.
func (d *Daemon) openAll(cfg *config.Config) error {
	for _, l := range cfg.Listeners {
		dr, err := d.open(l)
		if err != nil {
			d.closeListeners()
			return &ListenError{err}
		}
		d.doors = append(d.doors, dr)
	}
	d.openMetrics(cfg)
	d.openPanel(cfg)
	for _, name := range d.env.Sockets.CloseRest() {
		d.log.Warn("systemd handed over a socket that no listener asks for", "name", name, "address", "fd:"+name)
	}
	return nil
}

// sockets are those of all doors, in the order of the configuration.
func (d *Daemon) sockets() (all []*socket) {
	for _, dr := range d.doors {
		all = append(all, dr.sockets...)
	}
	return all
}

// Addresses tells where the daemon listens, in the order of the configuration.
func (d *Daemon) Addresses() []net.Addr {
	var all []net.Addr
	for _, s := range d.sockets() {
		all = append(all, s.Addr())
	}
	return all
}

func (d *Daemon) closeListeners() {
	for _, s := range d.sockets() {
		s.Close()
	}
	for _, s := range d.sides {
		closeAll(s.sockets)
	}
}
