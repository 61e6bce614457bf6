package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/postseal/postseal/internal/opendkim"
)

// A copied key is for its owner and the service's group; without that group for its owner alone, whatever the caller's
// umask and group.
func TestCopiedKeysAreClosed(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	for gid, want := range map[int][2]fs.FileMode{-1: {0o700, 0o600}, os.Getgid(): {0o750, 0o640}} {
		t.Run(fmt.Sprint("gid ", gid), func(t *testing.T) {
			from, dir := filepath.Join(t.TempDir(), "key"), t.TempDir()
			if err := os.WriteFile(from, []byte("KEY"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := copyKey(opendkim.Copy{From: from, To: "keys/more/a.pem"}, dir, gid); err != nil {
				t.Fatal(err)
			}
			for name, mode := range map[string]fs.FileMode{"keys": want[0], "keys/more": want[0], "keys/more/a.pem": want[1]} {
				info, err := os.Stat(filepath.Join(dir, name))
				if err != nil || info.Mode().Perm() != mode {
					t.Errorf("%s has mode %v, want %v; %v", name, info.Mode(), mode, err)
				}
			}
		})
	}
}

// Each error of the file system says what to do.
func TestCannotWrite(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		code int
		want string
	}{
		"denied":         {&fs.PathError{Op: "mkdir", Path: "/x", Err: syscall.EACCES}, exitUsage, "import as root, or name a directory that you may write to"},
		"read-only":      {&fs.PathError{Op: "mkdir", Path: "/x", Err: syscall.EROFS}, exitUsage, "name a directory elsewhere"},
		"full":           {&fs.PathError{Op: "write", Path: "/x/k", Err: syscall.ENOSPC}, exitInternal, "nothing was written; make room"},
		"over the quota": {&fs.PathError{Op: "write", Path: "/x/k", Err: syscall.EDQUOT}, exitInternal, "nothing was written; make room"},
		"told already":   {findingError(fmt.Errorf("kt:1: %w", fs.ErrPermission)), exitFinding, "kt:1: permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			var exit *exitError
			if err := cannotWrite("/x", c.err); !errors.As(err, &exit) || exit.code != c.code || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want code %d and %q", err, c.code, c.want)
			}
		})
	}
}
