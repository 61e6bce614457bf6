package panel

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/browser"
	"github.com/postseal/postseal/test/internal/postfix"
)

// Mail Assure: key length and selector, one button, and the selector in the settings of an outgoing user.
func TestMailAssure(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	p := s.loggedIn("admin", browser.Options{})
	const selector = "yourselector-2022"
	key := s.zone + "/" + selector

	s.within("MA-9", func() { // the page of a domain that waits for its key
		s.run("domain", "request", s.zone)
		p.goes("/domains/" + s.zone + "/dkim")
		p.sees("Outgoing › DKIM")
	})
	s.within("MA-10", func() {
		if f := p.field("Key length"); !strings.Contains(strings.Join(f.Options, "|"), "2048 bit (advised)|1024 bit (weak") {
			p.Errorf("%q", f.Options)
		}
	})
	s.within("MA-11", func() {
		p.picks("Key length", "2048 bit (advised)")
		p.fills("Selector", "draft", "Key length")
		p.follows("Generate and save new private/public pair")
		p.sees("selector draft, RSA 2048 bit", "stored sealed")
	})
	s.within("MA-12", func() { // another selector, as long as DNS does not have the first one
		p.fills("Selector", selector, "Key length")
		p.follows("Generate and save new private/public pair")
		p.sees("selector " + selector)
		p.goes("/domains")
		if r := p.row(s.zone); r["Selector"] != selector {
			p.Errorf("%v", r)
		}
		p.follows(s.zone)
	})
	s.within("MA-14", func() {
		for _, r := range p.records("Type") {
			if r["Type"] != "TXT" {
				p.Errorf("%v", r)
			}
		}
	})
	s.within("MA-13", func() { p.publishes(selector + "._domainkey." + s.zone) })
	p.follows("Verify", "Retry validation")
	p.becomes(s.zone, "Connected", "green")
	s.within("MA-15", func() { // without the selector nothing else of this user is signed
		s.isLeftAlone(postfix.Alice, "ada@none."+s.zone, "no-key")
		p.follows("Outgoing users")
		p.fills("User", postfix.Alice)
		p.fills("DKIM selector", selector)
		p.follows("Save", "A re-authenticating user")
		p.sees("Saved sasl:" + postfix.Alice)
		if f := p.field("DKIM selector of sasl:" + postfix.Alice); f.Disabled || !strings.Contains(f.Value, selector) {
			p.Errorf("%+v", f)
		}
		s.isSigned(postfix.Alice, "ada@none."+s.zone, key)
	})
	s.within("MA-17", func() {
		s.isSigned(postfix.Alice, "ada@"+s.zone, key)
		s.isLeftAlone(postfix.Bob, "ada@none."+s.zone, "no-key")
	})
	s.within("MA-1", func() { // greyed, with the reason
		p.fills("User", postfix.Bob)
		p.presses("A re-authenticating user: never signed")
		p.follows("Save", "A re-authenticating user")
		f := p.field("DKIM selector of sasl:" + postfix.Bob)
		if !f.Disabled || f.Description != "DKIM signing is unavailable for a re-authenticating user." {
			p.Errorf("%+v", f)
		}
		p.sees("DKIM signing is unavailable for a re-authenticating user.")
		s.isLeftAlone(postfix.Bob, "ada@"+s.zone, "reauthenticating-user")
	})
	s.within("the selector taken away", func() {
		p.fills("DKIM selector of sasl:"+postfix.Alice, "")
		p.follows("Save", "sasl:"+postfix.Alice)
		s.isLeftAlone(postfix.Alice, "ada@none."+s.zone, "no-key")
		s.isSigned(postfix.Alice, "ada@"+s.zone, key)
	})
}
