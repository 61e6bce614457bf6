package panel

import (
	"html"
	"net/http"
	"regexp"
	"testing"
)

var actionOfForm = regexp.MustCompile(`<form method="post" action="([^"]*)"`)

// TestOddNames: an address may have what means something in a path; its pages are found, and so
// is where their questions lead.
func TestOddNames(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a/b@example.com", "a?b@example.com", "a%2fb@example.com", "a#b@example.com", `"a b"@example.com`, "a+b&c='d'@example.com"} {
		w.connected(name, "")
		p := w.in(rootToken)
		p.get("/domains?q=" + queryEscape(name)).is(http.StatusOK).says(name)
		page := p.get(rowPath(name, "dkim")).is(http.StatusOK).says("DKIM for " + name)
		ask := page.post(rowPath(name, "generate"), "in_place", "yes").is(http.StatusOK).says("Are you sure?")
		action := ""
		for _, m := range actionOfForm.FindAllStringSubmatch(ask.body, -1) {
			if m[1] != "/logout" {
				action = html.UnescapeString(m[1])
			}
		}
		ask.post(action, "in_place", "yes", "yes", "yes").leads(rowPath(name, "dkim")).follow().says("Signing, not verified")
	}
}
