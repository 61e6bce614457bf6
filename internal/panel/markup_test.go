package panel

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// hostile is a text that would do something on a page if anything let it.
const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}`

// TestMarkup puts markup into every text that comes from somebody else.
func TestMarkup(t *testing.T) {
	w := newWorld(t, atGoDaddy)
	ada := w.in(rootToken)
	page := ada.get("/domains")
	k := w.add("example.com", "")
	w.dns.publish(dkim.RecordName(k.Selector, k.Domain), hostile) // what a zone says
	page.post("/domains/example.com/verify").leads("/domains/example.com/dkim")
	page.post("/domains/example.com/settings", "contact", hostile, "activation", "verified").leads("/domains/example.com/dkim")
	err := w.service.Seen(t.Context(), []domains.Sighting{{Domain: "seen.example", Source: hostile, Count: 1, Last: dawn}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.SetUser(t.Context(), hostile, domains.User{Match: "daemon:<script>alert(1)</script>", Domains: []string{"example.com"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.Disable(t.Context(), hostile, "example.com"); err != nil { // who did it
		t.Fatal(err)
	}
	harmless := func(a *answer) {
		t.Helper()
		a.saysNot("<script>alert", "<img", "onerror=alert(1)>{{", hostile)
		if a.header.Get("Content-Security-Policy") != policy {
			t.Errorf("%s: no policy", a.path)
		}
	}
	for _, path := range append(everyPage, "/journal?domain="+queryEscape(hostile), "/domains?q="+queryEscape(hostile)+"&status="+queryEscape(hostile)+"&after="+queryEscape(hostile),
		"/domains/new?domain="+queryEscape(hostile), "/domains/example.com/compromised?selector="+queryEscape(hostile), "/domains/example.com/delete?selector="+queryEscape(hostile),
		"/help/"+queryEscape(hostile), "/"+queryEscape(hostile), "/domains/"+queryEscape(hostile)+"/dkim", "/users?q="+queryEscape(hostile)) {
		harmless(ada.get(path))
	}
	ada.get("/domains/example.com/dkim").says("D402", "<script>alert(1)</script>") // after unescaping: it is shown
	fields := []string{}
	for _, name := range []string{
		"domain", "other", "selector", "algorithm", "bits", "publish", "slots", "activation", "contact", "owner", "on_missing", "match", "key", "domains", "token", "from",
	} {
		fields = append(fields, name, hostile)
	}
	for _, path := range append(everyForm[:len(everyForm)-1:len(everyForm)-1], "/login") {
		harmless(page.post(path, fields...))
	}
	r := ada.request("GET", "/domains", nil)
	r.Header.Set("User-Agent", hostile)
	harmless(ada.do(r))
}

// TestNothingPrivate: nothing private is on any page.
func TestNothingPrivate(t *testing.T) {
	w := newWorld(t)
	ada := w.in(rootToken)
	w.connected("example.com", "")
	private, err := w.service.Private(t.Context(), w.key("example.com").ID)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := private.PEM()
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.Split(string(pem), "\n")[1]
	for _, path := range everyPage {
		ada.get(path).is(http.StatusOK).saysNot(secret, "PRIVATE KEY")
	}
}
