package sources_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/postseal/postseal/internal/domains/sources"
)

func TestHostRun(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("POSTSEAL_SECRET", "x")
	run := func(script string) (string, error) {
		path := filepath.Join(dir, "list")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
		out, err := sources.Host{}.Run(t.Context(), path, "one two", "three")
		return string(out), err
	}
	for name, test := range map[string]struct{ script, out, problem string }{
		"prints":              {`echo "$# $1 ${POSTSEAL_SECRET-unset}"; echo noise >&2`, "2 one two unset\n", ""},
		"fails":               {"echo a.example; echo why it fails >&2; exit 3", "", "exit status 3: why it fails"},
		"complains at length": {"head -c 9000000 /dev/zero | tr '\\0' x >&2; exit 1", "", "exit status 1: xxx"},
		"prints for ever":     {"exec yes a.example", "", "longer than 4194304 octets"},
		"no input":            {"cat", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(test.script)
			if out != test.out || (err == nil) != (test.problem == "") {
				t.Fatalf("%.100q, %v", out, err)
			}
			if err != nil && (!strings.Contains(err.Error(), test.problem) || len(err.Error()) > 500) {
				t.Errorf("%.600v, want %q", err, test.problem)
			}
		})
	}
	if _, err := (sources.Host{}).Run(t.Context(), "postseal-no-such-program"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no program: %v", err)
	}
	if _, err := (sources.Host{}).Run(t.Context(), filepath.Join(dir, "gone")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no program: %v", err)
	}
}

func TestHostReadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "users")
	for length, problem := range map[int]string{0: "", 4 << 20: "", 4<<20 + 1: "longer than"} {
		if err := os.WriteFile(path, make([]byte, length), 0o600); err != nil {
			t.Fatal(err)
		}
		text, err := sources.Host{}.ReadFile(path)
		if (err == nil) != (problem == "") || err == nil && len(text) != length {
			t.Errorf("%d octets: %d, %v", length, len(text), err)
		}
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, odd := range []string{dir, pipe, "/dev/zero"} {
		if _, err := (sources.Host{}).ReadFile(odd); err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s: %v", odd, err)
		}
	}
	if _, err := (sources.Host{}).ReadFile(filepath.Join(dir, "gone")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
