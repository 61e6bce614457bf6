package panel

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

//go:embed templates
var templates embed.FS

//go:embed static
var files embed.FS

// static serves the style sheet and the script, which change with the program only.
func static() http.Handler {
	serve := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") { // no lists of files
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		serve.ServeHTTP(w, r)
	})
}

// pages are the templates by name, each within layout.html.
type pages map[string]*template.Template

// functions of the templates.
var functions = template.FuncMap{
	"row":   rowPath,
	"seg":   url.PathEscape,
	"both":  records.Both,
	"stamp": records.Stamp,
	"words": words,
	"short": func(print string) string { return print[:min(len(print), len("SHA256:")+16)] },
	"known": func(t time.Time) bool { return !t.IsZero() },
	"inc":   func(i int) int { return i + 1 },
	"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"kind":  keyKind,

	"copying": func(id, what string) copied { return copied{id, what} },
}

// copied is what a button copies: an element, and what a screen reader calls it.
type copied struct{ ID, What string }

func parsePages() pages {
	parts := []string{"templates/layout.html", "templates/parts.html"}
	out := pages{}
	names, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is ours
	}
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		out[name] = template.Must(template.New("layout.html").Funcs(functions).ParseFS(templates, append(parts, file)...))
	}
	return out
}

// page is what every page has beside its own.
type page struct {
	Title   string
	Base    string // path before all others
	Page    string // name of the template
	Who     Identity
	CanExit bool // there is something to log out of
	CSRF    string
	Note    *note
	Problem *Problem
	Body    any
}

// render writes a page. A problem decides the status where it has one.
func (v *visit) render(status int, name, title string, body any, problem *Problem) error {
	if problem != nil && problem.Status != 0 {
		status = problem.Status
	}
	p := page{
		Title: title, Base: v.base, Page: name, Who: v.who, CSRF: v.sessions.formToken(v.visitor, v.who), Problem: problem, Body: body,
		CanExit: v.who.Name != "" && v.sessions.of(v.visitor) != nil,
	}
	if v.who.Name != "" && !v.byScript() {
		p.Note = v.sessions.take(v.visitor)
	}
	var out bytes.Buffer
	if err := v.pages[name].Execute(&out, p); err != nil {
		return err
	}
	head := v.w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	if status == http.StatusServiceUnavailable {
		head.Set("Retry-After", "60")
	}
	v.w.WriteHeader(status)
	_, err := out.WriteTo(v.w)
	if err != nil {
		v.Log.Debug("a page was not read to its end", "error", err)
	}
	return nil
}

// byScript: a page that is on the screen looks whether a status has changed; it shows no
// messages (Fetch Metadata, Sec-Fetch-Dest).
func (v *visit) byScript() bool { return v.r.Header.Get("Sec-Fetch-Dest") == "empty" }

// beside makes of an error what stands beside the form that led to it. What is not the
// fault of whoever sent the form is passed on.
func beside(err error) (*Problem, error) {
	if err == nil {
		return nil, nil
	}
	if p := describe(err); p != nil && p.Status != http.StatusNotFound {
		return p, nil
	}
	return nil, err
}

// show writes a page with nothing but a problem.
func (v *visit) show(problem *Problem) {
	if strings.HasPrefix(v.r.URL.Path, apiPrefix) {
		writeProblem(v.w, problem)
		return
	}
	if err := v.render(problem.Status, "problem", http.StatusText(problem.Status), nil, problem); err != nil {
		v.Log.Error("the panel failed", "path", v.r.URL.Path, "error", err)
		http.Error(v.w, problem.What, problem.Status)
	}
}

// word is a piece of text, in code or not.
type word struct {
	Text string
	Code bool
}

// words takes a text apart at its backquotes.
func words(text string) []word {
	var out []word
	for i, part := range strings.Split(text, "`") {
		if part != "" {
			out = append(out, word{part, i%2 == 1})
		}
	}
	return out
}

func trimmed(s string) string { return strings.TrimSpace(s) }

// keyKind is "RSA 2048 bit" or "Ed25519".
func keyKind(k domains.Key) string {
	if k.Algorithm.KeyType() == "rsa" {
		return "RSA " + itoa(k.Bits) + " bit"
	}
	return "Ed25519"
}
