package life

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/judge"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/sandbox"
)

// The ways of systems whose customers publish TXT records, step by step as their users are told.

// OpenCRM: a table of domains, Generate, and signing at once, whatever DNS has.
func TestOpenCRM(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	const selector = "opencrm"
	var key string

	s.within("OCR-21", func() { // somebody's record is no reason to sign
		s.Must(dns.SetTXT(s.record("default", s.zone), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="))
		s.isLeftAlone(s.send("ada@"+s.zone), "no-key")
	})
	s.within("OCR-20", func() { // the last row: a domain, a selector, Generate
		s.run("domain", "add", s.zone, "--selector", selector, "--activation", "immediate").exits(refused).
			warns("OCR-22", "treat such mail worse than unsigned mail", "--yes")
		s.run("domain", "show", s.zone).exits(refused)
		s.ok("domain", "add", s.zone, "--selector", selector, "--activation", "immediate", "--yes").
			warns("treat such mail worse than unsigned mail").says("made "+selector, "Signing, not verified")
		key = s.zone + "/" + selector
	})
	s.within("OCR-13", func() {
		s.ok("domain", "list", "--wide").says("EMAIL DOMAIN", "SELECTOR", "DNS RECORD NAME", "DNS VALUE",
			s.zone, selector, s.record(selector, s.zone), "Signing, not verified", "v=DKIM1; k=rsa; p=")
	})
	s.within("OCR-22", func() {
		s.signedSoon(s.zone, key)
		d := s.send("ada@" + s.zone)
		s.isSignedUnseen(d, "managed-key", key)
		s.explained(d)
		s.fails(d)
		s.ok("domain", "list", "--color", "always").says(s.zone, "\x1b[31mSigning, not verified\x1b[0m")
	})
	s.within("OCR-24", func() {
		s.confirmed(s.zone)
		s.isSigned(s.send("ada@"+s.zone), "managed-key", key)
		s.is(s.zone, "Connected")
	})
	s.within("OCR-17", func() { // Regenerate with another selector
		was := s.key(s.zone).Record
		s.run("domain", "regenerate", s.zone, "--in-place", "--selector", "opencrm2").exits(refused).warns("DNS has to be updated to match", "OCR-23")
		s.ok("domain", "regenerate", s.zone, "--in-place", "--selector", "opencrm2", "--yes").says("made opencrm2", "Signing, not verified")
		key = s.zone + "/opencrm2"
		if now := s.key(s.zone); now.Selector != "opencrm2" || now.Record == was {
			s.Errorf("%+v", now)
		}
		s.signedSoon(s.zone, key)
		s.fails(s.send("ada@" + s.zone))
	})
	s.within("OCR-23", func() {
		s.ok("domain", "records", s.zone).says("opencrm2._domainkey", "Keep until", selector+"._domainkey")
		s.publish(s.zone)
		s.isSigned(s.send("ada@"+s.zone), "managed-key", key)
	})
	s.within("OCR-18", func() { // Regenerate as it stands: the name stays, the value is another
		was := s.key(s.zone).Record
		s.ok("domain", "regenerate", s.zone, "--in-place", "--yes").says("made opencrm2")
		if now := s.key(s.zone); now.Selector != "opencrm2" || now.Record == was {
			s.Errorf("%+v", now)
		}
		s.soon("ada@"+s.zone, "the new key signs", func(d delivery) bool { return !s.verdict(d) })
		s.publish(s.zone)
		s.isSigned(s.send("ada@"+s.zone), "managed-key", key)
	})
	s.within("OCR-19", func() {
		s.run("domain", "delete", s.zone).exits(refused).warns("OCR-19")
		s.ok("domain", "delete", s.zone, "--yes").says("deleted", "keep the record opencrm2._domainkey."+s.zone)
		s.soon("ada@"+s.zone, "nothing is signed", func(d delivery) bool { return d.line.Decision == "unsigned" })
		s.isLeftAlone(s.send("ada@"+s.zone), "no-key")
		if r := s.ok("domain", "list"); strings.Contains(r.Out, "opencrm2") {
			s.Errorf("still listed:\n%s", r.Out)
		}
	})
}

// Three steps of a support team: records are made, the customer publishes them, and then DKIM is enabled for an address.
func TestThreeSteps(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	customer := "hostmaster@" + s.zone
	sales := "sales@" + s.zone

	s.within("TST-10", func() { // do they want it, and can they change their DNS?
		s.ok("domain", "request", s.zone, "--contact", customer).says("Requested")
		if keys := s.show(s.zone).Keys; len(keys) != 0 {
			s.Errorf("%d keys", len(keys))
		}
		s.run("domain", "enable", s.zone).exits(refused).warns("TST-10")
	})
	s.within("TST-4", func() {
		s.soon(sales, "it waits for the customer", func(d delivery) bool { return d.line.Reason == "key-not-active" })
	})
	s.within("TST-6", func() {
		s.ok("domain", "add", s.zone, "--activation", "manual").says("made", "Pending validation", "waiting for "+customer)
		k := s.key(s.zone)
		s.ok("domain", "records", s.zone, "--share").says(s.record(k.Selector, s.zone), k.Record)
		s.ok("domain", "records", s.zone, "--email").says("To: "+customer, s.record(k.Selector, s.zone))
	})
	s.within("TST-8", func() {
		s.run("domain", "enable", s.zone).exits(refused).warns("not verified in DNS yet", "TST-8", "--force")
		s.isLeftAlone(s.send(sales), "key-not-active")
	})
	s.within("TST-7", func() { // the customer publishes, and nobody says so
		s.publish(s.zone)
		s.tells("key.verified", s.zone, 0)
		s.is(s.zone, "Verified, not signing")
		s.ok("domain", "list").says("Verified, not signing", "postseal domain enable "+s.zone)
		s.isLeftAlone(s.send(sales), "key-not-active")
	})
	key := s.zone + "/" + s.key(s.zone).Selector
	s.within("enabled", func() {
		s.ok("domain", "enable", s.zone).says("Connected")
		s.signedSoon(s.zone, key)
		s.isSigned(s.send(sales), "managed-key", key)
	})
	s.within("TST-9", func() {
		s.ok("domain", "disable", s.zone).says("Disabled")
		s.soon(sales, "disabled", func(d delivery) bool { return d.line.Reason == "domain-disabled" })
		s.ok("domain", "enable", s.zone).says("Connected")
		s.signedSoon(s.zone, key)
	})
	s.within("TST-5", func() { // for one address alone
		domain := "one." + s.zone
		address := "sales@" + domain
		s.add(address, "--activation", "manual")
		s.confirmed(address)
		s.is(address, "Verified, not signing")
		s.ok("domain", "enable", address).says("Connected")
		key := domain + "/" + s.key(address).Selector
		s.soon(address, "the address signs", func(d delivery) bool { return d.line.Keys == key })
		s.isSigned(s.send(address), "managed-key", key)
		s.isLeftAlone(s.send("info@"+domain), "no-key")
	})
}

// Mail Assure: a pair for a domain, with length and selector chosen, then the selector in the settings of outgoing users.
func TestMailAssure(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	const selector = "yourselector-2022"
	own, none, waiting := "own."+s.zone, "none."+s.zone, "waiting."+s.zone
	key := s.zone + "/" + selector

	s.within("MA-10", func() {
		s.run("domain", "add", "weak."+s.zone, "--bits", "512").exits(4)
		s.run("domain", "add", "weak."+s.zone, "--bits", "1024").exits(1).warns("weak")
	})
	s.within("MA-11", func() { // Generate and save new private/public pair
		s.ok("domain", "add", s.zone, "--selector", selector, "--bits", "2048").says("made "+selector, "rsa 2048 bit")
		s.ok("domain", "add", own)
	})
	s.within("MA-14", func() { s.ok("domain", "records", s.zone).says("TXT", selector+"._domainkey."+s.zone) })
	s.confirmed(s.zone, own)
	s.within("MA-15", func() { // without the selector in the user's settings, only what has its own key is signed
		s.signedSoon(s.zone, key)
		s.isSigned(s.sendAs(postfix.Alice, "ada@"+s.zone), "managed-key", key)
		s.isLeftAlone(s.sendAs(postfix.Alice, "ada@"+none), "no-key")
		s.ok("user", "set", postfix.Alice, "--selector", selector).says("sasl:"+postfix.Alice, key)
		s.soonAs(postfix.Alice, "ada@"+none, "user-key")
	})
	s.within("MA-17", func() {
		s.isSigned(s.sendAs(postfix.Alice, "ada@"+none), "user-key", key)
		s.isLeftAlone(s.sendAs(postfix.Bob, "ada@"+none), "no-key")
		s.isSigned(s.sendAs(postfix.Alice, "ada@"+own), "managed-key", own+"/"+s.key(own).Selector)
		s.add(waiting)
		s.soonAs(postfix.Alice, "ada@"+waiting, "user-key") // it has a key, but not in DNS
		s.isSigned(s.sendAs(postfix.Alice, "ada@"+waiting), "user-key", key)
		s.ok("domain", "disable", waiting)
		s.soonAs(postfix.Alice, "ada@"+waiting, "domain-disabled")
		s.isLeftAlone(s.sendAs(postfix.Alice, "ada@"+waiting), "domain-disabled")
	})
	s.within("MA-16", func() {
		s.ok("user", "set", "ip:"+sandbox.ClientIPv4, "--key", s.zone)
		s.soonAs(postfix.Bob, "ada@"+none, "user-key")
		s.isSigned(s.sendAs(postfix.Bob, "ada@"+none), "user-key", key)
	})
	s.within("MA-1", func() {
		s.run("user", "set", postfix.Bob, "--reauth", "--selector", selector).exits(refused).warns("MA-1")
		s.ok("user", "set", postfix.Bob, "--reauth").says("never: re-authenticating user")
		s.soonAs(postfix.Bob, "ada@"+s.zone, "reauthenticating-user")
		s.isLeftAlone(s.sendAs(postfix.Bob, "ada@"+s.zone), "reauthenticating-user")
		s.isSigned(s.sendAs(postfix.Alice, "ada@"+s.zone), "managed-key", key)
	})
	s.within("user disabled", func() {
		s.ok("user", "disable", postfix.Alice)
		s.soonAs(postfix.Alice, "ada@"+s.zone, "user-disabled")
		s.ok("user", "enable", postfix.Alice)
		s.soonAs(postfix.Alice, "ada@"+none, "user-key")
	})
	s.within("the user's key follows a rotation", func() {
		s.ok("domain", "rotate", s.zone)
		s.confirmed(s.zone)
		next := s.zone + "/" + s.key(s.zone).Selector
		s.signedSoon(s.zone, next)
		s.isSigned(s.sendAs(postfix.Alice, "ada@"+none), "user-key", next)
	})
}

// soonAs sends as a user until a message is decided for reason.
func (s *story) soonAs(user, from, reason string) {
	s.Helper()
	s.Must(await.That(reason+" for "+from, func() bool { return s.sendAs(user, from).line.Reason == reason }))
}

// verdict is whether dkimpy accepts the only signature.
func (s *story) verdict(d delivery) bool {
	s.Helper()
	verdicts, err := judge.DKIMPy(d.Data)
	s.Must(err)
	return len(verdicts) == 1 && verdicts[0].Pass
}

// fails wants dkimpy to refuse the signature.
func (s *story) fails(d delivery) {
	s.Helper()
	if len(d.signedWith()) != 1 || s.verdict(d) {
		s.Errorf("signed with %v, and dkimpy accepts it", d.signedWith())
	}
}
