package browser

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Manners are the faults of a page, as it looks now, for people who hear it, who use the keyboard, who do not see well or have a narrow
// screen. None is best.
func (p *Page) Manners() (faults []string, err error) {
	const look = `(() => {
		const faults = [], all = s => [...document.querySelectorAll(s)];
		if (!document.title.trim()) faults.push('no title');
		if (!document.documentElement.lang) faults.push('no language');
		if (all('h1').length !== 1) faults.push(all('h1').length + ' headings of the first level');
		if (all('main').length !== 1) faults.push(all('main').length + ' main parts');
		for (const e of all('img:not([alt])')) faults.push('no words for ' + e.outerHTML);
		for (const e of all('table')) if (!e.querySelector('th[scope]')) faults.push('a table whose heads have no scope');
		const ids = all('[id]').map(e => e.id);
		for (const id of ids.filter((id, i) => ids.indexOf(id) !== i)) faults.push('twice the id ' + id);
		for (const e of all('[aria-describedby],[aria-labelledby],label[for]'))
			for (const id of (e.getAttribute('aria-describedby') ?? e.getAttribute('aria-labelledby') ?? e.htmlFor).split(/\s+/))
				if (!ids.includes(id)) faults.push('nothing has the id ' + id);
		for (const e of all('[style],style')) faults.push('style within the page: ' + e.outerHTML.slice(0, 80));
		const page = document.documentElement;
		if (page.scrollWidth > page.clientWidth) {
			const range = document.createRange(); // around what is in it, which may be wider
			const right = e => { range.selectNodeContents(e); return Math.max(e.getBoundingClientRect().right, range.getBoundingClientRect().right) };
			const wide = all('body *').filter(e => right(e) > page.clientWidth + 1 && !clipped(e)).filter((e, i, all) => !all.some(o => o !== e && e.contains(o)));
			faults.push('the page is ' + page.scrollWidth + ' wide on ' + page.clientWidth + ': ' + wide.slice(0, 3).map(e => e.outerHTML.slice(0, 120)).join(' '));
		}
		function clipped(e) {
			for (; e && e !== document.body; e = e.parentElement) if (getComputedStyle(e).overflowX !== 'visible') return true;
			return false;
		}
		return faults;
	})()`
	if faults, err = get(p, "manners", chromedp.Evaluate[[]string](look)); err != nil {
		return nil, err
	}
	things, err := p.things(toUse)
	if err != nil {
		return nil, err
	}
	for _, t := range things {
		if t.name == "" {
			faults = append(faults, "a "+t.role+" without a name")
		}
	}
	pale, err := p.pale()
	return append(faults, pale...), err
}

// pale are texts whose colours are too close to each other (WCAG 2.2, 1.4.3); what cannot be used may be pale.
func (p *Page) pale() (faults []string, err error) {
	const read = `(() => {` + shows + paint + `
		const own = e => words([...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join(''));
		return [...document.body.querySelectorAll('*')].filter(e => own(e) && e.checkVisibility({visibilityProperty: true}) && !e.closest(':disabled,[aria-disabled=true],option,script'))
			.map(e => ({text: own(e).slice(0, 60), ...looks(e)}));
	})()`
	all, err := get(p, "colours", chromedp.Evaluate[[]painted](read))
	for _, part := range all {
		const least = 4.5
		if c := part.looks().Contrast(); c < least {
			faults = append(faults, fmt.Sprintf("%q is hard to read: contrast %.1f, %+v", part.Text, c, part.looks()))
		}
	}
	return faults, err
}

// TabStops are the names of what the Tab key reaches, in order, beginning at the top of the page. A stop whose focus is not to be seen has
// "(unseen)" behind its name.
func (p *Page) TabStops() ([]string, error) {
	if _, err := p.tabs(); err != nil { // wherever the focus is now, after the last stop comes the top
		return nil, err
	}
	return p.tabs()
}

// tabs presses Tab until the focus leaves the page.
func (p *Page) tabs() (stops []string, err error) {
	const most = 300
	const focus = `(() => {
		const e = document.activeElement;
		if (!e || e === document.body) return '';
		const s = getComputedStyle(e);
		const seen = s.outlineStyle !== 'none' && s.outlineWidth !== '0px' || s.boxShadow !== 'none';
		const name = e.getAttribute('aria-label') || [...(e.labels ?? [])].map(l => l.innerText).join(' ') || e.innerText || e.tagName;
		return name.replace(/\s+/g, ' ').trim() + (seen ? '' : ' (unseen)');
	})()`
	for range most {
		if err := p.Key(kb.Tab); err != nil {
			return nil, err
		}
		stop, err := get(p, "focus", chromedp.Evaluate[string](focus))
		if err != nil || stop == "" { // past the last one
			return stops, err
		}
		stops = append(stops, stop)
	}
	return nil, fmt.Errorf("no end after %d stops: %s", most, strings.Join(slices.Compact(stops), ", "))
}
