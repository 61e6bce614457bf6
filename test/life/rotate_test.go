package life

import (
	"testing"

	"github.com/postseal/postseal/test/internal/judge"
)

// Mail flows while a key is replaced: no message goes without a signature or with two, and each verifies.
func TestRotationUnderTraffic(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	old := s.connected(s.zone)
	s.isSigned(s.send("ada@"+s.zone), "managed-key", s.zone+"/"+old)

	flow := s.traffic("ada@" + s.zone)
	s.ok("domain", "rotate", s.zone).says("made", "Create a new TXT record")
	next := s.key(s.zone).Selector
	s.is(s.zone, "Connected – rotating")
	s.run("domain", "rotate", s.zone).exits(refused).warns("rotation-under-way", "--abort")
	s.confirmed(s.zone)
	s.signedSoon(s.zone, s.zone+"/"+next)
	flow.goesOn(5)
	all := flow.end()

	s.within("one signature each", func() { s.eachSignedOnce(all, s.zone+"/"+old, s.zone+"/"+next) })
	s.within("dkimpy", func() {
		s.isSigned(s.send("ada@"+s.zone), "managed-key", s.zone+"/"+next)
		s.passes(judge.DKIMPy, all[0], s.zone+"/"+old) // its record is still there
	})
	s.within("OCR-23", func() {
		s.is(s.zone, "Connected")
		s.ok("domain", "records", s.zone).says("In DNS, has to stay as it is", next+"._domainkey", "Keep until", old+"._domainkey")
	})
	s.within("rollback", func() {
		s.ok("domain", "rollback", s.zone).says("signs with " + old + " again")
		s.signedSoon(s.zone, s.zone+"/"+old)
		s.isSigned(s.send("ada@"+s.zone), "managed-key", s.zone+"/"+old)
	})
	s.within("compromised", func() {
		s.ok("domain", "compromised", s.zone+"/"+old, "--yes").says(old+" signs nothing any more", "v=DKIM1; p=")
		s.soon("ada@"+s.zone, "the compromised key rests", func(d delivery) bool { return d.line.Keys != s.zone+"/"+old })
		s.isLeftAlone(s.send("ada@"+s.zone), "key-not-active")
		s.ok("domain", "rollback", s.zone).says("signs with " + next + " again") // which DNS has and nobody stole
		s.signedSoon(s.zone, s.zone+"/"+next)
	})
}

// eachSignedOnce wants every message to have one signature, with the first key up to some message and with the second from there on.
func (s *story) eachSignedOnce(all []delivery, first, second string) {
	s.Helper()
	count := map[string]int{}
	for _, d := range all {
		key := first
		if d.line.Keys == second || count[second] > 0 {
			key = second
		}
		count[key]++
		s.isSignedUnseen(d, "managed-key", key)
		s.passes(judge.MsgAuth, d, key)
	}
	if count[first] < 5 || count[second] < 5 {
		s.Errorf("%v: the rotation was not under way", count)
	}
	s.Logf("%v", count)
}
