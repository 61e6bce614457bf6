package life

import "testing"

// A record that goes away: what the owner empties stops at the second look, what is missing goes on for its time, and both are back by
// themselves when the record is.
func TestRecordGoesAway(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	revoked, missing := "revoked."+s.zone, "missing."+s.zone
	selectors := map[string]string{revoked: s.add(revoked), missing: s.add(missing)}
	key := func(name string) string { return name + "/" + selectors[name] }
	s.confirmed(revoked, missing)
	s.signedSoon(revoked, key(revoked))
	s.signedSoon(missing, key(missing))

	s.Must(dns.SetTXT(s.record(selectors[revoked], revoked), "v=DKIM1; k=rsa; p="))
	s.Must(dns.Remove(s.record(selectors[missing], missing), "TXT"))
	s.within("first look", func() {
		s.run("domain", "verify", revoked).exits(finding).says("D403", "Connected – check DNS")
		s.run("domain", "verify", missing).exits(finding).says("D101", "Connected – check DNS")
		s.isSignedUnseen(s.send("ada@"+revoked), "managed-key", key(revoked))
		s.isSignedUnseen(s.send("ada@"+missing), "managed-key", key(missing))
	})
	s.within("second look", func() { // half a minute later, by itself
		s.tells("key.suspended", revoked, 0)
		s.soon("ada@"+revoked, "the revoked key rests", func(d delivery) bool { return d.line.Decision == "unsigned" })
		s.isLeftAlone(s.send("ada@"+revoked), "key-not-active")
		s.ok("domain", "list").says(missing, "Connected – check DNS", "D101", revoked, "Error", "D403")
		s.ok("domain", "show", revoked).says("Error", "suspended", "owner-revoked", "active -> suspended: owner-revoked")
		s.isSignedUnseen(s.send("ada@"+missing), "managed-key", key(missing))
	})
	s.within("back", func() {
		s.publish(revoked, missing)
		s.ok("domain", "verify", missing).says("Connected")
		s.is(missing, "Connected")
		s.ok("domain", "verify", revoked).says("live and correct", "Error", "DNS has it again") // once is not enough
		s.isLeftAlone(s.send("ada@"+revoked), "key-not-active")
		s.tells("health.recovered", revoked, 0)
		s.is(revoked, "Connected")
		s.signedSoon(revoked, key(revoked))
		s.isSigned(s.send("ada@"+revoked), "managed-key", key(revoked))
	})
}
