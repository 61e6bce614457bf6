package sources

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The bounds of what a file or a program may give.
const (
	maxText    = 4 << 20 // 10,000 domains of usual length take 200 kB
	maxProgram = 10 * time.Second
	maxWords   = 300 // of a program's complaint
)

var errTooLong = fmt.Errorf("is longer than %d octets", maxText)

// Host is the machine that postseal runs on.
type Host struct{}

// ReadFile reads a regular file.
func (Host) ReadFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe without a writer would block
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is no regular file", path), err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err == nil && len(text) > maxText {
		err = fmt.Errorf("%s %w", path, errTooLong)
	}
	return text, err
}

// systemPath is where programs are looked for, and their own PATH: users have no
// sbin in theirs.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Run runs a program for at most ten seconds, without a terminal and without our
// environment. It is ended with all that it has started.
func (Host) Run(ctx context.Context, program string, args ...string) ([]byte, error) {
	path, err := find(program)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, maxProgram)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"PATH=" + systemPath}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, complaint := &capped{left: maxText, stop: cancel}, &capped{left: maxText}
	cmd.Stdout, cmd.Stderr = out, complaint
	switch err := cmd.Run(); {
	case out.over:
		return nil, fmt.Errorf("%s: what it prints %w", program, errTooLong)
	case ctx.Err() == context.DeadlineExceeded:
		return nil, fmt.Errorf("%s: no end after %v", program, maxProgram)
	case err != nil:
		words := strings.TrimSpace(complaint.kept.String())
		return nil, fmt.Errorf("%s: %w: %s", program, err, words[:min(len(words), maxWords)])
	}
	return out.kept.Bytes(), nil
}

// find gives the path of a program.
func find(program string) (string, error) {
	if strings.Contains(program, "/") {
		return exec.LookPath(program)
	}
	for _, dir := range filepath.SplitList(systemPath) {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", program, fs.ErrNotExist)
}

// capped keeps the first octets; stop is called at the first one too many.
type capped struct {
	kept bytes.Buffer
	left int
	over bool
	stop func()
}

func (c *capped) Write(p []byte) (int, error) {
	keep := min(len(p), c.left)
	c.kept.Write(p[:keep])
	c.left -= keep
	if keep < len(p) && !c.over && c.stop != nil {
		c.stop()
	}
	c.over = c.over || keep < len(p)
	return len(p), nil
}
