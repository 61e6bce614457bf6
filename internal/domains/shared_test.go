package domains_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// shared makes a request for the key that all domains have.
func shared(slots int) func(*domains.AddRequest) {
	return func(r *domains.AddRequest) { r.Publish, r.Slots = domains.PublishCNAMEShared, slots }
}

// newProvider is an operator with customers a.test, b.test and example.com.
func newProvider(t *testing.T) *operator {
	o := newOperator(t)
	o.policy.Selector = "{uuid}"
	o.reconfigured(func(*domains.KeyZone) {}, "a.test", "b.test")
	return o
}

func (o *operator) rotateShared(r domains.RotateRequest) (domains.Added, error) {
	return o.service.Rotate(o.ctx, "root", domains.SharedSet, r)
}

// private is a private half in PEM.
func (w *world) private(id string) string {
	w.Helper()
	key, err := w.service.Private(w.ctx, id)
	w.must(err)
	pem, err := key.PEM()
	w.must(err)
	return string(pem)
}

func TestSharedKey(t *testing.T) {
	o := newProvider(t)
	rsa := func(r *domains.AddRequest) {
		r.Publish, r.Slots, r.Bits, r.Algorithms = domains.PublishCNAMEShared, 2, 1024, []dkim.Algorithm{dkim.RSASHA256}
	}
	a, b := o.signing("a.test", rsa), o.signing("b.test", rsa)
	t.Run("INF-14", func(*testing.T) {
		if a.Target != "dkim.keys.test" || b.Target != "dkim.keys.test" || a.Print != b.Print {
			t.Errorf("%+v\n%+v", a, b)
		}
		all, err := o.service.KeyZone(o.ctx)
		o.must(err)
		if len(all) != 2 || o.served("dkim.keys.test") != a.Record || o.served("ps2.dkim.keys.test") != domains.RevokedRecord {
			t.Errorf("%+v", all)
		}
		if a.Pair == "" || o.private(a.ID) != o.private(b.ID) {
			t.Error("two private halves")
		}
	})
	t.Run("INF-23", func(*testing.T) {
		if a.Selector == b.Selector || len(a.Selector) != 38 || !strings.HasSuffix(a.Selector, "-1") {
			t.Errorf("%s, %s", a.Selector, b.Selector)
		}
	})
	t.Run("the list", func(*testing.T) { o.label(domains.SharedSet, "Shared key", "grey") })
	t.Run("one at a time", func(*testing.T) {
		_, err := o.service.Rotate(o.ctx, "root", "a.test", domains.RotateRequest{})
		o.refused(err, "shared-key")
		_, err = o.service.Rollback(o.ctx, "root", "a.test")
		o.refused(err, "shared-key")
		_, err = o.service.Abort(o.ctx, "root", "a.test")
		o.refused(err, "shared-key")
		_, err = o.service.Delete(o.ctx, "root", domains.SharedSet, domains.DeleteRequest{})
		o.refused(err, "shared-set")
		_, err = o.service.Verify(o.ctx, "root", domains.SharedSet)
		o.refused(err, "shared-set")
		_, err = o.rotateShared(domains.RotateRequest{Selector: "x"})
		o.invalid(err, "names of slots")
		_, err = o.rotateShared(domains.RotateRequest{InPlace: true, Yes: true})
		o.refused(err, "shared-set")
	})
	t.Run("abort", func(*testing.T) {
		_, err := o.rotateShared(domains.RotateRequest{})
		o.must(err)
		gone, err := o.service.Abort(o.ctx, "root", domains.SharedSet)
		o.must(err)
		if len(gone) != 1 || o.served("ps2.dkim.keys.test") != domains.RevokedRecord {
			t.Errorf("%+v", gone)
		}
		o.live(time.Hour)
		o.signsWith("a.test", a)
		o.label("a.test", "Connected", "green")
	})
	var next domains.Key
	t.Run("rotation", func(*testing.T) {
		missing := strings.TrimSuffix(b.Selector, "1") + "2._domainkey.b.test." // somebody removed it
		o.zone.drop(func(rr wire.RR) bool { return rr.Header().Name == missing })
		added, err := o.rotateShared(domains.RotateRequest{})
		o.must(err)
		next = added.Keys[0]
		o.label("a.test", "Connected – rotating", "green")
		o.live(2 * time.Hour)
		if got := o.signing2("a.test"); got != strings.TrimSuffix(a.Selector, "1")+"2" {
			t.Errorf("a.test is signed with %s", got)
		}
		o.signsWith("b.test", b)
		o.live(20 * day)
		o.signsWith("b.test", b)
		if o.served("dkim.keys.test") != a.Record || o.served("ps2.dkim.keys.test") != next.Record {
			t.Error("b.test still has the old key")
		}
		_, err = o.rotateShared(domains.RotateRequest{})
		o.refused(err, "no-free-slot")
		o.zone.add(t, missing+" 3600 IN CNAME ps2.dkim.keys.test.")
		_, err = o.service.Published(o.ctx, "root", "b.test")
		o.must(err)
		o.live(2 * time.Hour)
		if got := o.signing2("b.test"); got != strings.TrimSuffix(b.Selector, "1")+"2" {
			t.Errorf("b.test is signed with %s", got)
		}
	})
	t.Run("rollback", func(*testing.T) {
		_, err := o.service.Rollback(o.ctx, "root", domains.SharedSet)
		o.must(err)
		o.signsWith("a.test", domains.Key{Selector: strings.TrimSuffix(a.Selector, "1") + "2"}) // its old key is gone: it is validated again
		o.signsWith("b.test", b)
		o.live(2 * time.Hour)
		o.signsWith("a.test", a)
	})
	t.Run("compromised", func(*testing.T) {
		r := domains.CompromiseRequest{Selector: a.Selector}
		_, err := o.service.Compromised(o.ctx, "root", "a.test", r)
		o.unconfirmed(err, "T15")
		if !strings.Contains(err.Error(), "2 domains have it") {
			t.Errorf("asked %v", err)
		}
		_, err = o.service.Of("tenant").Compromised(o.ctx, "tenant", "a.test", r)
		if err == nil {
			t.Error("a tenant stops the key of all")
		}
		r.Yes = true
		e, err := o.service.Compromised(o.ctx, "root", "a.test", r)
		o.must(err)
		if e.Domains != 2 || e.Key.Domain != "a.test" {
			t.Errorf("%+v", e)
		}
		for _, k := range []domains.Key{a, b} {
			if got := o.signing2(k.Domain); got == k.Selector {
				t.Errorf("%s still signs with %s", k.Domain, got)
			}
		}
		if o.served(a.Target) == a.Record {
			t.Error("the compromised key is still served")
		}
	})
	t.Run("deleted", func(*testing.T) {
		o.live(day)
		for _, name := range []string{"a.test", "b.test"} {
			_, err := o.service.Delete(o.ctx, "root", name, domains.DeleteRequest{})
			o.must(err)
		}
		o.zone.drop(func(rr wire.RR) bool { return rr.Header().Rrtype == wire.TypeCNAME })
		for range 65 { // nothing else is due
			o.live(day)
		}
		for _, k := range o.keys(domains.SharedSet) {
			if k.State != domains.Active && k.DestroyedAt.IsZero() {
				t.Errorf("%s is %s and not destroyed", k.Selector, k.State)
			}
		}
	})
}

// signing2 is the one selector that a domain is signed with.
func (w *world) signing2(name string) string {
	return strings.Trim(w.signing(name), "[]")
}

// With one slot there is no rotation without a gap, and that is said; a second one can be
// added.
func TestOneSharedSlot(t *testing.T) {
	o := newProvider(t)
	a := o.signing("a.test", shared(1))
	o.signing("b.test", shared(1))
	_, err := o.rotateShared(domains.RotateRequest{})
	o.refused(err, "no-free-slot")
	var r *domains.Refused
	if errors.As(err, &r) && !strings.Contains(r.What+r.Way, "one slot only") {
		t.Errorf("%v", err)
	}
	two := 2
	_, err = o.service.Configure(o.ctx, "root", "a.test", domains.Settings{Slots: &two})
	o.must(err)
	o.follow("a.test")
	_, err = o.rotateShared(domains.RotateRequest{})
	o.unconfirmed(err, "too-few-slots")
	_, err = o.rotateShared(domains.RotateRequest{Yes: true})
	o.must(err)
	o.live(2 * time.Hour)
	o.signsWith("a.test", domains.Key{Selector: strings.TrimSuffix(a.Selector, "1") + "2"})
	_, err = o.service.Add(o.ctx, "root", domains.AddRequest{Name: "example.com", Publish: domains.PublishCNAMEShared, Slots: 1, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
	o.refused(err, "too-few-slots")
	third := o.signing("example.com", shared(2))
	if third.Slot != 2 {
		t.Errorf("a new domain has slot %d", third.Slot)
	}
}

// The shared target gets another name: only those who share are affected.
func TestSharedTargetMoves(t *testing.T) {
	o := newProvider(t)
	a, own := o.signing("a.test", shared(1)), o.signing("b.test", inCNAME(1))
	o.reconfigured(func(z *domains.KeyZone) {
		z.SharedTarget, z.Former = "sig.keys.test", []string{"edkim.keys.test", "dkim.keys.test"}
	})
	o.live(time.Hour)
	o.label("a.test", "Needs re-validation", "amber")
	o.label("b.test", "Connected", "green")
	o.signsWith("a.test", a)
	o.signsWith("b.test", own)
	if o.served(a.Target) != a.Record || o.served("pse1.sig.keys.test") != a.Record {
		t.Error("the old target is not served any more, or the new one is not yet")
	}
	o.follow("a.test")
	o.live(3 * day)
	o.label("a.test", "Connected", "green")
	o.live(2 * day)
	if got := o.served(a.Target); got != "" {
		t.Errorf("%s has %q", a.Target, got)
	}
}

// A tenant's domain may be signed with the keys of the set. The set itself is the operator's.
func TestTenantShares(t *testing.T) {
	o := newProvider(t)
	owned := func(by string) func(*domains.AddRequest) {
		return func(r *domains.AddRequest) { r.Publish, r.Slots, r.Owner = domains.PublishCNAMEShared, 2, by }
	}
	k := o.signing("b.test", owned("other"))
	o.signing("a.test", owned("acme"))
	acme := o.service.Of("acme")
	if s := o.signing2("a.test"); s == "" {
		t.Error("nothing is signed")
	}
	_, err := o.rotateShared(domains.RotateRequest{})
	o.must(err)
	o.live(10 * time.Minute)
	for verb, do := range map[string]func() error{
		"show": func() error { _, err := acme.Show(o.ctx, domains.SharedSet); return err },
		"rotate": func() error {
			_, err := acme.Rotate(o.ctx, "panel:eve", domains.SharedSet, domains.RotateRequest{Yes: true})
			return err
		},
		"abort":    func() error { _, err := acme.Abort(o.ctx, "panel:eve", domains.SharedSet); return err },
		"rollback": func() error { _, err := acme.Rollback(o.ctx, "panel:eve", domains.SharedSet); return err },
		"compromised": func() error {
			_, err := acme.Compromised(o.ctx, "panel:eve", domains.SharedSet, domains.CompromiseRequest{Selector: "ps1", Yes: true})
			return err
		},
		"delete": func() error {
			_, err := acme.Delete(o.ctx, "panel:eve", domains.SharedSet, domains.DeleteRequest{Yes: true})
			return err
		},
		"settings": func() error { return settled(o, acme, domains.SharedSet) },
	} {
		if err := do(); !errors.Is(err, domains.ErrNotFound) {
			t.Errorf("%s: %v", verb, err)
		}
	}
	lines, err := acme.Journal(o.ctx, domains.JournalQuery{})
	o.must(err)
	for _, line := range lines {
		if line.Domain != "a.test" {
			t.Errorf("%+v", line)
		}
	}
	o.must(settled(o, acme, "a.test"))
	_, err = acme.Compromised(o.ctx, "panel:eve", "a.test", domains.CompromiseRequest{Selector: o.last("a.test").Selector, Yes: true})
	o.refused(err, "shared-key")
	o.live(3 * time.Hour) // the rotation is done
	txt := domains.PublishTXT
	_, err = acme.Configure(o.ctx, "panel:eve", "a.test", domains.Settings{Publish: &txt})
	o.must(err)
	if own := o.last("a.test"); own.Pair != "" || own.Print == k.Print {
		t.Errorf("%+v", own)
	}
	_, err = acme.Delete(o.ctx, "panel:eve", "a.test", domains.DeleteRequest{Yes: true})
	o.must(err)
}

func settled(o *operator, s *domains.Service, name string) error {
	contact := "hostmaster@a.test"
	_, err := s.Configure(o.ctx, "panel:eve", name, domains.Settings{Contact: &contact})
	return err
}
