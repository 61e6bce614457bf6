package panel

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/storetest"
)

// quiet is a panel for somebody whom a proxy let in, without a network.
func quiet(tb testing.TB) http.Handler {
	tb.Helper()
	log := slog.New(slog.DiscardHandler)
	h, err := New(Options{
		Service: domains.New(domains.Options{Store: storetest.NewMemory(), Log: log}), Log: log,
		Access: Access{TokenFile: "/nonexistent", UserHeader: "X-Remote-User", Operators: []string{"*"}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// FuzzPath: no path and no query is a fault of ours, and no answer is without its policy.
func FuzzPath(f *testing.F) {
	for _, seed := range append(everyPage, "/domains/a%2fb@example.com/dkim", "/domains/table:example.com/dkim", "/domains?after=%ff&q=%00", "//", "/api/v1/domains", "/domains/%2e%2e/%2e%2e/dkim", "/journal?lines=-1") {
		f.Add(seed)
	}
	h := quiet(f)
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(u.Path, "/") {
			return
		}
		r := &http.Request{Method: "GET", URL: u, Header: http.Header{}, Host: "localhost", RequestURI: target, RemoteAddr: "192.0.2.1:1", Body: http.NoBody}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code >= 500 || w.Header().Get("Content-Security-Policy") != policy {
			t.Errorf("%q: status %d\n%s", target, w.Code, w.Body)
		}
		if place := w.Header().Get("Location"); place != "" && (!strings.HasPrefix(place, "/") || strings.HasPrefix(place, "//")) {
			t.Errorf("%q leads to %q", target, place)
		}
	})
}

// FuzzName: the address of a row leads to that row and to no other page.
func FuzzName(f *testing.F) {
	for _, seed := range []string{"example.com", "sales@example.com", "a/b@example.com", "table:example.com", "..", "?@x.example", "%2f", "xn--bcher-kva.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, _, err := domains.ParseRow(text)
		if err != nil {
			return
		}
		mux, got := http.NewServeMux(), ""
		mux.HandleFunc("GET /domains/{name}/dkim", func(_ http.ResponseWriter, r *http.Request) { got = r.PathValue("name") })
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://localhost"+rowPath(name, "dkim"), nil)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if mux.ServeHTTP(httptest.NewRecorder(), r); got != name {
			t.Errorf("%q leads to %q", name, got)
		}
	})
}

// FuzzTokens: no file is a fault of ours, and whoever is in it has a name.
func FuzzTokens(f *testing.F) {
	f.Add("ada 0123456789012345678901234567890123456789 tenant=acme # x\n")
	f.Add("\x00\n\n a b c d")
	f.Fuzz(func(t *testing.T, text string) {
		tokens, err := ParseTokens(strings.NewReader(text))
		for _, token := range tokens {
			if err != nil || !isName(token.Name) || token.Tenant != "" && !isName(token.Tenant) {
				t.Errorf("%+v, %v", token, err)
			}
		}
	})
}

// FuzzBody: whatever a program sends is answered with JSON and no fault of ours.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{}`, `{"name":"example.com"}`, `{"name":1}`, `{"p":"x"}`, `[]`, `{"name":"a","name":"b"}`, "\xff", `{"NAME":"x"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var a adding
		c := &call{Panel: &Panel{}, r: httptest.NewRequestWithContext(t.Context(), "POST", "/", io.NopCloser(strings.NewReader(text)))}
		if err := c.body(&a); err != nil && describe(err) == nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}
