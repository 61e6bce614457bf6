package daemon

import (
	"errors"
	"strings"
	"time"

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

// maxReaders of the metrics may be connected; further ones wait.
const maxReaders = 32

// openMetrics opens the listener of [metrics].
func (d *Daemon) openMetrics(cfg *config.Config) {
	if d.metrics == nil {
		return
	}
	server := metrics.NewServer(d.metrics.Handler(d.ready), d.log)
	d.addSideDoor(&sideDoor{key: "metrics.listen", where: cfg.Metrics.Listen, socket: config.DefaultListener(), server: server, most: maxReaders})
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

// ready says why mail had better not come to us now, or nil; and in lines what is amiss
// though mail may come.
func (d *Daemon) ready() (amiss []string, err error) {
	switch {
	case d.stopping.Load():
		return nil, errors.New("stopping: messages under way may end, no new ones are taken")
	case d.current.Load() == nil:
		return nil, errors.New("starting: no configuration is in use yet")
	case !d.serving.Load():
		return nil, errors.New("starting: the listeners are not open yet")
	}
	return d.closedSides(), nil
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
	for _, side := range d.sides {
		s.SideDoors = append(s.SideDoors, metrics.SideDoor{Key: side.key, Open: side.closed() == nil})
	}
	if counts := d.env.LogLines; counts != nil {
		for _, level := range logging.Levels {
			s.LogLines[strings.ToLower(level.String())] = counts.Lines(level)
		}
		s.LogLinesLost = counts.Lost()
	}
	return s
}
