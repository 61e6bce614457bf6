package doctor

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
	mayRead   fs.FileMode = 4
	mayWrite  fs.FileMode = 2
	maySearch fs.FileMode = 1
)

// lookupUser finds a user with all groups.
func lookupUser(name string) (*Identity, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	numbers := make([]uint32, 0, len(ids)+1)
	for _, id := range append([]string{u.Uid}, ids...) {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, uint32(n))
	}
	return &Identity{Name: u.Username, UID: numbers[0], Groups: numbers[1:]}, nil
}

// way lists the directories down to a path, and the path; links are followed.
func way(path string) []Node {
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
func (id *Identity) may(n Node, want fs.FileMode) bool {
	mode := n.Mode.Perm()
	switch {
	case id.UID == 0:
		return true
	case n.UID == id.UID:
		mode >>= 6
	case slices.Contains(id.Groups, n.GID):
		mode >>= 3
	}
	return mode&want == want
}

// blocked finds what keeps a user from doing something with the last of some nodes. known is false where not even we may look.
func (id *Identity) blocked(nodes []Node, want fs.FileMode) (at *Node, known bool) {
	for i := range nodes {
		n := &nodes[i]
		if n.Err != nil {
			return nil, false
		}
		need := maySearch
		if i == len(nodes)-1 {
			need = want
		}
		if !id.may(*n, need) {
			return n, true
		}
	}
	return nil, true
}

// describe shows owner, group and mode.
func (n *Node) describe() string {
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
