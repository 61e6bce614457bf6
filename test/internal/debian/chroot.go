package debian

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
)

// Chroot is a copy of a root in which no service manager runs, with /proc and /dev.
type Chroot struct{ *Copy }

// NewChroot makes a chroot of base. dir is made for it.
func NewChroot(base, dir string) (*Chroot, error) {
	copied, err := lay(base, dir, "")
	if err != nil {
		return nil, err
	}
	c := &Chroot{copied}
	if err := syscall.Mount("proc", c.Path("proc"), "proc", 0, ""); err != nil {
		return nil, errors.Join(fmt.Errorf("mount proc: %w", err), c.Remove())
	}
	if err := syscall.Mount("/dev", c.Path("dev"), "", syscall.MS_BIND, ""); err != nil {
		return nil, errors.Join(fmt.Errorf("mount /dev: %w", err), c.Remove())
	}
	return c, nil
}

// Run runs a command in it, as root.
func (c *Chroot) Run(command ...string) (Output, error) {
	return output(exec.Command("chroot", append([]string{c.Root}, command...)...))
}

// Remove throws the chroot away.
func (c *Chroot) Remove() error { return c.remove() }
