package doctor

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/postseal/postseal/milter"
)

// serve accepts connections and has each talked to.
func serve(t *testing.T, network, address string, talk func(net.Conn)) Endpoint {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			talk(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return Endpoint{network, l.Addr().String()}
}

// A real milter server is known by its answer, over a port and over a unix socket, and who listens is named.
func TestProbe(t *testing.T) {
	own, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{"tcp", "127.0.0.1:0"}, {"unix", filepath.Join(t.TempDir(), "m.sock")}} {
		t.Run(c[0], func(t *testing.T) {
			l, err := net.Listen(c[0], c[1])
			if err != nil {
				t.Fatal(err)
			}
			server := &milter.Server{
				Handler: milter.HandlerFunc(func(*milter.Conn) milter.Session { return milter.NopSession{} }),
				Actions: milter.ActAddHeader | milter.ActChangeHeader,
			}
			done := make(chan error)
			go func() { done <- server.Serve(l) }()
			s := probe(t.Context(), Endpoint{c[0], l.Addr().String()})
			if s.Err != nil || !s.Reached || s.Answer.Version != 6 || s.Answer.Actions != milter.ActAddHeader|milter.ActChangeHeader {
				t.Errorf("got %+v", s)
			}
			if want := strings.TrimSpace(string(own)); s.Program != want {
				t.Errorf("%q listens, want %q", s.Program, want)
			}
			server.Close()
			<-done
		})
	}
}

func TestProbeOfOthers(t *testing.T) {
	closed := serve(t, "tcp", "127.0.0.1:0", func(net.Conn) {})
	web := serve(t, "tcp", "127.0.0.1:0", func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	short := serve(t, "tcp", "127.0.0.1:0", func(c net.Conn) { c.Write([]byte{0, 0, 0, 13, 'O', 0, 0}) })
	other := serve(t, "tcp", "127.0.0.1:0", func(c net.Conn) { c.Write(append([]byte{0, 0, 0, 13, 'X'}, make([]byte, 12)...)) })
	for name, at := range map[string]Endpoint{"closes": closed, "speaks HTTP": web, "stops": short, "another command": other} {
		t.Run(name, func(t *testing.T) {
			if s := probe(t.Context(), at); !s.Reached || s.Err == nil {
				t.Errorf("got %+v", s)
			}
		})
	}
	t.Run("nobody", func(t *testing.T) {
		if s := probe(t.Context(), Endpoint{"unix", filepath.Join(t.TempDir(), "none")}); s.Reached || !errors.Is(s.Err, fs.ErrNotExist) {
			t.Errorf("got %+v", s)
		}
	})
	t.Run("refused", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		if s := probe(t.Context(), Endpoint{"tcp", l.Addr().String()}); !errors.Is(s.Err, syscall.ECONNREFUSED) {
			t.Errorf("got %+v", s)
		}
	})
}

// One that accepts and says nothing is given up in time: here the caller's.
func TestProbeOfSilence(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	silent := serve(t, "tcp", "127.0.0.1:0", func(c net.Conn) { cancel(); io.Copy(io.Discard, c) })
	conn, err := net.Dial(silent.Network, silent.Address)
	if err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	conn.Close()
	if s := probe(ctx, silent); s.Err == nil {
		t.Errorf("got %+v", s)
	}
}

func FuzzNegotiate(f *testing.F) {
	f.Add(append([]byte{0, 0, 0, 13, 'O'}, make([]byte, 12)...))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 'O'})
	f.Add([]byte{0, 0, 0, 1, 'O'})
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, answer []byte) {
		_, err := negotiate(struct {
			io.Reader
			io.Writer
		}{strings.NewReader(string(answer)), io.Discard})
		if err == nil && len(answer) < 17 {
			t.Errorf("%d octets are an answer", len(answer))
		}
	})
}

func TestProcAddress(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:22BB":                         "127.0.0.1:8891",
		"00000000000000000000000001000000:22BB": "[::1]:8891",
		"0000000000000000FFFF00000100007F:22BB": "127.0.0.1:8891",
	} {
		if got, ok := procAddress(text); !ok || got != netip.MustParseAddrPort(want) {
			t.Errorf("%s: got %v %v, want %s", text, got, ok, want)
		}
	}
	for _, text := range []string{"", ":", "0100007F", "zz:1", "01:22BB"} {
		if got, ok := procAddress(text); ok {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
