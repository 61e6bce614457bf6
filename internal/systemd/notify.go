// Package systemd is what a service manager and a service have to say to each
// other: sd_notify(3), the watchdog, and sockets that are handed over. Without
// systemd nothing is said and nothing is handed over.
package systemd

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// Manager is the service manager that started the process. The zero value is
// nobody, and is told nothing.
type Manager struct {
	log      *slog.Logger
	watchdog time.Duration // 0: it does not watch
}

// NewManager finds the manager by the environment (NOTIFY_SOCKET, WATCHDOG_USEC).
// What goes wrong between it and us concerns no mail: it is logged.
func NewManager(log *slog.Logger) *Manager {
	m := &Manager{log: log}
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the service manager's watchdog is not understood", "error", err)
	}
	m.watchdog = interval
	return m
}

// Ready tells that everything is in use, at the start or after a reload.
func (m *Manager) Ready(status string) { m.tell(daemon.SdNotifyReady, statusLine(status)) }

// Reloading tells that a reload has begun. Ready ends it, whatever came of it
// (systemd.service(5), Type=notify-reload).
func (m *Manager) Reloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		m.tell(daemon.SdNotifyReloading)
		return
	}
	m.tell(daemon.SdNotifyReloading, fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/int64(time.Microsecond)))
}

// Status tells what `systemctl status` is to show.
func (m *Manager) Status(status string) { m.tell(statusLine(status)) }

// Stopping tells that the process ends, within a time that may be longer than TimeoutStopSec=.
func (m *Manager) Stopping(status string, within time.Duration) {
	m.tell(daemon.SdNotifyStopping, statusLine(status), fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", within.Microseconds()))
}

// Alive feeds the watchdog.
func (m *Manager) Alive() { m.tell(daemon.SdNotifyWatchdog) }

// Watchdog is the time within which Alive must be called; 0 where nobody waits.
func (m *Manager) Watchdog() time.Duration {
	if m == nil {
		return 0
	}
	return m.watchdog
}

func (m *Manager) tell(lines ...string) {
	if m == nil || m.log == nil {
		return
	}
	if _, err := daemon.SdNotify(false, strings.Join(lines, "\n")); err != nil {
		m.log.Warn("the service manager does not listen", "error", err)
	}
}

// maxStatus bounds what `systemctl status` shows on its one line.
const maxStatus = 300

// statusLine keeps a text to its one line: another line would be another message.
func statusLine(text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), isControl), " ")
	if len(text) > maxStatus {
		end := maxStatus
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + "…"
	}
	return "STATUS=" + text
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
