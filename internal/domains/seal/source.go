package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/postseal/postseal/internal/access"
)

const (
	maxIdentities  = 64 << 10         // octets of an identity file
	commandTimeout = 20 * time.Second // a command may have to reach a secret store over the network
)

// Source says where the identity comes from: exactly one of File, Credential and Command is given.
type Source struct {
	File       string   // 0600, owned by the user that runs (or by root)
	Credential string   // LoadCredential= name, below $CREDENTIALS_DIRECTORY (systemd.exec(5))
	Command    []string // prints the identity on standard output, within 20 s
	Recipients []string // the fleet's further public keys, age1…
	Apart      string   // the database's directory, in which File may not be: a copy of it would hold lock and key; "" for none
}

// UnsafeFileError says that others than the owner may read or change an identity file.
type UnsafeFileError struct {
	Path string
	Mode fs.FileMode // permission bits
}

func (e *UnsafeFileError) Error() string {
	return fmt.Sprintf("%s: mode %04o lets others than its owner at the identity that opens all private keys; fix it with: chmod 0600 %s",
		e.Path, e.Mode, e.Path)
}

// Load reads the identity. A File that does not exist is an fs.ErrNotExist: Create makes one, at the very first start only.
func Load(ctx context.Context, s Source) (*Box, error) {
	text, from, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	box, err := newBox(text, s.Recipients)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return box, nil
}

// read gives the identity's text and the name of where it came from.
func (s Source) read(ctx context.Context) (text []byte, from string, err error) {
	given := 0
	for _, is := range []bool{s.File != "", s.Credential != "", len(s.Command) != 0} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, "", fmt.Errorf("the identity that seals private keys comes from a file, a credential or a command: %d of them are given, not one", given)
	case s.File != "":
		if err := s.apart(); err != nil {
			return nil, "", err
		}
		text, err = readPrivate(s.File, 0o077)
		return text, s.File, access.ToRead(s.File, err)
	case s.Credential != "":
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return nil, "", fmt.Errorf("credential %s: $CREDENTIALS_DIRECTORY is not set: the unit needs LoadCredential=%s:PATH (systemctl edit postseal); without systemd use store.identity", s.Credential, s.Credential)
		}
		if s.Credential != filepath.Base(s.Credential) || s.Credential == ".." {
			return nil, "", fmt.Errorf("credential %q: not a plain name", s.Credential)
		}
		path := filepath.Join(dir, s.Credential)
		text, err = readPrivate(path, 0o007) // systemd gives access by an ACL, whose mask shows as the group's bits
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w; the unit needs LoadCredential=%s:PATH (systemctl edit postseal)", err, s.Credential)
		}
		return text, path, err
	default:
		if text, err = output(ctx, s.Command); err != nil {
			err = fmt.Errorf("%w; as the service's user it has to print the identity (a line AGE-SECRET-KEY-1…): try it by hand", err)
		}
		return text, "identity command " + s.Command[0], err
	}
}

// apart refuses an identity file in the database's directory or below it.
func (s Source) apart() error {
	if s.Apart == "" {
		return nil
	}
	rel, err := filepath.Rel(resolved(s.Apart), filepath.Join(resolved(filepath.Dir(s.File)), filepath.Base(s.File)))
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return nil
	}
	return fmt.Errorf("%s: the identity may not be in %s beside the database: one copy of the directory would hold both lock and key; move it elsewhere",
		s.File, s.Apart)
}

// resolved follows the links of a directory; one that cannot be followed is taken as it is.
func resolved(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real
	}
	return dir
}

// readPrivate reads a small regular file that has none of the permission bits in refused and belongs to us or to root.
func readPrivate(path string, refused fs.FileMode) ([]byte, error) {
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
	owner := info.Sys().(*syscall.Stat_t).Uid
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return nil, fmt.Errorf("%s: not a regular file; name the file that holds the identity", path)
	case mode.Perm()&refused != 0:
		return nil, &UnsafeFileError{Path: path, Mode: mode.Perm()}
	case owner != 0 && owner != uint32(os.Geteuid()):
		return nil, fmt.Errorf("%s: belongs to user %d, who could change it; it must be owned by the service's user or root: chown %d %s", path, owner, os.Geteuid(), path)
	}
	return bounded(f, path)
}

func bounded(r io.Reader, from string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxIdentities+1))
	switch {
	case err != nil:
		clear(text)
		return nil, err
	case len(text) > maxIdentities:
		clear(text)
		return nil, fmt.Errorf("%s: more than %d octets: not an identity", from, maxIdentities)
	}
	return text, nil
}

// output runs a command for its standard output, which no error shows; its standard error goes to ours.
func output(ctx context.Context, command []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = time.Second // a grandchild that holds the pipe
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("identity command %s: %w", command[0], err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("identity command %s: %w", command[0], err)
	}
	text, readErr := bounded(pipe, "identity command "+command[0])
	if readErr != nil {
		cancel() // it may still be writing
	}
	waitErr := cmd.Wait()
	switch {
	case readErr != nil:
		return nil, readErr
	case waitErr != nil:
		clear(text)
		if ctx.Err() != nil {
			waitErr = ctx.Err()
		}
		return nil, fmt.Errorf("identity command %s: %w", command[0], waitErr)
	case len(bytes.TrimSpace(text)) == 0:
		return nil, errors.New("identity command " + command[0] + ": printed nothing")
	}
	return text, nil
}
