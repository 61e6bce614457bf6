package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// account is a user to become.
type account struct {
	name     string
	uid, gid int
	groups   []int
}

// becomeOwner turns root into the user whose store it is, before anything of the
// store is touched: a file that root makes there would shut the daemon out. That
// is the owner of the directory of a SQLite file; where there is no such directory,
// and for PostgreSQL, user postseal if there is one.
func becomeOwner(url string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	owner, err := storeOwner(url)
	if err != nil || owner == nil || owner.uid == 0 {
		return err
	}
	err = syscall.Setgroups(owner.groups)
	if err == nil {
		err = syscall.Setgid(owner.gid)
	}
	if err == nil {
		err = syscall.Setuid(owner.uid)
	}
	if err != nil {
		return fmt.Errorf("cannot become user %s, whose the store is: %w", owner.name, err)
	}
	return nil
}

func storeOwner(url string) (*account, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		info, err := os.Stat(filepath.Dir(path))
		if err == nil {
			stat := info.Sys().(*syscall.Stat_t)
			return accountOf(user.LookupId(strconv.Itoa(int(stat.Uid))))
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	owner, err := accountOf(user.Lookup(serviceGroup)) // user and group have the same name
	var unknown user.UnknownUserError
	if errors.As(err, &unknown) {
		return nil, nil
	}
	return owner, err
}

func accountOf(u *user.User, err error) (*account, error) {
	if err != nil {
		return nil, err
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	a := &account{name: u.Username}
	numbers := make([]int, 0, len(ids)+2)
	for _, id := range slices.Concat([]string{u.Uid, u.Gid}, ids) {
		n, err := strconv.Atoi(id)
		if err != nil {
			return nil, fmt.Errorf("user %s: id %q", u.Username, id)
		}
		numbers = append(numbers, n)
	}
	a.uid, a.gid, a.groups = numbers[0], numbers[1], numbers[2:]
	return a, nil
}
