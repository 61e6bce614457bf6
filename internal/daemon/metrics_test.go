package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/postseal/postseal/milter/miltertest"
)

// web asks the daemon's HTTP listener.
type web struct{ http.Client }

func newWeb(t *testing.T, ln net.Listener) *web {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, ln.Addr().Network(), ln.Addr().String())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &web{http.Client{Transport: transport, Timeout: patience}}
}

func (w *web) get(t *testing.T, path string) (int, string) {
	t.Helper()
	response, err := w.Get("http://postseal" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// number reads one metric, with a parser of other people: the sum over its series
// that have all these values as labels.
func (w *web) number(t *testing.T, name string, values ...string) (sum float64) {
	t.Helper()
	_, body := w.get(t, "/metrics")
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if families[name] == nil {
		t.Fatalf("no %s", name)
	}
	for _, m := range families[name].GetMetric() {
		if hasAll(m.GetLabel(), values) {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

func hasAll(labels []*dto.LabelPair, values []string) bool {
	have := map[string]bool{}
	for _, l := range labels {
		have[l.GetValue()] = true
	}
	for _, v := range values {
		if !have[v] {
			return false
		}
	}
	return true
}

// startMeasured runs a daemon whose metrics are read.
func startMeasured(t *testing.T, s *site, listen string) (*testDaemon, *web) {
	t.Helper()
	s.configure(t, fmt.Sprintf("[dns]\nnameservers = [\"127.0.0.1:1\"]\n[metrics]\nlisten = %q\n", listen))
	d := start(t, s.load)
	return d, newWeb(t, d.sides[0].sockets[0])
}

func TestMetrics(t *testing.T) {
	s := newSite(t)
	write(t, s.dir, "keytable", "k example.com:one:./one.pem\nlost lost.example:s:./nowhere.pem\n")
	d, web := startMeasured(t, s, "127.0.0.1:0")
	expect := func(want float64, name string, labels ...string) {
		t.Helper()
		if got := web.number(t, name, labels...); got != want {
			t.Errorf("%s %v is %v, want %v", name, labels, got, want)
		}
	}
	expect(0, "postseal_open_connections")
	mta := localMTA(t, d)
	for range 3 {
		send(t, d, mta)
	}
	outside := d.dial(t)
	outside.Client = miltertest.Client{Host: "[192.0.2.1]", Family: '4', Port: 1, Addr: "192.0.2.1"}
	if _, err := outside.Send(miltertest.Message{From: "<a@example.com>", To: []string{"<b@example.net>"}, Raw: []byte(
		"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=x; h=From; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\nFrom: a@example.com\r\n\r\nHello\r\n")}); err != nil {
		t.Fatal(err)
	}
	d.messageLine(t)

	expect(3, "postseal_messages_total", "signed", "signing-table")
	expect(3, "postseal_message_duration_seconds", "signed")
	expect(3, "postseal_signatures_total", "example.com", "one")
	expect(1, "postseal_messages_total", "verified", "temperror")
	expect(1, "postseal_verifications_total", "temperror")
	expect(1, "postseal_dns_lookups_total", "network", "failed") // nobody listens on port 1
	expect(1, "postseal_dns_lookup_duration_seconds", "failed")
	expect(2, "postseal_keys")
	expect(1, "postseal_signing_rows")
	expect(1, "postseal_rows_out_of_service")
	expect(2, "postseal_open_connections", "inet:0@127.0.0.1")
	expect(2, "postseal_connections_total", "inet:0@127.0.0.1")
	expect(1, "postseal_reloads_total", "ok")
	if at := web.number(t, "postseal_last_signed_timestamp_seconds", "example.com", "one"); time.Since(time.Unix(int64(at), 0)).Abs() > time.Hour {
		t.Errorf("last signed %v", at)
	}

	write(t, s.dir, "keytable", "k example.com\n")
	if err := d.Reload(); err == nil {
		t.Fatal("reloaded")
	}
	expect(1, "postseal_reloads_total", "failed")
	expect(0, "postseal_last_reload_successful")
	expect(2, "postseal_keys")
	write(t, s.dir, "keytable", "k example.com:two:./two.pem\n")
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	expect(1, "postseal_last_reload_successful")
	expect(0, "postseal_rows_out_of_service")
	send(t, d, mta)
	expect(1, "postseal_signatures_total", "example.com", "two")
}

// While messages under way may end, /readyz says that no more should come.
func TestReady(t *testing.T) {
	d, web := startMeasured(t, newSite(t), "unix:"+filepath.Join(t.TempDir(), "metrics.sock"))
	ask := func(path string, code int, begin string) {
		t.Helper()
		if got, body := web.get(t, path); got != code || !strings.HasPrefix(body, begin) {
			t.Errorf("%s: %d %s", path, got, body)
		}
	}
	mta := localMTA(t, d)
	if _, err := mta.Connect(mta.Client); err != nil {
		t.Fatal(err)
	}
	if _, err := mta.Mail("<a@example.com>"); err != nil {
		t.Fatal(err)
	}
	if _, err := mta.Header("From", " a@example.com"); err != nil {
		t.Fatal(err)
	}
	if _, err := mta.EOH(); err != nil {
		t.Fatal(err)
	}
	ask("/readyz", 200, "ok")
	stopped := make(chan struct{})
	go func() { defer close(stopped); d.stop() }()
	d.await(t, "stopping", func(l logLine) bool { return l.Msg == "stopping" })
	ask("/readyz", 503, "stopping: ")
	ask("/healthz", 200, "ok")
	if _, reply, err := mta.EOM(); err != nil {
		t.Errorf("%v, %v", reply, err)
	}
	mta.Close()
	<-stopped
	if _, err := web.Get("http://postseal/healthz"); err == nil {
		t.Error("the dead daemon answers")
	}
}

// Whoever opens connections to the metrics takes no descriptors from mail.
func TestReadersWait(t *testing.T) {
	d, _ := startMeasured(t, newSite(t), "127.0.0.1:0")
	ask := func(wait time.Duration) (net.Conn, error) {
		t.Helper()
		c, err := net.Dial("tcp", d.sides[0].sockets[0].Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: postseal\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		c.SetReadDeadline(time.Now().Add(wait))
		_, err = c.Read(make([]byte, 1))
		return c, err
	}
	var first net.Conn
	for range maxReaders {
		c, err := ask(patience)
		if err != nil {
			t.Fatal(err)
		}
		first = c
	}
	waiting, err := ask(50 * time.Millisecond)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("connection %d is answered, error %v", maxReaders+1, err)
	}
	first.Close()
	waiting.SetReadDeadline(time.Now().Add(patience))
	if _, err := waiting.Read(make([]byte, 1)); err != nil {
		t.Errorf("not answered after another one went: %v", err)
	}
}

func TestNotReadyYet(t *testing.T) {
	d, err := Open(newSite(t).load, slog.New(slog.DiscardHandler), Environment{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.closeListeners()
	if _, err := d.ready(); err == nil || !strings.HasPrefix(err.Error(), "starting: ") {
		t.Errorf("got %v", err)
	}
	if _, err := new(Daemon).ready(); err == nil || !strings.HasPrefix(err.Error(), "starting: ") {
		t.Errorf("got %v", err)
	}
}

func TestMetricsAreOff(t *testing.T) {
	d := start(t, newSite(t).load)
	send(t, d, localMTA(t, d))
	if d.metrics != nil || d.sides != nil || d.messageObserver() != nil || d.lookupObserver() != nil {
		t.Error("counted for nobody")
	}
}

// Slow and greedy clients of the HTTP listener are cut off.
func TestHTTPLimits(t *testing.T) {
	d, _ := startMeasured(t, newSite(t), "127.0.0.1:0")
	conn, err := net.Dial("tcp", d.sides[0].sockets[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
	conn.SetReadDeadline(time.Now().Add(patience))
	head := make([]byte, 64)
	n, err := io.ReadFull(conn, head)
	if !strings.HasPrefix(string(head[:n]), "HTTP/1.1 431") {
		t.Errorf("%q, %v", head[:n], err)
	}
}
