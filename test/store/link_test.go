package store

import (
	"io"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/postseal/postseal/test/internal/postgres"
)

// link is the network between one host and PostgreSQL. Cut, it swallows what either end sends, and neither hears of it.
type link struct {
	listener net.Listener

	mu   sync.Mutex
	cut  bool
	ends []net.Conn
}

func newLink(t *testing.T) *link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{listener: listener}
	go l.accept()
	t.Cleanup(func() {
		listener.Close()
		l.drop()
	})
	return l
}

// url is that of a database beyond the link, given its own.
func (l *link) url(database string) string { return postgres.URL(l.listener.Addr().String(), database) }

func (l *link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(postgres.Port))
		if err != nil {
			near.Close()
			continue
		}
		l.mu.Lock()
		l.ends = append(l.ends, near, far)
		l.mu.Unlock()
		go l.carry(near, far)
		go l.carry(far, near)
	}
}

// carry closes the other end only while the link is whole.
func (l *link) carry(from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		l.mu.Lock()
		cut := l.cut
		l.mu.Unlock()
		if !cut && n > 0 {
			if _, writeErr := to.Write(buf[:n]); writeErr != nil {
				err = writeErr
			}
		}
		if err != nil {
			if !cut || err != io.EOF {
				to.Close()
			}
			return
		}
	}
}

func (l *link) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
}

// drop closes all connections at both ends.
func (l *link) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.ends {
		c.Close()
	}
	l.ends = nil
}
