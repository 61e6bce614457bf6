package milter

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
)

// Family is the kind of a client's address (SMFIA_*).
type Family byte

// The families.
const (
	FamilyUnknown Family = 'U' // the MTA does not know: a message from standard input, for one
	FamilyUnix    Family = 'L'
	FamilyIPv4    Family = '4'
	FamilyIPv6    Family = '6'
)

// Client is the MTA's client, as CONNECT tells it.
type Client struct {
	Host   string // the name that the MTA found for it, or "[192.0.2.1]"
	Family Family
	Addr   netip.Addr // not valid when there is none, or the MTA does not know it (Postfix then says IPv4 and "unknown"); never IPv4 in IPv6, never with a zone
	Port   uint16     // 0 when unknown
	Path   string     // of a Unix socket
}

// parseClient reads the data of CONNECT: host name NUL family, and unless the family is unknown port (big-endian) and address NUL.
func parseClient(data []byte) (Client, error) {
	host, rest, found := bytes.Cut(data, nul)
	if !found || len(rest) == 0 {
		return Client{}, violation("CONNECT without host name or family")
	}
	c := Client{Host: string(host), Family: Family(rest[0])}
	rest = rest[1:]
	switch c.Family {
	case FamilyUnknown:
		return c, nil // older MTAs may send a port and an address even so; they mean nothing
	case FamilyUnix, FamilyIPv4, FamilyIPv6:
	default:
		return Client{}, violation("CONNECT with address family %q", rune(c.Family))
	}
	// The port of a Unix socket is two zero bytes; emersion/go-milter's client leaves it out.
	if c.Family != FamilyUnix || bytes.HasPrefix(rest, []byte{0, 0}) {
		if len(rest) < 2 {
			return Client{}, violation("CONNECT without port")
		}
		c.Port = binary.BigEndian.Uint16(rest)
		rest = rest[2:]
	}
	addr, rest, found := bytes.Cut(rest, nul)
	if !found || len(rest) > 0 {
		return Client{}, violation("CONNECT with an address that does not end where the packet does")
	}
	if c.Family == FamilyUnix {
		c.Path = string(addr)
		return c, nil
	}
	c.Addr = parseAddr(string(addr))
	return c, nil
}

// parseAddr reads an address as MTAs write it; Sendmail puts "IPv6:" before one of that kind. What cannot be read gives an invalid address.
func parseAddr(s string) netip.Addr {
	const prefix = "IPv6:"
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		s = s[len(prefix):]
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}
