package browser

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/postseal/postseal/test/internal/await"
)

// Press clicks on the button, link or box called name, with the mouse, and stays on the page. Of several it takes the one nearest to the
// text near, which may be empty.
func (p *Page) Press(name, near string) error {
	t, err := p.find(name, near, toPress)
	if err != nil {
		return err
	}
	return p.click(t)
}

// Follow is Press on what leads to another page, which is complete when Follow returns.
func (p *Page) Follow(name, near string) error {
	before := p.Documents()
	if err := p.Press(name, near); err != nil {
		return err
	}
	return await.That(fmt.Sprintf("another page after %q", name), func() bool { return p.watch.settled(before) })
}

// Fill replaces what stands in the field called name.
func (p *Page) Fill(name, near, text string) error {
	t, err := p.find(name, near, toFill)
	if err != nil {
		return err
	}
	if err := p.click(t); err != nil {
		return err
	}
	if _, err := of[bool](p, t, `function() { this.select(); return true }`); err != nil {
		return err
	}
	if text == "" {
		return p.Key(kb.Delete)
	}
	return p.do("type", func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, input.InsertText, input.InsertTextParams{Text: text})
		return chromedp.Void{}, err
	})
}

// Pick chooses from the list called name. A native list opens outside of the page, where the mouse does not reach.
func (p *Page) Pick(name, near, option string) error {
	t, err := p.find(name, near, toPick)
	if err != nil {
		return err
	}
	if t.disabled {
		return fmt.Errorf("list %q is disabled", name)
	}
	const pick = `function(text) {
		const at = [...this.options].findIndex(o => !o.disabled && o.label.trim() === text);
		if (at < 0) return [...this.options].map(o => o.label.trim()).join(', ');
		this.focus();
		this.selectedIndex = at;
		for (const e of ['input', 'change']) this.dispatchEvent(new Event(e, {bubbles: true}));
		return '';
	}`
	others, err := of[string](p, t, pick, option)
	if err == nil && others != "" {
		err = fmt.Errorf("list %q has no %q but %s", name, option, others)
	}
	return err
}

// Key presses keys, as kb names them.
func (p *Page) Key(keys string) error { return p.do("keys", chromedp.KeyEvent(keys)) }

// click moves the mouse to the middle of a thing and presses. It must not be covered by another.
func (p *Page) click(t thing) error {
	if t.disabled {
		return fmt.Errorf("%s %q is disabled", t.role, t.name)
	}
	x, y, err := p.middle(t)
	if err != nil {
		return err
	}
	const uncovered = `function(x, y) {
		const hit = document.elementFromPoint(x, y);
		if (hit && (this.contains(hit) || hit.contains(this) || [...(this.labels ?? [])].some(l => l.contains(hit)))) return '';
		return hit ? hit.outerHTML.slice(0, 80) : 'nothing';
	}`
	if cover, err := of[string](p, t, uncovered, x, y); err != nil || cover != "" {
		return fmt.Errorf("%s %q cannot be clicked: there is %s (%v)", t.role, t.name, cover, err)
	}
	return p.do("click "+t.name, chromedp.MouseClickXY(x, y))
}

// middle scrolls until the thing is to be seen and says where its middle is.
func (p *Page) middle(t thing) (x, y float64, err error) {
	quads, err := get(p, "scroll to "+t.name, func(ctx context.Context, target *chromedp.Target) ([]dom.Quad, error) {
		if _, err := cdp.Call(ctx, target, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: t.node}); err != nil {
			return nil, err
		}
		r, err := cdp.Call(ctx, target, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: t.node})
		return r.Quads, err
	})
	if err != nil {
		return 0, 0, err
	}
	if len(quads) == 0 || len(quads[0]) != 8 {
		return 0, 0, fmt.Errorf("%s %q has no place on the page", t.role, t.name)
	}
	q := quads[0] // x and y of four corners
	return (q[0] + q[2] + q[4] + q[6]) / 4, (q[1] + q[3] + q[5] + q[7]) / 4, nil
}
