package e2e

import (
	"net/http"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// What Prometheus reads after real mail is what the log says of it.
func TestMetricsCountMail(t *testing.T) {
	const address = "127.7.0.20:9891"
	s := begin(t, setup{tables: "[metrics]\nlisten = \"" + address + "\"\n"})
	session := s.connect("", directAddress)
	for _, from := range []string{"alice@lab.test", "bob@lab.test", "carol@elsewhere.test"} {
		m := compose(from)
		s.Must(session.Send(m.from, []string{"reader@in.test"}, m.data))
		d := s.delivered(m)
		_, err := s.daemon.Message(d.queueID)
		s.Must(err)
	}
	s.Must(session.Quit())

	for series, want := range map[[3]string]float64{
		{"postseal_messages_total", "signed", "signing-table"}:     2,
		{"postseal_messages_total", "unsigned", "no-key"}:          1,
		{"postseal_signatures_total", "lab.test", "r1"}:            2,
		{"postseal_message_duration_seconds", "signed", ""}:        2,
		{"postseal_keys", "", ""}:                                  1,
		{"postseal_reloads_total", "ok", ""}:                       1,
		{"postseal_log_lines_lost_total", "", ""}:                  0,
		{"postseal_connection_limit", "inet:" + inetMilter, ""}:    2000,
		{"postseal_rows_out_of_service", "", ""}:                   0,
		{"postseal_messages_total", "unsigned", "internal-error"}:  0,
		{"postseal_dns_lookups_total", "network", "failed"}:        0,
		{"postseal_connections_total", "unix:" + unixMilter(), ""}: 1, // begin's own, which saw that it answers
		{"postseal_last_reload_successful", "", ""}:                1,
	} {
		if got := s.metric(address, series[0], series[1:]...); got != want {
			t.Errorf("%v is %v, want %v", series, got, want)
		}
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/": 404} {
		response, err := http.Get("http://" + address + path)
		s.Must(err)
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
}

// metric reads a number: the sum of its series that have all of these labels.
func (s *story) metric(address, name string, values ...string) (sum float64) {
	s.Helper()
	response, err := http.Get("http://" + address + "/metrics")
	s.Must(err)
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(response.Body)
	s.Must(err)
	if families[name] == nil {
		s.Errorf("no %s", name)
	}
	for _, m := range families[name].GetMetric() {
		has := map[string]bool{"": true}
		for _, l := range m.GetLabel() {
			has[l.GetValue()] = true
		}
		wanted := true
		for _, v := range values {
			wanted = wanted && has[v]
		}
		if wanted {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}
