package panel

import (
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/browser"
)

// The main path with scripts switched off, on a small telephone: everything is there, but for the buttons that copy.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	p := s.loggedIn("admin", browser.Options{NoScript: true, Width: browser.Narrow, Dark: true})

	p.follows("Add a domain")
	p.follows("Continue")
	p.sees("no domain was selected")
	p.fills("or type another domain", s.zone)
	p.follows("Continue")
	p.sees("Saved for " + s.zone)
	if has, err := p.page.Has("Copy"); err != nil || has {
		p.Errorf("a button that can do nothing (%v)", err)
	}
	record := p.records("Value")[0]
	p.follows("Verify")
	p.sees("is not live", "Try again after")
	s.must(dns.SetTXT(record["in full"], record["Value"]))
	p.follows("Verify")
	p.becomes(s.zone, "Connected", "green")
	s.isSigned("", "ada@"+s.zone, s.zone+"/"+s.selector(s.zone))

	p.follows(s.zone)
	p.follows("Disable")
	p.follows("Disable")
	p.sees("Disabled")
	s.isLeftAlone("", "ada@"+s.zone, "domain-disabled")
	for _, page := range []string{"Outgoing users", "Journal", "Help", "Publishing the records", "What the statuses mean", "Good sending practice", "Words", "Domains"} {
		p.follows(page)
	}
	p.follows("Log out")
	p.sees("Access token")
}

// The keyboard alone reaches everything, in order, and shows where it is.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	s.run("domain", "add", s.zone)
	p := s.loggedIn("admin", browser.Options{})
	for path, wanted := range map[string][]string{
		"/domains":                       {"Skip to the content", "Domains", "Add a domain", "+ DKIM records", s.zone, "Generate"},
		"/domains/add":                   {"Choose the domain you would like to authenticate", "or type another domain", "More settings", "Continue"},
		"/domains/" + s.zone + "/setup":  {"Verify", "I have published these records", "Finish"},
		"/domains/" + s.zone + "/dkim":   {"Verify", "Retry validation", "Disable", "Delete", "Key length", "Generate and save new private/public pair", "Save settings"},
		"/domains/" + s.zone + "/retry":  {"Verify", "Cancel"},
		"/domains/" + s.zone + "/delete": {"Delete", "Cancel"},
		"/users":                         {"User", "DKIM selector", "A re-authenticating user: never signed", "Save"},
	} {
		p.goes(path)
		stops, err := p.page.TabStops()
		p.check(err)
		at := 0
		for _, name := range wanted {
			next := slices.Index(stops[at:], name)
			if next < 0 {
				p.Errorf("%s: the Tab key does not reach %q (in this order) but %q", path, name, stops)
				break
			}
			at += next + 1
		}
		for _, stop := range stops {
			if strings.HasSuffix(stop, " (unseen)") {
				p.Errorf("%s: nobody sees that the focus is at %s", path, stop)
			}
		}
	}
}
