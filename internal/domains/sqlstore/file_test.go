package sqlstore_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
	"github.com/postseal/postseal/internal/domains/sqlstore"
)

func open(t *testing.T, url string, o sqlstore.Options) *sqlstore.Store {
	t.Helper()
	if o.Seal.File == "" {
		o.Seal.File = filepath.Join(t.TempDir(), "identity")
	}
	if o.Timeout == 0 {
		o.Timeout = patience
	}
	s, err := sqlstore.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func update(t *testing.T, s domains.Store, f func(domains.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreTheServicesAlone(t *testing.T) {
	url := newFile(t)
	path := strings.TrimPrefix(url, "sqlite:")
	s := open(t, url, sqlstore.Options{})
	update(t, s, func(tx domains.Tx) error { _, err := tx.Bump(); return err })
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", info.Name(), info.Mode())
		}
	}
}

func TestModeOfAnOldFile(t *testing.T) {
	for old, want := range map[fs.FileMode]fs.FileMode{0o600: 0o600, 0o640: 0o640, 0o644: 0o640, 0o666: 0o660} {
		url := newFile(t)
		path := strings.TrimPrefix(url, "sqlite:")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, old); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		open(t, url, sqlstore.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%04o became %v, %v, want %04o", old, info.Mode(), err, want)
		}
		if told := strings.Contains(log.String(), "every user"); told != (old != want) {
			t.Errorf("%04o: the log says %q", old, log.String())
		}
	}
}

// TestDeletedPrivateHalfLeavesTheDisk: neither in the database nor in its write-ahead log (ruling 37).
func TestDeletedPrivateHalfLeavesTheDisk(t *testing.T) {
	url := newFile(t)
	path := strings.TrimPrefix(url, "sqlite:")
	s := open(t, url, sqlstore.Options{})
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutKey(domains.Key{ID: "k", Algorithm: dkim.RSASHA256}), tx.PutPrivate("k", []byte("PEM")))
	})
	sealed := func() bool { // the only other sealed thing is the probe
		n := 0
		for _, suffix := range []string{"", "-wal"} {
			content, err := os.ReadFile(path + suffix)
			if err != nil {
				t.Fatal(err)
			}
			n += bytes.Count(content, []byte("-> X25519 "))
		}
		return n > 1
	}
	if !sealed() {
		t.Fatal("the private half is not on the disk: this test looks in the wrong place")
	}
	update(t, s, func(tx domains.Tx) error { return tx.DeletePrivate("k") })
	if sealed() {
		t.Error("a deleted private half is still on the disk")
	}
}

// A reader that is in the way delays that, it does not hold up anybody.
func TestDeletedPrivateHalfLeavesTheDiskLater(t *testing.T) {
	url := newFile(t)
	path := strings.TrimPrefix(url, "sqlite:")
	s := open(t, url, sqlstore.Options{})
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutKey(domains.Key{ID: "k", Algorithm: dkim.RSASHA256}), tx.PutPrivate("k", []byte("PEM")))
	})
	if err := s.View(t.Context(), func(tx domains.Tx) error {
		if _, err := tx.Version(); err != nil {
			return err
		}
		update(t, s, func(tx domains.Tx) error { return tx.DeletePrivate("k") })
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	update(t, s, func(tx domains.Tx) error { _, err := tx.Bump(); return err })
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() != 0 {
		t.Errorf("the write-ahead log still has %d octets, %v", info.Size(), err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	const secret = "hunter2"
	tests := []struct {
		name, url  string
		away, form bool // another try may be better; CheckURL refuses it
		says       string
	}{
		{"nothing", "", false, false, "sqlite:/path"},
		{"a path", "/var/lib/postseal.db", false, false, "sqlite:/path"},
		{"another engine", "mysql://u:" + secret + "@h/d", false, false, "no kind of store"},
		{"key words", "host=h password=" + secret, false, false, "no kind of store"},
		{"relative", "sqlite:postseal.db", false, true, "absolute"},
		{"no directory", "sqlite:" + dir + "/none/postseal.db", false, false, "no such file"},
		{"a directory", "sqlite:" + dir, false, false, "not a regular file"},
		{"a text", "sqlite:" + text, false, false, "not a database"},
		{"password with a slash", "postgres://u:" + secret + "/x@h/d", false, true, "percent-encode"},
		{"password with a percent sign", "postgres://u:" + secret + "%zz@h/d", false, true, "percent-encode"},
		{"bad port", "postgres://u:" + secret + "@h:port/d", false, true, "cannot be read"},
		{"bad setting", "postgres://u:" + secret + "@h/d?sslmode=sometimes", false, true, "sslmode is invalid"},
		{"bad setting, password beside it", "postgres://u@h/d?password=" + secret + "&connect_timeout=" + secret, false, true, "cannot be read"},
		{"no certificate", "postgres://u:" + secret + "@h/d?sslmode=verify-full&sslrootcert=" + dir + "/none.pem", false, true, dir + "/none.pem: no such file"},
		{"nobody listens", "postgres://u:" + secret + "@127.0.0.1:1/d", true, false, "127.0.0.1:1"},
		{"no socket", "postgres://u:" + secret + "@/d?host=" + dir, true, false, dir},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			identity := filepath.Join(t.TempDir(), "identity")
			_, err := sqlstore.Open(t.Context(), tt.url, sqlstore.Options{Seal: seal.Source{File: identity}, Timeout: 5 * time.Second})
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), secret) {
				t.Errorf("%v, want %q and no password", err, tt.says)
			}
			if err := sqlstore.CheckURL(tt.url); tt.form != (err != nil) || err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("CheckURL: %v", err)
			}
			if errors.Is(err, domains.ErrUnavailable) != tt.away {
				t.Errorf("ErrUnavailable is %v: %v", !tt.away, err)
			}
			if _, err := os.Stat(identity); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("it has made an identity: %v", err)
			}
		})
	}
}

func TestIdentityIsNotBesideTheDatabase(t *testing.T) {
	url := newFile(t)
	beside := filepath.Join(filepath.Dir(strings.TrimPrefix(url, "sqlite:")), "identity")
	_, err := sqlstore.Open(t.Context(), url, sqlstore.Options{Seal: seal.Source{File: beside}})
	if err == nil || !strings.Contains(err.Error(), "beside the database") {
		t.Errorf("%v", err)
	}
}
