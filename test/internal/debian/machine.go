package debian

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/child"
)

// Machine is a booted copy of a root.
type Machine struct {
	*Copy
	container *child.Process
	systemd   int // its pid 1, as a process of ours
	off       bool
}

// Boot starts systemd in a copy of base, and returns when all that it starts by itself has started. dir is made for it.
func Boot(base, dir, size string) (*Machine, error) {
	c, err := lay(base, dir, size)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("systemd-nspawn", "--quiet", "--directory="+c.Root, "--boot", "--register=no", "--keep-unit",
		"--console=pipe", "--machine=mail", "--resolv-conf=copy-host")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	m := &Machine{Copy: c}
	if m.container, err = child.Start(cmd, filepath.Join(dir, "console")); err != nil {
		return nil, errors.Join(err, c.remove())
	}
	if err := m.booted(cmd.Process.Pid); err != nil {
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, m.container.Log()), m.PowerOff())
	}
	return m, nil
}

func (m *Machine) booted(nspawn int) error {
	var state string
	err := await.Patiently("a booted machine", func() bool {
		m.systemd = firstChild(nspawn) // at first a helper
		if m.systemd == 0 {
			return false
		}
		out, err := m.Run("systemctl", "is-system-running")
		state = strings.TrimSpace(out.Text())
		return err == nil && (state == "running" || state == "degraded")
	})
	if state == "running" {
		return err
	}
	jobs, _ := m.Run("systemctl", "list-jobs", "--no-pager")
	failed, _ := m.Run("systemctl", "--failed", "--no-pager")
	return fmt.Errorf("the machine is %q: %w\n%s%s", state, err, jobs.Text(), failed.Text())
}

// firstChild is the process id of a child of pid, 0 if there is none yet.
func firstChild(pid int) int {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(children), " ")
	id, _ := strconv.Atoi(first)
	return id
}

// Run runs a command on the machine, as root, with nothing to read.
func (m *Machine) Run(command ...string) (Output, error) {
	args := []string{"--target", strconv.Itoa(m.systemd), "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--wdns=/root", "--"}
	return output(exec.Command("nsenter", append(args, command...)...))
}

// powerOff is SIGRTMIN+4, counted as the C library does (systemd(1), signals).
const powerOff = syscall.Signal(34 + 4)

// PowerOff stops the machine and throws it away, unless Freeze stopped it already.
func (m *Machine) PowerOff() error {
	if m.off {
		return nil
	}
	m.stop()
	return m.remove()
}

// Freeze stops the machine and makes a base of it for Boot and NewChroot, which lives as long as the sandbox.
func (m *Machine) Freeze() (base string, err error) {
	m.stop()
	return m.layers(), syscall.Unmount(m.Root, syscall.MNT_DETACH)
}

func (m *Machine) stop() {
	m.off = true
	if m.systemd != 0 {
		_ = syscall.Kill(m.systemd, powerOff)
	}
	_ = m.container.Wait() // it tells of the signal that stopped it
}
