// Package netlist tells whether an SMTP client is on a list of networks and
// host names, as trusted_networks and peers give it. The entries are those of
// OpenDKIM's InternalHosts and PeerList:
//
//	192.0.2.0/24        network, IPv4 or IPv6
//	!192.0.2.66         exception
//	2001:db8::1         address; "[2001:db8::1]" is the same
//	mail.example.net    the client's verified host name
//	.example.net        any name below it, not example.net itself
//
// The most specific entry decides, whatever the order of the list. A host name is
// asked before the address, as OpenDKIM does; no DNS look-up is made.
//
// Three things differ from OpenDKIM on purpose. A network with host bits set
// (10.0.0.1/8), which would never match there, is an error: to mask it could
// trust more than was meant. A client whose address family is unknown is on no
// list instead of being 127.0.0.1. An IPv4 address in IPv6 form
// (::ffff:192.0.2.5) is that IPv4 address.
package netlist

import (
	"net/netip"
	"slices"
	"strings"
)

// List is an immutable set of entries, safe for concurrent use. The zero List and
// a nil *List are empty.
type List struct {
	hosts    map[string]verdict       // "mail.example.net", ".example.net"
	networks map[netip.Prefix]verdict // single addresses are /32 and /128
	bits4    []int                    // lengths in networks, longest first
	bits6    []int
}

// verdict is what an entry says about whom it matches.
type verdict struct {
	listed bool
	entry  string // as written, for the log
}

// Contains reports whether a client is on the list and which entry decided,
// "!192.0.2.66" for an exception and "" if none matched. host is the verified name
// as the MTA gives it: "" and an address in brackets are no name. An
// invalid addr, one of a family that is neither IPv4 nor IPv6, is never contained.
//
// The cost does not grow with the list: one look-up for each label of the name
// and for each distinct prefix length.
func (l *List) Contains(host string, addr netip.Addr) (bool, string) {
	if l == nil || !addr.IsValid() {
		return false, ""
	}
	if v, ok := l.host(host); ok {
		return v.listed, v.entry
	}
	v := l.address(addr)
	return v.listed, v.entry
}

// Len returns the number of distinct entries.
func (l *List) Len() int {
	if l == nil {
		return 0
	}
	return len(l.hosts) + len(l.networks)
}

// host walks mail.example.net, .example.net, .net.
func (l *List) host(name string) (verdict, bool) {
	if len(l.hosts) == 0 || name == "" || name[0] == '[' {
		return verdict{}, false
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if v, ok := l.hosts[name]; ok {
		return v, true
	}
	for i := range len(name) {
		if name[i] != '.' {
			continue
		}
		if v, ok := l.hosts[name[i:]]; ok {
			return v, true
		}
	}
	return verdict{}, false
}

// address goes from the longest prefix to the shortest.
func (l *List) address(addr netip.Addr) verdict {
	addr = addr.Unmap().WithZone("")
	lengths := l.bits6
	if addr.Is4() {
		lengths = l.bits4
	}
	for _, bits := range lengths {
		network, err := addr.Prefix(bits)
		if err != nil {
			continue // not reached: lengths fit their family
		}
		if v, ok := l.networks[network]; ok {
			return v
		}
	}
	return verdict{}
}

// add keeps the exception where an entry stands both with and without "!".
func add[K comparable](m map[K]verdict, key K, v verdict) {
	if old, ok := m[key]; ok && !old.listed {
		return
	}
	m[key] = v
}

func longestFirst(lengths map[int]bool) []int {
	sorted := make([]int, 0, len(lengths))
	for bits := range lengths {
		sorted = append(sorted, bits)
	}
	slices.SortFunc(sorted, func(a, b int) int { return b - a })
	return sorted
}
