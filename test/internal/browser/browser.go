// Package browser lets a person of a story use web pages: a real Chromium, things found by the names that a screen reader would say, real
// mouse and keyboard, and an eye on what the person does not see: the console, violations of the content security policy, requests to
// other hosts.
//
// Every person has a profile of their own (cookies, storage), as if each sat at another machine.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/chromedp/chromedp"

	"github.com/postseal/postseal/test/internal/await"
)

// Browser is a running Chromium.
type Browser struct {
	ctx       context.Context
	quit      []context.CancelFunc
	clipboard sync.Mutex // the machine has one
}

// Start starts Chromium with its profile in dir, which outlives it: Chromium still writes there while it ends.
func Start(dir string) (*Browser, error) {
	program, err := exec.LookPath("chromium")
	if err != nil {
		return nil, fmt.Errorf("%w (test/setup installs it)", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.WSURLReadTimeout(await.Deadline), // to start
		chromedp.NoSandbox,                        // root's Chromium has none; the test's own namespaces are one
		chromedp.DisableGPU,
		chromedp.Env("HOME="+dir, "TMPDIR="+dir, "LANG=C.UTF-8"),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("hide-scrollbars", true),
	)
	allocator, wait := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	b := &Browser{ctx: ctx, quit: []context.CancelFunc{cancel, wait}}
	if err := chromedp.Do(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("chromium: %w", err), b.Stop())
	}
	return b, nil
}

// Stop ends Chromium.
func (b *Browser) Stop() error {
	err := chromedp.Cancel(b.ctx)
	for _, end := range b.quit {
		end()
	}
	return err
}
