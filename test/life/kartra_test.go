package life

import (
	"strings"
	"testing"
	"time"
)

// Kartra: "+ DKIM records" gives three CNAME records, which the customer makes at the registrar; once all three are right the entry is
// Connected, and from then on the service replaces keys behind them.
func TestKartra(t *testing.T) {
	t.Parallel()
	const zone = "kartramail.test"
	s := begin(t, setup{tables: drivenKeyZone(zone)})
	var hosts []string
	var targets map[string]string

	s.within("KAR-11", func() {
		for name, part := range map[string]string{"www." + s.zone: "www.", "http://" + s.zone + "/": "http://", "ada@@" + s.zone: "@"} {
			s.run("domain", "add", name, "--publish", "cname", "--slots", "3").exits(usage).warns(part)
		}
	})
	s.within("KAR-13", func() { // instructions and records on one screen
		s.ok("domain", "add", s.zone, "--publish", "cname", "--slots", "3").says("made ps1", "Pending validation", "it can take up to 48 hours",
			"In postseal", "At your DNS provider", "Record 1 of 3", "ps1._domainkey", "points to", "ps1.", zone, "Record 2 of 3", "ps2._domainkey", "Record 3 of 3", "ps3._domainkey")
		s.known(s.zone)
		hosts, targets = s.aliases(s.zone)
		s.written(s.zone, "ps1")
		s.serves(targets[hosts[2]], revoked) // nobody's yet
	})
	s.within("KAR-15", func() {
		r := s.ok("domain", "records", s.zone).says("Host", "Points to")
		for _, host := range hosts {
			if !strings.Contains(r.Out, host) || !strings.Contains(r.Out, targets[host]+".") || !strings.HasSuffix(targets[host], "."+zone) {
				s.Errorf("no %s CNAME %s in\n%s", host, targets[host], r.Out)
			}
		}
	})
	s.within("KAR-25", func() {
		s.ok("domain", "list", "--color", "always").says(s.zone, "ps1", "\x1b[33mPending validation\x1b[0m")
	})
	s.within("KAR-17", func() { // their provider adds the domain by itself
		s.alias(hosts[0]+"."+s.zone, targets[hosts[0]])
		s.run("domain", "verify", s.zone).exits(finding).says("D201", hosts[0]+"."+s.zone, "Pending validation")
		s.Must(dns.Remove(hosts[0]+"."+s.zone, "CNAME"))
	})
	s.within("KAR-16", func() {
		if len(hosts) != 3 {
			s.Fatalf("%d records", len(hosts))
		}
		for n, host := range hosts[:2] {
			s.alias(host, targets[host])
			s.run("domain", "verify", s.zone).exits(finding).says("D504", hosts[n+1], "Pending validation")
		}
		s.isLeftAlone(s.send("ada@"+s.zone), "key-not-active")
		s.alias(hosts[2], targets[hosts[2]])
	})
	slow := "slow." + s.zone
	s.within("KAR-24", func() { // another customer takes two days, and says nothing
		s.ok("domain", "add", slow, "--publish", "cname", "--slots", "3").says("it can take up to 48 hours")
		s.written(slow, "ps1") // our part is done
		s.ages(slow, 47*time.Hour)
		s.is(slow, "Pending validation")
		s.ages(slow, 2*time.Hour)
		s.tells("key.verify-slow", slow, 0)
		s.ok("domain", "show", slow).says("Pending validation", "48 hours")
	})
	s.within("KAR-28", func() { // and then a third one
		s.ages(slow, 24*time.Hour)
		s.tells("key.verify-timeout", slow, 0)
		s.ok("domain", "list", "--color", "always").says(slow, "ps1", "\x1b[31mError\x1b[0m")
		s.ok("domain", "show", slow).says("Error", "D101", "fix", "ps1._domainkey."+slow)
	})
	s.within("KAR-21", func() { // "I have published these records", Finish
		s.ok("domain", "verify", s.zone).says("live and correct", "Pending validation")
	})
	s.within("KAR-26", func() { s.tells("key.activated", s.zone, 0) })
	s.within("KAR-27", func() {
		s.ok("domain", "list", "--color", "always").says(s.zone, "ps1", "\x1b[32mConnected\x1b[0m")
		s.signedSoon(s.zone, s.zone+"/ps1")
		s.isSigned(s.send("ada@"+s.zone), "managed-key", s.zone+"/ps1")
	})
	s.within("a rotation without the customer", func() {
		flow := s.traffic("ada@" + s.zone)
		s.ok("domain", "rotate", s.zone).says("made ps2")
		s.written(s.zone, "ps2")
		s.tells("key.verified", s.zone, 1)
		s.is(s.zone, "Connected – rotating") // caches may have what the name said before, for an hour
		s.ages(s.zone, time.Hour)
		s.tells("key.activated", s.zone, 1)
		s.signedSoon(s.zone, s.zone+"/ps2")
		flow.goesOn(5)
		s.eachSignedOnce(flow.end(), s.zone+"/ps1", s.zone+"/ps2")
		s.is(s.zone, "Connected")
		if told := s.told("key.records", s.zone); len(told) != 1 { // for the first key
			s.Errorf("the customer was asked for records %d times", len(told))
		}
		s.serves(targets[hosts[0]], s.selected(s.zone, "ps1").Record) // mail under way needs it
	})
	s.within("a slot that is over", func() {
		s.Must(s.daemon.Stop()) // it tells what it has signed
		s.start()
		s.ages(s.zone, 8*24*time.Hour)
		s.serves(targets[hosts[0]], revoked) // the customer's record stays, for the key after the next
		s.hasState(s.zone, "ps1", "retired")
		if told := s.told("key.safe-to-remove", s.zone); len(told) > 0 {
			s.Errorf("the customer is told to do something: %s", told[0].Text)
		}
		s.isSigned(s.send("ada@"+s.zone), "managed-key", s.zone+"/ps2")
	})
}
