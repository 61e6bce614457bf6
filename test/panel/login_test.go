package panel

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/browser"
)

// Who has a token comes in, and nobody else.
func TestLogIn(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	p := s.person(browser.Options{})

	s.within("nobody sees anything before", func() {
		for _, path := range []string{"/", "/domains", "/users", "/journal", "/domains/" + s.zone + "/dkim"} {
			p.goes(path)
			p.sees("Log in")
			p.doesNotSee("Add a domain")
		}
	})
	s.within("a wrong token", func() {
		p.fills("Access token", strings.Repeat("0", 64))
		p.follows("Log in")
		p.sees("there is no such token")
		if p.page.Status() != http.StatusForbidden {
			p.Errorf("status %d", p.page.Status())
		}
	})
	s.within("the right one", func() {
		p.fills("Access token", s.tokens["admin"])
		p.follows("Log in")
		p.sees("Email Authentication: Domains", "admin", "Log out")
	})
	s.within("log out", func() {
		p.follows("Log out")
		p.sees("Log in")
		p.goes("/domains")
		p.sees("Log in")
		p.doesNotSee("Add a domain")
	})
	s.within("a token that was taken away", func() {
		q := s.loggedIn("admin", browser.Options{})
		s.must(os.WriteFile(s.path("tokens"), []byte("# nobody\n"), 0o600))
		q.goes("/domains")
		q.sees("Log in")
	})
}

// A page of somebody else's that sends a form to the panel gets nothing done, however it is sent.
func TestForeignSite(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	foreign(s)
	p := s.loggedIn("admin", browser.Options{Hosts: []string{s.foreign}})
	p.check(p.page.Goto("http://" + s.foreign + "/"))
	p.check(p.page.Follow("Win a prize", ""))
	if p.page.Status() != http.StatusForbidden {
		p.Errorf("status %d", p.page.Status())
	}
	p.sees("from another site")
	p.goes("/domains")
	p.doesNotSee("victim." + s.zone)
}

// foreign is a site with a trap.
func foreign(s *story) {
	s.Helper()
	s.serve(s.foreign, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte(`<!doctype html><html lang="en"><title>Prizes</title><form method="post" action="http://` + s.place.panel + `/domains">
<input type="hidden" name="domain" value="victim.` + s.zone + `"><button>Win a prize</button></form>`))
	}))
}

// serve serves at address until the story ends.
func (s *story) serve(address string, h http.Handler) {
	s.Helper()
	l, err := net.Listen("tcp", address)
	s.must(err)
	server := &http.Server{Handler: h, ReadHeaderTimeout: await.Deadline}
	go server.Serve(l)
	s.Cleanup(func() { server.Close() })
}

// Behind a proxy that knows who it is, nobody logs in a second time; whoever comes past it says who he is in vain.
func TestProxy(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{panel: `user_header = "X-Remote-User"
tenant_header = "X-Tenant"
operators = ["ada"]
proxies = ["127.9.4.0/24"]`})
	s.serve(s.front, proxy(s, "ada"))

	p := s.person(browser.Options{Hosts: []string{s.front}})
	p.check(p.page.Goto("http://" + s.front + "/domains"))
	p.sees("Email Authentication: Domains", "ada")
	p.doesNotSee("Log in")

	past := s.person(browser.Options{Header: map[string]string{"X-Remote-User": "ada"}})
	past.goes("/domains")
	past.sees("Log in")
}

// proxy names the user, from an address that the panel believes.
func proxy(s *story, user string) http.Handler {
	target, err := url.Parse("http://" + s.place.panel)
	s.must(err)
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
			r.Out.Header.Set("X-Remote-User", user)
			r.Out.Header.Del("X-Tenant")
		},
		Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.9.4.200")}}).DialContext},
	}
}
