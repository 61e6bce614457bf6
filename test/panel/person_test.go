package panel

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/postseal/postseal/test/internal/browser"
)

// person is somebody at a browser of their own. Verbs that cannot be done fail the story.
type person struct {
	*story
	page    *browser.Page
	options browser.Options
}

// person comes to the panel, or to where the options say.
func (s *story) person(o browser.Options) *person {
	s.Helper()
	o.Hosts = append(o.Hosts, s.place.panel)
	page, err := chromium.Person(o)
	s.must(err)
	p := &person{story: s, page: page, options: o}
	s.people = append(s.people, p)
	return p
}

// loggedIn is somebody with the token of who, at the list of domains.
func (s *story) loggedIn(who string, o browser.Options) *person {
	s.Helper()
	p := s.person(o)
	p.goes("/")
	p.fills("Access token", s.tokens[who])
	p.follows("Log in")
	p.sees("Email Authentication: Domains")
	return p
}

// leave ends the visit. Nothing may have been wrong that the person did not see.
func (p *person) leave() {
	p.quiet()
	if p.Failed() {
		p.keep("at the end")
	}
	p.page.Close()
}

// quiet wants no complaints of the browser so far.
func (p *person) quiet() {
	p.Helper()
	if all := p.page.Complaints(); len(all) > 0 {
		p.Errorf("the browser complains:\n%s", strings.Join(all, "\n"))
	}
}

// goes types the address of a page of the panel.
func (p *person) goes(path string) {
	p.Helper()
	p.check(p.page.Goto("http://" + p.place.panel + path))
	p.inspect()
}

// follows presses what leads to another page. near is some text beside it, where several have the name.
func (p *person) follows(name string, near ...string) {
	p.Helper()
	p.check(p.page.Follow(name, first(near)))
	p.inspect()
}

// presses something and stays on the page.
func (p *person) presses(name string, near ...string) {
	p.Helper()
	p.check(p.page.Press(name, first(near)))
}

// fills a field.
func (p *person) fills(name, text string, near ...string) {
	p.Helper()
	p.check(p.page.Fill(name, first(near), text))
}

// picks from a list.
func (p *person) picks(name, option string, near ...string) {
	p.Helper()
	p.check(p.page.Pick(name, first(near), option))
}

// asked is whether the browser has asked about leaving the page, since it was last asked.
func (p *person) asked() bool { return len(p.page.Questions()) > 0 }

// sees texts on the page, at once or soon.
func (p *person) sees(texts ...string) {
	p.Helper()
	p.check(p.page.Shows(texts...))
}

// doesNotSee a text on the page as it is.
func (p *person) doesNotSee(texts ...string) {
	p.Helper()
	seen, err := p.page.Text()
	p.check(err)
	for _, t := range texts {
		if strings.Contains(seen, t) {
			p.Errorf("the page shows %q:\n%s", t, seen)
		}
	}
}

// field reads a field.
func (p *person) field(name string, near ...string) browser.Field {
	p.Helper()
	f, err := p.page.Field(name, first(near))
	p.check(err)
	return f
}

// copies with the button called name.
func (p *person) copies(name string, near ...string) string {
	p.Helper()
	text, err := p.page.Copied(name, first(near))
	p.check(err)
	return text
}

// table reads the table that has these columns.
func (p *person) table(columns ...string) []browser.Row {
	p.Helper()
	rows, err := p.page.Table(columns...)
	p.check(err)
	return rows
}

// seesIn wants a word in a colour, near another text.
func (p *person) seesIn(colour, word, near string) {
	p.Helper()
	l, err := p.page.Looks(word, near)
	p.check(err)
	if l.Name() != colour {
		p.Errorf("%q is %s (%+v), want %s", word, l.Name(), l, colour)
	}
}

// check ends the story with a picture of the page.
func (p *person) check(err error) {
	p.Helper()
	if err != nil {
		p.keep("failed")
		p.Fatal(err)
	}
}

// inspect looks at a page that nobody of the story has been to: as it is on a desk, and on a small telephone at night.
func (p *person) inspect() {
	p.Helper()
	title, err := p.page.Title()
	p.check(err)
	if p.looked[title] {
		return
	}
	p.looked[title] = true
	for _, look := range []struct {
		name  string
		width int64
		dark  bool
	}{{"wide", browser.Wide, false}, {"narrow", browser.Narrow, true}} {
		p.check(p.page.Look(look.width, look.dark))
		faults, err := p.page.Manners()
		p.check(err)
		if len(faults) > 0 {
			p.Errorf("page %q, %s:\n%s", title, look.name, strings.Join(faults, "\n"))
			p.keep(title + " " + look.name)
		} else if pictures != "" {
			p.shoot(pictures, title+" "+look.name)
		}
	}
	width := p.options.Width
	if width == 0 {
		width = browser.Wide
	}
	p.check(p.page.Look(width, p.options.Dark))
}

// pictures is a directory: a picture of every page goes there.
var pictures = os.Getenv("POSTSEAL_PICTURES")

// keep keeps a picture of what went wrong.
func (p *person) keep(name string) {
	p.Helper()
	p.Logf("a picture of the page: %s", p.shoot("../../out/panel", name))
}

func (p *person) shoot(dir, name string) (file string) {
	p.Helper()
	png, err := p.page.Shot()
	if err != nil {
		return err.Error()
	}
	clean := strings.NewReplacer("/", "-", " ", "-", "“", "", "”", "")
	if dir, err = filepath.Abs(dir); err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	file = filepath.Join(dir, clean.Replace(p.Name()+" "+name)+".png")
	if err == nil {
		err = os.WriteFile(file, png, 0o644)
	}
	if err != nil {
		return err.Error()
	}
	return file
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}
