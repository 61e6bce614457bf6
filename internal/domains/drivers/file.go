package drivers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// maxFile bounds a zone file: half a million keys.
const maxFile = 256 << 20

// state tells one saved text of a file from another.
type state struct {
	inode    uint64
	size     int64
	modified time.Time
}

func stateOf(info fs.FileInfo) state {
	return state{info.Sys().(*syscall.Stat_t).Ino, info.Size(), info.ModTime()}
}

// errEdited is a file that somebody saved since it was read.
var errEdited = errors.New("somebody saved it at the same moment")

// unedited makes sure that a file is as it was when it was read; the zero state is of a
// file that was not there.
func (s state) unedited(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if s != (state{}) {
			return errEdited
		}
		return nil
	case err != nil:
		return err
	}
	now := stateOf(info)
	if now.inode != s.inode || now.size != s.size || !now.modified.Equal(s.modified) {
		return errEdited
	}
	return nil
}

// read gives the text of a file, and its state before that.
func read(path string) (string, state, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO must not keep us waiting
	if err != nil {
		return "", state{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return "", state{}, errors.Join(err, fmt.Errorf("%s: not a regular file", path))
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: longer than %d octets", path, maxFile)
	}
	return string(text), stateOf(info), err
}

// lock keeps other processes of ours from changing files of the same directory, until
// unlock is called. It does not wait for longer than ctx: whoever may read the directory
// can hold its lock.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	dir, err := os.Open(filepath.Dir(resolved(path)))
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { dir.Close() }, nil
		case errors.Is(err, syscall.EWOULDBLOCK) && ctx.Err() == nil:
			time.Sleep(lockPause)
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			err = errLocked
		}
		dir.Close()
		return nil, fmt.Errorf("%s: cannot be locked: %w", dir.Name(), err)
	}
}

const lockPause = 10 * time.Millisecond

// errLocked is a directory whose lock another process keeps.
var errLocked = &silence{"another process holds its lock, and does not let go; `fuser` tells which"}

func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// replace puts a text into the place of a file, which is the old or the new one at every
// moment, and keeps who may read it. A file that somebody saved since was is left: errEdited.
func replace(path, text string, was state) error {
	path = resolved(path)
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w; the directory must be writable for the user that postseal runs as, and in its unit (ReadWritePaths=)", path, cause(err))
	}
	defer os.Remove(f.Name()) // there is none after Rename
	_, err = f.WriteString(text)
	if err == nil {
		err = keepAccess(f, path)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = was.unedited(path)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

// cause is an error without the name of a temporary file.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// keepAccess gives the new file the mode and the group of the old one; a server that reads
// by its group must not lose the zone.
func keepAccess(f *os.File, path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f.Chmod(0o644)
	}
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o200 == 0 {
		return errors.New("it is read-only: somebody wants it left as it is; chmod u+w lets postseal write it")
	}
	if err := f.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	old := info.Sys().(*syscall.Stat_t)
	if f.Chown(int(old.Uid), int(old.Gid)) == nil {
		return nil
	}
	if err := f.Chown(-1, int(old.Gid)); err != nil && info.Mode().Perm()&0o004 == 0 {
		return fmt.Errorf("its group %d cannot be kept, and the name server may read it by that: add the user that postseal runs as to the group, or chmod o+r", old.Gid)
	}
	return nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
