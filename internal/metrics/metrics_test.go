package metrics

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns"
	"github.com/postseal/postseal/internal/filter"
	"github.com/postseal/postseal/verifier"
)

// busy are metrics that have seen something of each kind.
func busy(t *testing.T) *Metrics {
	t.Helper()
	m := New(Options{Version: "1.2.3", LabelPairs: 2, State: func() State {
		return State{
			Domains: 4, DomainKeys: 5,
			Keys: 12, Rows: 30, OutOfService: 1,
			Listeners: []Listener{{"inet:8891@127.0.0.1", 3, 40, 2000}, {"unix:/run/milter.sock", 0, 7, 100}},
			SideDoors: []SideDoor{{"metrics.listen", true}, {"panel.listen", false}},
			LogLines:  map[string]uint64{"info": 50, "error": 2}, LogLinesLost: 1,
		}
	}})
	m.Message(filter.Event{Decision: "signed", Reason: "signing-table", Keys: []string{"example.com/s1", "example.com/e1"}, Elapsed: 3 * time.Millisecond})
	m.Message(filter.Event{Decision: "signed", Reason: "signing-table", Keys: []string{"example.com/s1"}, Elapsed: 20 * time.Millisecond})
	m.Message(filter.Event{Decision: "unsigned", Reason: "internal-error", Elapsed: time.Millisecond, Fault: true})
	m.Message(filter.Event{
		Decision: "verified", Reason: "pass", Elapsed: time.Second,
		Verdicts: []verifier.Result{{Status: dkim.Fail}, {Status: dkim.Pass}},
	})
	m.Lookup(dns.Event{Source: dns.FromNetwork, Outcome: dns.Found, Elapsed: 30 * time.Millisecond})
	m.Lookup(dns.Event{Source: dns.FromCache, Outcome: dns.Found})
	m.Lookup(dns.Event{Source: dns.FromCache, Outcome: dns.NotFound})
	m.Reload(nil, 10*time.Millisecond)
	m.Reload(errors.New("keytable:1: no"), time.Millisecond)
	return m
}

// scrape reads what the handler serves with a parser of other people.
func scrape(t *testing.T, m *Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(func() ([]string, error) { return nil, nil }).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// value finds one number: NAME or NAME{label="value",…} in the order of the alphabet.
// Of a histogram it is the count.
func value(t *testing.T, families map[string]*dto.MetricFamily, series string) float64 {
	t.Helper()
	name, _, _ := strings.Cut(series, "{")
	for _, metric := range families[name].GetMetric() {
		var labels []string
		for _, l := range metric.GetLabel() {
			labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
		}
		got := name
		if len(labels) > 0 {
			got += "{" + strings.Join(labels, ",") + "}"
		}
		if got == series {
			if h := metric.GetHistogram(); h != nil {
				return float64(h.GetSampleCount())
			}
			return metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	t.Errorf("no %s", series)
	return -1
}

func TestScrape(t *testing.T) {
	families := scrape(t, busy(t))
	for series, want := range map[string]float64{
		`postseal_messages_total{decision="signed",reason="signing-table"}`:     2,
		`postseal_messages_total{decision="unsigned",reason="internal-error"}`:  1,
		`postseal_messages_total{decision="unsigned",reason="key-unavailable"}`: 0,
		`postseal_messages_total{decision="verified",reason="pass"}`:            1,
		`postseal_message_duration_seconds{decision="signed"}`:                  2,
		`postseal_signatures_total{domain="example.com",selector="s1"}`:         2,
		`postseal_signatures_total{domain="example.com",selector="e1"}`:         1,
		`postseal_verifications_total{result="pass"}`:                           1,
		`postseal_verifications_total{result="fail"}`:                           1,
		`postseal_internal_errors_total`:                                        1,
		`postseal_dns_lookups_total{outcome="found",source="network"}`:          1,
		`postseal_dns_lookups_total{outcome="found",source="cache"}`:            1,
		`postseal_dns_lookups_total{outcome="failed",source="network"}`:         0,
		`postseal_dns_lookup_duration_seconds{outcome="found"}`:                 1, // not the cache's
		`postseal_keys`:                                                12,
		`postseal_signing_rows`:                                        30,
		`postseal_rows_out_of_service`:                                 1,
		`postseal_managed_domains`:                                     4,
		`postseal_managed_keys`:                                        5,
		`postseal_reloads_total{outcome="ok"}`:                         1,
		`postseal_reloads_total{outcome="failed"}`:                     1,
		`postseal_reload_duration_seconds`:                             2,
		`postseal_last_reload_successful`:                              0,
		`postseal_open_connections{listener="inet:8891@127.0.0.1"}`:    3,
		`postseal_connections_total{listener="unix:/run/milter.sock"}`: 7,
		`postseal_connection_limit{listener="inet:8891@127.0.0.1"}`:    2000,
		`postseal_side_listener_open{key="metrics.listen"}`:            1,
		`postseal_side_listener_open{key="panel.listen"}`:              0,
		`postseal_log_lines_total{level="error"}`:                      2,
		`postseal_log_lines_lost_total`:                                1,
	} {
		if got := value(t, families, series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
	for _, name := range []string{"go_goroutines", "process_open_fds", "postseal_build_info"} {
		if families[name] == nil {
			t.Errorf("no %s", name)
		}
	}
	for _, series := range []string{
		`postseal_last_signed_timestamp_seconds{domain="example.com",selector="s1"}`,
		"postseal_start_time_seconds", "postseal_last_reload_timestamp_seconds", "postseal_last_reload_success_timestamp_seconds",
	} {
		if at := time.Unix(int64(value(t, families, series)), 0); time.Since(at).Abs() > time.Hour {
			t.Errorf("%s: %v", series, at)
		}
	}
}

func TestReloadRecovers(t *testing.T) {
	m := busy(t)
	m.Reload(nil, time.Millisecond)
	if got := value(t, scrape(t, m), "postseal_last_reload_successful"); got != 1 {
		t.Errorf("got %v", got)
	}
}

// The rules that promtool checks, for names, help and kinds.
func TestLint(t *testing.T) {
	problems, err := testutil.GatherAndLint(busy(t).registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// However many domains sign, there are no more series than the bound, and one for the
// rest.
func TestLabelPairs(t *testing.T) {
	m := New(Options{LabelPairs: 3})
	for i := range 10 {
		for range 2 {
			m.Message(filter.Event{Decision: "signed", Keys: []string{fmt.Sprintf("d%d.example/s", i), "\xff\xfe/\xfd"}})
		}
	}
	families := scrape(t, m)
	for _, name := range []string{"postseal_signatures_total", "postseal_last_signed_timestamp_seconds"} {
		if got := len(families[name].GetMetric()); got != 4 {
			t.Errorf("%s has %d series", name, got)
		}
	}
	for series, want := range map[string]float64{
		`postseal_signatures_total{domain="d0.example",selector="s"}`: 2,
		`postseal_signatures_total{domain="d1.example",selector="s"}`: 2,
		`postseal_signatures_total{domain="?",selector="?"}`:          20,
		`postseal_signatures_total{domain="other",selector="other"}`:  16,
	} {
		if got := value(t, families, series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
	none := New(Options{LabelPairs: 0})
	none.Message(filter.Event{Keys: []string{"example.com/s"}})
	if got := value(t, scrape(t, none), `postseal_signatures_total{domain="other",selector="other"}`); got != 1 {
		t.Errorf("got %v", got)
	}
}

// Counting a message of a kind that was seen before allocates nothing.
func TestMessageAllocatesNothing(t *testing.T) {
	m := busy(t)
	e := filter.Event{Decision: "signed", Reason: "signing-table", Keys: []string{"example.com/s1"}, Verdicts: []verifier.Result{{Status: dkim.Pass}}, Elapsed: time.Millisecond}
	if n := testing.AllocsPerRun(100, func() { m.Message(e) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMessage(b *testing.B) {
	m := New(Options{LabelPairs: 1000})
	e := filter.Event{Decision: "signed", Reason: "signing-table", Keys: []string{"example.com/s1"}, Elapsed: time.Millisecond}
	for b.Loop() {
		m.Message(e)
	}
}

func TestHealth(t *testing.T) {
	var problem error
	var amiss []string
	h := New(Options{}).Handler(func() ([]string, error) { return amiss, problem })
	ask := func(method, path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		body, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		return w.Code, string(body)
	}
	for _, c := range []struct {
		problem      error
		method, path string
		code         int
		body         string
	}{
		{nil, "GET", "/healthz", 200, "ok\n"},
		{nil, "GET", "/readyz", 200, "ok\n"},
		{errors.New("stopping"), "GET", "/readyz", 503, "stopping\n"},
		{errors.New("stopping"), "GET", "/healthz", 200, "ok\n"},
		{nil, "HEAD", "/readyz", 200, "ok\n"},
		{nil, "POST", "/metrics", 405, "Method Not Allowed\n"},
		{nil, "GET", "/", 404, "404 page not found\n"},
		{nil, "GET", "/debug/pprof/", 404, "404 page not found\n"},
	} {
		problem = c.problem
		if code, body := ask(c.method, c.path); code != c.code || body != c.body {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.path, code, body, c.code, c.body)
		}
	}
	amiss, problem = []string{"panel.listen is not open", "and more"}, nil
	if code, body := ask("GET", "/readyz"); code != 200 || body != "ok\npanel.listen is not open\nand more\n" {
		t.Errorf("with something amiss: %d %q", code, body)
	}
}

// An alert on what never happened needs a zero to begin with.
func TestAlertsBeginAtZero(t *testing.T) {
	families := scrape(t, New(Options{}))
	for _, c := range []struct{ family, label, value string }{
		{"postseal_messages_total", "decision", "signed"},
		{"postseal_messages_total", "reason", "key-unavailable"},
		{"postseal_messages_total", "reason", "signing-failed"},
		{"postseal_messages_total", "reason", "internal-error"},
		{"postseal_dns_lookups_total", "outcome", "failed"},
	} {
		if !slices.ContainsFunc(families[c.family].GetMetric(), func(m *dto.Metric) bool {
			return m.GetCounter().GetValue() == 0 && slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == c.label && l.GetValue() == c.value })
		}) {
			t.Errorf("%s{%s=%q} is not there before it counts", c.family, c.label, c.value)
		}
	}
}

// Four scrapes are answered at a time; another one is told to come back, and takes no memory.
func TestScrapesAreBounded(t *testing.T) {
	asked, resume := make(chan struct{}), make(chan struct{})
	h := New(Options{State: func() State {
		asked <- struct{}{}
		<-resume
		return State{}
	}}).Handler(nil)
	scrape := func() int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		return w.Code
	}
	codes := make(chan int, 4)
	for range 4 {
		go func() { codes <- scrape() }()
	}
	for range 4 {
		<-asked
	}
	done := make(chan int)
	go func() { done <- scrape() }()
	select {
	case code := <-done:
		if code != 503 {
			t.Errorf("a fifth scrape gets %d", code)
		}
	case <-asked:
		t.Error("a fifth scrape is let in")
		resume <- struct{}{}
		<-done
	}
	for range 4 {
		resume <- struct{}{}
		if code := <-codes; code != 200 {
			t.Errorf("a scrape gets %d", code)
		}
	}
}

// A client that sends a long header, or nothing, or takes nothing, does not stay for ever.
func TestServerIsBounded(t *testing.T) {
	s := NewServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	server := httptest.NewUnstartedServer(s.Handler)
	server.Config = s
	server.Start()
	defer server.Close()
	for size, want := range map[int]int{8 << 10: 404, 40 << 10: 431} {
		request, err := http.NewRequest("GET", server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Long", strings.Repeat("x", size))
		answer, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("a header of %d octets gets %d, want %d", size, answer.StatusCode, want)
		}
	}
	for name, timeout := range map[string]time.Duration{"read": s.ReadTimeout, "write": s.WriteTimeout, "idle": s.IdleTimeout} {
		if timeout <= 0 || timeout > 5*time.Minute {
			t.Errorf("the time to %s is %v", name, timeout)
		}
	}
	if s.WriteTimeout <= 10*time.Second || s.IdleTimeout <= time.Minute {
		t.Errorf("Prometheus waits 10 s for an answer and comes once a minute: %v, %v", s.WriteTimeout, s.IdleTimeout)
	}
}

const rulesFile = "../../packaging/prometheus/postseal.rules.yml"

// Each alert asks for what there is.
func TestAlertRules(t *testing.T) {
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	page := operatingPage(t)
	families := scrape(t, busy(t))
	rules := 0
	for _, rule := range file.Groups[0].Rules {
		rules++
		if rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
			t.Errorf("%s: severity, summary or description is missing", rule.Alert)
		}
		if !strings.Contains(page, "`"+rule.Alert+"`") {
			t.Errorf("%s is not in docs/operating.md", rule.Alert)
		}
		names := regexp.MustCompile(`postseal_[a-z_]+`).FindAllString(rule.Expr, -1)
		for _, name := range names {
			if families[strings.TrimSuffix(name, "_bucket")] == nil {
				t.Errorf("%s: there is no %s", rule.Alert, name)
			}
		}
		if len(names) == 0 && rule.Alert != "PostsealDown" {
			t.Errorf("%s asks for nothing of ours: %s", rule.Alert, rule.Expr)
		}
		for _, label := range regexp.MustCompile(`(source|outcome|reason|decision)=~?"([^"]*)"`).FindAllStringSubmatch(rule.Expr, -1) {
			for value := range strings.SplitSeq(label[2], "|") {
				if !hasLabel(families, label[1], value) {
					t.Errorf("%s: nothing has %s=%q", rule.Alert, label[1], value)
				}
			}
		}
	}
	if rules < 5 {
		t.Errorf("only %d rules", rules)
	}
}

func hasLabel(families map[string]*dto.MetricFamily, name, value string) bool {
	for family := range maps.Values(families) {
		for _, m := range family.GetMetric() {
			if slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == name && l.GetValue() == value }) {
				return true
			}
		}
	}
	return false
}

func operatingPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// The page lists all metrics of ours, and none that there is not.
func TestMetricsAreDocumented(t *testing.T) {
	page := operatingPage(t)
	families := scrape(t, busy(t))
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(postseal_[a-z_]+)`").FindAllStringSubmatch(page, -1) {
		documented[m[1]] = true
		if families[m[1]] == nil {
			t.Errorf("docs/operating.md lists %s, which there is not", m[1])
		}
	}
	for name := range families {
		if strings.HasPrefix(name, namespace) && !documented[name] {
			t.Errorf("%s is not in docs/operating.md", name)
		}
	}
}
