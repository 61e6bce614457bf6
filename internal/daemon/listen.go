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
		return nil, fmt.Errorf("%s: another program listens there already; stop it or choose another port", where)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s: this host does not have that address (yet): %w", where, err)
	}
	return ln, err
}

// listenUnix opens a unix socket with its owner, group and mode. A socket file
// that nobody answers on was left by a dead process and is replaced; one that
// is alive, or a file of another kind, is not touched.
func listenUnix(path string, l config.Listener) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
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
		return nil, fmt.Errorf("%s: %w", l.Address, err)
	}
	if err := own(path, l.SocketOwner, l.SocketGroup); err != nil {
		ln.Close()
		return nil, err
	}
	if err := os.Chmod(path, fs.FileMode(mode)); err != nil {
		ln.Close()
		return nil, err
	}
	return ln, nil
}

func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("unix:%s: a file that is no socket stands there; move it away", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return fmt.Errorf("unix:%s: another program answers on this socket; stop it first", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("unix:%s: cannot tell whether the socket is in use: %w", path, err)
	}
	return os.Remove(path)
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
		return -1, -1, fmt.Errorf("socket_owner: %w", err)
	}
	gid, err = find(group, func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
	if err != nil {
		return -1, -1, fmt.Errorf("socket_group: %w", err)
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
		return fmt.Errorf("%w; postseal must run as root or be a member of the group", err)
	}
	return nil
}
