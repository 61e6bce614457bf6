package browser

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/postseal/postseal/test/internal/await"
)

// Options are what sets people apart.
type Options struct {
	Hosts    []string          // "127.0.0.1:80": where requests may go; a request to any other host is a complaint
	Width    int64             // of the window; Wide if zero
	Dark     bool              // prefers dark colours
	NoScript bool              // has switched JavaScript off
	Header   map[string]string // sent with each request
}

// Page is what one person looks at.
type Page struct {
	browser *Browser
	ctx     context.Context
	cancel  context.CancelFunc
	watch   *watch
}

// Person sits down at an empty page.
func (b *Browser) Person(o Options) (*Page, error) {
	w := &watch{hosts: o.Hosts}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(w.see))
	p := &Page{browser: b, ctx: ctx, cancel: cancel, watch: w}
	w.answer = func() {
		if _, err := chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true}); err != nil {
			w.mu.Lock()
			w.complain("a dialog cannot be answered: %v", err)
			w.mu.Unlock()
		}
	}
	err := chromedp.Do(ctx, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		return chromedp.Void{}, prepare(ctx, t, o)
	})
	if err == nil {
		err = p.Look(cmp.Or(o.Width, Wide), o.Dark)
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("a new page: %w", err)
	}
	return p, nil
}

func prepare(ctx context.Context, t *chromedp.Target, o Options) error {
	if _, err := cdp.Call(ctx, t, audits.Enable, cdp.Empty{}); err != nil {
		return err
	}
	if _, err := cdp.Call(ctx, t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		return err
	}
	headers := network.Headers{}
	for name, value := range o.Header {
		headers[name] = value
	}
	if _, err := cdp.Call(ctx, t, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: headers}); err != nil {
		return err
	}
	_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: o.NoScript})
	return err
}

// Widths of windows.
const (
	Wide   = 1280
	Narrow = 360 // of a small telephone
)

// Look makes the window this wide and asks for light or dark colours.
func (p *Page) Look(width int64, dark bool) error {
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	return p.do("look", chromedp.Steps(chromedp.EmulateViewport(width, 900), func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"}, // a colour that is read is not on its way to another
		}})
		return chromedp.Void{}, err
	}))
}

// Close leaves the page and forgets the profile.
func (p *Page) Close() { p.cancel() }

// Goto types an address.
func (p *Page) Goto(url string) error {
	return p.do("go to "+url, chromedp.Navigate(url))
}

// Reload asks for the page again.
func (p *Page) Reload() error { return p.do("reload", chromedp.Reload()) }

// URL is the address of the page.
func (p *Page) URL() (string, error) { return get(p, "address", chromedp.Location()) }

// Title is what the window and a bookmark are called.
func (p *Page) Title() (string, error) { return get(p, "title", chromedp.Title()) }

// Shot is a picture of the whole page, PNG.
func (p *Page) Shot() ([]byte, error) { return get(p, "picture", chromedp.FullScreenshot(100)) }

// do is get without a result.
func (p *Page) do(what string, a chromedp.Action[chromedp.Void]) error {
	_, err := get(p, what, a)
	return err
}

// get runs an action with a deadline. A context with a deadline of its own must not be the page's first: it would end the page.
func get[T any](p *Page, what string, a chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, await.Deadline)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		err = fmt.Errorf("%s: %w", what, err)
	}
	return v, err
}

// until tries again and again, since a page may be on its way to another one. After a while the last error is the answer.
func until(try func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := try()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// patience is ample for a page that is there already, or comes over the loopback.
var patience = time.Minute

// words are text as it is seen: blanks and line ends are all the same.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }
