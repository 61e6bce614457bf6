package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// created is a Source whose file Create has made, and its public half.
func created(t *testing.T) (Source, string) {
	t.Helper()
	s := Source{File: filepath.Join(t.TempDir(), "identity")}
	recipient, err := Create(s)
	if err != nil {
		t.Fatal(err)
	}
	return s, recipient
}

func TestCreate(t *testing.T) {
	s, recipient := created(t)
	info, err := os.Stat(s.File)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	b, err := Load(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Recipients(); len(got) != 1 || got[0] != recipient {
		t.Errorf("recipients %v, want %s", got, recipient)
	}
	opens(t, b, sealed(t, b, "PRIVATE"), "PRIVATE")
	before, _ := os.ReadFile(s.File)
	if _, err := Create(s); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second Create: %v, want ErrExist", err)
	}
	if after, _ := os.ReadFile(s.File); !bytes.Equal(before, after) {
		t.Error("the identity was replaced")
	}
	entries, _ := os.ReadDir(filepath.Dir(s.File))
	if len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestCreateAtOnceMakesOne(t *testing.T) {
	s := Source{File: filepath.Join(t.TempDir(), "identity")}
	var wg sync.WaitGroup
	made := make(chan string, 8)
	for range 8 {
		wg.Go(func() {
			recipient, err := Create(s)
			switch {
			case err == nil:
				made <- recipient
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	b, err := Load(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if recipient := <-made; len(made) != 0 || recipient != b.Recipients()[0] {
		t.Errorf("%d more were made than the one on disk", len(made))
	}
}

func TestLoadModes(t *testing.T) {
	s, _ := created(t)
	for mode, safe := range map[fs.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o620: false, 0o644: false, 0o602: false} {
		if err := os.Chmod(s.File, mode); err != nil {
			t.Fatal(err)
		}
		_, err := Load(t.Context(), s)
		var unsafe *UnsafeFileError
		switch {
		case safe && err != nil:
			t.Errorf("mode %04o: %v", mode, err)
		case !safe && (!errors.As(err, &unsafe) || unsafe.Mode != mode || !strings.Contains(err.Error(), "chmod 0600 "+s.File)):
			t.Errorf("mode %04o: %v, want UnsafeFileError and the way to mend it", mode, err)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	id := identity(t)
	twisted := write("twisted", []byte(id.String()[:50]+"\n"))
	tests := []struct {
		name string
		s    Source
		says []string
	}{
		{"no source", Source{}, []string{"0 of them"}},
		{"two sources", Source{File: "/a", Credential: "b"}, []string{"2 of them"}},
		{"missing", Source{File: filepath.Join(dir, "none")}, []string{"none", "no such file"}},
		{"directory", Source{File: dir}, []string{dir, "not a regular file"}},
		{"FIFO", Source{File: fifo}, []string{fifo, "not a regular file"}},
		{"no identity", Source{File: write("empty", nil)}, []string{"empty", "not an age identity"}},
		{"damaged", Source{File: twisted}, []string{twisted, "not an age identity"}},
		{"too long", Source{File: write("long", make([]byte, maxIdentities+1))}, []string{"long", "more than"}},
		{"command fails", Source{Command: []string{"sh", "-c", "echo " + id.String() + "; exit 3"}}, []string{"command sh", "status 3"}},
		{"command is missing", Source{Command: []string{filepath.Join(dir, "none")}}, []string{"command", "none"}},
		{"command prints nothing", Source{Command: []string{"true"}}, []string{"true", "printed nothing"}},
		{"command never stops", Source{Command: []string{"yes", id.String()}}, []string{"yes", "more than"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(t.Context(), tt.s)
			if err == nil {
				t.Fatal("loaded")
			}
			for _, says := range tt.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
			hidesSecret(t, err.Error(), id.String())
		})
	}
	if _, err := Load(t.Context(), Source{File: filepath.Join(dir, "none")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file is %v, not ErrNotExist", err)
	}
}

func TestIdentityStaysApartFromTheDatabase(t *testing.T) {
	data, elsewhere := t.TempDir(), t.TempDir()
	below := filepath.Join(data, "below")
	if err := os.Mkdir(below, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(elsewhere, "link")
	if err := os.Symlink(data, link); err != nil {
		t.Fatal(err)
	}
	for path, apart := range map[string]bool{
		filepath.Join(elsewhere, "identity"):             true,
		data + "-identity":                               true,
		filepath.Join(data, "identity"):                  false,
		filepath.Join(below, "identity"):                 false,
		filepath.Join(link, "identity"):                  false,
		filepath.Join(data, "..identity"):                false,
		elsewhere + "/../" + filepath.Base(data) + "/id": false,
	} {
		s := Source{File: path, Apart: data}
		_, createErr := Create(s)
		_, loadErr := Load(t.Context(), s)
		if (createErr == nil) != apart || (loadErr == nil) != apart {
			t.Errorf("%s with the database in %s: create %v, load %v", path, data, createErr, loadErr)
		}
		os.Remove(path)
	}
}

func TestCredential(t *testing.T) {
	s, recipient := created(t)
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(s.File))
	if err := os.Chmod(s.File, 0o440); err != nil { // as systemd shows a file with an ACL
		t.Fatal(err)
	}
	b, err := Load(t.Context(), Source{Credential: "identity"})
	if err != nil || b.Recipients()[0] != recipient {
		t.Fatalf("%v, %v", b, err)
	}
	for _, name := range []string{"../identity", "/etc/passwd", "..", ".", "none"} {
		if _, err := Load(t.Context(), Source{Credential: name}); err == nil {
			t.Errorf("credential %q was read", name)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if _, err := Load(t.Context(), Source{Credential: "identity"}); err == nil || !strings.Contains(err.Error(), "LoadCredential=identity:") {
		t.Errorf("without systemd: %v", err)
	}
	if _, err := Create(Source{Credential: "identity"}); err == nil {
		t.Error("a credential was created")
	}
}

func TestCommand(t *testing.T) {
	id := identity(t)
	b, err := Load(t.Context(), Source{Command: []string{"printf", "# mine\n%s\n", fmt.Sprint(id)}})
	if err != nil || b.Recipients()[0] != id.Recipient().String() {
		t.Fatalf("%v, %v", b, err)
	}
}
