package dkim

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func writeKeyFile(t *testing.T, data []byte, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mail.pem")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadPrivateKeyModes(t *testing.T) {
	key := generate(t, Ed25519SHA256, 0)
	data, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fs.FileMode{0o400, 0o600, 0o640, 0o660} {
		got, err := LoadPrivateKey(writeKeyFile(t, data, mode))
		if err != nil || got.PublicRecord() != key.PublicRecord() {
			t.Errorf("mode %04o: %v, %v", mode, got, err)
		}
	}
	for _, mode := range []fs.FileMode{0o604, 0o644, 0o602, 0o666, 0o777} {
		path := writeKeyFile(t, data, mode)
		_, err := LoadPrivateKey(path)
		var unsafe *UnsafeFileError
		if !errors.As(err, &unsafe) || unsafe.Path != path || unsafe.Mode != mode {
			t.Errorf("mode %04o: %v", mode, err)
			continue
		}
		if !strings.Contains(err.Error(), "chmod o-rwx "+path) {
			t.Errorf("%q does not say how to fix it", err)
		}
	}
}

func TestLoadPrivateKeyFollowsALink(t *testing.T) {
	data, err := generate(t, Ed25519SHA256, 0).PEM()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(writeKeyFile(t, data, 0o600), link); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadPrivateKey(link); err != nil {
		t.Error(err)
	}
}

func TestLoadPrivateKeyRefuses(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, path, says string }{
		{"missing", filepath.Join(dir, "none"), "no such file"},
		{"directory", dir, "not a regular file"},
		{"FIFO", fifo, "not a regular file"},
		{"device", "/dev/null", "not a regular file"},
		{"too long", writeKeyFile(t, make([]byte, maxKeyFile+1), 0o600), "not a private key"},
		{"garbage", writeKeyFile(t, []byte("garbage!"), 0o600), "neither PEM nor base64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := LoadPrivateKey(tt.path)
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("error %v, want the path and %q", err, tt.says)
			}
		})
	}
}
