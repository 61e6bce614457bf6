package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The test's own files, seen by users of other ids: what is asked is the modes, not the system.
func TestCannotRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	path := filepath.Join(dir, "key.pem")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, above := range []string{filepath.Dir(dir), filepath.Dir(filepath.Dir(dir))} { // Go makes them for the owner alone
		if err := os.Chmod(above, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	const stranger = 4_000_000_000
	for name, c := range map[string]struct {
		dir, file os.FileMode
		user      serviceUser
		want      string
	}{
		"owner":                 {0o700, 0o600, serviceUser{uid: owner.Uid}, ""},
		"group":                 {0o750, 0o640, serviceUser{uid: stranger, groups: []uint32{7, owner.Gid}}, ""},
		"others":                {0o711, 0o644, serviceUser{uid: stranger}, ""},
		"closed file":           {0o711, 0o600, serviceUser{uid: stranger}, "key.pem has mode 0600"},
		"closed to group":       {0o711, 0o604, serviceUser{uid: stranger, groups: []uint32{owner.Gid}}, "chgrp postseal"},
		"closed directory":      {0o700, 0o644, serviceUser{uid: stranger}, "keys has mode 0700"},
		"group in closed place": {0o700, 0o640, serviceUser{uid: stranger, groups: []uint32{owner.Gid}}, "chmod o+x"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.Chmod(dir, c.dir); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.file); err != nil {
				t.Fatal(err)
			}
			have := c.user.cannotRead(path)
			if (have == "") != (c.want == "") || !strings.Contains(have, c.want) {
				t.Errorf("have %q, want %q", have, c.want)
			}
		})
	}
	if os.Geteuid() == 0 && owner.Uid == 0 {
		root := serviceUser{uid: 0}
		if why := root.cannotRead(path); why != "" {
			t.Errorf("root cannot read: %s", why)
		}
	}
}
