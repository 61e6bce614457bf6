// Package daemon drives the postseal binary as an administrator would: commands, signals and the log.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/child"
)

// Program is the path of a postseal binary that every user may run.
type Program string

// Install copies the program under test, which the environment variable POSTSEAL names (make e2e sets it), into dir: where
// it was built, under /root or a home directory, the service user may not reach it.
func Install(dir string) (Program, error) {
	binary, err := os.ReadFile(os.Getenv("POSTSEAL"))
	if err != nil {
		return "", fmt.Errorf("POSTSEAL must name the postseal binary (make e2e builds it and says where it is): %w", err)
	}
	p := filepath.Join(dir, "postseal")
	return Program(p), os.WriteFile(p, binary, 0o755)
}

// Daemon is a running postseal serve.
type Daemon struct {
	*child.Process
	Config  string // path of its postseal.toml
	program Program
	user    *syscall.SysProcAttr // whom it runs as
}

// Serve runs postseal serve as the user and group id, and returns when all of its listeners answer
// ("127.0.0.1:8891" or the path of a unix socket). It logs to the file log, in the format that config says.
func (p Program) Serve(config, log string, id uint32, listeners ...string) (*Daemon, error) {
	cmd := exec.Command(string(p), "serve", "--config", config)
	cmd.SysProcAttr = as(id)
	return p.serve(cmd, config, log, id, listeners)
}

// Host is a machine of its own.
type Host interface {
	Command(program string, args ...string) *exec.Cmd
}

// ServeOn is Serve on another host.
func (p Program) ServeOn(h Host, config, log string, id uint32, listeners ...string) (*Daemon, error) {
	user := strconv.FormatUint(uint64(id), 10)
	return p.serve(h.Command("setpriv", "--reuid="+user, "--regid="+user, "--clear-groups", string(p), "serve", "--config", config), config, log, id, listeners)
}

func (p Program) serve(cmd *exec.Cmd, config, log string, id uint32, listeners []string) (*Daemon, error) {
	process, err := child.Start(cmd, log)
	if err != nil {
		return nil, err
	}
	d := &Daemon{Process: process, Config: config, program: p, user: as(id)}
	for _, l := range listeners {
		if err := d.Ready(l); err != nil {
			return nil, errors.Join(err, d.Stop())
		}
	}
	return d, nil
}

func as(id uint32) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
}

// ServeInVain runs postseal serve where it must end by itself, and returns its exit code and its words.
func (p Program) ServeInVain(config string, id uint32) (code int, words string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), await.Deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, string(p), "serve", "--config", config)
	cmd.SysProcAttr = as(id)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		err = nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("postseal serve: %w: %s", err, out)
	}
	return cmd.ProcessState.ExitCode(), string(out), nil
}

// Reload sends SIGHUP and returns the line by which the daemon tells that it is done, well or badly.
func (d *Daemon) Reload() (Line, error) {
	before := len(d.Lines())
	if err := d.Signal(syscall.SIGHUP); err != nil {
		return Line{}, err
	}
	return d.wait("the log to tell the outcome of SIGHUP", before, func(l Line) bool { return isReload.MatchString(l.Text) })
}
