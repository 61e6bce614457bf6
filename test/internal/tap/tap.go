// Package tap stands between an MTA and its milter and passes packets on, but for one that a test wants to hold.
package tap

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Tap is a listening tap.
type Tap struct {
	net.Listener
	milter string
	hold   atomic.Pointer[hold]
}

// hold is a packet that is waited for.
type hold struct {
	command        byte
	held, released chan struct{}
}

// Listen takes the MTA's connections on address and makes one to milter for each.
func Listen(address, milter string) (*Tap, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	t := &Tap{Listener: l, milter: milter}
	go func() {
		for {
			mta, err := l.Accept()
			if err != nil {
				return
			}
			go t.serve(mta)
		}
	}()
	return t, nil
}

// Hold keeps back the next packet with command ('B' is a chunk of the body), and what follows it on its connection. held is
// closed when it has come; release lets it go on.
func (t *Tap) Hold(command byte) (held <-chan struct{}, release func()) {
	h := &hold{command: command, held: make(chan struct{}), released: make(chan struct{})}
	t.hold.Store(h)
	return h.held, sync.OnceFunc(func() { close(h.released) })
}

// serve ends both connections when one ends.
func (t *Tap) serve(mta net.Conn) {
	defer mta.Close()
	milter, err := net.Dial("tcp", t.milter)
	if err != nil {
		return
	}
	defer milter.Close()
	go func() {
		_, _ = io.Copy(mta, milter)
		mta.Close()
	}()
	for {
		packet, err := read(mta)
		if err != nil {
			return
		}
		t.pass(packet[4])
		if _, err := milter.Write(packet); err != nil {
			return
		}
	}
}

// pass returns when a packet with command may go on.
func (t *Tap) pass(command byte) {
	if h := t.hold.Load(); h != nil && h.command == command && t.hold.CompareAndSwap(h, nil) {
		close(h.held)
		<-h.released
	}
}

// read reads one packet: its length in four octets, its command, its data.
func read(r io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	packet := append(length[:], make([]byte, n)...)
	_, err := io.ReadFull(r, packet[4:])
	return packet, err
}
