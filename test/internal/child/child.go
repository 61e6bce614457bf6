// Package child runs servers as child processes: their words go to a file, and their death while a test needs them is an error.
package child

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/postseal/postseal/test/internal/await"
)

// Process is a running server.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
	err  error         // how it ended; read after done
}

// Start runs cmd with both of its outputs at the end of the file log.
func Start(cmd *exec.Cmd, log string) (*Process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Ready waits until the server answers on address ("127.0.0.1:53" or the path of a unix socket).
func (p *Process) Ready(address string) error {
	network := "tcp"
	if address[0] == '/' {
		network = "unix"
	}
	err := await.That(address+" accepts connections", func() bool {
		c, err := net.Dial(network, address)
		if err == nil {
			c.Close()
		}
		return err == nil || p.ended()
	})
	if p.ended() {
		err = fmt.Errorf("%s ended at its start: %v", p.cmd.Path, p.err)
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, p.Log())
	}
	return nil
}

// Log is everything that the process has said so far.
func (p *Process) Log() []byte {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return b
}

// PID is its process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends sig.
func (p *Process) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// Stop ends the process with SIGTERM, or after await.Deadline with SIGKILL, and tells how it ended.
func (p *Process) Stop() error {
	_ = p.Signal(syscall.SIGTERM)
	return p.Wait()
}

// Wait waits for the process to end and tells how it did. After await.Deadline it is killed.
func (p *Process) Wait() error {
	select {
	case <-p.done:
		return p.err
	case <-time.After(await.Deadline):
		p.Kill()
		return fmt.Errorf("%s did not end within %v", p.cmd.Path, await.Deadline)
	}
}

// Kill ends the process with SIGKILL, which it cannot prepare for.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL)
	<-p.done
}

func (p *Process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
