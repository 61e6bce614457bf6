// Package access judges by owners and modes what a user may do with files, which need not
// be the user who asks: what root wrote and reads may be closed to the service. Explain says
// what to do about an error of the file system.
package access

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// The permissions that are asked for, as bits of a mode.
const (
	Read   fs.FileMode = 4
	Write  fs.FileMode = 2
	Search fs.FileMode = 1
)

// User is a user with all groups.
type User struct {
	Name   string
	UID    uint32
	GID    uint32
	Groups []uint32 // GID is among them
}

// Lookup finds a user by name.
func Lookup(name string) (*User, error) {
	return withGroups(user.Lookup(name))
}

// LookupID finds a user by number.
func LookupID(uid uint32) (*User, error) {
	return withGroups(user.LookupId(strconv.FormatUint(uint64(uid), 10)))
}

// Current is the user that this process runs as.
func Current() (*User, error) {
	return LookupID(uint32(os.Geteuid()))
}

func withGroups(u *user.User, err error) (*User, error) {
	if err != nil {
		return nil, err
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	numbers := make([]uint32, 0, len(ids)+2)
	for _, id := range slices.Concat([]string{u.Uid, u.Gid}, ids) {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user %s: id %q", u.Username, id)
		}
		numbers = append(numbers, uint32(n))
	}
	return &User{Name: u.Username, UID: numbers[0], GID: numbers[1], Groups: numbers[2:]}, nil
}

// Node is a file or directory on the way to one.
type Node struct {
	Path     string
	Mode     fs.FileMode
	UID, GID uint32
	Err      error // why nothing is known of it
}

// Way lists the directories from / down to a path, and the path; links are followed.
func Way(path string) []Node {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	var nodes []Node
	for {
		nodes = append(nodes, look(path))
		if path == filepath.Dir(path) {
			break
		}
		path = filepath.Dir(path)
	}
	slices.Reverse(nodes)
	return nodes
}

func look(path string) Node {
	n := Node{Path: path}
	info, err := os.Stat(path)
	if err != nil {
		n.Err = err
		return n
	}
	n.Mode = info.Mode()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		n.UID, n.GID = stat.Uid, stat.Gid
	}
	return n
}

// may tells whether the modes let a user do something with a file or directory.
func (u *User) may(n Node, want fs.FileMode) bool {
	mode := n.Mode.Perm()
	switch {
	case u.UID == 0:
		return true
	case n.UID == u.UID:
		mode >>= 6
	case slices.Contains(u.Groups, n.GID):
		mode >>= 3
	}
	return mode&want == want
}

// Blocked finds what keeps a user from doing something with the last of some nodes: its own
// mode, or that of a directory above. known is false where not even we may look.
func (u *User) Blocked(way []Node, want fs.FileMode) (at *Node, known bool) {
	for i := range way {
		n := &way[i]
		if n.Err != nil {
			return nil, false
		}
		need := Search
		if i == len(way)-1 {
			need = want
		}
		if !u.may(*n, need) {
			return n, true
		}
	}
	return nil, true
}

// CannotRead says what keeps a user from reading a file, and the command that mends it; why
// is "" when nothing does.
func (u *User) CannotRead(path string) (why, fix string) {
	way := Way(path)
	n, known := u.Blocked(way, Read)
	switch {
	case !known:
		i := slices.IndexFunc(way, func(n Node) bool { return n.Err != nil })
		return way[i].Err.Error(), "see that it is there, as root"
	case n == nil:
		return "", ""
	}
	return n.Describe(), u.OpenCommand(way, n)
}

// OpenCommand lets a user read the last of some nodes, where one of them keeps it from that.
// A service's group has the name of its user.
func (u *User) OpenCommand(way []Node, at *Node) string {
	if at.Path != way[len(way)-1].Path {
		return "chmod o+x " + at.Path
	}
	return "chgrp " + u.Name + " " + at.Path + " && chmod g+r " + at.Path
}

// Describe shows owner, group and mode.
func (n *Node) Describe() string {
	return fmt.Sprintf("%s is of owner %s, group %s, mode %04o", n.Path, ownerName(n.UID), groupName(n.GID), n.Mode.Perm())
}

func ownerName(id uint32) string {
	if u, err := user.LookupId(strconv.Itoa(int(id))); err == nil {
		return u.Username
	}
	return strconv.Itoa(int(id))
}

func groupName(id uint32) string {
	if g, err := user.LookupGroupId(strconv.Itoa(int(id))); err == nil {
		return g.Name
	}
	return strconv.Itoa(int(id))
}
