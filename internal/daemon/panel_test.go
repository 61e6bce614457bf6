package daemon

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/domains"
)

// visitor comes to a panel on a unix socket, as a web server does.
func visitor(t *testing.T, socket string) func(path, user string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	t.Cleanup(client.CloseIdleConnections)
	return func(path, user string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			r.Header.Set("X-Remote-User", user)
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
}

// The daemon serves the panel over the store that it signs from.
func TestPanel(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "panel.sock")
	o, _ := managedDaemon(t, map[string]string{"more": fmt.Sprintf("[panel]\nlisten = %q\nsocket_mode = \"0600\"\nuser_header = \"X-Remote-User\"\noperators = [\"ada\"]\n", "unix:"+socket)})
	o.add(domains.AddRequest{Name: "example.com", Offline: true})
	o.daemon.await(t, "the panel", func(l logLine) bool { return l.Msg == "serving HTTP" && l.Key == "panel.listen" })
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	visit := visitor(t, socket)
	if status, body := visit("/domains", "ada"); status != http.StatusOK || !strings.Contains(body, "example.com") || !strings.Contains(body, "Pending validation") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := visit("/domains/example.com/dkim", "ada"); status != http.StatusOK || !strings.Contains(body, "_domainkey.example.com") {
		t.Errorf("%d %s", status, body)
	}
	for _, user := range []string{"", "bob"} {
		if status, _ := visit("/domains", user); status != http.StatusForbidden {
			t.Errorf("%q: status %d", user, status)
		}
	}
}

// A panel that cannot listen keeps no mail waiting.
func TestPanelInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	o, _ := managedDaemon(t, map[string]string{"more": fmt.Sprintf("[panel]\nlisten = %q\ntoken_file = \"/nonexistent\"\n", taken.Addr())})
	line := o.daemon.await(t, "not open", func(l logLine) bool { return l.Key == "panel.listen" })
	if !strings.Contains(line.Error, "another program listens there already") {
		t.Errorf("%+v", line)
	}
	send(t, o.daemon, o.mta)
}

// A panel is off unless it is switched on.
func TestPanelIsOff(t *testing.T) {
	o, _ := managedDaemon(t, nil)
	if len(o.daemon.sides) != 0 {
		t.Errorf("%+v", o.daemon.sides)
	}
}
