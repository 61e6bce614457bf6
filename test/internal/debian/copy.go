package debian

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Copy is a throw-away copy of a root: what is changed in it lies in memory, and the root stays as it is.
type Copy struct {
	Root string // its /
	base string
	dir  string
}

// lay lays a copy of base into dir, which is made. base is a root, or what Freeze gave. size bounds what may be written to the
// copy ("64m"); empty: no bound.
func lay(base, dir, size string) (*Copy, error) {
	c := &Copy{Root: filepath.Join(dir, "root"), base: base, dir: dir}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	options := "mode=0755"
	if size != "" {
		options += ",size=" + size
	}
	if err := syscall.Mount("changes", dir, "tmpfs", 0, options); err != nil {
		return nil, fmt.Errorf("mount tmpfs: %w", err)
	}
	for _, d := range []string{"root", "upper", "work"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	options = fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", base, dir, dir)
	if err := syscall.Mount("copy", c.Root, "overlay", 0, options); err != nil {
		return nil, fmt.Errorf("mount overlay: %w", err)
	}
	return c, nil
}

// Path is where the file of the copy is.
func (c *Copy) Path(file string) string { return filepath.Join(c.Root, file) }

// layers are those of the copy, as overlayfs spells them: what was changed above what it was made of.
func (c *Copy) layers() string { return filepath.Join(c.dir, "upper") + ":" + c.base }

// remove throws the copy away.
func (c *Copy) remove() error {
	return errors.Join(syscall.Unmount(c.Root, syscall.MNT_DETACH), syscall.Unmount(c.dir, syscall.MNT_DETACH), os.Remove(c.dir))
}

// Output is what a command said.
type Output struct {
	Code           int // its exit code
	Stdout, Stderr string
}

// Text is all of it.
func (o Output) Text() string { return o.Stdout + o.Stderr }

// output runs cmd. Its exit code is no error here.
func output(cmd *exec.Cmd) (Output, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		err = nil
	}
	if err != nil {
		return Output{}, fmt.Errorf("%v: %w\n%s", cmd.Args, err, &stderr)
	}
	return Output{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}, nil
}
