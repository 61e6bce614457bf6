package doctor

import (
	"net"
	"net/netip"
	"path/filepath"
	"strings"
)

// Milter is one entry of an MTA's list of milters.
type Milter struct {
	Text    string // its address as the MTA spells it
	Network string // "tcp" or "unix"
	Address string // HOST:PORT; or a path, which may be relative to the queue directory
	Options map[string]string
}

// parseMilters reads the value of smtpd_milters: addresses with commas or blanks between, those with options in braces (postconf(5)).
func parseMilters(value string) []Milter {
	var all []Milter
	for value = strings.TrimLeft(value, ", \t\r\n"); value != ""; value = strings.TrimLeft(value, ", \t\r\n") {
		var entry string
		if value[0] == '{' {
			entry, value, _ = strings.Cut(value[1:], "}")
		} else if cut := strings.IndexAny(value, ", \t\r\n"); cut >= 0 {
			entry, value = value[:cut], value[cut:]
		} else {
			entry, value = value, ""
		}
		if m, ok := parseMilter(entry); ok {
			all = append(all, m)
		}
	}
	return all
}

// parseMilter reads an address and its options, "inet:host:port, name = value, …".
func parseMilter(entry string) (m Milter, ok bool) {
	address, options, _ := strings.Cut(entry, ",")
	m.Text = strings.TrimSpace(address)
	m.Options = map[string]string{}
	for option := range strings.SplitSeq(options, ",") {
		if name, value, found := strings.Cut(option, "="); found {
			m.Options[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	kind, rest, found := strings.Cut(m.Text, ":")
	switch {
	case !found || rest == "":
		return m, false
	case kind == "unix" || kind == "local":
		m.Network, m.Address = "unix", rest
		return m, true
	case kind == "inet" || kind == "inet6":
		m.Network, m.Address = "tcp", hostPort(rest)
		return m, m.Address != ""
	}
	return m, false
}

// hostPort reads host:port (Postfix) or port@host (Sendmail).
func hostPort(s string) string {
	if port, host, ok := strings.Cut(s, "@"); ok {
		return net.JoinHostPort(strings.Trim(host, "[]"), port)
	}
	cut := strings.LastIndexByte(s, ':')
	if cut < 0 {
		return "" // a port alone
	}
	return net.JoinHostPort(strings.Trim(s[:cut], "[]"), s[cut+1:])
}

// reached is the endpoint that a service means by a milter's address: a chrooted one sees all paths below the queue directory, any other
// one the relative paths. queue is "" for Sendmail.
func (m Milter) reached(chroot bool, queue string) Endpoint {
	if m.Network != "unix" || !chroot && filepath.IsAbs(m.Address) || queue == "" {
		return Endpoint{m.Network, m.Address}
	}
	return Endpoint{"unix", filepath.Join(queue, m.Address)}
}

// same tells whether an MTA that connects to an address comes out at a listener.
func (f *Facts) same(milter, listener Endpoint) bool {
	if milter.Network != listener.Network {
		return false
	}
	if milter.Network == "unix" {
		return f.real(milter.Address) == f.real(listener.Address)
	}
	mhost, mport, _ := net.SplitHostPort(milter.Address)
	lhost, lport, _ := net.SplitHostPort(listener.Address)
	if mport != lport {
		return false
	}
	want, err := netip.ParseAddr(lhost)
	if err != nil {
		return mhost == lhost
	}
	for _, addr := range f.addresses(mhost) {
		if addr == want || want.IsUnspecified() {
			return true
		}
	}
	return false
}

// addresses of a host, by number or by name.
func (f *Facts) addresses(host string) []netip.Addr {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr.Unmap()}
	}
	if addrs := f.Hosts[host]; len(addrs) > 0 {
		return addrs
	}
	if host == "localhost" {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}
	}
	return nil
}

// real is where a path leads.
func (f *Facts) real(path string) string {
	path = filepath.Clean(path)
	if target, ok := f.Links[path]; ok {
		return target
	}
	return path
}
