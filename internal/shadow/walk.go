package shadow

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxDepth bounds how deep directories are entered, and batch how many names of one
// are in memory at a time: a Maildir may hold millions.
const (
	maxDepth = 20
	batch    = 4096
)

// Walk calls visit for each message file below dir until that says false. In a
// Maildir these are the files of cur/ and new/, in any other directory all regular files. Names
// that begin with a dot are no messages; symbolic links are not followed. A directory
// that cannot be read is visited with its error, and left.
func Walk(dir string, visit func(path string, err error) (more bool)) { walk(dir, maxDepth, visit) }

func walk(dir string, depth int, visit func(path string, err error) bool) (more bool) {
	if depth == 0 {
		return visit(dir, fmt.Errorf("%s: more than %d directories deep", dir, maxDepth))
	}
	d, err := os.Open(dir)
	if err != nil {
		return visit(dir, err)
	}
	defer d.Close()
	maildir := isMaildir(dir)
	for {
		entries, err := d.ReadDir(batch)
		slices.SortFunc(entries, func(a, b os.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
		for _, e := range entries {
			path, more := filepath.Join(dir, e.Name()), true
			switch {
			case e.IsDir() && !(maildir && e.Name() == "tmp"):
				more = walk(path, depth-1, visit)
			case e.Type().IsRegular() && !maildir && !strings.HasPrefix(e.Name(), "."):
				more = visit(path, nil)
			}
			if !more {
				return false
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			return visit(dir, err)
		}
	}
}

// isMaildir tells a Maildir, whose own files are the mail server's: dovecot-uidlist and the like.
func isMaildir(dir string) bool {
	for _, sub := range []string{"cur", "new"} {
		if info, err := os.Stat(filepath.Join(dir, sub)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}
