package panel

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// visit is one request of a person, with who it is and what that may see.
type visit struct {
	*Panel
	w       http.ResponseWriter
	r       *http.Request
	who     Identity
	service *domains.Service // of the tenant
	visitor string           // value of the cookie
	name    string           // of the row that the path names; empty on other pages
	domain  string           // d= of that row
}

// The bounds of a request.
const (
	maxBody    = 64 << 10
	maxRequest = 80 * time.Second // for all that a verb does: the check of a domain with many name servers takes long
)

// cookie is the name of ours. With https the browser itself sees to it that nobody else
// has set it (RFC 6265bis 4.1.3.2).
func (p *Panel) cookie() string {
	if p.secure && p.base == "" {
		return "__Host-postseal"
	}
	return "postseal"
}

// open is a page for everybody.
func (p *Panel) open(f func(*visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), maxRequest)
		defer cancel()
		v := &visit{Panel: p, w: w, r: r.WithContext(ctx)}
		if c, err := r.Cookie(p.cookie()); err == nil && isVisitor(c.Value) {
			v.visitor = c.Value
		} else {
			v.setVisitor(newVisitor())
		}
		err := v.admit()
		if err == nil {
			err = f(v)
		}
		if err != nil {
			v.failed(err)
		}
	}
}

// page is a page for those who may come in.
func (p *Panel) page(f func(*visit) error) http.HandlerFunc {
	return p.open(func(v *visit) error {
		switch {
		case v.who.Name != "":
			return f(v)
		case v.doors.login != nil:
			return v.toLogin()
		}
		return &Problem{http.StatusForbidden, "nobody", "nobody said who you are", "come by the proxy in front of this panel, which logs you in"}
	})
}

// row is a page about one row.
func (p *Panel) row(f func(*visit) error) http.HandlerFunc {
	return p.page(func(v *visit) error {
		var err error
		if v.name, v.domain, err = domains.ParseRow(v.r.PathValue("name")); err != nil {
			return errNotFound
		}
		return f(v)
	})
}

// admit finds out who it is, and judges the form that was sent.
func (v *visit) admit() error {
	who, err := v.doors.byProxy(v.r)
	if err != nil {
		return err
	}
	if s := v.sessions.of(v.visitor); who == nil && s != nil {
		if who, err = v.stillValid(s); err != nil {
			return err
		}
	}
	if who != nil {
		v.as(*who)
	}
	if v.r.Method != http.MethodPost {
		return nil
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxBody)
	if err := v.r.ParseForm(); err != nil {
		if tooLong := describe(err); tooLong != nil {
			return tooLong
		}
		return &Problem{http.StatusBadRequest, "bad-form", "the form cannot be read", "go back and send it again"}
	}
	if !v.sessions.isFormToken(v.r.PostForm.Get("csrf"), v.visitor, v.who) {
		if v.who.Name == "" && v.doors.login != nil && v.r.URL.Path != "/login" {
			return nil // whoever was logged out meanwhile is told to log in
		}
		return &Problem{http.StatusForbidden, "old-form", "the form is too old, or was not made for you", "open the page again, and send the form from there"}
	}
	return nil
}

func (v *visit) as(who Identity) {
	v.who, v.service = who, v.Service
	if !who.Operator() {
		v.service = v.Service.Of(who.Tenant)
	}
}

// stillValid ends the session of a token that was taken out of the file or means
// somebody else now.
func (v *visit) stillValid(s *session) (*Identity, error) {
	tokens, err := v.doors.login.read()
	if err != nil {
		return nil, err
	}
	if t := holder(tokens, s.digest); t != nil && t.Identity == s.who {
		return &s.who, nil
	}
	v.sessions.end(v.visitor)
	return nil, nil
}

// actor is who did something, for the journal.
func (v *visit) actor() string { return "panel:" + v.who.Name }

func (v *visit) setVisitor(id string) {
	v.visitor = id
	http.SetCookie(v.w, &http.Cookie{
		Name: v.cookie(), Value: id, Path: v.base + "/", HttpOnly: true, Secure: v.secure, SameSite: http.SameSiteStrictMode,
	})
}

// redirect leads on to a page of ours, by GET (RFC 9110 15.4.4).
func (v *visit) redirect(path string) error {
	v.w.Header().Set("Location", v.base+path)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// rowPath is the address of a page about a row.
func rowPath(name, page string) string { return "/domains/" + url.PathEscape(name) + "/" + page }

// path is the address of a page about the row of this visit.
func (v *visit) path(page string) string { return rowPath(v.name, page) }

// note is a message for the next page.
type note struct {
	Text  string
	Lines []string
	Bad   bool // it is no good news
}

// done leads on to a page with a message.
func (v *visit) done(path string, n note) error {
	v.sessions.leave(v.visitor, v.who, n)
	return v.redirect(path)
}

// failed shows a page with nothing but the problem.
func (v *visit) failed(err error) {
	v.show(v.problemOf(v.r, err))
}

// form is a field of the form that was sent, without blanks around it.
func (v *visit) form(name string) string { return trimmed(v.r.PostForm.Get(name)) }

// ticked tells whether a box was.
func (v *visit) ticked(name string) bool { return v.r.PostForm.Get(name) == "yes" }

// busy waits for its turn at what costs computing time or look-ups.
func (v *visit) busy(f func() error) error { return v.turns.take(v.r.Context(), v.who, f) }
