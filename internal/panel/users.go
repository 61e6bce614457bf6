package panel

import (
	"net/http"
	"slices"
	"strings"

	"github.com/postseal/postseal/internal/domains"
)

// usersPage lists outgoing users with the selector of each (MA-1, MA-15).
type usersPage struct {
	Users []domains.User
	Form  userForm
	Keys  []string // that can be chosen
}

// userForm is the row of a new user as it was filled in.
type userForm struct {
	Match, Key, Domains, Owner string
	Reauth                     bool
}

// maxUsers bounds the rows of the page.
const maxUsers = 500

func (v *visit) usersPage() error { return v.usersWith(userForm{}, nil) }

func (v *visit) usersWith(form userForm, problem *Problem) error {
	users, err := v.service.Users(v.r.Context())
	if err != nil {
		return err
	}
	if part := trimmed(v.r.URL.Query().Get("q")); part != "" {
		users = slices.DeleteFunc(users, func(u domains.User) bool { return !strings.Contains(u.Match, part) })
	}
	rows, _, err := v.service.Search(v.r.Context(), domains.Search{Limit: pageRows})
	if err != nil {
		return err
	}
	body := usersPage{Users: users[:min(len(users), maxUsers)], Form: form}
	for _, r := range rows {
		if r.Domain.Watched() {
			continue
		}
		body.Keys = append(body.Keys, r.Domain.Name)
		for _, k := range r.Keys {
			if current(k) {
				body.Keys = append(body.Keys, r.Domain.Name+"/"+k.Selector)
			}
		}
	}
	return v.render(http.StatusOK, "users", "Outgoing users", body, problem)
}

// userDone leads back to the list, or shows it with the problem.
func (v *visit) userDone(form userForm, text string, err error) error {
	problem := describe(err)
	switch {
	case err == nil:
		return v.done("/users", note{Text: text})
	case problem != nil:
		return v.usersWith(form, problem)
	}
	return err
}

// setUser makes a row, or changes it; only the operator can.
func (v *visit) setUser() error {
	form := userForm{Match: v.form("match"), Key: v.form("key"), Domains: v.form("domains"), Owner: v.form("owner"), Reauth: v.ticked("reauth")}
	if form.Owner != "" && !isName(form.Owner) {
		return v.userDone(form, "", refuse("bad-owner", "the tenant has characters that no name here has, or is too long", "use letters, digits, hyphens and dots"))
	}
	match := form.Match
	if !strings.Contains(match, ":") {
		match = "sasl:" + match
	}
	listed := strings.FieldsFunc(form.Domains, func(r rune) bool { return r == ',' || r == ' ' })
	set, err := v.service.EditUser(v.r.Context(), v.actor(), match, func(u *domains.User) { // what the form does not show stays
		u.Key, u.Domains, u.Owner, u.Reauth = form.Key, listed, form.Owner, form.Reauth
		u.FromAsD = u.FromAsD && u.Key != "" // without a key there is none to lend
	})
	return v.userDone(form, "Saved "+set.Match+".", err)
}

// setSelector fills the DKIM selector of an outgoing user.
func (v *visit) setSelector() error {
	u, err := v.service.SetUserKey(v.r.Context(), v.actor(), v.form("match"), v.form("key"))
	return v.userDone(userForm{}, "Saved "+u.Match+".", err)
}

func (v *visit) switchUser() error {
	on := v.ticked("on")
	text := "Mail of " + v.form("match") + " is signed again."
	if !on {
		text = "Mail of " + v.form("match") + " is not signed any more."
	}
	return v.userDone(userForm{}, text, v.service.SwitchUser(v.r.Context(), v.actor(), v.form("match"), on))
}

func (v *visit) deleteUser() error {
	match := v.form("match")
	if !v.ticked("yes") {
		return v.confirm(confirmPage{
			Action: "/users/delete", Heading: "Remove the row of " + match + "?", Button: "Remove", Cancel: "/users",
			Follows: []string{"Mail of this user will only be signed by keys of its own domains."},
			Fields:  []field{{"match", match}, {"yes", "yes"}},
		})
	}
	return v.userDone(userForm{}, "Removed "+match+".", v.service.DeleteUser(v.r.Context(), v.actor(), match))
}
