package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ParseHTTPAddress reads where an HTTP server listens and gives what net.Listen
// takes, or network "fd" and the name of a socket that systemd hands over.
//
//	127.0.0.1:9891  [::1]:9891  localhost:9891   tcp
//	:9891                                        tcp, on all addresses
//	unix:/path                                   unix, /path
//	fd:NAME                                      fd, NAME
func ParseHTTPAddress(s string) (network, address string, err error) {
	if strings.HasPrefix(s, "unix:") || strings.HasPrefix(s, "fd:") {
		return ParseAddress(s)
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", "", fmt.Errorf("%q is not HOST:PORT", s)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 && port != "0" {
		return "", "", fmt.Errorf("%q is not a port number", port)
	}
	if host != "" && host != "localhost" {
		if _, err := netip.ParseAddr(host); err != nil {
			return "", "", fmt.Errorf("%q is not an IP address", host)
		}
	}
	return "tcp", s, nil
}

// onlyThisHost tells whether an address of ParseHTTPAddress is closed to other hosts.
// Who reaches a unix socket is said by its mode, and systemd's by its unit.
func onlyThisHost(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil || host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
