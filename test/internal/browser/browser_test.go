package browser

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/postseal/postseal/test/internal/sandbox"
)

var chromium *Browser

const address = "127.9.9.1:80"

func TestMain(m *testing.M) {
	sandbox.MainWith(func() int {
		var err error
		if chromium, err = Start(filepath.Join(sandbox.Dir(), "browser")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		go http.Serve(l, site())
		defer chromium.Stop()
		return m.Run()
	})
}

const head = `<!doctype html><html lang="en"><head><title>Domains</title><link rel="stylesheet" href="/style.css"></head><body><main><h1>Domains</h1>`

// site has a page with manners and one without.
func site() http.Handler {
	mux := http.NewServeMux()
	page := func(path, body string) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'self'")
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, body)
		})
	}
	page("/good", head+`
<table><thead><tr><th scope="col">Email domain</th><th scope="col">Status</th><th scope="col">Next step</th></tr></thead><tbody>
<tr><td>a.test</td><td><span class="green">Connected</span></td><td><form action="/verified"><button name="d" value="a.test">Verify</button></form></td></tr>
<tr><td>b.b.test</td><td>Pending validation</td><td><form action="/verified"><button name="d" value="b.b.test">Verify</button></form></td></tr>
<tr><td>b.test</td><td><span class="yellow">Pending
 validation</span></td><td><form action="/verified"><button name="d" value="b.test">Verify</button></form></td></tr></tbody></table>
<form action="/verified">
<label for="d">Choose the domain</label><select id="d" name="d"><option value="">Please select a domain</option><option>c.test</option></select>
<label>Selector <input name="s" placeholder="automatic" aria-describedby="hint"></label><p id="hint">Any valid name.</p>
<label><input type="checkbox" id="tick"> I have published these records</label>
<button id="finish">Finish</button></form>
<button type="button" id="copy" data-copy="k1._domainkey">Copy</button> <p id="said"></p>
<script src="/script.js"></script></main></body></html>`)
	page("/verified", head+`<p id="q"></p><script src="/query.js"></script><p><a href="/good">Back</a></p></main></body></html>`)
	page("/unsaved", head+`<label>Name <input name="n"></label><script src="/unsaved.js"></script><p><a href="/good">Leave</a></p></main></body></html>`)
	page("/bad", `<!doctype html><html><head><title></title><link rel="stylesheet" href="/style.css"></head><body><main><h1>One</h1><h1>Two</h1>
<div style="color: red"></div><div class="wide">wide</div><p class="pale">hardly</p><input name="x"><button disabled>Off</button><button id="x">Here</button><button id="x" >Here</button>
<img src="http://127.9.9.2/pixel"><script>document.title = "inline"</script><script src="/loud.js"></script></main></body></html>`)
	file := func(path, kind, text string) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			fmt.Fprint(w, text)
		})
	}
	file("/style.css", "text/css", `.pale { background: #eee; color: #ddd } .wide { width: 3000px } .green { background: #0a7f3f; color: #fff } .yellow { background: gold; color: #333 }
@media (prefers-color-scheme: dark) { :root { color-scheme: dark } body { background: #111; color: #eee } } :focus-visible { outline: 2px solid blue }`)
	file("/query.js", "text/javascript", `document.getElementById('q').textContent = 'Asked: ' + decodeURIComponent(location.search)`)
	file("/unsaved.js", "text/javascript", `addEventListener('beforeunload', e => e.preventDefault())`)
	file("/loud.js", "text/javascript", `console.error('a fault', 7); throw new Error('thrown')`)
	file("/script.js", "text/javascript", `
document.getElementById('copy').onclick = e => navigator.clipboard.writeText(e.target.dataset.copy);
const tick = document.getElementById('tick'), finish = document.getElementById('finish');
finish.disabled = true; tick.onchange = () => { finish.disabled = !tick.checked }`)
	return mux
}

func person(t *testing.T, path string, o Options) *Page {
	t.Helper()
	o.Hosts = []string{address, strings.TrimSuffix(address, ":80")}
	p, err := chromium.Person(o)
	must(t, err)
	t.Cleanup(p.Close)
	must(t, p.Goto("http://"+address+path))
	return p
}

func TestAPersonReadsAPage(t *testing.T) {
	p := person(t, "/good", Options{})
	rows, err := p.Table("Email domain", "Status")
	must(t, err)
	if len(rows) != 3 || rows[2]["Email domain"] != "b.test" || rows[2]["Status"] != "Pending validation" || rows[0]["Next step"] != "Verify" {
		t.Errorf("%v", rows)
	}
	for word, is := range map[string]struct{ colour, of string }{"Connected": {"green", ""}, "Pending validation": {"yellow", "b.test"}} {
		looks, err := p.Looks(word, is.of)
		must(t, err)
		if looks.Name() != is.colour || looks.Contrast() < 4.5 {
			t.Errorf("%s is %s, contrast %.1f: %v", word, looks.Name(), looks.Contrast(), looks)
		}
	}
	field, err := p.Field("Selector", "")
	must(t, err)
	if field.Placeholder != "automatic" || field.Description != "Any valid name." || field.Disabled {
		t.Errorf("%+v", field)
	}
	list, err := p.Field("Choose the domain", "")
	must(t, err)
	if list.Value != "" || !slices.Equal(list.Options, []string{"c.test"}) {
		t.Errorf("%+v", list)
	}
	title, err := p.Title()
	must(t, err)
	if title != "Domains" || p.Status() != 200 {
		t.Errorf("title %q, status %d", title, p.Status())
	}
	if faults, err := p.Manners(); err != nil || len(faults) > 0 {
		t.Errorf("%q, %v", faults, err)
	}
	if all := p.Complaints(); len(all) > 0 {
		t.Errorf("%q", all)
	}
}

func TestAPersonUsesAPage(t *testing.T) {
	p := person(t, "/good", Options{})
	must(t, p.Follow("Verify", "b.test"))
	must(t, p.Shows("Asked: ?d=b.test"))
	must(t, p.Follow("Back", ""))

	must(t, p.Pick("Choose the domain", "", "c.test"))
	must(t, p.Fill("Selector", "", "first"))
	must(t, p.Fill("Selector", "", "s1"))
	if err := p.Press("Finish", ""); err == nil || !strings.Contains(err.Error(), "disabled") {
		t.Errorf("pressed what is disabled: %v", err)
	}
	must(t, p.Press("I have published these records", ""))
	must(t, p.Follow("Finish", ""))
	must(t, p.Shows("Asked: ?d=c.test&s=s1"))
	must(t, p.Follow("Back", ""))

	must(t, p.Press("Co…", ""))
	copied, err := p.Copied("Copy", "")
	must(t, err)
	if copied != "k1._domainkey" {
		t.Errorf("copied %q", copied)
	}
	stops, err := p.TabStops()
	must(t, err)
	if want := []string{"Verify", "Verify", "Verify", "Choose the domain", "Selector", "I have published these records", "Copy"}; !slices.Equal(stops, want) {
		t.Errorf("the Tab key reaches %q, want %q", stops, want)
	}
	if all := p.Complaints(); len(all) > 0 {
		t.Errorf("%q", all)
	}
}

// Names that are not there or not unique, and options that a list does not have, are told.
func TestWhatCannotBeFound(t *testing.T) {
	p := person(t, "/good", Options{})
	defer func(d time.Duration) { patience = d }(patience)
	patience = time.Second / 4
	for want, err := range map[string]error{
		`nothing is called "Delete"; there is "Verify"`:                p.Press("Delete", ""),
		`nothing is called "Delete…"`:                                  p.Press("Delete…", ""),
		`3 things to be seen are called "Verify"`:                      p.Press("Verify", ""),
		`has no "d.test" but Please select a domain, c.test`:           p.Pick("Choose the domain", "", "d.test"),
		`the page does not show "Error", but: Domains Email domain`:    p.Shows("Error"),
		`no table has the columns ["Host"], but ["Email domain | Stat`: second(p.Table("Host")),
		`0 parts of the page show Error`:                               second(p.Looks("Error", "")),
	} {
		if err == nil || !strings.Contains(words(err.Error()), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestABadPageIsToldOf(t *testing.T) {
	p := person(t, "/bad", Options{Width: Narrow})
	faults, err := p.Manners()
	must(t, err)
	all := strings.Join(faults, "\n")
	for _, want := range []string{"no title", "no language", "2 headings", "no words for <img", "twice the id x", "the page is 30", "style within the page", `"hardly" is hard to read: contrast 1.2`, "a textbox without a name"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	complaints := strings.Join(p.Complaints(), "\n")
	for _, want := range []string{"console.error: a fault 7", "uncaught: Uncaught Error: thrown", "request to another host: http://127.9.9.2/pixel", "ContentSecurityPolicyIssue script-src-elem", "ContentSecurityPolicyIssue style-src-attr"} {
		if !strings.Contains(complaints, want) {
			t.Errorf("no %q in\n%s", want, complaints)
		}
	}
	if all := p.Complaints(); len(all) > 0 {
		t.Errorf("told twice: %q", all)
	}
}

func TestWithoutScripts(t *testing.T) {
	p := person(t, "/good", Options{NoScript: true, Dark: true})
	must(t, p.Follow("Verify", "a.test"))
	if text, err := p.Text(); err != nil || strings.Contains(text, "Asked") {
		t.Errorf("a script ran: %q, %v", text, err)
	}
	must(t, p.Follow("Back", ""))
	looks, err := p.Looks("Selector", "")
	must(t, err)
	if looks.Paper.R > 50 || looks.Ink.R < 200 {
		t.Errorf("not dark: %v", looks)
	}
	picture, err := p.Shot()
	must(t, err)
	if !strings.HasPrefix(string(picture), "\x89PNG") {
		t.Errorf("no PNG: %.10q", picture)
	}
}

func TestQuestionsAreAnswered(t *testing.T) {
	p := person(t, "/unsaved", Options{})
	must(t, p.Fill("Name", "", "Ada"))
	must(t, p.Follow("Leave", ""))
	must(t, p.Shows("Connected"))
	if all := p.Questions(); !slices.Equal(all, []string{"beforeunload"}) {
		t.Errorf("asked %q", all)
	}
	if all := p.Complaints(); len(all) > 0 {
		t.Errorf("%q", all)
	}
}

// Two people do not share cookies.
func TestProfilesAreSeparate(t *testing.T) {
	for range 2 {
		p := person(t, "/good", Options{})
		had, err := get(p, "cookies", chromedp.Evaluate[string](`(was => { document.cookie = 'mine=1'; return was })(document.cookie)`))
		must(t, err)
		if had != "" {
			t.Errorf("cookies of another: %q", had)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
