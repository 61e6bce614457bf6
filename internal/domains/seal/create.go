package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"

	"github.com/postseal/postseal/internal/access"
)

// Create makes a new identity in s.File, mode 0600, and returns its public half, age1… . The directory must exist. A file that
// is there already is left as it is and the error is an fs.ErrExist, also when two processes create at once.
func Create(s Source) (recipient string, err error) {
	if s.File == "" {
		return "", errors.New("only an identity file can be created: a credential or a command brings its own")
	}
	if err := s.apart(); err != nil {
		return "", err
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return "", fmt.Errorf("%s: %w", s.File, err)
	}
	recipient = identity.Recipient().String()
	text := fmt.Appendf(nil, "# postseal: opens the private keys in the store. Keep a copy apart from the store's backup.\n# public key: %s\n%s\n",
		recipient, identity)
	defer clear(text)
	if err := writeNew(s.File, text); err != nil {
		return "", fmt.Errorf("cannot make the identity %s, which opens the private keys of the store: %w", s.File, access.ToMake(s.File, err))
	}
	return recipient, nil
}

// writeNew writes path whole and durably, or not at all; it never replaces a file.
func writeNew(path string, text []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".identity-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(text); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil { // unlike rename it fails when path exists
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: %w", path, fs.ErrExist)
		}
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
