package browser

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// watch sees what a person does not: it hears of every event of a page, in order.
type watch struct {
	hosts []string

	mu         sync.Mutex
	main       string // id of the outermost frame
	documents  int    // how many there have been
	loading    bool
	status     int64 // of the last document
	complaints []string
	questions  []string
	answer     func() // says yes to a dialog of the browser's
}

// see is called by the goroutine that reads from the browser, and must not call it.
func (w *watch) see(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *page.EventFrameNavigated:
		if e.Frame.ParentID == "" {
			w.main = string(e.Frame.ID)
			w.documents++
		}
	case *page.EventFrameStartedLoading:
		w.loads(string(e.FrameID), true)
	case *page.EventFrameStoppedLoading:
		w.loads(string(e.FrameID), false)
	case *page.EventJavascriptDialogOpening:
		w.questions = append(w.questions, string(e.Type))
		go w.answer()
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			w.status = e.Response.Status
		}
	case *network.EventRequestWillBeSent:
		w.request(e.Request.URL)
	case *runtime.EventConsoleAPICalled:
		w.console(e)
	case *runtime.EventExceptionThrown:
		w.complain("uncaught: %s %s", e.ExceptionDetails.Text, described(e.ExceptionDetails.Exception))
	case *log.EventEntryAdded:
		w.entry(e.Entry)
	case *audits.EventIssueAdded:
		w.issue(e.Issue)
	}
}

func (w *watch) loads(frame string, yes bool) {
	if w.main == "" || frame == w.main {
		w.loading = yes
	}
}

func (w *watch) request(address string) {
	u, err := url.Parse(address)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && !slices.Contains(w.hosts, u.Host) {
		w.complain("request to another host: %s", address)
	}
}

func (w *watch) console(e *runtime.EventConsoleAPICalled) {
	switch e.Type {
	case runtime.ConsoleAPICalledTypeError, runtime.ConsoleAPICalledTypeWarning, runtime.ConsoleAPICalledTypeAssert:
		var said []string
		for _, a := range e.Args {
			said = append(said, described(a))
		}
		w.complain("console.%s: %s", e.Type, strings.Join(said, " "))
	}
}

// entry is a line of the browser's own in the console. That a page itself was answered with 403 or 404 is for the story to judge.
func (w *watch) entry(e *log.Entry) {
	refused := e.Source == log.EntrySourceNetwork && strings.Contains(e.Text, "the server responded with a status of 4")
	// The browser only asks about leaving a page that a person has touched.
	untouched := e.Source == log.EntrySourceIntervention && strings.Contains(e.Text, "'beforeunload'")
	if !refused && !untouched && (e.Level == log.EntryLevelError || e.Level == log.EntryLevelWarning) {
		w.complain("%s %s: %s %s", e.Source, e.Level, e.Text, e.URL)
	}
}

// issue is what the browser's "Issues" panel would list: a violated policy, a field without a label, a cookie that is refused.
func (w *watch) issue(i *audits.InspectorIssue) {
	detail := ""
	switch {
	case i.Details == nil:
	case i.Details.ContentSecurityPolicyIssueDetails != nil:
		d := i.Details.ContentSecurityPolicyIssueDetails
		detail = d.ViolatedDirective + " " + d.BlockedURL
	case i.Details.GenericIssueDetails != nil:
		d := i.Details.GenericIssueDetails
		detail = fmt.Sprintf("%s %s", d.ErrorType, d.ViolatingNodeAttribute)
	}
	w.complain("issue %s %s", i.Code, detail)
}

func (w *watch) complain(format string, args ...any) {
	w.complaints = append(w.complaints, fmt.Sprintf(format, args...))
}

func described(o *runtime.RemoteObject) string {
	switch {
	case o == nil:
		return ""
	case o.Description != "":
		return o.Description
	}
	return strings.Trim(string(o.Value), `"`)
}

// Complaints are the errors and warnings of the console, violations of the content security policy and the like, and requests to hosts
// that the page has nothing to do with. They are told once.
func (p *Page) Complaints() []string {
	p.watch.mu.Lock()
	defer p.watch.mu.Unlock()
	all := p.watch.complaints
	p.watch.complaints = nil
	return all
}

// Questions are the dialogs that the browser has opened since it was last asked, such as "beforeunload". Each was answered with yes.
func (p *Page) Questions() []string {
	p.watch.mu.Lock()
	defer p.watch.mu.Unlock()
	all := p.watch.questions
	p.watch.questions = nil
	return all
}

// Status is that of the response which the page came with, such as 403.
func (p *Page) Status() int64 {
	p.watch.mu.Lock()
	defer p.watch.mu.Unlock()
	return p.watch.status
}

// Documents is how many documents this page has shown.
func (p *Page) Documents() int {
	p.watch.mu.Lock()
	defer p.watch.mu.Unlock()
	return p.watch.documents
}

// settled is whether more than before documents have been shown, and the last one is complete.
func (w *watch) settled(before int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.documents > before && !w.loading
}
