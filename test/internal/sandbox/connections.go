package sandbox

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// Connections counts the TCP connections that the server on address ("127.0.0.1:25") has, those that it has not accepted yet
// included. Without such a server, or without /proc, it is 0.
func Connections(address string) int {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return 0
	}
	f, err := os.Open("/proc/net/tcp")
	if err != nil {
		return 0
	}
	defer f.Close()
	ip := a.Addr().As4()
	local := fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(ip[:]), a.Port())
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		const established = "01"
		// sl, local_address, rem_address, st
		if field := strings.Fields(lines.Text()); len(field) > 3 && field[1] == local && field[3] == established {
			n++
		}
	}
	return n
}
