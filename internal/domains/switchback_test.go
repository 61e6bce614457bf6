package domains_test

import (
	"strings"
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/internal/domains"
)

// A switch that was given up stays given up, though DNS has lost the key of before.
func TestSwitchIsAbortedWhileSuspended(t *testing.T) {
	o := newProvider(t)
	old := o.signing("a.test", func(r *domains.AddRequest) { r.Publish = domains.PublishTXT })
	o.must(o.republish("a.test", domains.PublishCNAMEShared))
	o.zone.drop(func(rr wire.RR) bool { return strings.HasPrefix(rr.Header().Name, old.Selector) })
	o.live(2 * day)
	o.is(old.ID, domains.Suspended)
	_, err := o.service.Abort(o.ctx, "root", "a.test")
	o.must(err)
	o.live(3 * time.Hour)
	d, err := o.service.Show(o.ctx, "a.test")
	o.must(err)
	if d.Domain.Publish != domains.PublishTXT {
		t.Errorf("publish %s", d.Domain.Publish)
	}
	for _, k := range d.Keys {
		if k.Slot > 0 && k.State != domains.Retired {
			t.Errorf("%s is %s", k.Selector, k.State)
		}
	}
}

// With the key of before its way of publishing comes back: such a domain follows the set again.
func TestSwitchIsRolledBack(t *testing.T) {
	for _, way := range []domains.Publish{domains.PublishTXT, domains.PublishCNAME} {
		t.Run(string(way), func(t *testing.T) {
			o := newProvider(t)
			a := o.signing("a.test", shared(2))
			o.must(o.republish("a.test", way))
			o.follow("a.test")
			o.live(3 * time.Hour)
			o.signsWith("a.test", o.last("a.test"))
			_, err := o.service.Rollback(o.ctx, "root", "a.test")
			o.must(err)
			o.signsWith("a.test", a)
			_, err = o.rotateShared(domains.RotateRequest{})
			o.must(err)
			o.live(3 * time.Hour)
			if s := o.signing2("a.test"); s != strings.TrimSuffix(a.Selector, "1")+"2" {
				t.Errorf("a.test does not follow the set: %s", s)
			}
		})
	}
}

// Another way of publishing has slots of other names: one of them is enough for who has one.
func TestSwitchWithOneSlot(t *testing.T) {
	for from, to := range map[domains.Publish]domains.Publish{domains.PublishCNAME: domains.PublishCNAMEShared, domains.PublishCNAMEShared: domains.PublishCNAME} {
		t.Run(string(to), func(t *testing.T) {
			o := newProvider(t)
			old := o.signing("a.test", func(r *domains.AddRequest) { r.Publish, r.Slots = from, 1 })
			o.must(o.republish("a.test", to))
			o.follow("a.test")
			o.neverUnsigned("a.test", 2*time.Hour)
			now := o.last("a.test")
			o.signsWith("a.test", now)
			if now.Slot != 1 || o.served(now.Target) != now.Record || o.served(old.Target) != old.Record {
				t.Errorf("%+v", now)
			}
		})
	}
}
