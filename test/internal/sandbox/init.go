package sandbox

import (
	"fmt"
	"os"
	"syscall"
)

// initialize is pid 1: it sets the machine up, starts the tests and reaps whatever ends, until the tests do.
func initialize() (int, error) {
	if err := setUp(Dir()); err != nil {
		return 0, err
	}
	if err := os.Setenv(roleVar, roleTests); err != nil {
		return 0, err
	}
	tests, err := os.StartProcess("/proc/self/exe", os.Args, &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return 0, err
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, fmt.Errorf("wait: %w", err)
		case pid != tests.Pid: // an orphan
		case status.Signaled():
			return 0, fmt.Errorf("the tests were ended by signal %v", status.Signal())
		default:
			return status.ExitStatus(), nil
		}
	}
}
