package domains_test

import (
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// The CNAME records that a former customer left behind prove nothing for the next one.
func TestCNAMEOfAFormerCustomer(t *testing.T) {
	rsa := func(r *domains.AddRequest) { r.Algorithms, r.Bits = []dkim.Algorithm{dkim.RSASHA256}, 1024 }
	selector := func(s string) func(*domains.AddRequest) {
		return func(r *domains.AddRequest) { r.Selector = s }
	}
	both := func(f ...func(*domains.AddRequest)) func(*domains.AddRequest) {
		return func(r *domains.AddRequest) {
			for _, f := range f {
				f(r)
			}
		}
	}
	confirmed := func(o *operator, name string, change func(*domains.AddRequest)) {
		o.signing(name, ownedBy("acme"), change)
	}
	published := func(o *operator, name string, change func(*domains.AddRequest)) { // and nobody has looked at it
		o.add(name, ownedBy("acme"), change)
		o.follow(name)
	}
	withdrawn := func(o *operator) { o.live(0) }
	forgotten := func(o *operator) {
		for range 100 {
			o.live(day)
		}
	}
	for _, c := range []struct {
		name     string
		template string
		before   func(*operator, string, func(*domains.AddRequest))
		was, is  string
		asked    func(*domains.AddRequest) // by both
		gone     func(*operator)
		again    func(*domains.AddRequest) // by the second
		refused  string
	}{
		{"a domain", "{uuid}", confirmed, "a.test", "a.test", inCNAME(2), forgotten, inCNAME(2), ""},
		{"an RSA key", "{uuid}", confirmed, "a.test", "a.test", both(inCNAME(2), rsa), forgotten, both(inCNAME(2), rsa), ""},
		{"one that was never confirmed", "{uuid}", published, "a.test", "a.test", inCNAME(2), forgotten, inCNAME(2), ""},
		{"the same prefix", "{uuid}", confirmed, "a.test", "a.test", both(inCNAME(2), selector("mine")), forgotten, both(inCNAME(2), selector("mine")), "selector-used"},
		{"the usual prefix", "{uuid}", confirmed, "a.test", "a.test", inCNAME(2), forgotten, both(inCNAME(2), selector("ps")), "selector-used"},
		{"a prefix that ends as a slot", "{uuid}", confirmed, "a.test", "a.test", inCNAME(12), forgotten, both(inCNAME(1), selector("pse1")), "selector-used"},
		{"the prefix of another algorithm", "{uuid}", confirmed, "a.test", "a.test", inCNAME(2), forgotten, both(inCNAME(2), rsa, selector("pse")), "selector-used"},
		{"the shared key", "{uuid}", confirmed, "a.test", "a.test", shared(2), forgotten, shared(2), ""},
		{"the shared key, by a template without chance", "mail", confirmed, "a.test", "a.test", shared(2), forgotten, shared(2), ""},
		{"an address, by a template without chance", "mail", confirmed, "ceo@a.test", "cfo@a.test", inCNAME(2), forgotten, inCNAME(2), ""},
		{"deleted just now, a domain", "{uuid}", confirmed, "a.test", "a.test", inCNAME(2), withdrawn, inCNAME(2), ""},
		{"deleted just now, the shared key", "{uuid}", confirmed, "a.test", "a.test", shared(2), withdrawn, shared(2), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOperator(t)
			o.policy.Selector = c.template
			o.reconfigured(func(*domains.KeyZone) {}, "a.test")
			c.before(o, c.was, c.asked)
			_, err := o.service.Delete(o.ctx, "root", c.was, domains.DeleteRequest{})
			o.must(err)
			c.gone(o)
			o.clock.advance(time.Second)
			r := domains.AddRequest{Name: c.is, Owner: "eve", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}}
			c.again(&r)
			_, err = o.service.Add(o.ctx, "root", r) // whoever provides may ask in the name of a tenant
			if c.refused != "" {
				o.refused(err, c.refused)
				return
			}
			o.must(err)
			o.live(3 * time.Hour)
			if k := o.last(c.is); !k.VerifiedAt.IsZero() || k.State != domains.Pending {
				t.Errorf("%s of eve is %s", k.Selector, k.State)
			}
			o.follow(c.is)
			o.live(3 * time.Hour)
			if k := o.last(c.is); k.State != domains.Active {
				t.Errorf("%s is %s, with what eve published: %+v", k.Selector, k.State, k.Health)
			}
		})
	}
}

// Nothing that a row proved before it was deleted lets whoever has it now sign.
func TestFormerLifeLetsNothingSign(t *testing.T) {
	w := newWorld(t)
	w.connected("a.test", ownedBy("acme"))
	w.clock.advance(time.Minute)
	added, err := w.service.Rotate(w.ctx, "root", "a.test", domains.RotateRequest{})
	w.must(err)
	w.publish(added.Keys[0])
	w.live(2 * time.Hour)
	_, err = w.service.Delete(w.ctx, "root", "a.test", domains.DeleteRequest{})
	w.must(err)
	w.clock.advance(time.Minute)
	w.add("a.test", ownedBy("eve"))
	eve := w.service.Of("eve")
	_, err = eve.Enable(w.ctx, "panel:eve", "a.test", domains.EnableRequest{Force: true, Yes: true})
	w.refused(err, "KAR-5")
	_, err = eve.Rollback(w.ctx, "panel:eve", "a.test")
	w.refused(err, "T11")
	w.signsWith("a.test")
	_, err = eve.Delete(w.ctx, "panel:eve", "a.test", domains.DeleteRequest{})
	w.must(err)
	w.clock.advance(time.Minute)
	_, err = w.claims("eve", "a.test", func(r *domains.AddRequest) { r.Activation, r.Yes = domains.ActivateImmediate, true })
	w.refused(err, "KAR-5")
}

// What a tenant has only asked for keeps no name from another's rows.
func TestClaimKeepsNoName(t *testing.T) {
	named := func(s string) func(*domains.AddRequest) {
		return func(r *domains.AddRequest) { r.Selector = s }
	}
	for _, c := range []struct {
		name     string
		claim    func(*operator)
		owner    string
		asked    func(*domains.AddRequest)
		selector string // empty: refused
	}{
		{"of another tenant", func(o *operator) { o.add("ceo@a.test", ownedBy("eve"), named("s1")) }, "acme", named("s1"), "s1"},
		{"of a tenant, for the operator", func(o *operator) { o.add("ceo@a.test", ownedBy("eve"), named("s1")) }, "", named("s1"), "s1"},
		{"deleted", func(o *operator) {
			o.add("ceo@a.test", ownedBy("eve"), named("s1"))
			_, err := o.service.Delete(o.ctx, "panel:eve", "ceo@a.test", domains.DeleteRequest{})
			o.must(err)
		}, "acme", named("s1"), "s1"},
		{"deleted and forgotten", func(o *operator) {
			o.add("ceo@a.test", ownedBy("eve"), named("s1"))
			_, err := o.service.Delete(o.ctx, "panel:eve", "ceo@a.test", domains.DeleteRequest{})
			o.must(err)
			for range 100 {
				o.live(day)
			}
		}, "acme", named("s1"), "s1"},
		{"of a slot", func(o *operator) { o.add("ceo@a.test", ownedBy("eve"), named("pse1")) }, "acme", inCNAME(2), "pse1"},
		{"of the owner's own", func(o *operator) { o.add("ceo@a.test", ownedBy("acme"), named("s1")) }, "acme", named("s1"), ""},
		{"of the operator", func(o *operator) { o.add("ceo@a.test", named("s1")) }, "acme", named("s1"), ""},
		{"confirmed", func(o *operator) { o.signing("ceo@a.test", ownedBy("eve"), named("s1")) }, "acme", named("s1"), ""},
		{"in a slot", func(o *operator) { o.add("ceo@a.test", ownedBy("eve"), inCNAME(2), named("mail")) }, "acme", named("maile1"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newProvider(t)
			c.claim(o)
			r := domains.AddRequest{Name: "a.test", Owner: c.owner, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}, Offline: true}
			c.asked(&r)
			added, err := o.service.Add(o.ctx, "root", r)
			if c.selector == "" {
				o.refused(err, "selector-used")
				return
			}
			o.must(err)
			if k := added.Keys[0]; k.Selector != c.selector {
				t.Errorf("it has %s", k.Selector)
			}
		})
	}
}

// What a tenant says of keys is not for the key of all.
func TestTenantMakesNoWeakKeyForAll(t *testing.T) {
	o := newProvider(t)
	weak := func(r *domains.AddRequest) {
		r.Publish, r.Algorithms, r.Bits = domains.PublishCNAMEShared, []dkim.Algorithm{dkim.RSASHA256}, 1024
	}
	added, err := o.claims("eve", "a.test", weak)
	o.must(err)
	if k := added.Keys[0]; k.Bits != 2048 {
		t.Errorf("the key of the set has %d bits", k.Bits)
	}
}

// Two rows may have asked for one name: the one whose record stands there signs, and no other.
func TestOneNameOfTwoRows(t *testing.T) {
	o := newProvider(t)
	s1 := func(r *domains.AddRequest) { r.Selector, r.Offline = "s1", true }
	claim := o.add("ceo@a.test", ownedBy("eve"), s1)
	k := o.signing("a.test", ownedBy("acme"), s1)
	o.is(claim.ID, domains.Pending)
	o.signsWith("ceo@a.test")
	o.follow("ceo@a.test") // whoever has the DNS gives the address away
	o.live(30 * day)
	o.is(claim.ID, domains.Active)
	o.is(k.ID, domains.Suspended)
	o.signsWith("ceo@a.test", claim)
	o.signsWith("a.test")
	_, err := o.service.Of("eve").Compromised(o.ctx, "panel:eve", "ceo@a.test", domains.CompromiseRequest{Selector: "s1", Yes: true})
	o.must(err)
	o.is(k.ID, domains.Suspended)
	o.zone.drop(func(rr wire.RR) bool { return rr.Header().Name == "s1._domainkey.a.test." })
	o.follow("a.test")
	o.live(day)
	o.signsWith("a.test", k)
}
