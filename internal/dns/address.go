package dns

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

const dnsPort = "53"

// serverAddress returns HOST:PORT of a server as Config.Servers has it.
func serverAddress(text string) (string, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return net.JoinHostPort(addr.String(), dnsPort), nil
	}
	if strings.HasSuffix(text, "]") {
		text += ":" + dnsPort
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", fmt.Errorf("name server %q: write ADDRESS or ADDRESS:PORT, such as 127.0.0.53 or [::1]:53", text)
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return "", fmt.Errorf("name server %q: %q is not an IP address", text, host)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("name server %q: %q is not a port", text, port)
	}
	return net.JoinHostPort(addr.String(), port), nil
}

// trust is the networks of servers whose AD bit is believed.
type trust []netip.Prefix

func newTrust(entries []string) (trust, error) {
	var t trust
	for _, entry := range entries {
		network, err := netip.ParsePrefix(entry)
		if err != nil {
			addr, err := netip.ParseAddr(entry)
			if err != nil {
				return nil, fmt.Errorf("servers whose AD bit is trusted: %q is neither an address nor a network", entry)
			}
			network = netip.PrefixFrom(addr, addr.BitLen())
		}
		t = append(t, network.Masked())
	}
	return t, nil
}

// believes tells whether the AD bit of a server, HOST:PORT, means anything (RFC 6840 section 5.8: it is no more secure than the way to
// who set it).
func (t trust) believes(server string) bool {
	at, err := netip.ParseAddrPort(server)
	if err != nil {
		return false
	}
	addr := at.Addr().Unmap()
	if addr.IsLoopback() {
		return true
	}
	for _, network := range t {
		if network.Contains(addr.WithZone("")) {
			return true
		}
	}
	return false
}
