package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/miltertest"
)

// patience bounds what a test waits for.
const patience = 2 * time.Minute

// service is the program as systemd starts it: with a socket for its notifications,
// and sockets of its own in its hands.
type service struct {
	*exec.Cmd
	dir    string
	notify *net.UnixConn
	log    lockedBuffer
	ended  chan error
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// newService writes a configuration with these listeners and prepares the process.
func newService(t *testing.T, listeners ...string) *service {
	t.Helper()
	s := &service{dir: t.TempDir(), ended: make(chan error, 1)}
	var err error
	path := filepath.Join(s.dir, "notify")
	if s.notify, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.notify.Close() })
	text := "[sign]\nkeytable = \"" + s.path("keytable") + "\"\nsigningtable = \"" + s.path("signingtable") + "\"\n"
	for _, address := range listeners {
		text += "[[listener]]\naddress = \"" + address + "\"\n"
	}
	s.write(t, "postseal.toml", text)
	s.write(t, "keytable", "")
	s.write(t, "signingtable", "")
	// LISTEN_PID is that of the process itself.
	s.Cmd = exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec postseal serve --config "$0"`, s.path("postseal.toml"))
	s.Env = append(os.Environ(), "NOTIFY_SOCKET="+path, "JOURNAL_STREAM=")
	s.Stderr = &s.log
	return s
}

func (s *service) path(name string) string { return filepath.Join(s.dir, name) }

func (s *service) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hand puts a listening socket into the process's hands.
func (s *service) hand(t *testing.T, name string, ln interface{ File() (*os.File, error) }) {
	t.Helper()
	f, err := ln.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	s.ExtraFiles = append(s.ExtraFiles, f)
	count := string(rune('0' + len(s.ExtraFiles)))
	for i, v := range s.Env {
		if names, ok := strings.CutPrefix(v, "LISTEN_FDNAMES="); ok {
			s.Env[i], s.Env[i+1] = "LISTEN_FDNAMES="+names+":"+name, "LISTEN_FDS="+count
			return
		}
	}
	s.Env = append(s.Env, "LISTEN_FDNAMES="+name, "LISTEN_FDS="+count)
}

func (s *service) start(t *testing.T) {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.Wait() }()
	t.Cleanup(func() {
		s.Process.Kill()
		if t.Failed() {
			t.Logf("log:\n%s", s.log.String())
		}
	})
}

// end waits for the process's end and gives its exit code.
func (s *service) end(t *testing.T) string {
	t.Helper()
	select {
	case err := <-s.ended:
		return exitCode(err)
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	return ""
}

// hears waits for a notification that has all these lines, and gives all of its own.
func (s *service) hears(t *testing.T, wanted ...string) string {
	t.Helper()
	s.notify.SetReadDeadline(time.Now().Add(patience))
	data := make([]byte, 4096)
	for {
		n, err := s.notify.Read(data)
		if err != nil {
			t.Fatalf("no notification %q: %v", wanted, err)
		}
		text := string(data[:n])
		found := 0
		for _, line := range wanted {
			if strings.Contains("\n"+text+"\n", "\n"+line) {
				found++
			}
		}
		if found == len(wanted) {
			return text
		}
		if !strings.HasPrefix(text, "WATCHDOG=1") {
			t.Errorf("heard %q while waiting for %q", text, wanted)
		}
	}
}

// answers sees that a milter negotiates at an address.
func answers(t *testing.T, addr net.Addr) {
	t.Helper()
	mta, err := miltertest.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer mta.Close()
	if _, err := mta.Negotiate(miltertest.PostfixOffer); err != nil {
		t.Fatal(err)
	}
}

func listenTCP(t *testing.T) *net.TCPListener {
	t.Helper()
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

func TestNotify(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "milter.sock")
	s := newService(t, "unix:"+socket)
	s.Env = append(s.Env, "WATCHDOG_USEC=40000")
	s.start(t)
	s.hears(t, "READY=1", "STATUS=serving unix:"+socket+" (both): 0 keys, 0 lines\n")
	answers(t, &net.UnixAddr{Name: socket, Net: "unix"})
	for range 3 {
		s.hears(t, "WATCHDOG=1")
	}

	s.Process.Signal(syscall.SIGHUP)
	s.hears(t, "RELOADING=1", "MONOTONIC_USEC=")
	s.hears(t, "READY=1", "STATUS=reloaded: 0 keys, 0 lines\n")

	s.write(t, "keytable", "k example.com\n")
	s.Process.Signal(syscall.SIGHUP)
	s.hears(t, "RELOADING=1", "MONOTONIC_USEC=")
	s.hears(t, "READY=1", "STATUS=reload failed, running on the old configuration: "+s.path("keytable")+":1: ")
	answers(t, &net.UnixAddr{Name: socket, Net: "unix"})

	s.Process.Signal(syscall.SIGTERM)
	s.hears(t, "STOPPING=1", "STATUS=stopping")
	if code := s.end(t); code != "0" {
		t.Errorf("exit code %s", code)
	}
}

// systemd's sockets are served, all those of a name, and stay when we go.
func TestSocketActivation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "milter.sock")
	unix, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close()
	one, two, unused := listenTCP(t), listenTCP(t), listenTCP(t)
	s := newService(t, "fd:milter", "fd:local")
	s.hand(t, "milter", one)
	s.hand(t, "unused", unused)
	s.hand(t, "local", unix)
	s.hand(t, "milter", two)
	s.start(t)
	s.hears(t, "READY=1")
	for _, ln := range []net.Listener{one, two, unix} {
		answers(t, ln.Addr())
	}
	s.Process.Signal(syscall.SIGTERM)
	if code := s.end(t); code != "0" {
		t.Errorf("exit code %s", code)
	}
	if log := s.log.String(); strings.Count(log, "name=unused address=fd:unused") != 1 || strings.Count(log, "that no listener asks for") != 1 {
		t.Error("no warning of the unused socket")
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("the socket's file is gone: ", err)
	}
	conn, err := net.Dial("unix", path) // waits for the next start
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestSocketNotHandedOver(t *testing.T) {
	for _, c := range []struct {
		name string
		give func(*testing.T, *service)
		want string
	}{
		{"none", func(*testing.T, *service) {}, "there is none: is the socket unit running"},
		{"other names", func(t *testing.T, s *service) { s.hand(t, "a", listenTCP(t)); s.hand(t, "b", listenTCP(t)) }, "there are a, b (FileDescriptorName="},
		{"a datagram socket", func(t *testing.T, s *service) { s.hand(t, "milter", s.notify) }, "fd:milter: not a listening socket: it accepts no connections"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, "fd:milter")
			c.give(t, s)
			s.start(t)
			if code := s.end(t); code != "5" || !strings.Contains(s.log.String(), c.want) {
				t.Errorf("exit code %s, log %s", code, s.log.String())
			}
		})
	}
}

// A log that cannot be written is no reason to stop.
func TestLogOnAFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	socket := filepath.Join(t.TempDir(), "milter.sock")
	s := newService(t, "unix:"+socket)
	s.Stderr = full
	s.start(t)
	s.hears(t, "READY=1")
	answers(t, &net.UnixAddr{Name: socket, Net: "unix"})
	s.Process.Signal(syscall.SIGTERM)
	s.hears(t, "STOPPING=1")
	if code := s.end(t); code != "0" {
		t.Errorf("exit code %s", code)
	}
}

// A port of ours that another program has is no error of configuration: the next start
// may find it free.
func TestPortInUse(t *testing.T) {
	taken := listenTCP(t).Addr().String()
	s := newService(t, "inet:"+taken)
	s.start(t)
	if code := s.end(t); code != "5" || !strings.Contains(s.log.String(), "inet:"+taken+": another program listens there already") {
		t.Errorf("exit code %s, log %s", code, s.log.String())
	}
}

// A listener that mail does not need keeps none waiting.
func TestSideListenerInUse(t *testing.T) {
	taken := listenTCP(t).Addr().String()
	for name, c := range map[string]struct{ metrics, want string }{
		"a port":                          {taken, taken + ": another program listens there already"},
		"a name that was not handed over": {"fd:metrics", "fd:metrics: no socket of that name"},
		"a directory that is not there":   {"unix:/nonexistent/metrics.sock", "unix:/nonexistent/metrics.sock: "},
	} {
		t.Run(name, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "milter.sock")
			s := newService(t, "unix:"+socket)
			text, err := os.ReadFile(s.path("postseal.toml"))
			if err != nil {
				t.Fatal(err)
			}
			s.write(t, "postseal.toml", string(text)+"[metrics]\nlisten = \""+c.metrics+"\"\n")
			s.start(t)
			s.hears(t, "READY=1", "STATUS=serving unix:"+socket+" (both): 0 keys, 0 lines; metrics.listen is not open: "+c.want)
			answers(t, &net.UnixAddr{Name: socket, Net: "unix"})
			s.Process.Signal(syscall.SIGTERM)
			if code := s.end(t); code != "0" || !strings.Contains(s.log.String(), "ERROR") || !strings.Contains(s.log.String(), c.want) {
				t.Errorf("exit code %s, log %s", code, s.log.String())
			}
		})
	}
}
