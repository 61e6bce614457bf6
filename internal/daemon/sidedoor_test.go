package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/metrics"
)

// sideLog is a line of the log about the metrics' listener.
func sideLog(text string) func(logLine) bool {
	return func(l logLine) bool { return strings.HasPrefix(l.Msg, text) && l.Key == "metrics.listen" }
}

// A side door whose address is in use keeps no mail waiting; it opens when it can.
func TestSideDoorInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := newSite(t)
	s.configure(t, fmt.Sprintf("[metrics]\nlisten = %q\n", taken.Addr()))
	d := start(t, s.load)
	line := d.await(t, "not open", sideLog("a listener that mail does not need is not open"))
	if line.Level != "ERROR" || !strings.Contains(line.Error, taken.Addr().String()+": another program listens there already; stop it or choose another port") {
		t.Errorf("logged %+v", line)
	}
	send(t, d, localMTA(t, d))
	amiss, err := d.ready()
	if err != nil || len(amiss) != 1 || !strings.HasPrefix(amiss[0], "metrics.listen is not open: ") {
		t.Errorf("ready says %q, %v", amiss, err)
	}
	for _, status := range []string{d.status(), d.reloadStatus(nil)} {
		if !strings.Contains(status, "; metrics.listen is not open: ") {
			t.Errorf("status %q", status)
		}
	}
	if sides := d.state().SideDoors; len(sides) != 1 || sides[0] != (metrics.SideDoor{Key: "metrics.listen"}) {
		t.Errorf("state has %+v", sides)
	}

	taken.Close()
	d.await(t, "open", sideLog("serving HTTP"))
	web := newWeb(t, taken)
	if code, body := web.get(t, "/readyz"); code != 200 || body != "ok\n" {
		t.Errorf("%d %q", code, body)
	}
	if n := web.number(t, "postseal_side_listener_open", "metrics.listen"); n != 1 {
		t.Errorf("open is %v", n)
	}
	if n := web.number(t, "postseal_messages_total", "signed", "signing-table"); n != 1 {
		t.Errorf("%v messages were counted while nobody could ask", n)
	}
	if status := d.status(); strings.Contains(status, "not open") {
		t.Errorf("status %q", status)
	}
}

// A side door that fails while it serves is opened again.
func TestSideDoorLost(t *testing.T) {
	d, _ := startMeasured(t, newSite(t), "unix:"+filepath.Join(t.TempDir(), "metrics.sock"))
	first := d.sides[0].sockets[0]
	d.await(t, "open", sideLog("serving HTTP"))
	first.Close()
	if line := d.await(t, "lost", sideLog("a listener that mail does not need was lost")); line.Level != "ERROR" || line.Error == "" {
		t.Errorf("logged %+v", line)
	}
	d.await(t, "open again", sideLog("serving HTTP"))
	if code, _ := newWeb(t, first).get(t, "/healthz"); code != 200 {
		t.Errorf("answers %d", code)
	}
	send(t, d, localMTA(t, d))
}

// What is amiss is told to who may read it, though mail may come.
func TestReadyTellsOfSideDoors(t *testing.T) {
	d, web := startMeasured(t, newSite(t), "127.0.0.1:0")
	web.get(t, "/healthz") // it serves
	d.sides[0].lose(errors.New("no such place"))
	if code, body := web.get(t, "/readyz"); code != 200 || body != "ok\nmetrics.listen is not open: no such place\n" {
		t.Errorf("%d %q", code, body)
	}
	if n := web.number(t, "postseal_side_listener_open", "metrics.listen"); n != 0 {
		t.Errorf("open is %v", n)
	}
}

// A stop does not wait for the next try.
func TestSideDoorStops(t *testing.T) {
	s := &sideDoor{key: "metrics.listen", where: "unix:/nonexistent/metrics.sock", server: metrics.NewServer(nil, slog.New(slog.DiscardHandler))}
	d := &Daemon{log: slog.New(slog.DiscardHandler)}
	d.addSideDoor(s)
	if s.closed() == nil {
		t.Fatal("open")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d.keepOpen(ctx, s)
	d.serveSides()()
}

func TestNextPause(t *testing.T) {
	var all []time.Duration
	for p := firstPause; len(all) < 8; p = nextPause(p) {
		all = append(all, p)
	}
	if got := fmt.Sprint(all); got != "[1s 2s 4s 8s 16s 32s 1m0s 1m0s]" {
		t.Errorf("got %s", got)
	}
}
