package life

import "testing"

// The daemon is killed where it hurts, and the next one goes on where it was.
func TestKilled(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	signing, waiting := "signing."+s.zone, "waiting."+s.zone
	key := signing + "/" + s.connected(signing)
	selector := s.add(waiting)
	s.publish(waiting)
	s.ok("domain", "verify", waiting).says("live and correct", "Pending validation") // the first of two looks
	s.isSignedUnseen(s.send("ada@"+signing), "managed-key", key)

	s.daemon.Kill()
	s.within("same states", func() {
		s.is(signing, "Connected")
		s.is(waiting, "Pending validation")
		s.ok("domain", "add", "meanwhile."+s.zone) // the verbs need no daemon
	})
	s.start()
	s.within("from the first message on", func() {
		s.isSigned(s.send("ada@"+signing), "managed-key", key)
		s.isLeftAlone(s.send("ada@meanwhile."+s.zone), "key-not-active")
	})
	s.within("the second look", func() {
		s.tells("key.activated", waiting, 0)
		s.signedSoon(waiting, waiting+"/"+selector)
	})
	s.within("in a rotation", func() {
		s.ok("domain", "rotate", signing)
		next := s.key(signing).Selector
		s.publish(signing)
		s.ok("domain", "verify", signing).says("live and correct")
		s.daemon.Kill()
		s.start()
		s.isSignedUnseen(s.send("ada@"+signing), "managed-key", key)
		s.tells("key.activated", signing, 1)
		s.signedSoon(signing, signing+"/"+next)
		s.is(signing, "Connected")
	})
	s.within("switched while dead", func() {
		s.daemon.Kill()
		s.ok("domain", "disable", signing)
		s.start()
		s.isLeftAlone(s.send("ada@"+signing), "domain-disabled")
	})
}
