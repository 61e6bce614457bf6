package panel

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/browser"
)

// OpenCRM: one screen with a table of domains, whose last row is blank; Generate, Regenerate, Delete; and what has a key is signed at once.
func TestOpenCRM(t *testing.T) {
	t.Parallel()
	place := newPlace(t)
	s := beginAt(t, place, setup{
		domains: "activation = \"immediate\"\ncandidates = [\"file:USERS\"]",
		files:   map[string]string{"USERS": "sales@crm." + place.zone + "\n"},
	})
	p := s.loggedIn("admin", browser.Options{})
	var was browser.Row

	s.within("OCR-10", func() { p.sees("Email Authentication: Domains") })
	s.within("OCR-11", func() { // those one can send from are there by themselves
		if r := p.row("crm." + s.zone); !strings.HasPrefix(r["Status"], "Not set up") || r["DNS value"] != "" {
			p.Errorf("%v", r)
		}
	})
	s.within("OCR-12", func() {
		if f := p.field("Email domain"); f.Value != "" || f.Placeholder == "" {
			p.Errorf("the last row: %+v", f)
		}
	})
	s.within("OCR-14", func() {
		p.fills("Email domain", s.zone)
		p.fills("Selector", "a_b")
		p.follows("Generate", "made by Generate")
		p.sees("“a_b”") // and nobody is asked to agree to what cannot be
		if f := p.field("Email domain"); f.Value != s.zone {
			p.Errorf("what was typed is gone: %+v", f)
		}
	})
	s.within("OCR-20", func() { // a domain, a selector, Generate
		p.fills("Selector", "mail.2026-q1")
		p.follows("Generate", "made by Generate")
		p.sees("Are you sure?", "treat such mail worse than unsigned mail")
		p.follows("Cancel")
		p.goes("/domains")
		p.doesNotSee("mail.2026-q1")
		p.fills("Email domain", s.zone)
		p.fills("Selector", "mail.2026-q1")
		p.follows("Generate", "made by Generate")
		p.follows("Yes, do it")
		p.sees("selector mail.2026-q1")
	})
	s.within("OCR-22", func() { // signed before DNS has it, and in red
		p.goes("/domains")
		p.seesIn("red", "Signing, not verified", s.zone)
		s.isSignedInVain("ada@"+s.zone, s.zone+"/mail.2026-q1")
	})
	s.within("OCR-13", func() {
		p.goes("/domains")
		was = p.row(s.zone)
		if was["Selector"] != "mail.2026-q1" || !strings.HasPrefix(was["DNS record name"], "mail.2026-q1._domainkey."+s.zone) || !strings.HasPrefix(was["DNS value"], "TXT v=DKIM1; ") {
			p.Errorf("%v", was)
		}
	})
	s.within("OCR-16", func() { // a row that was there: its own Generate
		p.follows("Generate", "crm."+s.zone)
		p.follows("Yes, do it")
		p.sees("Saved for crm." + s.zone)
		p.publishes("")
		p.follows("Verify")
		p.sees("live and correct")
	})
	s.within("OCR-15", func() { // name and value cannot be set
		p.goes("/domains/" + s.zone + "/dkim")
		p.sees("nobody can set it")
		for _, name := range []string{"DNS record name", "DNS value"} {
			if has, err := p.page.Has(name); err != nil || has {
				p.Errorf("there is a field %s (%v)", name, err)
			}
		}
	})
	s.within("OCR-17", func() { // Regenerate with another selector: another name
		p.regenerates("opencrm2")
		p.goes("/domains")
		if now := p.row(s.zone); !strings.HasPrefix(now["DNS record name"], "opencrm2._domainkey."+s.zone) || now["DNS value"] == was["DNS value"] {
			p.Errorf("%v, was %v", now, was)
		}
		was = p.row(s.zone)
	})
	s.within("OCR-18", func() { // without one: another value
		p.regenerates("")
		p.goes("/domains")
		if now := p.row(s.zone); now["DNS record name"] != was["DNS record name"] || now["DNS value"] == was["DNS value"] {
			p.Errorf("%v, was %v", now, was)
		}
	})
	s.within("OCR-23", func() { // DNS has to follow
		p.follows(s.zone)
		p.sees("DNS has to be updated to match the new key")
		s.isSignedInVain("ada@"+s.zone, s.zone+"/opencrm2")
		p.publishes("opencrm2._domainkey." + s.zone)
		p.follows("Verify", "Retry validation")
		p.becomes(s.zone, "Connected", "green")
		s.isSigned("", "ada@"+s.zone, s.zone+"/opencrm2")
	})
	s.within("OCR-19", func() {
		p.follows(s.zone)
		p.follows("Delete", "Retry validation")
		p.sees("Nothing will be signed with it any more", "has to stay in DNS until mail under way has arrived")
		p.follows("Cancel")
		p.sees("DKIM for " + s.zone)
		p.follows("Delete", "Retry validation")
		p.follows("Delete")
		p.sees("Deleted "+s.zone, "keep the record opencrm2._domainkey."+s.zone+" until")
		s.isLeftAlone("", "ada@"+s.zone, "no-key")
	})
}

// regenerates the key of the page in place, with another selector if that is not empty.
func (p *person) regenerates(selector string) {
	p.Helper()
	p.goes("/domains/" + p.zone + "/dkim")
	p.fills("Selector", selector, "Key length")
	p.presses("Replace the key in place: sign with the new one at once, before DNS has it")
	p.follows("Generate and save new private/public pair")
	p.sees("Are you sure?", "must be changed to the new value at once")
	p.follows("Yes, do it")
	p.sees("DNS has to be updated to match", "selector "+selector)
}
