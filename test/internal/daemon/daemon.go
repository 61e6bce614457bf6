// Package daemon drives the postseal binary as an administrator would: commands, signals and the log.
package daemon

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

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
	Config string // path of its postseal.toml
}

// Serve runs postseal serve as the user and group id, and returns when all of its listeners answer
// ("127.0.0.1:8891" or the path of a unix socket). It logs to the file log, in the format that config says.
func (p Program) Serve(config, log string, id uint32, listeners ...string) (*Daemon, error) {
	cmd := exec.Command(string(p), "serve", "--config", config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
	process, err := child.Start(cmd, log)
	if err != nil {
		return nil, err
	}
	d := &Daemon{Process: process, Config: config}
	for _, l := range listeners {
		if err := d.Ready(l); err != nil {
			return nil, errors.Join(err, d.Stop())
		}
	}
	return d, nil
}

// Reload sends SIGHUP and returns the line by which the daemon tells that it is done, well or badly.
func (d *Daemon) Reload() (Line, error) {
	before := len(d.Lines())
	if err := d.Signal(syscall.SIGHUP); err != nil {
		return Line{}, err
	}
	return d.wait("the log to tell the outcome of SIGHUP", before, func(l Line) bool { return isReload.MatchString(l.Text) })
}
