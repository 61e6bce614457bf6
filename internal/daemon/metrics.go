package daemon

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/netutil"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/dns"
	"github.com/postseal/postseal/internal/filter"
	"github.com/postseal/postseal/internal/logging"
	"github.com/postseal/postseal/internal/metrics"
)

// newMetrics makes the counters, if somebody will read them.
func (d *Daemon) newMetrics(cfg *config.Config) {
	if cfg.Metrics.Listen != "" {
		d.metrics = metrics.New(metrics.Options{
			Version: d.env.Version, LabelPairs: int(cfg.Metrics.LabelPairs), State: d.state,
		})
	}
}

// openMetrics opens the listener of [metrics].
func (d *Daemon) openMetrics(cfg *config.Config) (err error) {
	if d.metrics != nil {
		d.scrape, err = d.openHTTP(cfg.Metrics.Listen)
	}
	return err
}

// messageObserver is told of messages; nil where nobody counts them.
func (d *Daemon) messageObserver() func(filter.Event) {
	switch {
	case d.metrics == nil && d.store == nil:
		return nil
	case d.store == nil:
		return d.metrics.Message
	case d.metrics == nil:
		return d.observeStored
	}
	return func(e filter.Event) {
		d.metrics.Message(e)
		d.observeStored(e)
	}
}

// lookupObserver is told of look-ups.
func (d *Daemon) lookupObserver() func(dns.Event) {
	if d.metrics == nil {
		return nil
	}
	return d.metrics.Lookup
}

func (d *Daemon) noteReload(err error, took time.Duration) {
	if d.metrics != nil {
		d.metrics.Reload(err, took)
	}
}

// openHTTP opens what config.ParseHTTPAddress describes.
func (d *Daemon) openHTTP(where string) ([]net.Listener, error) {
	network, address, err := config.ParseHTTPAddress(where)
	if err != nil {
		return nil, err
	}
	var ln net.Listener
	switch network {
	case "fd":
		return d.env.Sockets.Take(address)
	case "unix":
		l := config.DefaultListener()
		l.Address = where
		ln, err = listenUnix(address, l)
	default:
		ln, err = listenTCP(network, address, where)
	}
	if err != nil {
		return nil, err
	}
	return []net.Listener{ln}, nil
}

// maxReaders of the metrics may be connected. Further ones wait: they shall not take the descriptors that mail needs.
const maxReaders = 32

// serveMetrics answers until stop is called, which lets answers that have begun end.
func (d *Daemon) serveMetrics() (stop func()) {
	if d.metrics == nil {
		return func() {}
	}
	server := metrics.NewServer(d.metrics.Handler(d.ready), d.log)
	for _, ln := range d.scrape {
		d.log.Info("serving metrics", "address", d.first.Metrics.Listen)
		go func() {
			if err := server.Serve(netutil.LimitListener(ln, maxReaders)); !errors.Is(err, http.ErrServerClosed) {
				d.log.Error("metrics are not served any more", "error", err)
			}
		}()
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
	}
}

// ready says why mail had better not come to us now, or nil.
func (d *Daemon) ready() error {
	switch {
	case d.stopping.Load():
		return errors.New("stopping: messages under way may end, no new ones are taken")
	case d.current.Load() == nil:
		return errors.New("starting: no configuration is in use yet")
	case !d.serving.Load():
		return errors.New("starting: the listeners are not open yet")
	}
	return nil
}

// state is what the metrics ask the daemon.
func (d *Daemon) state() metrics.State {
	s := metrics.State{LogLines: map[string]uint64{}}
	if snapshot := d.current.Load(); snapshot != nil {
		s.Keys, s.Rows, s.OutOfService = snapshot.Tables.KeyCount(), snapshot.Tables.RowCount(), outages(snapshot)
		s.Domains, s.DomainKeys = snapshot.Managed.Counts()
	}
	seen := map[string]int{}
	for _, dr := range d.doors {
		open, accepted := dr.server.Connections()
		i, twice := seen[dr.Address] // port 0 may be asked for twice
		if !twice {
			i, seen[dr.Address] = len(s.Listeners), len(s.Listeners)
			s.Listeners = append(s.Listeners, metrics.Listener{Address: dr.Address})
		}
		l := &s.Listeners[i]
		l.Open, l.Accepted, l.Limit = l.Open+open, l.Accepted+accepted, l.Limit+dr.server.Limits.Connections
	}
	if counts := d.env.LogLines; counts != nil {
		for _, level := range logging.Levels {
			s.LogLines[strings.ToLower(level.String())] = counts.Lines(level)
		}
		s.LogLinesLost = counts.Lost()
	}
	return s
}
