package life

import (
	"testing"
	"time"
)

// revoked is the record of a key that is void (RFC 6376, 3.6.1).
const revoked = "v=DKIM1; p="

// A key behind a CNAME gets into other hands: it stops, its record in our zone is emptied by the driver, and another key takes over, at
// once if one stands by; no customer does anything.
func TestStolenKey(t *testing.T) {
	t.Parallel()
	const zone = "stolen.test"
	s := begin(t, setup{tables: drivenKeyZone(zone)})
	spared, bare := "spared."+s.zone, "bare."+s.zone
	for _, customer := range []string{spared, bare} {
		s.ok("domain", "add", customer, "--publish", "cname")
		hosts, targets := s.aliases(customer)
		for _, host := range hosts {
			s.alias(host, targets[host])
		}
		s.written(customer, "ps1")
		s.ok("domain", "verify", customer).says("live and correct")
	}
	target := func(name, selector string) string {
		_, targets := s.aliases(name)
		return targets[s.record(selector, name)]
	}
	for _, customer := range []string{spared, bare} {
		s.tells("key.activated", customer, 0)
		s.signedSoon(customer, customer+"/ps1")
	}
	s.within("the next key stands by", func() {
		s.ok("domain", "set", spared, "--activation", "manual")
		s.ok("domain", "rotate", spared).says("made ps2")
		s.tells("key.verified", spared, 1)
		s.ages(spared, 2*time.Hour) // caches have forgotten what was there before
		s.isSigned(s.send("ada@"+spared), "managed-key", spared+"/ps1")
	})
	under := s.send("ada@" + spared) // way
	s.within("and takes over", func() {
		s.ok("domain", "compromised", spared+"/ps1", "--yes").says("ps1 signs nothing any more", "ps2")
		s.signedSoon(spared, spared+"/ps2")
		s.isSigned(s.send("ada@"+spared), "managed-key", spared+"/ps2")
		s.serves(target(spared, "ps1"), revoked)
		s.serves(target(spared, "ps2"), s.selected(spared, "ps2").Record)
		s.fails(under) // as everything that the thief signs
		s.is(spared, "Connected")
	})
	s.within("without one, a new key", func() {
		s.ok("domain", "compromised", bare+"/ps1", "--yes").says("ps1 signs nothing any more", "ps2")
		s.soon("ada@"+bare, "the stolen key rests", func(d delivery) bool { return d.line.Reason == "key-not-active" })
		s.serves(target(bare, "ps1"), revoked)
		s.written(bare, "ps2")
		s.tells("key.verified", bare, 1)
		s.ages(bare, time.Hour)
		s.signedSoon(bare, bare+"/ps2")
		s.isSigned(s.send("ada@"+bare), "managed-key", bare+"/ps2")
	})
}
