package daemon

import (
	"fmt"
	"strings"

	"github.com/postseal/postseal/internal/filter"
)

// status is what `systemctl status` shows while the daemon serves.
func (d *Daemon) status() string {
	var doors []string
	for _, dr := range d.doors {
		doors = append(doors, dr.Address+" ("+dr.Mode+")")
	}
	return "serving " + strings.Join(doors, ", ") + ": " + inventory(d.current.Load()) + d.sideStatus()
}

// reloadStatus says what came of a reload.
func (d *Daemon) reloadStatus(err error) string {
	if err != nil {
		return "reload failed, running on the old configuration: " + err.Error()
	}
	return "reloaded: " + inventory(d.current.Load()) + d.sideStatus()
}

// sideStatus is what status adds of side doors that are not open.
func (d *Daemon) sideStatus() (text string) {
	for _, line := range d.closedSides() {
		text += "; " + line
	}
	return text
}

// inventory counts what a snapshot has.
func inventory(s *filter.Snapshot) string {
	text := fmt.Sprintf("%d keys, %d lines", s.Tables.KeyCount(), s.Tables.RowCount())
	if domains, keys := s.Managed.Counts(); s.Managed != nil {
		text += fmt.Sprintf(", %d managed domains with %d keys", domains, keys)
	}
	if n := outages(s); n > 0 {
		text += fmt.Sprintf(", %d out of service", n)
	}
	return text
}

// outages counts what cannot work in a snapshot, as far as is known.
func outages(s *filter.Snapshot) int {
	n := len(s.Outages)
	for _, p := range s.Tables.Problems() {
		if !p.Warning {
			n++
		}
	}
	return n
}
