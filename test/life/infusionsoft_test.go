package life

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/test/internal/judge"
)

// Infusionsoft: one CNAME to the same target for every customer, a Verify that has to succeed before anything is signed, and one day
// another target, at which every customer has to validate again.
func TestInfusionsoft(t *testing.T) {
	t.Parallel()
	const was, is = "infusionmail.test", "dkim.infusionmail.test"
	s := begin(t, setup{tables: keyZone(was, `shared_target = "key.infusionmail.test"`)})
	ada, bob, txt := "ada."+s.zone, "bob."+s.zone, "txt."+s.zone
	customers := []string{ada, bob}
	host := map[string]string{} // of the only record of each
	selector := map[string]string{}

	s.within("INF-5", func() { // nothing but a CNAME
		for _, customer := range customers {
			s.ok("domain", "add", customer, "--publish", "cname-shared", "--slots", "1").says("Pending validation", "Create a new CNAME")
			hosts, _ := s.aliases(customer)
			if len(hosts) != 1 {
				s.Fatalf("%d records", len(hosts))
			}
			host[customer], selector[customer] = hosts[0], s.key(customer).Selector
			s.known(customer)
		}
		s.writeKeyZone(was)
	})
	s.within("INF-14", func() { // one fixed target
		for _, customer := range customers {
			_, targets := s.aliases(customer)
			if target := targets[host[customer]]; target != "key."+was {
				s.Errorf("%s is to point to %s", host[customer], target)
			}
			s.ok("domain", "records", customer, "--guide").says("1. ", customer, "2. ", "CNAME", "sometimes called Name", "3. ", "key."+was, "4. ", "verify")
		}
	})
	s.connectedByTXT(txt)
	s.within("INF-16", func() { s.run("domain", "verify", ada).exits(finding).says("D101", "not live") })
	s.within("INF-27", func() { // "wait until the TTL has passed": ours is what their name server says about names that do not exist
		s.Must(dns.SetFor(900, s.zone, "SOA", "ns.lab.test. hostmaster.lab.test. 7 3600 600 86400 900"))
		before := time.Now().Add(15 * time.Minute)
		r := s.run("domain", "verify", ada).exits(finding)
		after := time.Now().Add(15*time.Minute + time.Minute) // it rounds up
		for at := before; !at.After(after.Add(time.Minute)); at = at.Add(time.Minute) {
			for _, clock := range []string{"15:04 UTC", "2006-01-02 15:04 UTC"} { // with the day when it is not this one
				if strings.Contains(r.Out, "try again after "+at.UTC().Format(clock)) {
					return
				}
			}
		}
		s.Errorf("no time between %v and %v in\n%s", before, after, r.Out)
	})
	s.within("INF-17", func() {
		flow := s.traffic("news@" + ada)
		flow.goesOn(3)
		s.alias(host[ada], "key."+was)
		s.ok("domain", "verify", ada, "--retry").says("live and correct") // Retry Validation
		s.tells("key.activated", ada, 0)
		s.signedSoon(ada, ada+"/"+selector[ada])
		flow.goesOn(3)
		s.signedFrom(flow.end(), ada+"/"+selector[ada])
	})
	s.within("INF-28", func() {
		s.is(ada, "Connected")
		s.isSigned(s.send("ada@"+ada), "managed-key", ada+"/"+selector[ada])
		s.is(bob, "Pending validation") // it has the same key, but not the record
		s.isLeftAlone(s.send("bob@"+bob), "key-not-active")
	})
	s.alias(host[bob], "key."+was)
	s.ok("domain", "verify", bob).says("live and correct")
	s.tells("key.activated", bob, 0)
	s.tells("key.activated", txt, 0)

	s.moveKeyZone(was, is)
	s.within("INF-29", func() { // just those who point there
		for _, customer := range customers {
			s.is(customer, "Needs re-validation")
		}
		s.is(txt, "Connected")
		s.ok("domain", "list", "--color", "always").says(ada, "\x1b[38;5;214mNeeds re-validation\x1b[0m", "postseal domain verify "+ada, bob, "Needs re-validation")
	})
	s.within("INF-30", func() {
		s.ok("domain", "records", ada, "--guide").says(host[ada], "key."+was, "key."+is, "verify")
	})
	s.within("INF-31", func() { // the old target is served meanwhile
		for _, customer := range customers {
			s.isSigned(s.send("news@"+customer), "managed-key", customer+"/"+selector[customer])
		}
		s.ok("domain", "export", "--key-zone", "--zone", was).says("key ", "v=DKIM1; ", "p=")
	})
	s.within("INF-32", func() { // each that is affected, and no other
		r := s.run("domain", "verify", "--all", "--retry").exits(finding).says(ada, "Needs re-validation", "D509", bob, "Needs re-validation", "D509")
		if strings.Contains(r.Out, txt) {
			s.Errorf("%s is asked for, too:\n%s", txt, r.Out)
		}
	})
	s.within("INF-33", func() { // from the list, one by one
		s.alias(host[ada], "key."+is)
		s.ok("domain", "verify", ada, "--retry").says("live and correct")
		s.is(ada, "Connected")
		s.is(bob, "Needs re-validation")
		s.isSigned(s.send("news@"+ada), "managed-key", ada+"/"+selector[ada])
	})
	s.within("INF-36", func() {
		s.alias(host[bob], "key."+is)
		s.ok("domain", "verify", "--all", "--retry").says(bob, "live and correct")
		for _, domain := range []string{ada, bob, txt} {
			s.is(domain, "Connected")
		}
	})
}

// connectedByTXT is a customer who has chosen the other way.
func (s *story) connectedByTXT(name string) {
	s.Helper()
	s.add(name)
	s.publish(name)
	s.ok("domain", "verify", name).says("live and correct")
}

// moveKeyZone gives the key zone another name, in the configuration, and both names to the name server.
func (s *story) moveKeyZone(was, is string) {
	s.Helper()
	s.Must(s.daemon.Stop())
	s.Write("postseal.toml", s.configuration(setup{tables: keyZone(is, `shared_target = "key.`+is+`"`, `former = ["`+was+`"]`)}))
	s.start()
	s.writeKeyZone(is)
	lines := s.ok("domain", "export", "--key-zone", "--zone", was).Out
	s.Must(dns.Load(was, fmt.Sprintf("$ORIGIN %s.\n@ 3600 SOA ns.lab.test. hostmaster.lab.test. %d 3600 600 86400 900\n@ 3600 NS ns.lab.test.\n@ 3600 NS ns2.lab.test.\n%s",
		was, time.Now().Unix()+3600, lines)))
}

// signedFrom wants no signature up to some message, and from there on one on each.
func (s *story) signedFrom(all []delivery, key string) {
	s.Helper()
	signed, unsigned := 0, 0
	for _, d := range all {
		if len(d.signedWith()) == 0 && signed == 0 {
			unsigned++
			continue
		}
		signed++
		s.isSignedUnseen(d, "managed-key", key)
		s.passes(judge.MsgAuth, d, key)
	}
	if signed < 3 || unsigned < 3 {
		s.Errorf("%d messages without a signature, and then %d with one", unsigned, signed)
	}
}
