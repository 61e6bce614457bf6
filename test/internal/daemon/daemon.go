// Package daemon drives the postseal binary as an administrator would: commands, signals and the log.
package daemon

import (
	"errors"
	"os"
	"os/exec"
	"syscall"

	"github.com/postseal/postseal/test/internal/child"
)

// Binary is the program under test: the environment variable POSTSEAL, which make e2e sets.
func Binary() (string, error) {
	if b := os.Getenv("POSTSEAL"); b != "" {
		return b, nil
	}
	return "", errors.New("POSTSEAL must name the postseal binary (make e2e builds it and says where it is)")
}

// Daemon is a running postseal serve.
type Daemon struct {
	*child.Process
	Config string // path of its postseal.toml
}

// Start runs postseal serve as the user and group id, and returns when all of its listeners answer
// ("127.0.0.1:8891" or the path of a unix socket). It logs to the file log, in the format that config says.
func Start(config, log string, id uint32, listeners ...string) (*Daemon, error) {
	binary, err := Binary()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "serve", "--config", config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
	p, err := child.Start(cmd, log)
	if err != nil {
		return nil, err
	}
	d := &Daemon{Process: p, Config: config}
	for _, l := range listeners {
		if err := p.Ready(l); err != nil {
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
