package panel

import (
	"regexp"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/browser"
)

// Infusionsoft: a window "Add Domain Setting" with four steps, a CNAME that points to one target for all, Verify, Retry Validation.
func TestInfusionsoft(t *testing.T) {
	t.Parallel()
	place := newPlace(t)
	users := "ada@" + place.zone + "\nbob@other." + place.zone + "\n"
	s := beginAt(t, place, setup{
		domains: "selector = \"{uuid}\"\ncandidates = [\"file:USERS\"]",
		tables:  keyZone(place),
		files:   map[string]string{"USERS": users},
	})
	p := s.loggedIn("admin", browser.Options{})
	var host, value string

	s.within("INF-8", func() {
		if r := p.row(s.zone); !strings.HasPrefix(r["Status"], "Not set up") {
			p.Errorf("%v", r)
		}
	})
	s.within("INF-9", func() {
		p.follows("Add a domain")
		p.sees("Add Domain Setting")
	})
	s.within("INF-12", func() { // nothing is chosen by itself
		if f := p.field("Choose the domain you would like to authenticate"); f.Value != "" {
			p.Errorf("%q is chosen", f.Value)
		}
		p.sees("Please select a domain")
		p.follows("Continue")
		p.sees("no domain was selected")
		p.doesNotSee("_domainkey")
	})
	s.within("INF-10", func() {
		f := p.field("Choose the domain you would like to authenticate")
		if want := "other." + s.zone + " " + s.zone; strings.Join(f.Options, " ") != want {
			p.Errorf("offered %q, want %s", f.Options, want)
		}
	})
	s.within("INF-7", func() { p.sees("Step 1", "Step 2", "Step 3", "Step 4") })
	s.within("INF-11", func() { // the host is there as soon as the domain is chosen
		p.picks("Choose the domain you would like to authenticate", s.zone)
		p.presses("More settings")
		p.picks("Records", "CNAME to one target for all domains")
		p.fills("CNAME records (1 to 12)", "1")
		p.follows("Continue")
		p.sees("Choose the domain you would like to authenticate: " + s.zone)
	})
	s.within("INF-13", func() {
		p.sees("Go to your DNS provider. Create a new CNAME using the text below as the host (sometimes called name)")
		host = p.copies("Copy…", finalDot)
		if !regexp.MustCompile(`^[0-9a-f-]{36}(-1)?\._domainkey\.` + regexp.QuoteMeta(s.zone) + `\.$`).MatchString(host) {
			p.Errorf("host %q", host)
		}
		p.sees(host)
	})
	s.within("INF-14", func() {
		p.sees("Copy and paste the following text into your DNS value")
		if value = p.copies("Copy…", "Points to"); value != "dkim."+s.keyZone+"." || len(p.records("Points to")) != 1 {
			p.Errorf("value %q", value)
		}
	})
	s.within("INF-24", func() { p.sees("some DNS providers are not compatible with this method") })
	s.within("INF-18", func() {
		p.follows("help with publishing the records")
		p.sees("Ask your provider for help")
		p.goes("/domains/" + s.zone + "/setup")
	})
	s.writeKeyZone()
	s.within("INF-17", func() { s.isLeftAlone("", "ada@"+s.zone, "key-not-active") })
	s.within("INF-15", func() {
		p.follows("Verify")
		p.sees("DNS was asked just now", "is not live", "D101")
	})
	s.within("INF-27", func() {
		p.sees("Try again after", "It can take hours")
		if text, err := p.page.Text(); err != nil || !regexp.MustCompile(`Try again after (\d{4}-\d\d-\d\d )?\d\d:\d\d`).MatchString(text) {
			p.Errorf("no time to try again at: %v\n%s", err, text)
		}
	})
	s.must(dns.Set(host, "CNAME", value))
	s.within("INF-33", func() {
		p.goes("/domains")
		p.follows("Retry validation", s.zone)
	})
	s.within("INF-34", func() {
		p.sees("Retry Domain Verification")
		p.follows("Verify")
		p.sees("live and correct")
	})
	p.becomes(s.zone, "Connected", "green")
	selector, _, _ := strings.Cut(host, ".")
	s.within("INF-28", func() { s.isSigned("", "ada@"+s.zone, s.zone+"/"+selector) })
	s.within("INF-6", func() { // switched off and on again by whoever wants it
		p.follows(s.zone)
		p.follows("Disable")
		p.sees("Mail from this domain leaves unsigned")
		p.follows("Disable")
		p.sees("Disabled")
		s.isLeftAlone("", "ada@"+s.zone, "domain-disabled")
		p.follows("Enable")
		s.isSigned("", "ada@"+s.zone, s.zone+"/"+selector)
	})
}
