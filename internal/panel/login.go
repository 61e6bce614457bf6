package panel

import (
	"fmt"
	"math"
	"net/http"
	"time"
)

type loginPage struct{ Next string }

func (v *visit) loginPage() error {
	if v.who.Name != "" {
		return v.redirect("/domains")
	}
	if v.doors.login == nil {
		return errNotFound
	}
	return v.render(http.StatusOK, "login", "Log in", loginPage{}, nil)
}

// toLogin asks for a token instead of showing a page.
func (v *visit) toLogin() error {
	if v.r.Method == http.MethodGet {
		return v.redirect("/login")
	}
	return v.render(http.StatusForbidden, "login", "Log in", loginPage{}, &Problem{Rule: "logged-out", What: "nothing was done: you are not logged in any more", Way: "log in and send the form again"})
}

func (v *visit) login() error {
	if v.doors.login == nil {
		return errNotFound
	}
	source := v.doors.source(v.r)
	t, err := v.doors.login.who(v.form("token"))
	if err != nil {
		return err
	}
	if t == nil { // a right token is never kept waiting for the wrong ones of others
		if wait := v.doors.attempts.wait(source); wait > 0 {
			return v.tooMany(wait)
		}
		v.doors.attempts.failed(source)
		v.Log.Warn("somebody tried to log in to the panel with a token that does not exist", "client", source)
		return v.render(http.StatusForbidden, "login", "Log in", loginPage{}, &Problem{Rule: "wrong-token", What: "there is no such token", Way: "look whether it was copied whole"})
	}
	v.Log.Info("logged in to the panel", "name", t.Name, "tenant", t.Tenant, "client", source)
	v.sessions.end(v.visitor)
	v.setVisitor(v.sessions.begin(t))
	return v.redirect("/domains")
}

func (v *visit) tooMany(wait time.Duration) error {
	seconds := int(math.Ceil(wait.Seconds()))
	v.w.Header().Set("Retry-After", fmt.Sprint(seconds))
	return v.render(http.StatusTooManyRequests, "login", "Log in", loginPage{}, &Problem{
		Rule: "too-many", What: "there were too many wrong tokens", Way: fmt.Sprintf("try again in %d seconds", seconds),
	})
}

func (v *visit) logout() error {
	v.sessions.end(v.visitor)
	v.setVisitor(newVisitor())
	return v.redirect("/login")
}
