package access

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ToRead adds to an error of reading a file what to do about it. Errors that are not of the
// file system stay as they are.
func ToRead(path string, err error) error {
	return explain(err, path, func() string { return "is the path right?" }, func(u *User) (*Node, bool) { return u.Blocked(Way(path), Read) })
}

// ToMake adds to an error of making a file what to do about it.
func ToMake(path string, err error) error {
	dir := filepath.Dir(path)
	missing := func() string {
		name := "root"
		if u, err := Current(); err == nil {
			name = u.Name
		}
		return fmt.Sprintf("there is no directory %s: make it (install -d -o %s -m 0750 %s), or name another place", dir, name, dir)
	}
	return explain(err, path, missing, func(u *User) (*Node, bool) { return u.Blocked(Way(dir), Write|Search) })
}

func explain(err error, path string, missing func() string, blocked func(*User) (*Node, bool)) error {
	var what string
	switch {
	case errors.Is(err, fs.ErrNotExist):
		what = missing()
	case errors.Is(err, syscall.ENOTDIR):
		what = "a file stands where a directory has to be; name another place"
	case errors.Is(err, fs.ErrPermission):
		what = denied(blocked)
	case errors.Is(err, syscall.EROFS):
		what = fmt.Sprintf("it is read-only here; the packaged unit lets the service write in few places: name another one, or `systemctl edit postseal` and add ReadWritePaths=%s below [Service]", filepath.Dir(path))
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		what = "its disk is full: make room there"
	default:
		return err
	}
	return fmt.Errorf("%w; %s", err, what)
}

// denied says who may not pass, and where.
func denied(blocked func(*User) (*Node, bool)) string {
	u, err := Current()
	if err != nil {
		return fmt.Sprintf("user %d may not; let it, or name another place", os.Geteuid())
	}
	at, _ := blocked(u)
	if at == nil {
		return fmt.Sprintf("the modes would let user %s; something else does not: the unit's sandbox (systemctl cat postseal), SELinux or AppArmor", u.Name)
	}
	return fmt.Sprintf("user %s may not: %s; change that (chown, chmod), or name another place", u.Name, at.Describe())
}
