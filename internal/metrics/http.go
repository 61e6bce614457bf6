package metrics

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// scrapes may be answered at a time: each makes a text of all numbers.
const scrapes = 4

// Handler serves /metrics, /healthz (the process serves) and /readyz (ready says why
// it should get no mail, or nil, and in lines what is amiss beside mail).
func (m *Metrics) Handler(ready func() (amiss []string, err error)) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		Registry: m.registry, MaxRequestsInFlight: scrapes, Timeout: writeTimeout - time.Second, EnableOpenMetrics: true,
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		amiss, err := ready()
		answer(w, amiss, err)
	})
	return mux
}

func answer(w http.ResponseWriter, amiss []string, problem error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if problem != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, problem)
		return
	}
	fmt.Fprintln(w, "ok")
	for _, line := range amiss {
		fmt.Fprintln(w, line)
	}
}

// writeTimeout is longer than Prometheus waits (10 s in its stock configuration).
const writeTimeout = 15 * time.Second

// NewServer is an HTTP server for machines that ask short questions.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:        h,
		ReadTimeout:    5 * time.Second, // the header included
		WriteTimeout:   writeTimeout,
		IdleTimeout:    2 * time.Minute, // between two scrapes
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
