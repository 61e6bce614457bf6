package browser

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/chromedp"
)

// Text is what is to be seen on the page, with single blanks.
func (p *Page) Text() (string, error) {
	seen, err := get(p, "text", chromedp.Evaluate[string](`document.body.innerText`))
	return words(seen), err
}

// Shows waits until the page has all of the texts.
func (p *Page) Shows(texts ...string) error {
	return until(func() error {
		seen, err := p.Text()
		if err != nil {
			return err
		}
		for _, t := range texts {
			if !strings.Contains(seen, t) {
				return fmt.Errorf("the page does not show %q, but:\n%s", t, seen)
			}
		}
		return nil
	})
}

// Row is a row of a table: what its cells show, by the heads of their columns.
type Row map[string]string

// Table reads the one table that has all of these columns; the heads of a table may be more.
func (p *Page) Table(columns ...string) (rows []Row, err error) {
	const read = `[...document.querySelectorAll('table')].map(t => ({
		heads: [...t.querySelectorAll('thead th')].map(h => h.innerText),
		rows: [...t.querySelectorAll('tbody tr')].map(r => [...r.cells].map(c => c.innerText)),
	}))`
	err = until(func() error {
		tables, err := get(p, "tables", chromedp.Evaluate[[]struct {
			Heads []string   `json:"heads"`
			Rows  [][]string `json:"rows"`
		}](read))
		if err != nil {
			return err
		}
		var all []string
		for _, t := range tables {
			for i := range t.Heads {
				t.Heads[i] = words(t.Heads[i])
			}
			all = append(all, strings.Join(t.Heads, " | "))
			if !containsAll(t.Heads, columns) {
				continue
			}
			rows = nil
			for _, cells := range t.Rows {
				row := Row{}
				for i, c := range cells[:min(len(cells), len(t.Heads))] {
					row[t.Heads[i]] = words(c)
				}
				rows = append(rows, row)
			}
			return nil
		}
		return fmt.Errorf("no table has the columns %q, but %q", columns, all)
	})
	return rows, err
}

func containsAll(have, want []string) bool {
	return !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(have, w) })
}

// Field is a field of a form as it stands.
type Field struct {
	Value       string   `json:"value"`
	Placeholder string   `json:"placeholder"`
	Disabled    bool     `json:"disabled"` // or read-only
	Checked     bool     `json:"checked"`
	Options     []string `json:"options"`     // of a list; those that cannot be chosen are left out
	Description string   `json:"description"` // what is said besides its name
}

// Field reads the field, list or box called name.
func (p *Page) Field(name, near string) (f Field, err error) {
	t, err := p.find(name, near, slices.Concat(toFill, toPick, []string{"checkbox", "radio", "switch"}))
	if err != nil {
		return f, err
	}
	const read = `function() { return {
		value: this.value, placeholder: this.placeholder ?? '', disabled: !!(this.disabled || this.readOnly), checked: !!this.checked,
		options: [...(this.options ?? [])].filter(o => !o.disabled && o.value !== '').map(o => o.label.trim()),
		description: (this.getAttribute('aria-describedby') ?? '').split(/\s+/).map(id => document.getElementById(id)?.innerText ?? '').join(' ').trim(),
	} }`
	return of[Field](p, t, read)
}

// Enabled is whether the button or link called name can be pressed.
func (p *Page) Enabled(name, near string) (bool, error) {
	t, err := p.find(name, near, toPress)
	return err == nil && !t.disabled, err
}

// Has is whether something to be used is called name, now.
func (p *Page) Has(name string) (bool, error) {
	things, err := p.things(toUse)
	return slices.ContainsFunc(things, func(t thing) bool { return t.name == name }), err
}

// Copied is what the button called name, such as "Copy", puts into the clipboard.
func (p *Page) Copied(name, near string) (text string, err error) {
	p.browser.clipboard.Lock()
	defer p.browser.clipboard.Unlock()
	if err := p.clear(); err != nil {
		return "", err
	}
	if err := p.Press(name, near); err != nil {
		return "", err
	}
	err = until(func() error {
		if text, err = p.paste(); err == nil && text == "" {
			err = fmt.Errorf("%q copied nothing", name)
		}
		return err
	})
	return text, err
}

// Pairs reads the tables whose rows have heads, label among them: the text of the first cell after each head.
func (p *Page) Pairs(label string) (tables []map[string]string, err error) {
	const read = `[...document.querySelectorAll('table')].map(t => Object.fromEntries(
		[...t.rows].filter(r => r.querySelector('th[scope=row]') && r.querySelector('td'))
			.map(r => [r.querySelector('th').innerText.split('\n').pop().trim(), r.querySelector('td').innerText.trim()])))`
	err = until(func() error {
		all, err := get(p, "tables", chromedp.Evaluate[[]map[string]string](read))
		if err != nil {
			return err
		}
		tables = slices.DeleteFunc(all, func(t map[string]string) bool { return t[label] == "" })
		if len(tables) == 0 {
			return fmt.Errorf("no table has a row %q", label)
		}
		return nil
	})
	return tables, err
}
