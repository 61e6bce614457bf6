package keytable

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"

	"github.com/postseal/postseal/dkim"
)

// pin is how a key file looked when the tables were loaded: a hash of what stat(2)
// tells. Tables share a parsed key as long as the file looks the same.
type pin uint64

var pinSeed = maphash.MakeSeed()

// pinOf counts the inode in: a new key that was renamed into place has the size of
// the old one, and its time too where clocks are coarse or files come from an
// archive.
func pinOf(info fs.FileInfo) pin {
	looks := struct {
		size, mtime int64
		inode       uint64
		mode        fs.FileMode
	}{size: info.Size(), mtime: info.ModTime().UnixNano(), mode: info.Mode()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		looks.inode = stat.Ino
	}
	return pin(maphash.Comparable(pinSeed, looks))
}

// pinAll looks at every key file, without reading it: 100,000 of them take a
// fraction of a second, parsing them would take 20.
func (k *keys) pinAll() (faults []rowFault) {
	parts := make([][]rowFault, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() {
			parts[i] = k.pinRows(len(k.rows)*i/len(parts), len(k.rows)*(i+1)/len(parts))
		})
	}
	wg.Wait()
	return slices.Concat(parts...)
}

func (k *keys) pinRows(from, to int) (faults []rowFault) {
	var path string // of the row before: many domains may share a key
	var info fs.FileInfo
	var err error
	for i := from; i < to; i++ {
		r := &k.rows[i]
		if r.source != fromFile || k.bad[i].Load() != nil {
			continue
		}
		if p := r.filePath(k.table.dir); p != path {
			path = p
			if info, err = os.Stat(path); err == nil {
				err = checkMode(path, info.Mode())
			}
		}
		if err != nil {
			faults = append(faults, rowFault{int32(i), faultOf(err)})
			continue
		}
		r.pin = pinOf(info)
	}
	return faults
}

func checkMode(path string, mode fs.FileMode) error {
	switch {
	case !mode.IsRegular():
		return fmt.Errorf("%s: not a regular file", path)
	case isPublic(mode):
		return &dkim.UnsafeFileError{Path: path, Mode: mode.Perm()}
	}
	return nil
}

// faultOf puts the error of a key file into words, with what to do about it.
func faultOf(err error) *keyFault {
	var known *keyFault
	var unsafe *dkim.UnsafeFileError
	var pe *fs.PathError
	f := &keyFault{message: "key file " + err.Error(), cause: err}
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &unsafe):
		f.message = fmt.Sprintf("key file %s has mode %04o: every user of this host can read or change it", unsafe.Path, unsafe.Mode)
		f.hint = unsafe.Fix()
	case !errors.As(err, &pe):
	case errors.Is(err, fs.ErrNotExist):
		f.message = fmt.Sprintf("key file %s does not exist", pe.Path)
		f.hint = "bring it back, or make one with postseal keygen, or mend the path"
	case errors.Is(err, fs.ErrPermission):
		f.message = fmt.Sprintf("key file %s: no permission to read it", pe.Path)
		f.hint = "postseal's user or group must be able to read the file and to enter its directories"
	}
	return f
}

// isTemporary tells a host in trouble from a bad key: the next message may find
// the key readable again.
func isTemporary(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EIO, syscall.EINTR, syscall.EAGAIN} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }
