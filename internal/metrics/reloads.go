package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// reloads are the numbers about reading configuration, tables and keys.
type reloads struct {
	ok, failed prometheus.Counter
	duration   prometheus.Histogram
	successful prometheus.Gauge
	last, good prometheus.Gauge // when
}

func newReloads(r prometheus.Registerer) reloads {
	outcomes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: namespace + "reloads_total", Help: "Readings of configuration, tables and keys, the one at the start included.",
	}, []string{"outcome"})
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: namespace + name, Help: help})
	}
	m := reloads{
		ok: outcomes.WithLabelValues("ok"), failed: outcomes.WithLabelValues("failed"),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: namespace + "reload_duration_seconds", Help: "How long a reading took, whatever came of it.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 30},
		}),
		successful: gauge("last_reload_successful", "1, or 0 while the daemon runs on an older configuration than the files have."),
		last:       gauge("last_reload_timestamp_seconds", "When the last reading ended, whatever came of it."),
		good:       gauge("last_reload_success_timestamp_seconds", "When the configuration in use was read."),
	}
	r.MustRegister(outcomes, m.duration, m.successful, m.last, m.good)
	return m
}

func (m *reloads) note(err error, took time.Duration) {
	m.duration.Observe(took.Seconds())
	m.last.SetToCurrentTime()
	if err != nil {
		m.failed.Inc()
		m.successful.Set(0)
		return
	}
	m.ok.Inc()
	m.successful.Set(1)
	m.good.SetToCurrentTime()
}
