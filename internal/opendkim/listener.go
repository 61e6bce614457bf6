package opendkim

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
)

// defaultSocket is where postseal listens unless told otherwise.
const defaultSocket = "inet:8891@127.0.0.1"

// listener turns Mode, Socket and UMask into the one [[listener]].
func (t *translator) listener() {
	address := t.socket()
	t.set("listener.address", address, "Socket")
	t.set("listener.mode", t.mode(), "Mode")
	if strings.HasPrefix(address, "unix:") {
		// A socket is made with 0777 less the umask; without UMask that is the umask of whoever starts opendkim.
		mode := 0o777 &^ t.integer("UMask", 0o022)
		t.set("listener.socket_mode", fmt.Sprintf("%04o", mode), "UMask")
		t.tellUnreachable(strings.TrimPrefix(address, "unix:"))
	}
}

// tellUnreachable tells of a socket that the packaged unit may not make. OpenDKIM's own directory belongs to its user,
// and below /run it goes when OpenDKIM stops.
func (t *translator) tellUnreachable(path string) {
	switch filepath.Dir(path) {
	case "/run/postseal", "/var/run/postseal", "/var/spool/postfix/postseal":
	default:
		t.differs("Socket", "the packaged service makes sockets in /run/postseal and /var/spool/postfix/postseal only: "+
			"change listener.address and the mail server, or give user postseal the directory and the unit ReadWritePaths=%s", filepath.Dir(path))
	}
}

// mode is sign, verify or both.
func (t *translator) mode() string {
	letters := t.text("Mode", "sv")
	if strings.Trim(letters, "sv") != "" {
		s, _ := t.find("Mode")
		t.problems.add(s.At, "write s, v or sv", "Mode %s is no mode", clip(letters))
	}
	switch {
	case !strings.Contains(letters, "v"):
		return "sign"
	case !strings.Contains(letters, "s"):
		return "verify"
	}
	return "both"
}

func (t *translator) signs() bool { return strings.Contains(t.text("Mode", "sv"), "s") }

// socket is the listener's address: local:PATH, unix:PATH or a bare path, inet:PORT[@HOST] or inet6:PORT[@HOST].
func (t *translator) socket() string {
	s, ok := t.find("Socket")
	if !ok {
		t.note(Position{Path: t.conf.path}, Differs, "no Socket",
			"opendkim is given it with -p, which is not in this file: postseal listens on %s; set listener.address", defaultSocket)
		return defaultSocket
	}
	kind, rest, found := strings.Cut(s.Value, ":")
	switch {
	case !found:
		return "unix:" + t.resolve(s.Value)
	case kind == "local" || kind == "unix":
		return "unix:" + t.resolve(rest)
	case kind == "inet" || kind == "inet6":
		port, host, _ := strings.Cut(rest, "@")
		return kind + ":" + port + "@" + t.listenOn(s, kind, strings.Trim(host, "[]"))
	}
	t.problems.add(s.At, "for example local:/run/opendkim/opendkim.sock or inet:8891@localhost", "%q is no socket", clip(s.Value))
	return defaultSocket
}

// listenOn is the IP address of a host in Socket; none is all addresses.
func (t *translator) listenOn(s Setting, kind, host string) string {
	loopback, all := "127.0.0.1", "0.0.0.0"
	if kind == "inet6" {
		loopback, all = "::1", "::"
	}
	switch _, err := netip.ParseAddr(host); {
	case host == "":
		return all
	case host == "localhost":
		return loopback
	case err != nil:
		t.note(s.At, Differs, s.Name+" "+s.Value, "postseal wants an IP address instead of the name %s: it listens on %s until listener.address has it", clip(host), loopback)
		return loopback
	}
	return host
}
