// Package panel is the control panel: pages for people and a JSON API for programs, over
// the same verbs that `postseal domain` has. It keeps nothing but log-ins, and no private
// half of a key ever reaches it.
//
//	handler, err := panel.New(panel.Options{Service: service, Access: access})
//	server := panel.NewServer(handler, log)
//
// Pages are made on the server and work without scripts. Who has a tenant gets the rows
// of that tenant, by domains.Service.Of; everything else is not found.
package panel

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// Options are the parts of a panel. Service and Access are needed.
type Options struct {
	Service *domains.Service
	Access  Access

	// Defaults are what a new domain starts with where nobody says otherwise.
	Defaults domains.AddRequest
	// KeyZone tells that CNAME records can be published.
	KeyZone bool
	// Sources are domains that the host sends for, as `domain candidates` reads them; nil: none.
	Sources Sources
	// Find finds the zone of a domain; nil: it is guessed.
	Find records.Finder

	PublicURL string // under which people reach the panel; empty: the address that it listens on
	Log       *slog.Logger
	Now       func() time.Time // nil: the machine's clock
}

// Panel is the handler of everything.
type Panel struct {
	Options
	base     string // path before all others, without final slash
	secure   bool   // people come by https
	doors    access
	sessions *sessions
	zones    *zones
	seen     *sightings
	turns    *turns
	pages    pages
}

// New makes a panel. The error says which part of the options cannot be.
func New(o Options) (http.Handler, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Panel{Options: o, turns: newTurns()}
	if o.PublicURL != "" {
		u, err := url.Parse(o.PublicURL)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, fmt.Errorf("%q is no address of a web page; say https://mail.example.net or https://mail.example.net/dkim", o.PublicURL)
		}
		p.base, p.secure = strings.TrimSuffix(u.Path, "/"), u.Scheme == "https"
	}
	var err error
	if p.doors, err = newAccess(o.Access, o.Now); err != nil {
		return nil, err
	}
	p.sessions = newSessions(o.Now)
	p.zones = newZones(o.Find, o.Now)
	p.seen = &sightings{read: o.Sources, now: o.Now}
	p.pages = parsePages()
	origins := http.NewCrossOriginProtection()
	if o.PublicURL != "" {
		u, _ := url.Parse(o.PublicURL) // judged above
		if err := origins.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			return nil, err
		}
	}
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(&visit{Panel: p, w: w, r: r}).show(&Problem{Status: http.StatusForbidden, Rule: "other-site", What: "the form was sent from another site", Way: "open the panel itself and try again"})
	}))
	return secured(p.addressed(http.StripPrefix(p.base, origins.Handler(p.routes())))), nil
}

// routes lists every page. {name} is a row's name, {selector} one of its keys.
func (p *Panel) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/", static())
	mux.HandleFunc("GET /login", p.open((*visit).loginPage))
	mux.HandleFunc("POST /login", p.open((*visit).login))
	mux.HandleFunc("POST /logout", p.page((*visit).logout))

	mux.HandleFunc("GET /{$}", p.page(func(v *visit) error { return v.redirect("/domains") }))
	mux.HandleFunc("GET /domains", p.page((*visit).list))
	mux.HandleFunc("POST /domains", p.page((*visit).addRow))
	mux.HandleFunc("GET /domains/add", p.page((*visit).choosePage))
	mux.HandleFunc("POST /domains/add", p.page((*visit).choose))
	mux.HandleFunc("GET /domains/new", p.page((*visit).newPage))
	mux.HandleFunc("POST /domains/new", p.page((*visit).newRecords))

	mux.HandleFunc("GET /domains/{name}", p.row(func(v *visit) error { return v.redirect(v.path("dkim")) }))
	mux.HandleFunc("GET /domains/{name}/setup", p.row((*visit).setupPage))
	mux.HandleFunc("POST /domains/{name}/finish", p.row((*visit).finish))
	mux.HandleFunc("GET /domains/{name}/dkim", p.row((*visit).domainPage))
	mux.HandleFunc("GET /domains/{name}/retry", p.row((*visit).retryPage))
	for _, a := range actions {
		mux.HandleFunc("POST /domains/{name}/"+a.verb, p.row(a.run))
		if a.question != nil {
			mux.HandleFunc("GET /domains/{name}/"+a.verb, p.row(a.question))
		}
	}

	mux.HandleFunc("GET /users", p.page((*visit).usersPage))
	mux.HandleFunc("POST /users", p.page((*visit).setUser))
	mux.HandleFunc("POST /users/selector", p.page((*visit).setSelector))
	mux.HandleFunc("POST /users/switch", p.page((*visit).switchUser))
	mux.HandleFunc("POST /users/delete", p.page((*visit).deleteUser))

	mux.HandleFunc("GET /journal", p.page((*visit).journalPage))
	mux.HandleFunc("GET /help", p.page((*visit).helpPage))
	mux.HandleFunc("GET /help/{topic}", p.page((*visit).helpPage))

	p.apiRoutes(mux)
	mux.HandleFunc("/", p.page(func(*visit) error { return errNotFound }))
	return mux
}

var errNotFound = &Problem{Status: http.StatusNotFound, Rule: "not-found", What: "there is no such page", Way: "the list of domains has all that there is"}

// problemOf tells people what went wrong; everything unexpected is logged and stays unsaid.
func (p *Panel) problemOf(r *http.Request, err error) *Problem {
	if known := describe(err); known != nil {
		return known
	}
	if over := r.Context().Err(); over != nil && errors.Is(err, over) {
		return describe(domains.ErrUnavailable) // it took too long
	}
	p.Log.Error("the panel failed", "method", r.Method, "path", r.URL.Path, "error", err)
	return &Problem{Status: http.StatusInternalServerError, Rule: "internal", What: "something went wrong that is not your mistake", Way: "the log of postseal says what; try again, or tell whoever runs this mail server"}
}
