package panel

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// NewServer is the HTTP server of a panel, with the bounds that it needs: pages are short,
// and so is everything that people send.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 30 * time.Second, // browsers open connections ahead, and ask when they come to it
		ReadTimeout:       time.Minute,
		WriteTimeout:      maxRequest + 15*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// policy lets a page load our own style and script and ask us again, and nothing else, be
// framed by nobody and send forms to us only.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secured sets what holds for all answers.
func secured(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("X-Frame-Options", "DENY")
		head.Set("Referrer-Policy", "same-origin") // with no-referrer a form's Origin would be null
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		head.Set("Cache-Control", "no-store")
		h.ServeHTTP(w, r)
	})
}

// addressed refuses requests over TCP under a name that is not ours: a page of somebody else
// whose name suddenly leads to this host could otherwise speak to us as that page.
func (p *Panel) addressed(h http.Handler) http.Handler {
	own := ""
	if u, err := url.Parse(p.PublicURL); err == nil {
		own = strings.ToLower(u.Hostname())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name := hostName(r.Host); overUnix(r) || name == "localhost" || name == own && own != "" || isAddress(name) {
			h.ServeHTTP(w, r)
			return
		}
		http.Error(w, "This panel has another name. Whoever runs it can say which, in panel.public_url.", http.StatusMisdirectedRequest)
	})
}

// hostName is a Host field without its port.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// overUnix tells whether a request came over a unix socket.
func overUnix(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && local.Network() == "unix"
}
