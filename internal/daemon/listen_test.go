package daemon

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/config"
)

func unixListener(path string) config.Listener {
	l := config.DefaultListener()
	l.Address = "unix:" + path
	return l
}

func TestUnixSocketMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l := unixListener(path)
	l.SocketMode = "0606"
	ln, err := listen(l)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o606 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false) // as a killed process leaves it
	dead.Close()
	ln, err := listen(unixListener(path))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestLiveSocketIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	live, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if _, err := listen(unixListener(path)); err == nil || !strings.Contains(err.Error(), "answers on this socket") {
		t.Errorf("got %v", err)
	}
	if conn, err := net.Dial("unix", path); err != nil {
		t.Errorf("the live socket is gone: %v", err)
	} else {
		conn.Close()
	}
}

func TestOtherFileIsNotReplaced(t *testing.T) {
	path := write(t, t.TempDir(), "s", "precious")
	if _, err := listen(unixListener(path)); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("the file is now %q, %v", text, err)
	}
}

func TestListenErrorsSayWhatToDo(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for name, c := range map[string]struct {
		l    config.Listener
		want string
	}{
		"port in use":   {config.Listener{Address: "inet:" + port + "@127.0.0.1"}, "another program listens there already"},
		"no directory":  {unixListener("/nonexistent/dir/s"), "no such file or directory"},
		"unknown group": {config.Listener{Address: "unix:" + filepath.Join(t.TempDir(), "s"), SocketGroup: "no-such-group-7", SocketMode: "0660"}, "socket_group"},
		"unknown owner": {config.Listener{Address: "unix:" + filepath.Join(t.TempDir(), "s"), SocketOwner: "no-such-user-7", SocketMode: "0660"}, "socket_owner"},
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := listen(c.l)
			if err == nil {
				ln.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
