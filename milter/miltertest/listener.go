package miltertest

import (
	"errors"
	"net"
	"sync"
)

// Listener is a listener without a network: Dial connects to it in process, by a net.Pipe.
//
//	l := miltertest.NewListener()
//	go server.Serve(l)
//	mta, err := l.Dial()
type Listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// NewListener makes a Listener.
func NewListener() *Listener {
	return &Listener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial connects. It waits until the connection is accepted.
func (l *Listener) Dial() (*MTA, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return New(near), nil
	case <-l.closed:
		return nil, errors.New("miltertest: the listener is closed")
	}
}

// Accept gives the far end of the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close makes Accept and Dial fail.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is an address in name only.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: "in process", Net: "pipe"} }
