package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/postseal/postseal/internal/access"
)

// becomeOwner turns root into the user whose store it is, before anything of the
// store is touched: a file that root makes there would shut the daemon out. That
// is the owner of the directory of a SQLite file; where there is no such directory,
// and for PostgreSQL, user postseal if there is one.
func becomeOwner(url string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	owner, err := storeOwner(url)
	if err != nil || owner == nil || owner.UID == 0 {
		return err
	}
	if err := become(owner); err != nil {
		return fmt.Errorf("cannot become user %s, whose the store is: %w", owner.Name, err)
	}
	return nil
}

// become gives up root: the user comes last, whoever is no root may change no group.
func become(u *access.User) error {
	groups := make([]int, 0, len(u.Groups))
	for _, g := range u.Groups {
		groups = append(groups, int(g))
	}
	if err := syscall.Setgroups(groups); err != nil {
		return err
	}
	if err := syscall.Setgid(int(u.GID)); err != nil {
		return err
	}
	return syscall.Setuid(int(u.UID))
}

func storeOwner(url string) (*access.User, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		info, err := os.Stat(filepath.Dir(path))
		if err == nil {
			return access.LookupID(info.Sys().(*syscall.Stat_t).Uid)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	owner, err := access.Lookup(serviceGroup) // user and group have the same name
	var unknown user.UnknownUserError
	if errors.As(err, &unknown) {
		return nil, nil
	}
	return owner, err
}
