package dkim

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// maxKeyFile is far above the 3.3 KB of a 4096-bit key in PEM, and stops a path that points at a log or a disk image.
const maxKeyFile = 64 << 10

// UnsafeFileError says that others than owner and group may read or change a private key.
type UnsafeFileError struct {
	Path string
	Mode fs.FileMode // permission bits
}

func (e *UnsafeFileError) Error() string {
	return fmt.Sprintf("%s: mode %04o lets every user of this host read or change this private key; fix it with: %s", e.Path, e.Mode, e.Fix())
}

// Fix is the command that makes the file safe.
func (e *UnsafeFileError) Fix() string { return "chmod o-rwx " + e.Path }

// LoadPrivateKey reads the key file at path, in any form that ParsePrivateKey knows. It refuses a file that others can read or
// write with an *UnsafeFileError, and anything that is not a regular file. Each error names the path.
func LoadPrivateKey(path string) (*PrivateKey, error) {
	data, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	key, err := ParsePrivateKey(data)
	clear(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

func readKeyFile(path string) ([]byte, error) {
	// O_NONBLOCK: a FIFO must not hold up the start. What was opened is what is examined.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case mode.Perm()&0o006 != 0:
		return nil, &UnsafeFileError{Path: path, Mode: mode.Perm()}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxKeyFile {
		return nil, fmt.Errorf("%s: more than %d octets: not a private key", path, maxKeyFile)
	}
	return data, nil
}
