package netlist

import (
	"fmt"
	"net/netip"
	"strings"
)

const (
	maxHost = 253 // RFC 1035 2.3.4
	maxShow = 64  // octets of a bad entry that an error quotes

	// unknownHost is what Postfix calls a client whose name did not verify. As
	// an entry it would list half the world.
	unknownHost = "unknown"
)

// EntryError is one entry that cannot be used.
type EntryError struct {
	Index  int    // in the slice given to Parse
	Entry  string // as written
	Reason string // what is wrong and what to write instead
}

func (e *EntryError) Error() string {
	entry := e.Entry
	if len(entry) > maxShow {
		entry = entry[:maxShow] + "..."
	}
	return fmt.Sprintf("%q: %s", entry, e.Reason)
}

// Parse reads a list. It returns all errors, each an *EntryError, and no list if
// there is any: half a list of exceptions would trust the other half.
func Parse(entries []string) (*List, []error) {
	l := &List{hosts: map[string]verdict{}, networks: map[netip.Prefix]verdict{}}
	lengths4, lengths6 := map[int]bool{}, map[int]bool{}
	var errs []error
	for i, entry := range entries {
		text, exception := strings.CutPrefix(strings.TrimSpace(entry), "!")
		text = strings.TrimSpace(text)
		v := verdict{listed: !exception, entry: entry}

		network, isNetwork, reason := parseNetwork(text)
		switch {
		case reason != "":
		case isNetwork && network.Addr().Is4():
			add(l.networks, network, v)
			lengths4[network.Bits()] = true
		case isNetwork:
			add(l.networks, network, v)
			lengths6[network.Bits()] = true
		default:
			var host string
			if host, reason = parseHost(text); reason == "" {
				add(l.hosts, host, v)
			}
		}
		if reason != "" {
			errs = append(errs, &EntryError{Index: i, Entry: entry, Reason: reason})
		}
	}
	if errs != nil {
		return nil, errs
	}
	l.bits4, l.bits6 = longestFirst(lengths4), longestFirst(lengths6)
	return l, nil
}

// parseNetwork reads an address or a network, in brackets or not
// ("[2001:db8::]/32", "[2001:db8::/32]").
func parseNetwork(text string) (network netip.Prefix, ok bool, reason string) {
	if rest, bracket := strings.CutPrefix(text, "["); bracket {
		addr, tail, closed := strings.Cut(rest, "]")
		if !closed {
			return netip.Prefix{}, false, `"[" without "]"`
		}
		text = addr + tail
	}
	if !strings.Contains(text, "/") {
		addr, err := netip.ParseAddr(text)
		switch {
		case err != nil && strings.Contains(text, ":"):
			return netip.Prefix{}, false, "not an IPv6 address"
		case err != nil:
			return netip.Prefix{}, false, ""
		case addr.Zone() != "":
			return netip.Prefix{}, false, "write the address without its zone (%" + addr.Zone() + ")"
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), true, ""
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, false, "not a network; write ADDRESS/BITS, such as 192.0.2.0/24"
	}
	if network.Addr().Is4In6() && network.Bits() >= 96 {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	if masked := network.Masked(); masked != network {
		return netip.Prefix{}, false, fmt.Sprintf("host bits are set; write %v for the network or %v for the one address", masked, network.Addr())
	}
	return network, true, ""
}

// parseHost reads a host name or, with a dot in front, the domain above it.
func parseHost(text string) (host, reason string) {
	host = strings.ToLower(strings.TrimSuffix(text, "."))
	name := strings.TrimPrefix(host, ".")
	switch {
	case name == "":
		return "", "empty entry"
	case name == "-":
		return "", "write an empty list for nobody"
	case name == unknownHost:
		return "", "that is the MTA's name for every client without a verified one; list addresses instead"
	case strings.Contains(name, "*"):
		return "", `no "*" in host names; write .example.net for every name below example.net`
	case strings.Trim(name, "0123456789.") == "":
		return "", "not an IPv4 address; write 192.0.2.0/24 for a network"
	case len(name) > maxHost:
		return "", fmt.Sprintf("host name over %d octets", maxHost)
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return "", "not a host name: empty or overlong label"
		}
		if i := strings.IndexFunc(label, notHostRune); i >= 0 {
			return "", "not a host name: only letters, digits, hyphen and underscore; an internationalized name is written as xn--..."
		}
	}
	return host, ""
}

func notHostRune(r rune) bool {
	return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_')
}
