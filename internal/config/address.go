package config

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// ParseAddress reads a listener address in the spelling of the MTAs and gives
// what net.Listen takes, or network "fd" and the name of a socket that systemd
// hands over.
//
//	unix:/path  local:/path       unix, /path
//	inet:8891@127.0.0.1           tcp, 127.0.0.1:8891  (Sendmail, OpenDKIM)
//	inet:127.0.0.1:8891           tcp, 127.0.0.1:8891  (Postfix)
//	inet6:8891@::1  inet6:[::1]:8891
//	fd:NAME                       fd, NAME
func ParseAddress(s string) (network, address string, err error) {
	kind, rest, ok := strings.Cut(s, ":")
	if !ok || rest == "" {
		return "", "", fmt.Errorf("%q is not a socket address", s)
	}
	switch kind {
	case "unix", "local":
		if !filepath.IsAbs(rest) {
			return "", "", fmt.Errorf("the path of a unix socket must be absolute: %q", rest)
		}
		if len(rest) > 107 { // sun_path of Linux, less its NUL
			return "", "", fmt.Errorf("the path of a unix socket has %d bytes, the system takes 107", len(rest))
		}
		return "unix", rest, nil
	case "fd":
		return "fd", rest, nil
	case "inet", "inet6":
		return parseInet(kind, rest)
	}
	return "", "", fmt.Errorf("%q is not a kind of socket", kind)
}

func parseInet(kind, rest string) (network, address string, err error) {
	port, host, sendmail := strings.Cut(rest, "@")
	if !sendmail {
		cut := strings.LastIndexByte(rest, ':')
		if cut < 0 {
			return "", "", fmt.Errorf("%q has no host; say 127.0.0.1 or 0.0.0.0", rest)
		}
		host, port = rest[:cut], rest[cut+1:]
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 && port != "0" {
		return "", "", fmt.Errorf("%q is not a port number", port)
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if host == "localhost" {
		host = map[string]string{"inet": "127.0.0.1", "inet6": "::1"}[kind]
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return "", "", fmt.Errorf("%q is not an IP address", host)
	}
	if ip.Is4() != (kind == "inet") {
		return "", "", fmt.Errorf("%s is no address of %s", host, kind)
	}
	return map[string]string{"inet": "tcp4", "inet6": "tcp6"}[kind], net.JoinHostPort(host, port), nil
}
