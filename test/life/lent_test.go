package life

import (
	"testing"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/postfix"
)

// A user signs for a domain that has no key of its own: with d= of the key's domain, which always verifies, and with the sender's as long
// as its DNS has this very key (fallback_d = "from").
func TestLentKey(t *testing.T) {
	t.Parallel()
	s := begin(t, setup{})
	crm, shop := "crm."+s.zone, "shop."+s.zone
	selector := s.connected(crm)
	own, lent := crm+"/"+selector, shop+"/"+selector
	name, text := s.record(selector, shop), s.key(crm).Record
	signedSoon := func(key string) {
		t.Helper()
		s.Must(await.That("mail of "+shop+" is signed with "+key, func() bool { return s.sendAs(postfix.Alice, "ada@"+shop).line.Keys == key }))
		s.isSigned(s.sendAs(postfix.Alice, "ada@"+shop), "user-key", key)
	}

	s.ok("user", "set", postfix.Alice, "--key", crm, "--domains", shop, "--fallback-d", "from").says(name, text)
	signedSoon(own)
	s.is("lent:"+shop, "Pending validation")
	s.within("published", func() {
		s.Must(dns.SetTXT(name, text))
		s.run("domain", "verify", "lent:"+shop).says("live and correct") // with a warning: the TTL is short
		s.tells("key.activated", "lent:"+shop, 0)
		signedSoon(lent)
		s.isLeftAlone(s.sendAs(postfix.Bob, "ada@"+shop), "no-key")
	})
	s.within("revoked by its owner", func() { // the second look is half a minute later
		s.Must(dns.SetTXT(name, revoked))
		s.ok("domain", "list").says(shop, "(lent)")
		s.run("domain", "verify", "lent:"+shop).exits(finding).says("D403")
		s.tells("key.suspended", "lent:"+shop, 0)
		signedSoon(own)
	})
	s.within("in other hands", func() { // it is stopped under each name, and each is to be revoked
		s.ok("domain", "compromised", own, "--yes").says(selector+" signs nothing any more", name+`. TXT "v=DKIM1; p="`)
		s.soonAs(postfix.Alice, "ada@"+shop, "key-unavailable")
		s.isLeftAlone(s.sendAs(postfix.Alice, "ada@"+shop), "key-unavailable")
		s.is("lent:"+shop, "Compromised")
	})
}
