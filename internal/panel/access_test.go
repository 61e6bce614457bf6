package panel

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// everyPage that GET shows to somebody who is in.
var everyPage = []string{
	"/domains", "/domains/add", "/domains/new", "/domains/example.com/setup", "/domains/example.com/dkim", "/domains/example.com/retry",
	"/domains/example.com/disable", "/domains/example.com/delete", "/domains/example.com/compromised?selector=x", "/domains/example.com/enable",
	"/users", "/journal", "/help", "/help/publishing", "/help/status", "/help/sending", "/help/words",
}

// everyForm that POST takes.
var everyForm = []string{
	"/domains", "/domains/add", "/domains/new", "/domains/example.com/finish", "/domains/example.com/verify", "/domains/example.com/enable", "/domains/example.com/disable",
	"/domains/example.com/rotate", "/domains/example.com/abort", "/domains/example.com/rollback", "/domains/example.com/generate", "/domains/example.com/settings",
	"/domains/example.com/delete", "/domains/example.com/compromised", "/users", "/users/selector", "/users/switch", "/users/delete", "/logout",
}

func TestNobodyComesIn(t *testing.T) {
	w := newWorld(t)
	w.add("example.com", "")
	for _, path := range everyPage {
		w.person().get(path).leads("/login")
	}
	login := w.person().get("/login").is(http.StatusOK)
	for _, path := range everyForm {
		login.post(path, "yes", "yes", "domain", "new.example").is(http.StatusForbidden)
	}
	rows, err := w.service.List(t.Context(), "", 10)
	if err != nil || len(rows) != 1 || !rows[0].Domain.Enabled {
		t.Errorf("somebody did something: %+v, %v", rows, err)
	}
	if k := w.key("example.com"); k.Compromised || w.dns.asked > 0 {
		t.Errorf("%+v, DNS asked %d times", k, w.dns.asked)
	}
}

func TestEveryPage(t *testing.T) {
	w := newWorld(t)
	w.add("example.com", "")
	ada := w.in(rootToken)
	for _, path := range everyPage {
		a := ada.get(path).is(http.StatusOK)
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
			"Content-Security-Policy": policy, "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s: %q", path, name, got)
			}
		}
		for _, bad := range []string{"<style", " style=", "onclick", "javascript:", "<script>", "PRIVATE", "unsafe"} {
			a.saysNot(bad)
		}
		if forms := strings.Count(a.body, `method="post"`); forms != strings.Count(a.body, `name="csrf"`) {
			t.Errorf("%s: %d forms, and not a token in each", path, forms)
		}
	}
	for _, path := range []string{"/nothing", "/domains/nothing.example/dkim", "/domains/add/dkim", "/domains/%2e%2e/dkim", "/static/", "/static/nothing", "/help/x"} {
		ada.get(path).is(http.StatusNotFound)
	}
	ada.get("/domains/example.com").leads("/domains/example.com/dkim")
	ada.get("/").leads("/domains")
	ada.get("/login").leads("/domains")
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	t.Run("wrong", func(t *testing.T) {
		p := w.person()
		page := p.get("/login")
		for _, wrong := range []string{"", "x", rootToken + "x", rootToken[1:]} {
			page.post("/login", "token", wrong).is(http.StatusForbidden).says("there is no such token")
		}
		p.get("/domains").leads("/login")
		if log := w.log.String(); strings.Contains(log, rootToken) || !strings.Contains(log, "does not exist") {
			t.Errorf("log: %s", log)
		}
	})
	t.Run("right", func(t *testing.T) {
		p := w.person()
		before := p.get("/login").cookies["postseal"]
		a := p.get("/login").post("/login", "token", rootToken).leads("/domains")
		for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
			if c := a.header.Get("Set-Cookie"); !strings.Contains(c, want) {
				t.Errorf("cookie %s", c)
			}
		}
		if p.cookies["postseal"] == before {
			t.Error("the session has a name that somebody knew before")
		}
		p.get("/domains").says("ada", "Log out")
	})
	t.Run("log out", func(t *testing.T) {
		p := w.in(rootToken)
		session := p.cookies["postseal"]
		p.get("/domains").post("/logout").leads("/login")
		p.get("/domains").leads("/login")
		p.cookies["postseal"] = session
		p.get("/domains").leads("/login")
	})
	t.Run("a token taken away", func(t *testing.T) {
		p, other := w.in(rootToken), w.in(acmeToken)
		w.writeTokens("bob %s tenant=acme\n", acmeToken)
		p.get("/domains").leads("/login")
		other.get("/domains").is(http.StatusOK)
		w.writeTokens("bob %s tenant=elsewhere\nada %s\n", acmeToken, rootToken)
		other.get("/domains").leads("/login")
		p.get("/domains").leads("/login")
	})
	t.Run("the time is over", func(t *testing.T) {
		idle, busy := w.in(rootToken), w.in(rootToken)
		for range 5 {
			w.clock.advance(maxIdle - time.Minute)
			busy.get("/domains").is(http.StatusOK)
		}
		idle.get("/domains").leads("/login")
		for range 3 {
			w.clock.advance(maxIdle - time.Minute)
			busy.get("/domains")
		}
		busy.get("/domains").leads("/login")
	})
	t.Run("too many", func(t *testing.T) {
		page := w.person().get("/login")
		for range maxWrong {
			page.post("/login", "token", "guess")
		}
		a := page.post("/login", "token", "guess").is(http.StatusTooManyRequests).says("too many wrong tokens")
		if a.header.Get("Retry-After") == "" {
			t.Error("nobody says for how long")
		}
		w.person().get("/login").post("/login", "token", rootToken).leads("/domains") // whatever others behind the address did
		w.clock.advance(time.Minute)
		page.post("/login", "token", "guess").is(http.StatusForbidden)
	})
	t.Run("a file that others can read", func(t *testing.T) {
		if err := os.Chmod(w.tokens, 0o644); err != nil {
			t.Fatal(err)
		}
		w.person().get("/login").post("/login", "token", rootToken).is(http.StatusInternalServerError).saysNot(rootToken, w.tokens)
		if log := w.log.String(); !strings.Contains(log, "chmod 0640") {
			t.Errorf("log: %s", log)
		}
	})
}

func TestSessionsAreBounded(t *testing.T) {
	now := dawn
	s := newSessions(func() time.Time { now = now.Add(time.Millisecond); return now })
	person := func(i int) *Token { return &Token{Identity: Identity{Name: "p" + itoa(i)}} }
	first, second := s.begin(person(0)), s.begin(person(1))
	for i := range maxSessions - 1 {
		s.begin(person(i + 2))
	}
	if len(s.all) != maxSessions || s.of(first) != nil || s.of(second) == nil {
		t.Errorf("%d sessions, the oldest %v, the next %v", len(s.all), s.of(first), s.of(second))
	}
}

// TestNobodyIsLoggedOutByOthers: however often a tenant logs in, and whatever it is told.
func TestNobodyIsLoggedOutByOthers(t *testing.T) {
	now := dawn
	s := newSessions(func() time.Time { now = now.Add(time.Millisecond); return now })
	ada := s.begin(&Token{Identity: Identity{Name: "ada"}})
	bob := s.begin(&Token{Identity: Identity{Name: "bob", Tenant: "acme"}})
	for i := range maxSessions {
		eve := Identity{Name: "eve" + itoa(i), Tenant: "other"}
		s.begin(&Token{Identity: eve})
		s.leave(newVisitor(), eve, note{Text: "Saved."})
	}
	if len(s.all) != maxOfOne+2 || s.of(ada) == nil || s.of(bob) == nil {
		t.Errorf("%d sessions, ada %v, bob %v", len(s.all), s.of(ada), s.of(bob))
	}
}

// TestForms: nothing is done by a form that was not made for whoever sends it.
func TestForms(t *testing.T) {
	w := newWorld(t)
	w.add("example.com", "")
	ada, bob := w.in(rootToken), w.in(acmeToken)
	stolen := csrfField.FindStringSubmatch(bob.get("/domains").body)[1]
	for _, path := range everyForm {
		for name, token := range map[string]string{"none": "", "wrong": "x", "somebody else's": stolen} {
			r := ada.request("POST", path, strings.NewReader("yes=yes&domain=new.example&csrf="+token))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if a := ada.do(r).is(http.StatusForbidden); !strings.Contains(a.body, "old-form") {
				t.Errorf("%s, token %s: %s", path, name, a.text())
			}
		}
	}
	page := ada.get("/domains")
	for name, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
		r := ada.request("POST", "/domains", strings.NewReader("domain=new.example&csrf="+csrfField.FindStringSubmatch(page.body)[1]))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set(name, value)
		ada.do(r).is(http.StatusForbidden).says("another site")
	}
	page.post("/domains", "domain", strings.Repeat("x", maxBody)).is(http.StatusRequestEntityTooLarge)
	r := ada.request("POST", "/domains", strings.NewReader("%zz"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	ada.do(r).is(http.StatusBadRequest)
	if rows, err := w.service.List(t.Context(), "", 10); err != nil || len(rows) != 1 {
		t.Errorf("somebody did something: %+v, %v", rows, err)
	}
}

// TestPublicURL: behind a web server, under a path of its own.
func TestPublicURL(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.PublicURL = "https://mail.example.net/dkim" })
	ada := w.person()
	ada.base = "/dkim"
	login := ada.get("/login").says(`href="/dkim/static/panel.css"`, `action="/dkim/login"`)
	if c := login.header.Get("Set-Cookie"); !strings.Contains(c, "Secure") || !strings.Contains(c, "Path=/dkim/") {
		t.Errorf("cookie %s", c)
	}
	r := ada.request("POST", "/login", strings.NewReader("token="+rootToken+"&csrf="+csrfField.FindStringSubmatch(login.body)[1]))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://mail.example.net")
	ada.do(r).leads("/domains")
	list := ada.get("/domains").is(http.StatusOK)
	list.post("/domains", "domain", "example.com").leads("/domains/example.com/setup").follow().says(`action="/dkim/domains/example.com/verify"`)
	for _, bad := range []string{"mail.example.net", "ftp://x", "https://", "%"} {
		if _, err := New(Options{PublicURL: bad, Access: Access{TokenFile: "x"}}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a panel that nobody can come in to")
	}
}

// TestProxy: who a proxy says it is.
func TestProxy(t *testing.T) {
	byProxy := func(o *Options) {
		o.Access = Access{UserHeader: "X-Remote-User", TenantHeader: "X-Tenant", Operators: []string{"ada"}, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	}
	come := func(w *world, path string, pairs ...string) *answer {
		p := w.person()
		r := p.request("GET", path, nil)
		for i := 0; i < len(pairs); i += 2 {
			r.Header.Add(pairs[i], pairs[i+1])
		}
		return p.do(r)
	}
	w := newWorld(t, byProxy)
	w.add("acme.example", "acme")
	w.add("example.com", "")
	t.Run("operator", func(t *testing.T) {
		come(w, "/domains", "X-Remote-User", "ada").is(http.StatusOK).says("acme.example", "example.com").saysNot("Log out")
	})
	t.Run("tenant", func(t *testing.T) {
		come(w, "/domains", "X-Remote-User", "bob", "X-Tenant", "acme").is(http.StatusOK).says("bob · acme", "acme.example").saysNot(`data-domain="example.com"`)
	})
	t.Run("refused", func(t *testing.T) {
		come(w, "/domains").is(http.StatusForbidden).says("nobody said who you are")
		come(w, "/domains", "X-Remote-User", "").is(http.StatusForbidden)
		come(w, "/domains", "X-Remote-User", "bob").is(http.StatusForbidden).says("belongs to no tenant")
		come(w, "/domains", "X-Remote-User", "ada", "X-Remote-User", "bob").is(http.StatusBadRequest)
		come(w, "/domains", "X-Remote-User", "bob", "X-Tenant", "acme", "X-Tenant", "other").is(http.StatusBadRequest)
		come(w, "/domains", "X-Remote-User", strings.Repeat("a", 65)).is(http.StatusBadRequest)
		come(w, "/domains", "X-Remote-User", "ada<b>").is(http.StatusBadRequest)
		come(w, "/login").is(http.StatusNotFound)
	})
	t.Run("not the proxy", func(t *testing.T) {
		w := newWorld(t, byProxy, func(o *Options) { o.Access.Proxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
		come(w, "/domains", "X-Remote-User", "ada").is(http.StatusForbidden)
	})
	t.Run("unix socket", func(t *testing.T) {
		a := &access{Access: Access{UserHeader: "X-Remote-User", Operators: []string{"*"}}}
		r := httptest.NewRequestWithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, &net.UnixAddr{Name: "/run/panel.sock", Net: "unix"}), "GET", "/", nil)
		r.RemoteAddr = "@"
		r.Header.Set("X-Remote-User", "ada")
		r.Header.Set("X-Forwarded-For", "192.0.2.1, 198.51.100.7")
		if id, err := a.byProxy(r); err != nil || id == nil || id.Name != "ada" || !id.Operator() {
			t.Errorf("%+v, %v", id, err)
		}
		if got := a.source(r); got != "198.51.100.7" {
			t.Errorf("source %s", got)
		}
	})
	t.Run("forms", func(t *testing.T) {
		p := w.person()
		r := p.request("GET", "/domains/new", nil)
		r.Header.Set("X-Remote-User", "ada")
		token := csrfField.FindStringSubmatch(p.do(r).body)[1]
		send := func(token string) *answer {
			r := p.request("POST", "/domains/new", strings.NewReader("domain=proxy.example&csrf="+token))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Remote-User", "ada")
			return p.do(r)
		}
		send("").is(http.StatusForbidden)
		send(token).leads("/domains/proxy.example/setup")
		if lines, err := w.service.Show(t.Context(), "proxy.example"); err != nil || lines.Journal[0].Actor != "panel:ada" {
			t.Errorf("%+v, %v", lines.Journal, err)
		}
	})
}

func TestSources(t *testing.T) {
	a := &access{Access: Access{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}}
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.7:1234", "203.0.113.9", "192.0.2.7"},
		{"127.0.0.1:1234", "203.0.113.9", "203.0.113.9"},
		{"127.0.0.1:1234", "nonsense", "127.0.0.1"},
		{"[2001:db8:1:2:3:4:5:6]:1234", "", "2001:db8:1:2::/64"},
		{"[::ffff:192.0.2.7]:1234", "", "192.0.2.7"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := a.source(r); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestParseTokens(t *testing.T) {
	secret := strings.Repeat("0123456789", 4)
	tokens, err := ParseTokens(strings.NewReader("# who\n\nada " + secret + " # root\n  bob\t" + secret + "b tenant=acme\n"))
	if err != nil || len(tokens) != 2 || tokens[0].Identity != (Identity{Name: "ada"}) || tokens[1].Identity != (Identity{"bob", "acme"}) {
		t.Errorf("%+v, %v", tokens, err)
	}
	for text, want := range map[string]string{
		"ada":                                  "line 1: say NAME TOKEN",
		"\nada short":                          "line 2: the token has fewer than 32",
		"a:b " + secret:                        "line 1: the name",
		"ada " + secret + " acme":              "line 1: after the token",
		"ada " + secret + " tenant=":           "line 1: after the token",
		"a " + secret + "\nb " + secret:        "line 2: the token stands there twice",
		"ada " + secret + " tenant=a more":     "line 1: say NAME TOKEN",
		strings.Repeat("a", 65) + " " + secret: "line 1: the name",
	} {
		if _, err := ParseTokens(strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	missing := tokenFile{path: filepath.Join(t.TempDir(), "none")}
	if _, err := missing.read(); err == nil {
		t.Error("a file that is not there is read")
	}
}

// TestHost: over TCP we answer to our own names only.
func TestHost(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.PublicURL = "http://Mail.example.net" })
	for host, want := range map[string]int{
		"localhost": 200, "127.0.0.1:8090": 200, "[::1]:8090": 200, "mail.example.net": 200, "MAIL.example.net:80": 200,
		"evil.example": 421, "evil.example:8090": 421, "localhost.evil.example": 421,
	} {
		p := w.person()
		r := p.request("GET", "/login", nil)
		r.Host = host
		p.do(r).is(want)
	}
}
