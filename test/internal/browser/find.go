package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Roles that a thing may have for those who hear a page instead of seeing it (WAI-ARIA 1.2).
var (
	toPress = []string{"button", "link", "checkbox", "radio", "switch", "tab", "menuitem", "DisclosureTriangle"}
	toFill  = []string{"textbox", "searchbox", "spinbutton", "combobox"}
	toPick  = []string{"combobox", "listbox"}
	toUse   = slices.Concat(toPress, toFill, toPick)
)

// thing is an element that a person can use.
type thing struct {
	role, name string
	disabled   bool
	node       cdp.BackendNodeID
	object     runtime.RemoteObjectID
}

// find is the one thing with this name that is to be seen and has one of the roles; a name that ends in "…" is the beginning of one. Of
// several, it is the one nearest to the text near: find("Verify", "example.com") is the button in the row of example.com.
func (p *Page) find(name, near string, roles []string) (found thing, err error) {
	err = until(func() error {
		things, err := get(p, "look for "+name, func(ctx context.Context, t *chromedp.Target) ([]thing, error) {
			return look(ctx, t, name, roles)
		})
		if err != nil {
			return err
		}
		if near != "" && len(things) > 0 {
			if things, err = p.nearest(things, near); err != nil {
				return err
			}
		}
		switch len(things) {
		case 1:
			found = things[0]
			return nil
		case 0:
			return p.missing(name, near, roles)
		}
		return fmt.Errorf("%d things to be seen are called %q", len(things), name)
	})
	return found, err
}

// look finds all things that are to be seen.
func look(ctx context.Context, t *chromedp.Target, name string, roles []string) (all []thing, err error) {
	document, err := cdp.Call(ctx, t, runtime.Evaluate, runtime.EvaluateParams{Expression: "document"})
	if err != nil {
		return nil, err
	}
	if document.Result == nil || document.Result.ObjectID == "" {
		return nil, errors.New("no document")
	}
	query := accessibility.QueryAXTreeParams{ObjectID: document.Result.ObjectID, AccessibleName: name}
	prefix, isPrefix := strings.CutSuffix(name, "…")
	if isPrefix {
		query.AccessibleName = ""
	}
	tree, err := cdp.Call(ctx, t, accessibility.QueryAXTree, query)
	if err != nil {
		return nil, err
	}
	for _, n := range tree.Nodes {
		role := text(n.Role)
		if n.Ignored || n.BackendDOMNodeID == 0 || !slices.Contains(roles, role) || isPrefix && !strings.HasPrefix(words(text(n.Name)), prefix) {
			continue
		}
		if quads, err := cdp.Call(ctx, t, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: n.BackendDOMNodeID}); err != nil || len(quads.Quads) == 0 {
			continue // it has no place on the page
		}
		node, err := cdp.Call(ctx, t, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: n.BackendDOMNodeID})
		if err != nil {
			return nil, err
		}
		all = append(all, thing{role, words(text(n.Name)), isTrue(n, "disabled"), n.BackendDOMNodeID, node.Object.ObjectID})
	}
	return all, nil
}

// nearest keeps the things whose closest part of the page with the text in it is the smallest.
func (p *Page) nearest(things []thing, near string) (closest []thing, err error) {
	const part = `function(text) {` + shows + `
		for (let e = this; e; e = e.parentElement)
			if (shows(e, text)) return e.querySelectorAll('*').length;
		return -1;
	}`
	best := -1
	for _, t := range things {
		size, err := of[int](p, t, part, near)
		switch {
		case err != nil:
			return nil, err
		case size < 0 || best >= 0 && size > best:
			continue
		case size < best || best < 0:
			closest, best = nil, size
		}
		closest = append(closest, t)
	}
	return closest, nil
}

// shows is JavaScript: whether an element shows a text, with single blanks, and not as a part of a longer name: sub.example.com does not
// show example.com.
const shows = `
	const words = s => s.replace(/\s+/g, ' ').trim();
	const whole = text => new RegExp('(?<![\\w.-])' + text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') + '(?![\\w-]|\\.\\w)');
	const shows = (e, text) => whole(text).test(words(e.innerText ?? ''));
`

// missing says what there is instead.
func (p *Page) missing(name, near string, roles []string) error {
	things, err := p.things(roles)
	if err != nil {
		return err
	}
	var names []string
	for _, t := range things {
		names = append(names, fmt.Sprintf("%q", t.name))
	}
	where := ""
	if near != "" {
		where = fmt.Sprintf(" near %q", near)
	}
	return fmt.Errorf("nothing is called %q%s; there is %s", name, where, strings.Join(names, ", "))
}

// things are all of them with one of the roles.
func (p *Page) things(roles []string) ([]thing, error) {
	return get(p, "look around", func(ctx context.Context, t *chromedp.Target) ([]thing, error) { return look(ctx, t, "", roles) })
}

// of calls a function of JavaScript on a thing, which is this. It also works where scripts of pages are switched off.
func of[T any](p *Page, t thing, function string, args ...any) (T, error) {
	return get(p, fmt.Sprintf("%s %q", t.role, t.name), chromedp.CallFunctionOn[T](function, func(c *runtime.CallFunctionOnParams) {
		c.ObjectID = t.object
	}, args...))
}

// text of a value in the accessibility tree.
func text(v *accessibility.Value) (s string) {
	if v != nil {
		_ = jsonv2.Unmarshal(v.Value, &s)
	}
	return s
}

func isTrue(n *accessibility.Node, property accessibility.PropertyName) (yes bool) {
	for _, p := range n.Properties {
		if p.Name == property && p.Value != nil {
			_ = jsonv2.Unmarshal(p.Value.Value, &yes)
		}
	}
	return yes
}
