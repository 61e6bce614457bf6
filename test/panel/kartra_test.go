package panel

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/browser"
)

// Kartra: "+ DKIM records", three CNAMEs, a box to tick, Finish, and from then on nothing to do.
func TestKartra(t *testing.T) {
	t.Parallel()
	place := newPlace(t)
	s := beginAt(t, place, setup{tables: keyZone(place)})
	p := s.loggedIn("admin", browser.Options{})

	s.within("KAR-10", func() {
		p.follows("+ DKIM records")
		p.sees("New DKIM Record Configuration")
	})
	s.within("KAR-11", func() {
		for domain, part := range map[string]string{"www." + s.zone: "www.", "http://" + s.zone + "/": "http://", "ada@" + s.zone: "ada@"} {
			p.fills("Domain, as yourdomain.com: no “www” or any other characters", domain)
			p.follows("Add DKIM record")
			p.sees("“"+domain+"”", part)
			p.doesNotSee("To publish")
		}
	})
	s.within("KAR-12", func() {
		p.fills("Domain, as yourdomain.com: no “www” or any other characters", s.zone)
		p.presses("More settings")
		p.picks("Records", "CNAME: published once, keys change behind it")
		p.fills("CNAME records (1 to 12)", "3")
		p.follows("Add DKIM record")
		p.sees("Saved for " + s.zone)
	})
	s.within("KAR-13", func() { // instructions and records on one screen
		p.sees("Go to your DNS provider", "record 1 of 3", "record 2 of 3", "record 3 of 3")
	})
	s.within("KAR-14", func() {
		p.sees("Publish the records before you close this page")
		p.page.Questions()
		p.goes("/domains")
		if !p.asked() {
			p.Error("nothing asks whoever leaves before the records are published")
		}
		p.follows("Publish the records", s.zone)
	})
	s.within("KAR-16", func() {
		records := p.records("Points to")
		if len(records) != 3 {
			p.Fatalf("%d records", len(records))
		}
		for _, r := range records {
			if r["Type"] != "CNAME" || !strings.HasSuffix(r[finalDot], "._domainkey."+s.zone+".") || !strings.HasSuffix(r["Points to"], "."+s.keyZone+".") {
				p.Errorf("%v", r)
			}
		}
	})
	s.within("KAR-15", func() {
		p.sees("Host", "Points to")
		for _, r := range p.records("Points to") {
			p.publishes(strings.TrimSuffix(r[finalDot], "."))
		}
	})
	s.writeKeyZone()
	s.within("KAR-21", func() {
		p.presses("Finish") // the browser itself asks for the box
		p.sees("I have published these records", "record 3 of 3")
		p.presses("I have published these records")
		p.follows("Finish")
		p.sees("allow up to 48 hours")
	})
	s.within("KAR-25", func() {
		p.goes("/domains")
		p.seesIn("yellow", "Pending validation", s.zone)
	})
	s.within("KAR-26", func() { // with nobody touching the page
		p.check(await.Patiently("the page shows Connected by itself", func() bool { return strings.Contains(text(p), "Connected") }))
		p.doesNotSee("Pending validation")
	})
	s.within("KAR-27", func() { p.seesIn("green", "Connected", s.zone) })
	s.within("KAR-29", func() {
		if r := p.row(s.zone); r["Status"] != "Connected" {
			p.Errorf("%v", r)
		}
	})
	s.isSigned("", "ada@"+s.zone, s.zone+"/"+s.selector(s.zone))
}
