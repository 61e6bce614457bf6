package metrics

import "github.com/prometheus/client_golang/prometheus"

// State is what the daemon knows of itself at this moment.
type State struct {
	Keys, Rows, OutOfService int // of the tables in use
	Domains, DomainKeys      int // of the store: rows, and keys that may sign
	Listeners                []Listener
	SideDoors                []SideDoor
	LogLines                 map[string]uint64 // by level
	LogLinesLost             uint64
}

// Listener is one [[listener]] row.
type Listener struct {
	Address  string
	Open     int    // connections
	Accepted uint64 // so far
	Limit    int
}

// SideDoor is a listener that mail does not need.
type SideDoor struct {
	Key  string // of the configuration
	Open bool
}

// stateCollector asks for the state when somebody reads the metrics.
type stateCollector struct{ state func() State }

var (
	keysDesc     = describe("keys", "Keys of the tables in use, those out of service included.")
	rowsDesc     = describe("signing_rows", "Lines of the signing table in use.")
	outDesc      = describe("rows_out_of_service", "Rows and keys that cannot work, as far as is known; the log names them.")
	domainsDesc  = describe("managed_domains", "Domains and addresses of the store.")
	managedDesc  = describe("managed_keys", "Keys of the store that may sign now.")
	openDesc     = describe("open_connections", "Connections of MTAs that are open.", "listener")
	acceptedDesc = describe("connections_total", "Connections of MTAs that were accepted.", "listener")
	limitDesc    = describe("connection_limit", "How many connections may be open; further ones wait.", "listener")
	sideDesc     = describe("side_listener_open", "Whether a listener that mail does not need is open.", "key")
	linesDesc    = describe("log_lines_total", "Lines of the log.", "level")
	lostDesc     = describe("log_lines_lost_total", "Lines of the log that could not be written.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (c stateCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{keysDesc, rowsDesc, outDesc, domainsDesc, managedDesc, openDesc, acceptedDesc, limitDesc, sideDesc, linesDesc, lostDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c stateCollector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	s := c.state()
	gauge(keysDesc, s.Keys)
	gauge(rowsDesc, s.Rows)
	gauge(outDesc, s.OutOfService)
	gauge(domainsDesc, s.Domains)
	gauge(managedDesc, s.DomainKeys)
	for _, l := range s.Listeners {
		gauge(openDesc, l.Open, l.Address)
		counter(acceptedDesc, l.Accepted, l.Address)
		gauge(limitDesc, l.Limit, l.Address)
	}
	for _, side := range s.SideDoors {
		open := 0
		if side.Open {
			open = 1
		}
		gauge(sideDesc, open, side.Key)
	}
	for level, n := range s.LogLines {
		counter(linesDesc, n, level)
	}
	counter(lostDesc, s.LogLinesLost)
}
