package shadow

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestFile(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		raw        bool
		fields     int
		body, err  string
		turned     bool
	}{
		{"CRLF", "A: b\r\nC: d\r\n\r\nx\r\n", false, 2, "x\r\n", "", false},
		{"LF", "A: b\n c\n\nx\n\ny\n", false, 1, "x\r\n\r\ny\r\n", "", true},
		{"both", "A: b\r\n\r\nx\n", false, 0, "", "2 lines end in CRLF and 1 in bare LF", false},
		{"both, as they are", "A: b\r\n\r\nx\n", true, 1, "x\n", "", false},
		{"header alone", "A: b\r\n", false, 1, "", "", false},
		{"no line end", "A: b", false, 1, "", "", false},
		{"body alone", "\r\nx", false, 0, "x", "", false},
		{"nothing", "", false, 0, "", "", false},
		{"CR of its own", "A: b\n\nx\ry\n", false, 1, "x\ry\r\n", "", true},
		{"no header", "just text\n", false, 0, "", "line 1: no colon", false},
		{"line longer than the buffer", "A: b\n\n" + strings.Repeat("x", 70<<10) + "\n", false, 1, strings.Repeat("x", 70<<10) + "\r\n", "", true},
		{"CR at the end of the buffer", "A: b\r\n\r\n" + strings.Repeat("x", 64<<10-1) + "\r\n", false, 1, strings.Repeat("x", 64<<10-1) + "\r\n", "", false},
		{"endless header", strings.Repeat("A: b\r\n", maxHeader/6+2), false, 0, "", "no end of the header", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Spool(strings.NewReader(tt.file), tt.raw)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("%v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for range 2 { // it can be read again
				body, err := io.ReadAll(f.Body())
				if err != nil || string(body) != tt.body || f.Fields.Len() != tt.fields || f.Turned != tt.turned {
					t.Errorf("%d fields, body %.80q, turned %v, %v", f.Fields.Len(), body, f.Turned, err)
				}
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, pipe, filepath.Join(dir, "none")} {
		if _, err := Open(path, false); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A huge message is read from the disk as often as needed, and never into memory.
func TestHugeFile(t *testing.T) {
	const size = 256 << 20
	j := install(t, oneKey, allTo).judge("")
	signed := j.sign(t, text)
	path := filepath.Join(t.TempDir(), "huge.eml")
	if err := os.WriteFile(path, []byte(signed), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil { // a hole of zeros
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	file, err := Open(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := j.Message(t.Context(), file)
	runtime.ReadMemStats(&after)
	if err != nil || words(r) != "unsure bh" {
		t.Fatalf("%v, %v", r, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 {
		t.Errorf("%d MiB allocated for a message of %d", used>>20, size>>20)
	}
}

func TestWalk(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{
		"plain/1.eml", "plain/deep/2.eml", "plain/.hidden",
		"mail/cur/3", "mail/new/4", "mail/tmp/no", "mail/dovecot-uidlist", "mail/.Sent/cur/5", "mail/.Sent/new/6", "mail/.Sent/maildirfolder",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("1.eml", filepath.Join(dir, "plain/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..", filepath.Join(dir, "plain/loop")); err != nil {
		t.Fatal(err)
	}
	var found []string
	Walk(dir, func(path string, err error) bool {
		if err != nil {
			t.Error(err)
		}
		found = append(found, filepath.Base(path))
		return true
	})
	if want := []string{"5", "6", "3", "4", "1.eml", "2.eml"}; !slices.Equal(found, want) {
		t.Errorf("%v, want %v", found, want)
	}
	found = nil
	Walk(dir, func(path string, _ error) bool { found = append(found, path); return len(found) < 2 })
	if len(found) != 2 {
		t.Errorf("went on after %v", found)
	}
	deep := filepath.Join(dir, strings.Repeat("d/", maxDepth+1))
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	var errs []error
	for _, at := range []string{dir, filepath.Join(dir, "none")} {
		Walk(at, func(_ string, err error) bool {
			if err != nil {
				errs = append(errs, err)
			}
			return true
		})
	}
	if len(errs) != 2 || !strings.Contains(errs[0].Error(), "directories deep") {
		t.Errorf("%v", errs)
	}
}
