// Package debian makes fresh Debian roots and boots throw-away machines from them, with systemd as their pid 1.
//
// Roots come from Debian's mirrors, so Bootstrap and Install run outside the sandbox, once; machines run inside it, and share
// its network: its name server and the place where mail arrives.
package debian

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	release = "bookworm"

	// Hostname of all machines.
	Hostname = "mail.example.com"
)

// Bootstrap makes the smallest Debian that systemd can boot in root, which must not exist.
func Bootstrap(root string) error {
	err := run("mmdebstrap", "--quiet", "--variant=minbase", "--aptopt=APT::Install-Recommends \"false\"",
		"--include=systemd-sysv,dbus", "--skip=cleanup/apt/lists", release, root)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "etc/hostname"), []byte(Hostname+"\n"), 0o644)
}

// Install copies the root base to root and installs packages there. answers are lines for debconf-set-selections.
// No service is started.
func Install(base, root, answers string, packages ...string) error {
	if err := run("cp", "--archive", "--reflink=auto", base, root); err != nil {
		return err
	}
	policy := filepath.Join(root, "usr/sbin/policy-rc.d")
	if err := os.WriteFile(policy, []byte("#!/bin/sh\nexit 101\n"), 0o755); err != nil {
		return err
	}
	defer os.Remove(policy)
	script := fmt.Sprintf("echo '%s' | debconf-set-selections && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install \"$@\" && apt-get clean", answers)
	args := []string{"--quiet", "--directory=" + root, "--register=no", "--keep-unit", "--pipe", "--as-pid2", "sh", "-c", script, "sh"}
	return run("systemd-nspawn", append(args, packages...)...)
}

func run(name string, args ...string) error {
	var out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, &out)
	}
	return nil
}
