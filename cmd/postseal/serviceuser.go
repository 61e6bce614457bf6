package main

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// serviceUser is whom the packages' unit runs as. Root reads everything, so what root wrote is judged by the modes.
type serviceUser struct {
	name   string
	uid    uint32
	groups []uint32
}

func lookupService() (*serviceUser, error) {
	u, err := user.Lookup(serviceGroup) // user and group have the same name
	if err != nil {
		return nil, fmt.Errorf("there is no user %s here", serviceGroup)
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	s := &serviceUser{name: u.Username}
	for _, id := range append([]string{u.Uid}, ids...) {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, err
		}
		s.groups = append(s.groups, uint32(n))
	}
	s.uid, s.groups = s.groups[0], s.groups[1:]
	return s, nil
}

// cannotRead says what keeps the user from reading a file: its own mode or that of a directory above it. It is "" when
// nothing does.
func (s *serviceUser) cannotRead(path string) (why string) {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	const read, search = 4, 1
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if why = s.denied(dir, search); why != "" {
			return why
		}
		if dir == filepath.Dir(dir) {
			return s.denied(path, read)
		}
	}
}

func (s *serviceUser) denied(path string, permission os.FileMode) string {
	info, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	stat := info.Sys().(*syscall.Stat_t)
	mode := info.Mode().Perm()
	switch {
	case s.uid == 0:
		return ""
	case stat.Uid == s.uid:
		mode >>= 6
	case slices.Contains(s.groups, stat.Gid):
		mode >>= 3
	}
	if mode&permission != 0 {
		return ""
	}
	fix := "chgrp " + serviceGroup + " " + path + "; chmod g+r " + path
	if permission == 1 {
		fix = "chmod o+x " + path
	}
	return fmt.Sprintf("%s has mode %04o and owner %d:%d (%s)", path, info.Mode().Perm(), stat.Uid, stat.Gid, fix)
}
