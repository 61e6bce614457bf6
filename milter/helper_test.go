package milter_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/miltertest"
)

// patience bounds what a test waits for; nothing is expected to take that long.
const patience = time.Minute

// startUnix serves on a socket of its own and gives what dials it. The server is closed when the test ends.
func startUnix(t *testing.T, s *milter.Server) (dial func() *miltertest.MTA, served <-chan error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() { result <- s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
	return func() *miltertest.MTA {
		t.Helper()
		m, err := miltertest.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}, result
}

// startPipe serves in process, and gives what dials there.
func startPipe(t *testing.T, s *milter.Server) (dial func() *miltertest.MTA) {
	t.Helper()
	l := miltertest.NewListener()
	go s.Serve(l)
	return dialer(t, l)
}

// dialer gives what dials a listener.
func dialer(t *testing.T, l *miltertest.Listener) func() *miltertest.MTA {
	return func() *miltertest.MTA {
		t.Helper()
		m, err := l.Dial()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}

// expect fails the test unless a command was answered as it should be.
func expect(t *testing.T, want string) func(miltertest.Reply, error) {
	t.Helper()
	return func(got miltertest.Reply, err error) {
		t.Helper()
		if err != nil || got.String() != want {
			t.Fatalf("reply %v, error %v, want %s", got, err, want)
		}
	}
}

// begin negotiates and goes up to MAIL.
func begin(t *testing.T, m *miltertest.MTA) {
	t.Helper()
	if _, err := m.Negotiate(miltertest.PostfixOffer); err != nil {
		t.Fatal(err)
	}
	expect(t, "continue")(m.Connect(m.Client))
	expect(t, "continue")(m.Helo("client.example"))
	expect(t, "continue")(m.Mail("<a@example.org>"))
}

// finish goes from RCPT to the end.
func finish(t *testing.T, m *miltertest.MTA) {
	t.Helper()
	expect(t, "continue")(m.Rcpt("<b@example.net>"))
	expect(t, "continue")(m.Data())
	expect(t, "continue")(m.Header("Subject", " x"))
	expect(t, "continue")(m.EOH())
	expect(t, "continue")(m.Body([]byte("body\r\n")))
	_, reply, err := m.EOM()
	expect(t, "continue")(reply, err)
}

// gone fails the test unless the filter has closed the connection without another word.
func gone(t *testing.T, m *miltertest.MTA) {
	t.Helper()
	m.Conn.SetReadDeadline(time.Now().Add(patience))
	var b [1]byte
	if n, err := m.Conn.Read(b[:]); n != 0 || !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("connection not closed: %d bytes, %v", n, err)
	}
}

// await waits for a channel.
func await[T any](t *testing.T, c <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-c:
	case <-time.After(patience):
		t.Fatal("nothing happened")
	}
	return value
}

// logBook is a log that can be searched.
type logBook struct {
	mu    sync.Mutex
	lines []string
}

func (b *logBook) Enabled(context.Context, slog.Level) bool { return true }
func (b *logBook) WithAttrs([]slog.Attr) slog.Handler       { return b }
func (b *logBook) WithGroup(string) slog.Handler            { return b }

func (b *logBook) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	b.mu.Lock()
	b.lines = append(b.lines, line)
	b.mu.Unlock()
	return nil
}

func (b *logBook) count(text string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range b.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func (b *logBook) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = nil
}

// nothing is a Handler whose Sessions do nothing.
var nothing = milter.HandlerFunc(func(*milter.Conn) milter.Session { return milter.NopSession{} })
