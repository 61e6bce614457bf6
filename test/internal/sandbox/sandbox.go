// Package sandbox gives a test binary a machine of its own: private network, mount, PID, UTS and IPC namespaces, in which
// it owns port 25, /etc/postfix and the resolver, and which vanishes with everything in it when the tests end.
//
// A test package enters with
//
//	func TestMain(m *testing.M) { sandbox.Main(m) }
//
// and the binary then exists three times: the outer one only waits; the second is pid 1 inside, sets the machine up and
// reaps orphans; the third runs the tests. pid 1 is a process of its own because a reaper that waits for any child would
// steal the children that os/exec waits for.
package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

const (
	roleVar = "POSTSEAL_SANDBOX"
	dirVar  = "POSTSEAL_SANDBOX_DIR"

	roleInit  = "init"
	roleTests = "tests"
)

// Main runs m inside a sandbox and does not return. Without the privilege to make one it fails: a test that was left
// out must never look like one that passed.
func Main(m *testing.M) { MainWith(m.Run) }

// MainWith is Main for a package that starts servers before its tests: run is called inside, its result is the exit code.
func MainWith(run func() int) {
	switch os.Getenv(roleVar) {
	case "":
		os.Exit(Enter())
	case roleInit:
		os.Exit(told(initialize()))
	default:
		os.Exit(run())
	}
}

// MainAfter is Main for a package whose tests share what build starts in the directory of the sandbox.
func MainAfter(m *testing.M, build func(dir string) error) {
	MainWith(func() int {
		if err := build(Dir()); err != nil {
			return told(0, err)
		}
		return m.Run()
	})
}

// Inside tells whether this process is in a sandbox, as its pid 1 or to run the tests. What has to be done outside, with the
// host's network, a package does in its TestMain before it calls Enter.
func Inside() bool { return os.Getenv(roleVar) != "" }

// Enter runs this binary once more in a sandbox and gives its exit code. There, TestMain has to call MainWith.
func Enter() int { return told(enter()) }

// told tells err, if there is one, and makes it an exit code.
func told(code int, err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		return 1
	}
	return code
}

// Dir is a directory on the sandbox's own tmpfs, open to every user (socket paths in it stay short).
func Dir() string { return os.Getenv(dirVar) }

// enter makes the namespaces and waits for pid 1 in them.
func enter() (int, error) {
	if os.Geteuid() != 0 {
		return 0, errors.New("the end-to-end tests need root: they make network, mount and PID namespaces (run them with sudo or in a container with CAP_SYS_ADMIN)")
	}
	dir, err := os.MkdirTemp("/tmp", "postseal-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(dir) // only the mount point: what was written lies on the sandbox's tmpfs

	runtime.LockOSThread() // Pdeathsig follows the thread, not the process
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), roleVar+"="+roleInit, dirVar+"="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("cannot make namespaces (CAP_SYS_ADMIN is needed, which containers often lack): %w", err)
	}
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}
