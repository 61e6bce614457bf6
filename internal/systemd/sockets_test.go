package systemd

import (
	"net"
	"os"
	"strings"
	"testing"
)

// handed are sockets as if they had been handed over.
func handed(t *testing.T, names ...string) *Sockets {
	t.Helper()
	s := &Sockets{listeners: map[string][]net.Listener{}, unusable: map[string]error{}}
	for _, name := range names {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		s.listeners[name] = append(s.listeners[name], ln)
	}
	return s
}

func TestTake(t *testing.T) {
	s := handed(t, "milter", "spare", "milter", "other")
	if got, err := s.Take("milter"); err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	for _, name := range []string{"milter", "nothing"} { // taken, never there
		if _, err := s.Take(name); err == nil || !strings.Contains(err.Error(), "fd:"+name) || !strings.Contains(err.Error(), "other, spare") {
			t.Errorf("%s: %v", name, err)
		}
	}
	rest := s.listeners["spare"][0]
	if got := strings.Join(s.CloseRest(), " "); got != "other spare" {
		t.Errorf("left over: %s", got)
	}
	if _, err := rest.Accept(); err == nil {
		t.Error("what nobody took is still open")
	}
	if _, err := s.Take("spare"); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("got %v", err)
	}
}

func TestNothingHandedOver(t *testing.T) {
	var nobody *Sockets
	if _, err := nobody.Take("milter"); err == nil || nobody.CloseRest() != nil {
		t.Errorf("got %v", err)
	}
	// What is meant for another process is not ours, and not our children's either.
	t.Setenv("LISTEN_PID", "1")
	t.Setenv("LISTEN_FDS", "1")
	t.Setenv("LISTEN_FDNAMES", "milter")
	if _, err := TakeSockets().Take("milter"); err == nil {
		t.Error("took another process's socket")
	}
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if value, set := os.LookupEnv(name); set {
			t.Errorf("%s=%s is still set", name, value)
		}
	}
}
