package domains_test

import (
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// A domain that shares has whatever the set has: one key of it is not deleted, since it
// would come back by itself.
func TestSharedKeyIsNotDeletedAlone(t *testing.T) {
	o := newProvider(t)
	a := o.signing("a.test", shared(2))
	o.live(2 * time.Hour)
	_, err := o.service.Delete(o.ctx, "root", "a.test", domains.DeleteRequest{Selector: a.Selector})
	o.refused(err, "shared-key")
	o.signsWith("a.test", a)
	_, err = o.rotateShared(domains.RotateRequest{})
	o.must(err)
	o.live(2 * time.Hour)
	o.is(a.ID, domains.Retiring)
	_, err = o.service.Delete(o.ctx, "root", "a.test", domains.DeleteRequest{Selector: a.Selector, Now: true, Yes: true})
	o.must(err) // it ends anyway
	o.is(a.ID, domains.Retired)
}

// A domain that is added again has the keys that it was added with, and none of before.
func TestAddedAgainHasNothingOfBefore(t *testing.T) {
	both := func(r *domains.AddRequest) {
		r.Publish, r.Slots, r.Algorithms, r.Bits = domains.PublishCNAMEShared, 2, []dkim.Algorithm{dkim.RSASHA256, dkim.Ed25519SHA256}, 1024
	}
	o := newProvider(t)
	o.signing("a.test", both)
	o.signing("b.test", both)
	_, err := o.service.Delete(o.ctx, "root", "a.test", domains.DeleteRequest{})
	o.must(err)
	o.live(time.Hour)
	o.signing("a.test", func(r *domains.AddRequest) {
		r.Publish, r.Slots, r.Algorithms, r.Yes = domains.PublishCNAMEShared, 2, []dkim.Algorithm{dkim.Ed25519SHA256}, true
	})
	o.live(9 * day)
	o.lose("b.test", o.keys("b.test")[0].Selector)
	o.live(9 * day)
	for _, k := range o.keys("a.test") {
		if k.Algorithm == dkim.RSASHA256 && k.State != domains.Retired {
			t.Errorf("%s came back and is %s", k.Selector, k.State)
		}
	}
}

// A domain that joined during a rotation that is given up has the key before.
func TestJoinedARotationThatWasAborted(t *testing.T) {
	o := newProvider(t)
	a := o.signing("a.test", shared(2))
	_, err := o.rotateShared(domains.RotateRequest{})
	o.must(err)
	o.add("b.test", shared(2))
	o.clock.advance(time.Minute)
	_, err = o.service.Abort(o.ctx, "root", domains.SharedSet)
	o.must(err)
	o.follow("b.test")
	o.live(2 * time.Hour)
	if k := o.last("b.test"); k.Pair != a.Pair || k.State != domains.Active {
		t.Errorf("%+v", k)
	}
}

// A domain that is added again is remembered to point to the key zone of before.
func TestAddedAgainKeepsWhereItPoints(t *testing.T) {
	for _, verb := range []string{"add", "request"} {
		t.Run(verb, func(t *testing.T) {
			o := newProvider(t)
			a := o.signing("a.test", inCNAME(2))
			o.reconfigured(func(z *domains.KeyZone) { z.Name, z.Former, z.SharedTarget = "keys.new", []string{"keys.test"}, "" })
			o.live(time.Hour)
			_, err := o.service.Delete(o.ctx, "root", "a.test", domains.DeleteRequest{})
			o.must(err)
			o.clock.advance(time.Second)
			r := domains.AddRequest{Name: "a.test", Publish: domains.PublishCNAME}
			if verb == "request" {
				_, err = o.service.Request(o.ctx, "root", r)
				o.must(err)
			}
			_, err = o.service.Add(o.ctx, "root", r)
			o.must(err)
			for range 5 {
				if got := o.served(a.Target); got != a.Record { // mail under way
					t.Errorf("%s has %q", a.Target, got)
				}
				o.live(time.Hour)
			}
		})
	}
}
