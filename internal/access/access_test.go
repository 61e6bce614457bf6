package access

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

var root = Node{Path: "/", Mode: fs.ModeDir | 0o755}

// What is computed is the kernel's: owner before group before others.
func TestBlocked(t *testing.T) {
	user := &User{UID: 10, Groups: []uint32{20, 21}}
	for _, c := range []struct {
		name string
		node Node
		want fs.FileMode
		may  bool
	}{
		{"owner", Node{Mode: 0o600, UID: 10, GID: 1}, Read, true},
		{"owner without, group with", Node{Mode: 0o060, UID: 10, GID: 20}, Read, false},
		{"group", Node{Mode: 0o640, UID: 1, GID: 21}, Read, true},
		{"group without, others with", Node{Mode: 0o606, UID: 1, GID: 20}, Read, false},
		{"others", Node{Mode: 0o604, UID: 1, GID: 1}, Read, true},
		{"others, to write", Node{Mode: 0o604, UID: 1, GID: 1}, Write, false},
		{"one of two", Node{Mode: 0o602, UID: 1, GID: 1}, Write | Search, false},
		{"both", Node{Mode: 0o603, UID: 1, GID: 1}, Write | Search, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, known := user.Blocked([]Node{root, c.node}, c.want)
			if !known || (n == nil) != c.may {
				t.Errorf("blocked at %+v, known %v", n, known)
			}
			if n, _ := (&User{}).Blocked([]Node{c.node}, c.want); n != nil {
				t.Error("root is blocked")
			}
		})
	}
	closed := Node{Path: "/closed", Mode: fs.ModeDir | 0o700, UID: 1}
	if n, known := user.Blocked([]Node{root, closed, {Mode: 0o666}}, Read); !known || n == nil || n.Path != "/closed" {
		t.Errorf("on the way: blocked at %+v, known %v", n, known)
	}
	if n, known := user.Blocked([]Node{root, {Err: fs.ErrPermission}}, Read); known || n != nil {
		t.Errorf("not seen: blocked at %+v, known %v", n, known)
	}
}

// Way follows links, and ends at what is there.
func TestWay(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "file")
	if err := os.WriteFile(target, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	way := Way(filepath.Join(dir, "link"))
	last := way[len(way)-1]
	if way[0].Path != "/" || last.Path != target || last.Mode.Perm() != 0o640 || last.UID != uint32(os.Getuid()) {
		t.Errorf("got %+v", way)
	}
	if way := Way(filepath.Join(dir, "none")); way[len(way)-1].Err == nil {
		t.Error("a file that is not there")
	}
}

// The test's own files, seen by users of other ids: what is asked is the modes, not the system.
func TestCannotRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	path := filepath.Join(dir, "key.pem")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, above := range []string{filepath.Dir(dir), filepath.Dir(filepath.Dir(dir))} { // Go makes them for the owner alone
		if err := os.Chmod(above, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	const stranger = 4_000_000_000
	for name, c := range map[string]struct {
		dir, file os.FileMode
		user      User
		why, fix  string
	}{
		"owner":                 {0o700, 0o600, User{UID: owner.Uid}, "", ""},
		"group":                 {0o750, 0o640, User{UID: stranger, Groups: []uint32{7, owner.Gid}}, "", ""},
		"others":                {0o711, 0o644, User{UID: stranger}, "", ""},
		"root":                  {0o700, 0o600, User{UID: 0}, "", ""},
		"closed file":           {0o711, 0o600, User{UID: stranger, Name: "seal"}, "key.pem is of owner ", "chgrp seal " + path + " && chmod g+r " + path},
		"closed to group":       {0o711, 0o604, User{UID: stranger, Groups: []uint32{owner.Gid}}, "mode 0604", "chmod g+r " + path},
		"closed directory":      {0o700, 0o644, User{UID: stranger}, "keys is of owner ", "chmod o+x " + dir},
		"group in closed place": {0o700, 0o640, User{UID: stranger, Groups: []uint32{owner.Gid}}, "mode 0700", "chmod o+x " + dir},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.Chmod(dir, c.dir); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.file); err != nil {
				t.Fatal(err)
			}
			why, fix := c.user.CannotRead(path)
			if (why == "") != (c.why == "") || !strings.Contains(why, c.why) || !strings.HasSuffix(fix, c.fix) || (fix == "") != (c.fix == "") {
				t.Errorf("have %q and %q, want %q and %q", why, fix, c.why, c.fix)
			}
		})
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if why, _ := (&User{UID: stranger}).CannotRead(filepath.Join(dir, "none")); !strings.Contains(why, "no such file") {
		t.Errorf("a file that is not there: %q", why)
	}
}

// Each error of the file system says what to do.
func TestExplain(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "none", "file")
	_, noDir := os.Create(missing)
	_, noFile := os.Open(filepath.Join(dir, "file"))
	of := func(errno syscall.Errno) error { return &fs.PathError{Op: "open", Path: "/x/file", Err: errno} }
	other := errors.New("something else")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"no directory":  {ToMake(missing, noDir), "; there is no directory " + filepath.Dir(missing) + ": make it (install -d -o "},
		"no file":       {ToRead(filepath.Join(dir, "file"), noFile), "; is the path right?"},
		"no directory ": {ToMake("/x/file", of(syscall.ENOTDIR)), "; a file stands where a directory has to be"},
		"read-only":     {ToMake("/x/file", of(syscall.EROFS)), "ReadWritePaths=/x below [Service]"},
		"full":          {ToMake("/x/file", of(syscall.ENOSPC)), "; its disk is full: make room there"},
		"quota":         {ToMake("/x/file", of(syscall.EDQUOT)), "; its disk is full: make room there"},
		"sandbox":       {ToMake(filepath.Join(dir, "file"), of(syscall.EACCES)), "; the modes would let user "},
		"not ours":      {other, "something else"},
	} {
		if !strings.Contains(fmt.Sprint(c.err), c.want) {
			t.Errorf("%s: %v, want %q", name, c.err, c.want)
		}
	}
	if err := ToMake("/x", of(syscall.ENOSPC)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v does not wrap its cause", err)
	}
	if err := ToRead("/x", other); err != other {
		t.Errorf("got %v", err)
	}
	if err := ToRead("/x", nil); err != nil {
		t.Errorf("nothing is wrong, and got %v", err)
	}
}

// The user who is not allowed, and the place, are named.
func TestDenied(t *testing.T) {
	for _, c := range []struct {
		node *Node
		want string
	}{
		{&Node{Path: "/x", Mode: 0o750}, "/x is of owner root, group root, mode 0750; change that (chown, chmod), or name another place"},
		{nil, "something else does not: the unit's sandbox"},
	} {
		if got := denied(func(*User) (*Node, bool) { return c.node, true }); !strings.HasPrefix(got, map[bool]string{true: "user ", false: "the modes would let user "}[c.node != nil]) || !strings.Contains(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
