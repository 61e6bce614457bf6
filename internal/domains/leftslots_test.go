package domains_test

import (
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/internal/domains"
)

// A zone of before is not needed for ever by who does not use slots any more.
func TestFormerZoneIsLeftByASwitch(t *testing.T) {
	o := newProvider(t)
	o.signing("a.test", inCNAME(2))
	o.reconfigured(func(z *domains.KeyZone) { z.Name, z.SharedTarget, z.Former = "keys.new", "", []string{"keys.test"} })
	o.live(time.Hour)
	o.must(o.republish("a.test", domains.PublishTXT))
	o.follow("a.test")
	o.live(3 * time.Hour)
	o.live(20 * day)
	o.zone.drop(func(rr wire.RR) bool { return rr.Header().Rrtype == wire.TypeCNAME })
	for range 5 {
		o.live(10 * day)
	}
	all, err := o.service.KeyZone(o.ctx)
	o.must(err)
	for _, r := range all {
		t.Errorf("%s still has %s", r.Zone, r.Name)
	}
}

// A domain that had no slot for the new key of the set gets the key with the slot.
func TestSlotIsAddedAfterTheRotation(t *testing.T) {
	o := newProvider(t)
	a := o.signing("a.test", shared(1))
	o.signing("b.test", shared(2))
	_, err := o.rotateShared(domains.RotateRequest{Yes: true})
	o.must(err)
	two := 2
	_, err = o.service.Configure(o.ctx, "root", "a.test", domains.Settings{Slots: &two})
	o.must(err)
	if k := o.last("a.test"); k.Slot != 2 {
		t.Errorf("%+v", k)
	}
	o.signsWith("a.test", a)
}
