package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"github.com/postseal/postseal/internal/access"
	"github.com/postseal/postseal/internal/config"
)

// checkListener finds what would keep a listener from opening, without opening it.
func checkListener(l config.Listener) error {
	_, _, err := ownerIDs(l.SocketOwner, l.SocketGroup)
	return err
}

// listen opens one listener of the configuration.
func listen(l config.Listener) (net.Listener, error) {
	network, address, err := config.ParseAddress(l.Address)
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		return listenUnix(address, l)
	}
	return listenTCP(network, address, l.Address)
}

// listenTCP opens a port; where is how the configuration spells it.
func listenTCP(network, address, where string) (net.Listener, error) {
	ln, err := net.Listen(network, address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		_, port, _ := net.SplitHostPort(address)
		return nil, fmt.Errorf("%s: another program listens there already; stop it or choose another port (ss -ltnp 'sport = :%s' shows it; often it is opendkim)", where, port)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s: this host does not have that address (yet); see `ip address`, or listen on 127.0.0.1: %w", where, err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: a port below 1024 is not for the service's user; choose another, such as 8891, or let systemd open it (postseal.socket and address = \"fd:milter\"): %w", where, err)
	case errors.Is(err, syscall.EAFNOSUPPORT):
		return nil, fmt.Errorf("%s: this host has no IPv6, or no IPv4; listen on an address of the other kind: %w", where, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return ln, nil
}

// listenUnix opens a unix socket with its owner, group and mode. A socket file
// that nobody answers on was left by a dead process and is replaced; one that
// is alive, or a file of another kind, is not touched.
func listenUnix(path string, l config.Listener) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, fmt.Errorf("unix:%s: %w", path, err)
	}
	mode, err := config.ParseMode(l.SocketMode)
	if err != nil {
		return nil, err
	}
	// Made for nobody but us, opened to others once owner and group are right.
	old := syscall.Umask(0o177)
	ln, err := net.Listen("unix", path)
	syscall.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("unix:%s: %w", path, access.ToMake(path, err))
	}
	if err := own(path, l.SocketOwner, l.SocketGroup); err != nil {
		ln.Close()
		return nil, err
	}
	if err := os.Chmod(path, fs.FileMode(mode)); err != nil {
		ln.Close()
		return nil, fmt.Errorf("unix:%s: %w", path, access.ToMake(path, err))
	}
	return ln, nil
}

// removeStale makes place for a socket. The caller names it.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return access.ToMake(path, err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("a file that is no socket stands there; move it away")
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return errors.New("another program answers on this socket; stop it first")
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the socket of another program stands there, perhaps of one that is gone (%s): stop that program, then remove the socket: rm %s", describe(path), path)
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("cannot tell whether the socket is in use; if no program has it, remove it: rm %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("the socket of a program that is gone stands there and cannot be removed; remove it as root: rm %s: %w", path, access.ToMake(path, err))
	}
	return nil
}

// describe shows whose a file is.
func describe(path string) string {
	way := access.Way(path)
	return way[len(way)-1].Describe()
}

// ownerIDs finds the numbers of an owner and a group, given by name or number; -1
// stands for an empty one.
func ownerIDs(owner, group string) (uid, gid int, err error) {
	find := func(name string, lookup func(string) (string, error)) (int, error) {
		if name == "" {
			return -1, nil
		}
		if id, err := strconv.ParseUint(name, 10, 31); err == nil {
			return int(id), nil
		}
		id, err := lookup(name)
		if err != nil {
			return -1, err
		}
		return strconv.Atoi(id)
	}
	uid, err = find(owner, func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
	if err != nil {
		return -1, -1, fmt.Errorf("socket_owner: %w; name a user of `getent passwd`, or leave it empty", err)
	}
	gid, err = find(group, func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
	if err != nil {
		return -1, -1, fmt.Errorf("socket_group: %w; install the mail server whose group it is, name a group of `getent group`, or leave it empty", err)
	}
	return uid, gid, nil
}

// own gives the socket file to an owner and a group, by name or number; an
// empty name leaves it.
func own(path, owner, group string) error {
	uid, gid, err := ownerIDs(owner, group)
	if err != nil || uid < 0 && gid < 0 {
		return err
	}
	if err := os.Chown(path, uid, gid); err != nil {
		return fmt.Errorf("unix:%s: %w; the service's user has to be a member of the group (usermod -aG GROUP postseal), and an owner only root gives: or leave socket_owner and socket_group empty", path, err)
	}
	return nil
}
