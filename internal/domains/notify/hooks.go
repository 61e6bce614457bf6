package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// Webhook posts notifications as JSON.
type Webhook struct {
	url    string
	client *http.Client
}

// NewWebhook checks the URL. A redirection is not followed: it is an error.
func NewWebhook(target string) (*Webhook, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, errors.New("the URL of the web hook cannot be parsed") // it may hold a secret
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, errors.New("the URL of the web hook is not http:// or https:// with a host")
	}
	return &Webhook{target, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// Notify posts one notification; any 2xx is success.
func (h *Webhook) Notify(ctx context.Context, n domains.Notice) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(encode(n)))
	if err != nil {
		return errors.New("web hook: the request cannot be made")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "postseal")
	r.Header.Set("Idempotency-Key", strconv.FormatInt(n.ID, 10))
	answer, err := h.client.Do(r)
	if err != nil {
		var fault *url.Error
		if errors.As(err, &fault) { // without the URL
			err = fault.Err
		}
		return fmt.Errorf("web hook: %w", err)
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("web hook: status %d", answer.StatusCode)
	}
	return nil
}

// Program runs a program for each notification, which gets it as JSON on its
// standard input.
type Program struct{ command []string }

// NewProgram checks that the program has an absolute path.
func NewProgram(command []string) (*Program, error) {
	if len(command) == 0 || !filepath.IsAbs(command[0]) {
		return nil, errors.New("the program for notifications needs an absolute path")
	}
	return &Program{command}, nil
}

// maxOutput is how much of a program's complaint is kept.
const maxOutput = 500

// waitDelay is how long something that the program left running may hold its standard error.
const waitDelay = time.Second

// Notify runs the program; exit code 0 is success.
func (p *Program) Notify(ctx context.Context, n domains.Notice) error {
	cmd := exec.CommandContext(ctx, p.command[0], p.command[1:]...)
	cmd.Stdin = bytes.NewReader(encode(n))
	cmd.Env = []string{"PATH=/usr/bin:/bin", "POSTSEAL_EVENT=" + string(n.Event), "POSTSEAL_DOMAIN=" + n.Domain}
	var complaint bytes.Buffer
	cmd.Stderr = &limited{&complaint, maxOutput}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // with all that it has started
	cmd.WaitDelay = waitDelay
	if err := cmd.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("%s: %w: %s", p.command[0], err, clean(complaint.String()))
	}
	return nil
}

// limited keeps the first octets and swallows the rest.
type limited struct {
	b    *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	keep := min(len(p), l.left)
	l.b.Write(p[:keep])
	l.left -= keep
	return len(p), nil
}
