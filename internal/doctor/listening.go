package doctor

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// listeningProgram names the program at the other end of a connection on this host, as far as this user may know; "" otherwise.
func listeningProgram(conn net.Conn) string {
	switch c := conn.(type) {
	case *net.UnixConn:
		return peerProgram(c)
	case *net.TCPConn:
		remote, err := netip.ParseAddrPort(conn.RemoteAddr().String())
		if err != nil {
			return ""
		}
		return tcpProgram("/proc", remote)
	}
	return ""
}

// peerProgram asks the kernel who listens on a unix socket (unix(7), SO_PEERCRED).
func peerProgram(c *net.UnixConn) (name string) {
	raw, err := c.SyscallConn()
	if err != nil {
		return ""
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			name = programName("/proc", strconv.Itoa(int(cred.Pid)))
		}
	})
	return name
}

// tcpProgram finds who listens at an address, by the tables of proc(5): address to inode, inode to process.
func tcpProgram(proc string, at netip.AddrPort) string {
	addr := at.Addr().Unmap()
	tables := map[string][]netip.Addr{
		"tcp":  {addr, netip.IPv4Unspecified()},
		"tcp6": {addr, netip.IPv6Unspecified()},
	}
	for table, addrs := range tables {
		text, err := os.ReadFile(filepath.Join(proc, "net", table))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			const listening = "0A"
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != listening {
				continue
			}
			local, ok := procAddress(f[1])
			if ok && local.Port() == at.Port() && slices.Contains(addrs, local.Addr()) {
				return holder(proc, "socket:["+f[9]+"]")
			}
		}
	}
	return ""
}

// procAddress reads 0100007F:22BB: the address in words of the host's byte order, which is little-endian wherever packages are built for.
func procAddress(s string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	n, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for word := range slices.Chunk(b, 4) {
		slices.Reverse(word)
	}
	addr, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), ok
}

// holder is the program that has a socket open.
func holder(proc, socket string) string {
	links, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd", "*"))
	if err != nil {
		return ""
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == socket {
			pid, _, _ := strings.Cut(strings.TrimPrefix(link, proc+"/"), "/")
			return programName(proc, pid)
		}
	}
	return ""
}

func programName(proc, pid string) string {
	name, err := os.ReadFile(fmt.Sprintf("%s/%s/comm", proc, pid))
	if err != nil {
		return ""
	}
	if name := strings.TrimSpace(string(name)); name != "systemd" { // which hands sockets over
		return name
	}
	return ""
}
