package systemd

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// manager is a Manager and what its service manager hears.
func manager(t *testing.T) (m *Manager, heard func() []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return NewManager(slog.New(slog.DiscardHandler)), func() []string {
		t.Helper()
		conn.SetReadDeadline(time.Now().Add(2 * time.Minute))
		data := make([]byte, 4096)
		n, err := conn.Read(data)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(string(data[:n]), "\n")
	}
}

func TestNotifications(t *testing.T) {
	m, heard := manager(t)
	for _, c := range []struct {
		tell func()
		want string
	}{
		{func() { m.Ready("serving") }, "READY=1 STATUS=serving"},
		{func() { m.Stopping("stopping", 3*time.Second) }, "STOPPING=1 STATUS=stopping EXTEND_TIMEOUT_USEC=3000000"},
		{func() { m.Status("busy") }, "STATUS=busy"},
		{m.Alive, "WATCHDOG=1"},
		{func() { m.Ready("two\nlines\r\nMAINPID=1") }, "READY=1 STATUS=two lines MAINPID=1"},
		{func() { m.Status("\xff\xfe broken") }, "STATUS=? broken"},
	} {
		c.tell()
		if got := strings.Join(heard(), " "); got != c.want {
			t.Errorf("heard %q, want %q", got, c.want)
		}
	}
}

// RELOADING=1 comes with the time of the monotonic clock, in microseconds.
func TestReloading(t *testing.T) {
	m, heard := manager(t)
	var before int64
	for range 2 {
		m.Reloading()
		got := heard()
		usec, ok := strings.CutPrefix(got[1], "MONOTONIC_USEC=")
		now, err := strconv.ParseInt(usec, 10, 64)
		if got[0] != "RELOADING=1" || !ok || err != nil || now <= before {
			t.Errorf("heard %q", got)
		}
		before = now
	}
}

func TestStatusIsBounded(t *testing.T) {
	for _, text := range []string{strings.Repeat("ü", 1000), "x" + strings.Repeat("ü", 1000)} {
		line := statusLine(text)
		if !utf8.ValidString(line) || len(line) > len("STATUS=")+maxStatus+len("…") || !strings.HasSuffix(line, "…") {
			t.Errorf("%d bytes: %q", len(line), line)
		}
	}
}

func TestWatchdogInterval(t *testing.T) {
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
		logged    bool
	}{
		{"", "", 0, false},
		{"30000000", "", 30 * time.Second, false},
		{"30000000", fmt.Sprint(1), 0, false}, // another process is watched
		{"soon", "", 0, true},
		{"-1", "", 0, true},
	} {
		t.Setenv("WATCHDOG_USEC", c.usec)
		t.Setenv("WATCHDOG_PID", c.pid)
		var log bytes.Buffer
		m := NewManager(slog.New(slog.NewTextHandler(&log, nil)))
		if m.Watchdog() != c.want || (log.Len() > 0) != c.logged {
			t.Errorf("%+v: %v, logged %q", c, m.Watchdog(), log.String())
		}
	}
}

// Without a manager nothing is said, and one that is gone is told of in the log.
func TestNobodyListens(t *testing.T) {
	var nobody *Manager
	nobody.Ready("serving")
	new(Manager).Alive()
	if nobody.Watchdog() != 0 {
		t.Error("nobody watches")
	}
	var log bytes.Buffer
	t.Setenv("NOTIFY_SOCKET", "")
	m := NewManager(slog.New(slog.NewTextHandler(&log, nil)))
	m.Ready("serving")
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	m.Ready("serving")
	if !strings.Contains(log.String(), "the service manager does not listen") {
		t.Errorf("logged %q", log.String())
	}
}
