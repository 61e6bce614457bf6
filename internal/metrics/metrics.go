// Package metrics counts for Prometheus what the daemon does, and says whether it
// can do it: /metrics, /healthz, /readyz. docs/operating.md lists the numbers.
//
// Messages and look-ups are counted where they happen, on series that are found once
// and kept; what the daemon knows anyway is asked for when somebody reads.
package metrics

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/dns"
	"github.com/postseal/postseal/internal/filter"
	"github.com/postseal/postseal/internal/policy"
)

// Metrics are all numbers of one daemon. Its methods may be called at the same time.
type Metrics struct {
	registry *prometheus.Registry

	messages      *children[messageKind, message]
	signatures    *pairs
	verifications *children[dkim.Status, prometheus.Counter]
	faults        prometheus.Counter

	lookups    *children[lookupKind, prometheus.Counter]
	lookupTime *children[dns.Outcome, prometheus.Observer]

	reloads reloads
}

// Options say what New is to know beforehand.
type Options struct {
	Version    string
	LabelPairs int          // domain and selector with series of their own
	State      func() State // of the daemon, when somebody reads; nil for none
}

// messageKind is what messages are counted by.
type messageKind struct {
	decision string
	reason   policy.Reason
}

// message are the series of a kind.
type message struct {
	count    prometheus.Counter
	duration prometheus.Observer
}

type lookupKind struct {
	source  dns.Source
	outcome dns.Outcome
}

// durations of a message include the pace of the MTA's client: from a millisecond to
// the minutes of a slow one.
var durations = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}

// New makes the numbers, in a registry of their own.
func New(o Options) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.messages = m.messageSeries()
	m.signatures = newPairs(m.registry, o.LabelPairs)
	verifications := m.counters("verifications_total", "Verdicts on signatures of incoming mail, one none for a message without any.", "result")
	m.verifications = newChildren(func(s dkim.Status) prometheus.Counter { return verifications.WithLabelValues(string(s)) })
	m.faults = prometheus.NewCounter(prometheus.CounterOpts{
		Name: namespace + "internal_errors_total", Help: "Messages that met a fault of postseal itself; the log has its stack.",
	})
	m.registry.MustRegister(m.faults)
	m.dnsSeries()
	m.reloads = newReloads(m.registry)
	// process_start_time_seconds needs /proc/stat, which the packaged unit hides.
	start := prometheus.NewGauge(prometheus.GaugeOpts{Name: namespace + "start_time_seconds", Help: "When the daemon started."})
	start.SetToCurrentTime()
	m.registry.MustRegister(
		start,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(o.Version),
	)
	if o.State != nil {
		m.registry.MustRegister(stateCollector{o.State})
	}
	return m
}

const namespace = "postseal_"

// counters makes a vector.
func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: namespace + name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

// histograms makes a vector over seconds.
func (m *Metrics) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: namespace + name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) messageSeries() *children[messageKind, message] {
	counts := m.counters("messages_total", "Messages by decision and reason, the words of the log.", "decision", "reason")
	seconds := m.histograms("message_duration_seconds", "From MAIL to the decision, the client's own pace included.", durations, "decision")
	all := newChildren(func(k messageKind) message {
		return message{counts.WithLabelValues(k.decision, string(k.reason)), seconds.WithLabelValues(k.decision)}
	})
	// An alert on what never happened needs a zero to begin with.
	all.of(messageKind{"signed", policy.SigningTable})
	for _, reason := range []policy.Reason{policy.KeyUnavailable, filter.SigningFailed, filter.InternalError} {
		all.of(messageKind{"unsigned", reason})
	}
	return all
}

func (m *Metrics) dnsSeries() {
	counts := m.counters("dns_lookups_total", "Look-ups of key records, by where the answer came from and what it was.", "source", "outcome")
	m.lookups = newChildren(func(k lookupKind) prometheus.Counter {
		return counts.WithLabelValues(string(k.source), string(k.outcome))
	})
	seconds := m.histograms("dns_lookup_duration_seconds", "Look-ups that asked a name server.", prometheus.DefBuckets, "outcome")
	m.lookupTime = newChildren(func(o dns.Outcome) prometheus.Observer { return seconds.WithLabelValues(string(o)) })
	m.lookups.of(lookupKind{dns.FromNetwork, dns.Failed})
}

// Message counts a message. It is called for each one and allocates nothing.
func (m *Metrics) Message(e filter.Event) {
	kind := m.messages.of(messageKind{e.Decision, e.Reason})
	kind.count.Inc()
	kind.duration.Observe(e.Elapsed.Seconds())
	if e.Fault {
		m.faults.Inc()
	}
	for _, key := range e.Keys {
		m.signatures.count(key)
	}
	for i := range e.Verdicts {
		m.verifications.of(e.Verdicts[i].Status).Inc()
	}
}

// Lookup counts a look-up in DNS.
func (m *Metrics) Lookup(e dns.Event) {
	m.lookups.of(lookupKind{e.Source, e.Outcome}).Inc()
	if e.Source == dns.FromNetwork {
		m.lookupTime.of(e.Outcome).Observe(e.Elapsed.Seconds())
	}
}

// Reload notes what came of reading configuration, tables and keys, the first time
// included.
func (m *Metrics) Reload(err error, took time.Duration) { m.reloads.note(err, took) }

func buildInfo(version string) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: namespace + "build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	g.Set(1)
	return g
}
