package panel

import (
	"context"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/storetest"
)

// dawn is when every test begins.
var dawn = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

// clock moves when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Elapsed() time.Duration { return c.Now().Sub(dawn) }

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// dns holds records by name and judges them as a check does.
type dns struct {
	*clock
	mu      sync.Mutex
	records map[string]string
	asked   int
}

func (d *dns) publish(name, record string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[name] = record
}

func (d *dns) at(name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.records[name]
}

func (d *dns) Check(_ context.Context, s check.Subject) check.Result {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	name := dkim.RecordName(s.Selector, s.Domain)
	r := check.Result{At: d.Now(), Name: name, Source: s.Via, Verdict: check.Absent, RetryAfter: d.Now().Add(15 * time.Minute)}
	finding := check.Finding{Code: "D101", Severity: check.Error, Title: "the name does not exist", Asked: "TXT " + name, Got: "NXDOMAIN", Expected: "one record", Change: "publish the record", RetryAfter: r.RetryAfter}
	if text, there := d.records[name]; there {
		r.Records, r.TTL = []string{text}, time.Hour
		record, err := dkim.ParseKeyRecord(text)
		if err == nil && record.Public != nil && s.Public != nil && record.Public.Equal(s.Public) {
			r.Verdict, r.Passed = check.OK, true
			return r
		}
		r.Verdict, finding.Code, finding.Title, finding.Got = check.Mismatch, "D402", "another key", text
	}
	r.Findings = []check.Finding{finding}
	return r
}

func (d *dns) Vacant(context.Context, check.Subject) check.Result {
	return check.Result{At: d.Now(), Verdict: check.OK}
}

// world is a panel with everything around it.
type world struct {
	*testing.T
	clock      *clock
	dns        *dns
	store      *storetest.Memory
	service    *domains.Service
	publishing domains.Publishing
	log        *strings.Builder
	tokens     string // path
	server     *httptest.Server
}

// Tokens of the test's own making.
var (
	rootToken  = strings.Repeat("operator-", 5)
	acmeToken  = strings.Repeat("acme-token", 4)
	otherToken = strings.Repeat("other-token", 4)
)

func newWorld(t *testing.T, change ...func(*Options)) *world {
	t.Helper()
	w := &world{T: t, clock: &clock{now: dawn}, store: storetest.NewMemory(), log: &strings.Builder{}}
	w.dns = &dns{clock: w.clock, records: map[string]string{}}
	policy := domains.DefaultPolicy()
	policy.KeyZone = domains.KeyZone{Name: "dkim.example.net", SharedTarget: "dkim.dkim.example.net"}
	w.publishing.Drivers = map[string]domains.Driver{}
	w.service = domains.New(domains.Options{
		Store: w.store, Policy: policy, Publishing: w.publishing, Clock: w.clock, Checker: w.dns, Jitter: func() float64 { return 0.5 }, Log: slog.New(slog.DiscardHandler),
	})
	w.tokens = filepath.Join(t.TempDir(), "tokens")
	w.writeTokens("ada %s\nbob %s tenant=acme\neve %s tenant=other\n", rootToken, acmeToken, otherToken)
	o := Options{
		Service: w.service, Access: Access{TokenFile: w.tokens, APITokenFile: w.tokens}, Now: w.clock.Now, Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Defaults: domains.AddRequest{Activation: domains.ActivateVerified, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}, Bits: 2048},
		Find: func(_ context.Context, domain string) (string, []string, error) {
			return domain, []string{"ns1.nameserver.example"}, nil
		},
		Sources: func(context.Context) []domains.Sighting {
			return []domains.Sighting{{Domain: "zebra.example", Source: "file:/users", Count: 1, Last: dawn}, {Domain: "apple.example", Source: "postfix", Count: 2, Last: dawn}}
		},
	}
	for _, f := range change {
		f(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewServer(h)
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) writeTokens(format string, args ...any) {
	w.Helper()
	if err := os.WriteFile(w.tokens, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		w.Fatal(err)
	}
}

// person is a browser without scripts.
type person struct {
	*testing.T
	w       *world
	cookies map[string]string
	base    string
}

func (w *world) person() *person { return &person{T: w.T, w: w, cookies: map[string]string{}} }

// in is somebody who has logged in.
func (w *world) in(token string) *person {
	w.Helper()
	p := w.person()
	p.get("/login").post("/login", "token", token).leads("/domains")
	return p
}

// answer is a page.
type answer struct {
	*person
	path   string
	status int
	body   string
	header http.Header
}

func (p *person) do(r *http.Request) *answer {
	p.Helper()
	for name, value := range p.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.Fatal(err)
	}
	for _, c := range response.Cookies() {
		p.cookies[c.Name] = c.Value
	}
	return &answer{p, r.URL.Path, response.StatusCode, string(body), response.Header}
}

func (p *person) request(method, path string, body io.Reader) *http.Request {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), method, p.w.server.URL+p.base+path, body)
	if err != nil {
		p.Fatal(err)
	}
	return r
}

func (p *person) get(path string) *answer { p.Helper(); return p.do(p.request("GET", path, nil)) }

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// post sends a form of the page.
func (a *answer) post(path string, pairs ...string) *answer {
	a.Helper()
	form := url.Values{}
	if m := csrfField.FindStringSubmatch(a.body); m != nil {
		form.Set("csrf", m[1])
	}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r := a.request("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return a.do(r)
}

// follow goes where a redirect leads.
func (a *answer) follow() *answer {
	a.Helper()
	if a.status != http.StatusSeeOther {
		a.Fatalf("%s: status %d, no redirect:\n%s", a.path, a.status, a.text())
	}
	return a.get(strings.TrimPrefix(a.header.Get("Location"), a.base))
}

func (a *answer) leads(path string) *answer {
	a.Helper()
	if got := a.header.Get("Location"); a.status != http.StatusSeeOther || got != a.base+path {
		a.Fatalf("%s: status %d, leads to %q, want %q:\n%s", a.path, a.status, got, path, a.text())
	}
	return a
}

func (a *answer) is(status int) *answer {
	a.Helper()
	if a.status != status {
		a.Errorf("%s: status %d, want %d:\n%s", a.path, a.status, status, a.text())
	}
	return a
}

// says wants each text in the page, in this order.
func (a *answer) says(texts ...string) *answer {
	a.Helper()
	rest := html.UnescapeString(a.body)
	for _, want := range texts {
		i := strings.Index(rest, want)
		if i < 0 {
			a.Errorf("%s: no %q (in this order) in\n%s", a.path, want, a.body)
			return a
		}
		rest = rest[i+len(want):]
	}
	return a
}

func (a *answer) saysNot(texts ...string) *answer {
	a.Helper()
	for _, bad := range texts {
		if strings.Contains(a.body, bad) {
			a.Errorf("%s: says %q", a.path, bad)
		}
	}
	return a
}

var tags = regexp.MustCompile(`<[^>]*>|\s+`)

// text is a page without its tags, for messages.
func (a *answer) text() string {
	text := tags.ReplaceAllString(a.body, " ")
	return text[:min(len(text), 2000)]
}

// key is the latest key of a row.
func (w *world) key(name string) domains.Key {
	w.Helper()
	d, err := w.service.Show(w.Context(), name)
	if err != nil || len(d.Keys) == 0 {
		w.Fatalf("%s: %d keys, %v", name, len(d.Keys), err)
	}
	return d.Keys[len(d.Keys)-1]
}

func (w *world) add(name, owner string) domains.Key {
	w.Helper()
	_, err := w.service.Add(w.Context(), "root", domains.AddRequest{Name: name, Owner: owner, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
	if err != nil {
		w.Fatal(err)
	}
	return w.key(name)
}

// connected adds a row whose key signs.
func (w *world) connected(name, owner string) domains.Key {
	w.Helper()
	k := w.add(name, owner)
	w.dns.publish(dkim.RecordName(k.Selector, k.Domain), k.Record)
	w.verify(name)
	return w.key(name)
}

// verify looks at DNS twice, as the criterion wants.
func (w *world) verify(name string) {
	w.Helper()
	for range 2 {
		if _, err := w.service.Verify(w.Context(), "root", name); err != nil {
			w.Fatal(err)
		}
		w.clock.advance(31 * time.Second)
	}
}

// withKeyZone lets CNAME records be published.
func withKeyZone(o *Options) {
	o.KeyZone = true
}
