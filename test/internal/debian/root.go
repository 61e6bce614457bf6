// Package debian makes fresh Debian roots and boots throw-away machines from them, with systemd as their pid 1.
//
// Roots come from Debian's mirrors, so Make runs outside the sandbox; machines run inside it, and share its network: its name
// server and the place where mail arrives.
package debian

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	release = "bookworm"

	// Hostname of all machines.
	Hostname = "mail.example.com"
)

// place is where roots are kept for the next run, as test/setup keeps what it unpacks.
const place = "/var/lib/postseal-test/roots"

// Recipe says what a root has beyond the smallest Debian that systemd can boot.
type Recipe struct {
	Name     string
	Answers  string // lines for debconf-set-selections
	Packages string // as apt-get takes them; none: the smallest root
	Finish   string // a script that runs in the root at the end
}

// Path is where the root of the recipe is. A recipe that was changed has another one.
func (r Recipe) Path() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{release, include, hosts, r.Answers, r.Packages, r.Finish}, "\x00")))
	return filepath.Join(place, fmt.Sprintf("%s-%x", r.Name, sum[:4]))
}

// Make makes the roots of recipes that are not there, and throws away what an earlier form of them made. The first recipe is that of the smallest root, which all others begin as.
func Make(recipes ...Recipe) error {
	if err := os.MkdirAll(place, 0o755); err != nil {
		return err
	}
	lock, err := os.Open(place)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil { // two runs at the same time
		return err
	}
	for i, r := range recipes {
		if _, err := os.Stat(r.Path()); err == nil {
			continue
		}
		if err := r.makeSoon(recipes[0], i == 0); err != nil {
			return fmt.Errorf("root %s: %w", r.Name, err)
		}
	}
	return nil
}

// makeSoon tries again where a mirror was in the middle of its own update, or away for a moment.
func (r Recipe) makeSoon(base Recipe, first bool) (err error) {
	for range 4 {
		if err = r.make(base, first); err == nil {
			return nil
		}
		time.Sleep(10 * time.Second)
	}
	return err
}

// make makes the root under another name, so that one half made is never taken for one that is there.
func (r Recipe) make(base Recipe, first bool) error {
	old, err := filepath.Glob(filepath.Join(place, r.Name+"-????????"))
	if err != nil {
		return err
	}
	unfinished, err := os.MkdirTemp(place, "unfinished-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(unfinished)
	root := filepath.Join(unfinished, "root")
	if first {
		err = bootstrap(root)
	} else {
		err = r.install(base.Path(), root)
	}
	if err == nil {
		err = os.Rename(root, r.Path())
	}
	for _, path := range old {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

const (
	include = "systemd-sysv,dbus"
	hosts   = "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 " + Hostname + " mail\n" // as Debian's installer writes it
)

func bootstrap(root string) error {
	err := run("mmdebstrap", "--quiet", "--variant=minbase", "--aptopt=APT::Install-Recommends \"false\"",
		"--include="+include, "--skip=cleanup/apt/lists", release, root)
	return errors.Join(err,
		os.WriteFile(filepath.Join(root, "etc/hostname"), []byte(Hostname+"\n"), 0o644),
		os.WriteFile(filepath.Join(root, "etc/hosts"), []byte(hosts), 0o644))
}

// install copies base to root and installs there what the recipe says. No service is started.
func (r Recipe) install(base, root string) error {
	if err := run("cp", "--archive", "--reflink=auto", base, root); err != nil {
		return err
	}
	policy := filepath.Join(root, "usr/sbin/policy-rc.d")
	if err := os.WriteFile(policy, []byte("#!/bin/sh\nexit 101\n"), 0o755); err != nil {
		return err
	}
	defer os.Remove(policy)
	script := fmt.Sprintf("echo '%s' | debconf-set-selections\nDEBIAN_FRONTEND=noninteractive apt-get -qq -y install %s\napt-get clean\n%s",
		r.Answers, r.Packages, r.Finish)
	return run("systemd-nspawn", "--quiet", "--directory="+root, "--machine=mail", "--hostname="+Hostname, "--register=no", "--keep-unit", "--pipe", "--as-pid2", "sh", "-ec", script)
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
