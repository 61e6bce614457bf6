package drivers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode"
)

const (
	maxReply     = 4 << 20 // octets of what a program answers
	maxComplaint = 600     // … and of what is kept of a complaint
	waitDelay    = time.Second
)

// run runs a program, without a shell, with its own deadline. The error has what it
// complained of. What it leaves running is killed with it.
func run(ctx context.Context, timeout time.Duration, command []string, input []byte, environment ...string) (output []byte, err error) {
	timeout = timeoutOr(timeout)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}, environment...)
	out, complaint := &bounded{most: maxReply}, &last{most: maxComplaint}
	cmd.Stdout, cmd.Stderr = out, complaint
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = waitDelay
	err = cmd.Run()
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, &silence{fmt.Sprintf("%s: no end within %v%s", command[0], timeout, said(complaint, out))}
	default:
		return nil, fmt.Errorf("%s: %w%s", command[0], err, said(complaint, out))
	}
	if out.over {
		return nil, fmt.Errorf("%s: its output is longer than %d octets", command[0], maxReply)
	}
	return out.b.Bytes(), nil
}

// silence is an error of who was waited for in vain.
type silence struct{ text string }

func (e *silence) Error() string { return e.text }

// NoAnswer lets others not wait for the same.
func (e *silence) NoAnswer() bool { return true }

// said is what a program complained of, on one line.
func said(complaint *last, out *bounded) string {
	text := string(complaint.b)
	if strings.TrimSpace(text) == "" {
		text = string(out.b.Bytes()[:min(out.b.Len(), maxComplaint)])
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }), " ")
	if text == "" {
		return ", and it said nothing"
	}
	return ": " + strings.ToValidUTF8(text, "\uFFFD")
}

// bounded keeps the first octets and swallows the rest.
type bounded struct {
	b    bytes.Buffer
	most int
	over bool
}

func (w *bounded) Write(p []byte) (int, error) {
	keep := min(len(p), w.most-w.b.Len())
	w.b.Write(p[:keep])
	w.over = w.over || keep < len(p)
	return len(p), nil
}

// last keeps the last octets: a program that dies says why at the end.
type last struct {
	b    []byte
	most int
}

func (w *last) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	w.b = w.b[max(0, len(w.b)-w.most):]
	return len(p), nil
}
