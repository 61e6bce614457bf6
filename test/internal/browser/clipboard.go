package browser

import (
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// Pages may write to the clipboard when a person presses a button; to read it is asked for.

func (p *Page) clear() error {
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(p.ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
			BrowserContextID: p.profile(),
		})
		if err != nil {
			return err
		}
	}
	_, err := get(p, "clear the clipboard", chromedp.Evaluate[bool](`navigator.clipboard.writeText('').then(() => true)`, chromedp.EvalAwaitPromise))
	return err
}

func (p *Page) paste() (string, error) {
	return get(p, "clipboard", chromedp.Evaluate[string](`navigator.clipboard.readText()`, chromedp.EvalAwaitPromise))
}

func (p *Page) profile() cdp.BrowserContextID { return chromedp.FromContext(p.ctx).BrowserContextID }
