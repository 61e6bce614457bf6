package daemon

import (
	"reflect"
	"time"

	"github.com/postseal/postseal/internal/config"
)

// Reload reads configuration, tables and keys anew and makes them current as
// one snapshot. If anything cannot be read, the old one stays, and the error
// says why. Messages that are under way keep what they began with.
func (d *Daemon) Reload() error {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	d.env.Manager.Reloading()
	start := time.Now()
	err := d.reload()
	d.noteReload(err, time.Since(start))
	d.env.Manager.Ready(d.reloadStatus(err))
	return err
}

func (d *Daemon) reload() error {
	cfg, err := d.load()
	if err != nil {
		return err
	}
	snapshot, err := d.build(cfg)
	if err != nil {
		return err
	}
	d.use(snapshot)
	if d.store != nil {
		d.store.opened.checker.reload(cfg)
	}
	for _, key := range needsRestart(d.first, cfg) {
		d.log.Warn("changed, but needs a restart", "key", key)
	}
	return nil
}

// needsRestart names what a reload cannot change.
func needsRestart(old, now *config.Config) []string {
	var keys []string
	if !reflect.DeepEqual(old.Listeners, now.Listeners) {
		keys = append(keys, "listener")
	}
	if !reflect.DeepEqual(old.Store, now.Store) {
		keys = append(keys, "store")
	}
	if !reflect.DeepEqual(old.Domains, now.Domains) {
		keys = append(keys, "domains")
	}
	if !reflect.DeepEqual(old.Drivers, now.Drivers) {
		keys = append(keys, "driver")
	}
	if !reflect.DeepEqual(old.KeyZone, now.KeyZone) {
		keys = append(keys, "key_zone")
	}
	if !reflect.DeepEqual(old.Notify, now.Notify) {
		keys = append(keys, "notify")
	}
	if old.Metrics != now.Metrics {
		keys = append(keys, "metrics")
	}
	if !reflect.DeepEqual(old.Panel, now.Panel) {
		keys = append(keys, "panel")
	}
	if old.Log != now.Log {
		keys = append(keys, "log")
	}
	if connectionLimits(old.Limits) != connectionLimits(now.Limits) {
		keys = append(keys, "limits")
	}
	return keys
}

// connectionLimits are those that servers keep from their start.
func connectionLimits(l config.Limits) config.Limits {
	return config.Limits{
		FrameBytes: l.FrameBytes, DrainBytes: l.DrainBytes, Connections: l.Connections, IdleTimeout: l.IdleTimeout,
		FrameTimeout: l.FrameTimeout, WriteTimeout: l.WriteTimeout, StopTimeout: l.StopTimeout, KeyOperations: l.KeyOperations,
	}
}
