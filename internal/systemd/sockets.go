package systemd

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// Sockets are those that systemd opened for us, by FileDescriptorName=. The zero
// value has none.
type Sockets struct {
	listeners map[string][]net.Listener
	unusable  map[string]error
}

// TakeSockets takes what was handed over (sd_listen_fds(3)), and takes the
// variables that say so out of the environment. It is called once.
func TakeSockets() *Sockets {
	s := &Sockets{listeners: map[string][]net.Listener{}, unusable: map[string]error{}}
	for _, f := range activation.Files(true) {
		ln, err := listener(f)
		f.Close() // the listener has its own
		if err != nil {
			s.unusable[f.Name()] = err
			continue
		}
		s.listeners[f.Name()] = append(s.listeners[f.Name()], ln)
	}
	return s
}

// listener makes a listener of a descriptor. The net package would take a datagram
// socket too, and the connection that Accept=yes hands over.
func listener(f *os.File) (net.Listener, error) {
	accepts, err := unix.GetsockoptInt(int(f.Fd()), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err == nil && accepts == 0 {
		err = errors.New("it accepts no connections")
	}
	if err != nil {
		return nil, err
	}
	return net.FileListener(f)
}

// Take gives the sockets of a name away: one, or several where the unit has several
// ListenStream= lines. Closing them does not remove the file of a unix socket, which
// belongs to systemd.
func (s *Sockets) Take(name string) ([]net.Listener, error) {
	if s == nil {
		s = &Sockets{}
	}
	if err := s.unusable[name]; err != nil {
		return nil, fmt.Errorf("fd:%s: not a listening socket: %w (it takes ListenStream= and Accept=no)", name, err)
	}
	taken := s.listeners[name]
	if len(taken) == 0 {
		return nil, fmt.Errorf("fd:%s: no socket of that name was handed over by systemd; %s", name, s.offer())
	}
	delete(s.listeners, name)
	return taken, nil
}

// offer says which names there are.
func (s *Sockets) offer() string {
	if names := s.names(); len(names) > 0 {
		return "there are " + strings.Join(names, ", ") + " (FileDescriptorName= gives a name)"
	}
	return "there is none: is the socket unit running, and was the service started by it?"
}

func (s *Sockets) names() []string {
	return slices.Sorted(maps.Keys(s.listeners))
}

// CloseRest closes what nobody took and gives the names. A client of such a socket
// would wait for ever.
func (s *Sockets) CloseRest() []string {
	if s == nil {
		return nil
	}
	names := s.names()
	for _, name := range names {
		for _, ln := range s.listeners[name] {
			ln.Close()
		}
	}
	names = append(names, slices.Sorted(maps.Keys(s.unusable))...)
	clear(s.listeners)
	clear(s.unusable)
	return names
}
