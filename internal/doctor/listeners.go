package doctor

import (
	"net"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/postseal/postseal/internal/config"
)

// listener is one of ours.
type listener struct {
	config.Listener
	at    Endpoint
	known bool // where it is; not so for a socket of systemd's that is not there
}

// listeners are ours. One of systemd's sockets has the address that the socket unit says.
func (f *Facts) listeners() (all []listener) {
	for _, l := range f.Ours.Config.Listeners {
		network, address, err := config.ParseAddress(l.Address)
		switch {
		case err != nil: // told with the configuration's mistakes
		case network != "fd":
			all = append(all, listener{l, Endpoint{plainNetwork(network), address}, true})
		case f.Unit == nil || len(f.Unit.Sockets) == 0:
			all = append(all, listener{Listener: l})
		default:
			for _, s := range f.Unit.Sockets {
				all = append(all, listener{l, socketAddress(s), true})
			}
		}
	}
	return all
}

// plainNetwork is "tcp" for tcp4 and tcp6.
func plainNetwork(network string) string { return strings.TrimRight(network, "46") }

// socketAddress reads a ListenStream= of systemd.
func socketAddress(s string) Endpoint {
	if filepath.IsAbs(s) {
		return Endpoint{"unix", s}
	}
	if !strings.Contains(s, ":") {
		s = "[::]:" + s
	}
	return Endpoint{"tcp", s}
}

// ours is the listener that an MTA's service comes out at, nil if there is none. For a path that a chrooted service looks for in the wrong
// place, outside is set.
func (f *Facts) ours(m Milter, chroot bool, queue string) (l *listener, outside bool) {
	all := f.listeners()
	for i := range all {
		if all[i].known && f.same(m.reached(chroot, queue), all[i].at) {
			return &all[i], false
		}
	}
	if !chroot || m.Network != "unix" || !filepath.IsAbs(m.Address) {
		return nil, false
	}
	for i := range all {
		if all[i].known && f.same(Endpoint{"unix", m.Address}, all[i].at) {
			return &all[i], true
		}
	}
	return nil, false
}

// signs and verifies tell what a listener does.
func (l *listener) signs() bool    { return l.Mode != "verify" }
func (l *listener) verifies() bool { return l.Mode != "sign" }

func (f *Facts) signs() bool {
	for _, l := range f.listeners() {
		if l.signs() {
			return true
		}
	}
	return false
}

func (f *Facts) verifies() bool {
	for _, l := range f.listeners() {
		if l.verifies() {
			return true
		}
	}
	return false
}

// connectable is where this host reaches a listener: 0.0.0.0 is reached at 127.0.0.1.
func (e Endpoint) connectable() Endpoint {
	host, port, err := net.SplitHostPort(e.Address)
	addr, perr := netip.ParseAddr(host)
	if e.Network == "unix" || err != nil || perr != nil || !addr.IsUnspecified() {
		return e
	}
	if addr.Is4() {
		return Endpoint{e.Network, net.JoinHostPort("127.0.0.1", port)}
	}
	return Endpoint{e.Network, net.JoinHostPort("::1", port)}
}

// forPostfix is how main.cf has to name a listener: below the queue directory by a relative path, which is right in a chroot and outside.
func (l *listener) forPostfix(queue string) string {
	at := l.at.connectable()
	if rel, err := filepath.Rel(queue, at.Address); at.Network == "unix" && queue != "" && err == nil && filepath.IsLocal(rel) {
		return "unix:" + rel
	}
	return at.String()
}

// forSendmail is how INPUT_MAIL_FILTER has to name it.
func (l *listener) forSendmail() string {
	at := l.at.connectable()
	host, port, err := net.SplitHostPort(at.Address)
	switch {
	case at.Network == "unix" || err != nil:
		return "local:" + at.Address
	case strings.Contains(host, ":"):
		return "inet6:" + port + "@" + host
	}
	return "inet:" + port + "@" + host
}

// wanted are the listeners as an MTA has to name them.
func (f *Facts) wanted(name func(*listener) string) (all []string) {
	for _, l := range f.listeners() {
		if l.known {
			all = append(all, name(&l))
		}
	}
	return all
}
