package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/policy"
)

// watch feeds the service manager's watchdog, twice in its time, as long as the
// daemon is alive. When alive itself hangs, the manager hears nothing either.
func (d *Daemon) watch(ctx context.Context) {
	interval := d.env.Manager.Watchdog() / 2
	if interval <= 0 {
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := d.alive(); err != nil {
			d.log.Error("the daemon is stuck, the service manager's watchdog will end it", "error", err)
		} else {
			d.env.Manager.Alive()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// alive looks whether connections are still taken up and messages decided. It proves
// that goroutines run, that no one sits on the lock of a listener's connections, that
// each accept loop waits for a connection or for the end of one, and that the tables
// in use answer. It says nothing of DNS, key files and the MTA: a restart would not
// mend them, and would cut off the messages under way.
func (d *Daemon) alive() error {
	if !d.stopping.Load() {
		for _, dr := range d.doors {
			open, _ := dr.server.Connections()
			for _, s := range dr.sockets {
				if s.stuck(open >= dr.server.Limits.Connections) {
					return fmt.Errorf("%s: no connection is accepted, with %d open", dr.Address, open)
				}
			}
		}
	}
	d.decide()
	return nil
}

// decide has a decision made on the snapshot in use. A panic in it concerns the
// messages, which tell of it in full.
func (d *Daemon) decide() {
	defer func() {
		if fault := recover(); fault != nil {
			d.log.Debug("the watchdog's decision panicked, as those of messages will", "panic", fault)
		}
	}()
	var header dkim.Fields
	header.Add([]byte("From"), []byte(" watchdog@localhost.invalid"))
	d.current.Load().Decide(&policy.Facts{AuthType: "watchdog", Fields: &header}, nil)
}
