package domains_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// ownedBy makes a request for a row of a tenant.
func ownedBy(tenant string) func(*domains.AddRequest) {
	return func(r *domains.AddRequest) { r.Owner = tenant }
}

// claims has a tenant ask for a name.
func (w *world) claims(tenant, name string, change ...func(*domains.AddRequest)) (domains.Added, error) {
	r := domains.AddRequest{Name: name, Owner: tenant, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}}
	for _, f := range change {
		f(&r)
	}
	return w.service.Of(tenant).Add(w.ctx, "panel:"+tenant, r)
}

// A domain and its addresses are one tenant's.
func TestAddressesOfOthers(t *testing.T) {
	for _, c := range []struct {
		name  string
		there func(*world)
		claim string
		free  bool
	}{
		{"an address below a domain of another", func(w *world) { w.connected("a.test", ownedBy("acme")) }, "ceo@a.test", false},
		{"an address below one of the operator", func(w *world) { w.connected("a.test") }, "ceo@a.test", false},
		{"an address below a claim", func(w *world) { w.add("a.test", ownedBy("acme")) }, "ceo@a.test", false},
		{"an address below a deleted one", func(w *world) {
			w.connected("a.test", ownedBy("acme"))
			_, err := w.service.Delete(w.ctx, "root", "a.test", domains.DeleteRequest{})
			w.must(err)
		}, "ceo@a.test", false},
		{"an address beside a confirmed one", func(w *world) { w.connected("cfo@a.test", ownedBy("acme")) }, "ceo@a.test", false},
		{"a domain above a confirmed address", func(w *world) { w.connected("ceo@a.test", ownedBy("acme")) }, "a.test", false},
		{"a domain above a claim", func(w *world) { w.add("ceo@a.test", ownedBy("acme")) }, "a.test", true},
		{"an address of one's own", func(w *world) { w.connected("a.test", ownedBy("eve")) }, "ceo@a.test", true},
		{"a domain below another", func(w *world) { w.connected("a.test", ownedBy("acme")) }, "b.a.test", true},
		{"where the tables sign", func(w *world) {
			key, _ := tableKey(w.T, "a.test", "s1")
			w.must(w.service.WatchTables(w.ctx, "postsealctl", domains.Host{Name: "mx1"}, []domains.TableKey{key}, true))
		}, "ceo@a.test", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.there(w)
			_, err := w.claims("eve", c.claim)
			if c.free {
				w.must(err)
				return
			}
			w.refused(err, "not-yours")
			if _, err := w.service.Of("eve").Request(w.ctx, "panel:eve", domains.AddRequest{Name: c.claim, Owner: "eve"}); err == nil {
				t.Error("a request does it")
			}
		})
	}
}

// The names of CNAME records prove whose a domain is.
func TestTenantChoosesNoSlots(t *testing.T) {
	o := newProvider(t)
	for name, mode := range map[string]domains.Publish{
		"a.test": domains.PublishCNAMEShared, "ceo@a.test": domains.PublishCNAMEShared, "cfo@a.test": domains.PublishCNAME,
	} {
		_, err := o.claims("eve", name, func(r *domains.AddRequest) { r.Publish, r.Selector = mode, "ps" })
		o.refused(err, "random-slots")
		added, err := o.claims("eve", name, func(r *domains.AddRequest) { r.Publish = mode })
		o.must(err)
		if s := added.Keys[0].Selector; len(s) < 30 {
			t.Errorf("%s has %s", name, s)
		}
	}
	_, err := o.claims("eve", "b.test", func(r *domains.AddRequest) { r.Publish, r.Selector = domains.PublishCNAME, "mine" })
	o.must(err)
}

// One domain that cannot follow the shared keys keeps no other from it.
func TestOneCannotFollow(t *testing.T) {
	o := newProvider(t)
	rsa := func(r *domains.AddRequest) { r.Bits, r.Algorithms = 1024, []dkim.Algorithm{dkim.RSASHA256} }
	a, b := o.signing("a.test", shared(2), rsa), o.signing("b.test", shared(2), rsa)
	other := o.add("ceo@a.test", rsa)
	other.Selector = inSecond(a) // as from before such names were kept free
	o.must(o.store.Update(o.ctx, func(tx domains.Tx) error { return tx.PutKey(other) }))
	_, err := o.rotateShared(domains.RotateRequest{})
	o.must(err)
	o.live(3 * time.Hour)
	o.signsWith("a.test", a)
	o.signsWith("b.test", domains.Key{Selector: inSecond(b)})
	_, err = o.service.Compromised(o.ctx, "root", "a.test", domains.CompromiseRequest{Selector: a.Selector, Yes: true})
	o.must(err)
	if k := o.key(a.ID); !k.Compromised {
		t.Errorf("%+v", k)
	}
}

// inSecond is the name of the second slot of a key in the first.
func inSecond(k domains.Key) string { return strings.TrimSuffix(k.Selector, "1") + "2" }

// What is only claimed bars no name for the keys of the tables.
func TestClaimBlocksNoName(t *testing.T) {
	w := newWorld(t)
	claimed := func(r *domains.AddRequest) { r.Owner, r.Selector = "eve", "s1" }
	for name, k := range map[string]domains.Key{
		"a claim":   w.add("bank.test", claimed),
		"never had": w.add("own.test", func(r *domains.AddRequest) { r.Selector = "s1" }),
		"in use":    w.connected("used.test", claimed),
	} {
		_, err := w.service.Compromised(w.ctx, "root", k.Owner, domains.CompromiseRequest{Selector: "s1", Yes: true})
		w.must(err)
		snap, err := w.service.Snapshot(w.ctx)
		w.must(err)
		if _, blocked := snap.Blocked[domains.Pair{Name: record(k)}]; blocked != (name == "in use") {
			t.Errorf("%s: the name is blocked: %t", name, blocked)
		}
		if snap.Blocked[domains.Pair{Print: k.Print}] == "" {
			t.Errorf("%s: the pair may sign", name)
		}
	}
}

// Nobody sees what is below a domain by claiming it.
func TestCandidatesBelowClaims(t *testing.T) {
	w := newWorld(t)
	w.must(w.service.Seen(w.ctx, []domains.Sighting{{Domain: "bank.co.uk", Source: "mail", Count: 1, Last: begin}}))
	eve := w.service.Of("eve")
	_, err := eve.Request(w.ctx, "panel:eve", domains.AddRequest{Name: "co.uk", Owner: "eve"})
	w.must(err)
	if list, err := eve.Candidates(w.ctx); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	k, err := eve.Add(w.ctx, "panel:eve", domains.AddRequest{Name: "co.uk", Owner: "eve", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
	w.must(err)
	if list, err := eve.Candidates(w.ctx); err != nil || len(list) != 0 {
		t.Errorf("pending: %+v, %v", list, err)
	}
	w.publish(k.Keys[0])
	w.live(time.Hour)
	if list, err := eve.Candidates(w.ctx); err != nil || len(list) != 1 {
		t.Errorf("confirmed: %+v, %v", list, err)
	}
}

// What DNS shows of keys of others is told as any other key.
func TestFindingsTellNothingOfOthers(t *testing.T) {
	for owner, told := range map[string]bool{"eve": false, "acme": true, "": true} {
		t.Run("owner "+owner, func(t *testing.T) {
			o := newProvider(t)
			rsa := func(r *domains.AddRequest) { r.Bits, r.Algorithms = 1024, []dkim.Algorithm{dkim.RSASHA256} }
			a := o.signing("a.test", ownedBy("acme"), rsa)
			_, err := o.service.Compromised(o.ctx, "root", "a.test", domains.CompromiseRequest{Selector: a.Selector, Yes: true})
			o.must(err)
			k := o.add("b.test", ownedBy(owner), rsa)
			o.zone.add(t, dkim.RecordName(k.Selector, "b.test")+`. 60 IN TXT "`+strings.Join(dkim.TXTStrings(a.Record), `" "`)+`"`)
			o.live(time.Hour)
			d, err := o.service.Show(o.ctx, "b.test")
			o.must(err)
			said := fmt.Sprint(d.Keys[0].Health, d.Runs)
			if d.Keys[0].Health.Code == "" || strings.Contains(said, "a.test") != told || strings.Contains(said, "compromised") != told {
				t.Error(said)
			}
		})
	}
}

// The journal of a name begins anew when the name becomes somebody else's.
func TestJournalOfFormerOwner(t *testing.T) {
	w := newWorld(t)
	_, err := w.claims("acme", "moved.example")
	w.must(err)
	_, err = w.service.Of("acme").Delete(w.ctx, "panel:acme", "moved.example", domains.DeleteRequest{})
	w.must(err)
	for range 100 { // nothing else is due
		w.live(day)
	}
	_, err = w.claims("eve", "moved.example")
	w.must(err)
	for _, q := range []domains.JournalQuery{{}, {Domain: "moved.example"}, {Last: true, Limit: 100}} {
		lines, err := w.service.Of("eve").Journal(w.ctx, q)
		if err != nil || len(lines) == 0 {
			t.Errorf("%+v: %d lines, %v", q, len(lines), err)
		}
		for _, e := range lines {
			if e.Actor != "panel:eve" {
				t.Errorf("%+v: %+v", q, e)
			}
		}
	}
}

// A tenant changes the key of a user whose key is lent, in whichever way.
func TestTenantSetsLender(t *testing.T) {
	w := newWorld(t)
	k := w.add("acme.example", ownedBy("acme"))
	u := domains.User{Match: "sasl:l", Owner: "acme", Domains: []string{"shop.example"}, FromAsD: true, Key: "acme.example"}
	_, err := w.service.SetUser(w.ctx, "root", u)
	w.must(err)
	other := w.add("other.example", ownedBy("acme"))
	u.Key = "other.example/" + other.Selector
	_, err = w.service.Of("acme").SetUser(w.ctx, "panel:ada", u)
	w.must(err)
	lent, err := w.service.Show(w.ctx, "lent:shop.example")
	if err != nil || len(lent.Keys) == 0 || lent.Keys[len(lent.Keys)-1].Print != other.Print || k.Print == other.Print {
		t.Errorf("%+v, %v", lent.Keys, err)
	}
}

// What a domain's keys proved before it was deleted proves nothing for who asks for it again.
func TestClaimOfAFormerLife(t *testing.T) {
	w := newWorld(t)
	w.connected("a.test", ownedBy("acme"))
	_, err := w.service.Delete(w.ctx, "root", "a.test", domains.DeleteRequest{})
	w.must(err)
	w.live(time.Hour)
	_, err = w.service.Request(w.ctx, "root", domains.AddRequest{Name: "a.test", Owner: "acme"})
	w.must(err)
	snap, err := w.service.Snapshot(w.ctx)
	w.must(err)
	if s := snap.Domains["a.test"]; s == nil || !s.Claimed {
		t.Errorf("%+v binds others, on what was proved before it was deleted", s)
	}
}

// The journal of a row begins anew for whom it is handed to.
func TestJournalOfWhatWasHandedOver(t *testing.T) {
	w := newWorld(t)
	contact := func(r *domains.AddRequest) { r.Contact = "ceo@acme.example" }
	w.connected("moved.example", ownedBy("acme"), contact)
	_, err := w.service.Of("acme").Request(w.ctx, "panel:acme", domains.AddRequest{Name: "asked.example", Owner: "acme", Contact: "ceo@acme.example"})
	w.must(err)
	u := domains.User{Match: "sasl:crm", Owner: "acme", Key: "moved.example"}
	_, err = w.service.SetUser(w.ctx, "panel:acme", u)
	w.must(err)
	w.clock.advance(time.Minute)

	to := "eve"
	_, err = w.service.Configure(w.ctx, "root", "moved.example", domains.Settings{Owner: &to})
	w.must(err)
	w.add("asked.example", ownedBy("eve"))
	u.Owner, u.Key = "eve", ""
	_, err = w.service.SetUser(w.ctx, "root", u)
	w.must(err)
	w.clock.advance(time.Minute)
	for _, name := range []string{"moved.example", "asked.example"} {
		_, err = w.service.Of("eve").Disable(w.ctx, "panel:eve", name)
		w.must(err)
	}
	_, err = w.service.Of("eve").SetUserKey(w.ctx, "panel:eve", "sasl:crm", "moved.example")
	w.must(err)

	for _, q := range []domains.JournalQuery{{}, {Domain: "moved.example"}, {Domain: "asked.example"}, {Domain: "sasl:crm"}, {Last: true, Limit: 100}} {
		lines, err := w.service.Of("eve").Journal(w.ctx, q)
		if err != nil || len(lines) == 0 {
			t.Errorf("%+v: %d lines, %v", q, len(lines), err)
		}
		for _, e := range lines {
			if strings.Contains(fmt.Sprint(e), "acme") {
				t.Errorf("%+v: %+v", q, e)
			}
		}
		if gone, err := w.service.Of("acme").Journal(w.ctx, q); err != nil || len(gone) != 0 {
			t.Errorf("%+v: %+v, %v", q, gone, err)
		}
	}
}

// A contact stands in journal and mail: it is one line.
func TestContact(t *testing.T) {
	w := newWorld(t)
	w.add("a.test", func(r *domains.AddRequest) { r.Contact = "Bücher-Verlag <dns@a.test>" })
	for name, contact := range map[string]string{"long": strings.Repeat("x", 255), "two lines": "a\nfinding D000", "no text": "a\xff"} {
		_, err := w.claims("eve", "b.test", func(r *domains.AddRequest) { r.Contact = contact })
		w.invalid(err, "is no contact")
		_, err = w.service.Of("eve").Request(w.ctx, "panel:eve", domains.AddRequest{Name: "b.test", Owner: "eve", Contact: contact})
		w.invalid(err, "is no contact")
		_, err = w.service.Configure(w.ctx, "root", "a.test", domains.Settings{Contact: &contact})
		if w.invalid(err, "is no contact"); err == nil {
			t.Error(name)
		}
	}
}
