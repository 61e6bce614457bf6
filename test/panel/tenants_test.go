package panel

import (
	"net/http"
	"testing"

	"github.com/postseal/postseal/test/internal/browser"
)

// A tenant sees and changes what belongs to it, and nothing tells it that there is more.
func TestTenants(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{tenants: []string{"acme", "globex"}})
	acme, globex, admin := s.loggedIn("acme", browser.Options{}), s.loggedIn("globex", browser.Options{}), s.loggedIn("admin", browser.Options{})
	mine, theirs := "acme."+s.zone, "globex."+s.zone
	for p, domain := range map[*person]string{acme: mine, globex: theirs} {
		p.fills("Email domain", domain)
		p.follows("Generate", "made by Generate")
		p.sees("Saved for " + domain)
	}
	for p, other := range map[*person]string{acme: theirs, globex: mine} {
		p.goes("/domains")
		p.doesNotSee(other)
		p.goes("/journal")
		p.doesNotSee(other)
		for _, page := range []string{"/dkim", "/setup", "/retry", "/delete"} {
			p.goes("/domains/" + other + page)
			if p.page.Status() != http.StatusNotFound {
				p.Errorf("status %d for the %s of another", p.page.Status(), page)
			}
			p.doesNotSee("_domainkey")
		}
	}
	acme.goes("/domains") // the name is taken, by nobody knows whom
	acme.fills("Email domain", theirs)
	acme.follows("Generate", "made by Generate")
	acme.doesNotSee("globex,", "Saved for "+theirs)

	admin.goes("/domains")
	admin.row(mine)
	admin.row(theirs)
	admin.goes("/journal")
	admin.sees("panel:acme", "panel:globex")
}
