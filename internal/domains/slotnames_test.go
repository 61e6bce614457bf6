package domains_test

import (
	"strings"
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// The name of a slot that has no key yet is nobody else's, and one that somebody has is no slot's:
// each rotation finds its name.
func TestNamesOfSlotsAreTaken(t *testing.T) {
	for _, selector := range []string{"pse1", "pse2", "pse3"} {
		t.Run(selector, func(t *testing.T) {
			o := newProvider(t)
			o.signing("a.test", func(r *domains.AddRequest) { r.Publish, r.Selector = domains.PublishTXT, selector })
			o.must(o.republish("a.test", domains.PublishCNAME))
			for range 3 {
				o.follow("a.test")
				o.live(3 * time.Hour)
				now := o.last("a.test")
				o.signsWith("a.test", now)
				o.live(12 * day)
				_, err := o.service.Rotate(o.ctx, "root", "a.test", domains.RotateRequest{})
				o.must(err)
			}
		})
	}
	t.Run("by an address", func(t *testing.T) {
		o := newProvider(t)
		o.signing("a.test", inCNAME(2))
		_, err := o.service.Add(o.ctx, "root", domains.AddRequest{Name: "sales@a.test", Selector: "pse2", Offline: true, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
		o.refused(err, "selector-used")
		_, err = o.service.Add(o.ctx, "root", domains.AddRequest{Name: "sales@a.test", Selector: "ps12", Offline: true, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
		o.refused(err, "selector-used")
	})
}

// The names of slots that a row had before it was deleted are not the new ones': they hold up
// none of these, and their records go.
func TestSlotsOfAFormerLife(t *testing.T) {
	o := newOperator(t)
	old := o.signing("example.com", inCNAME(1))
	_, err := o.service.Delete(o.ctx, "root", "example.com", domains.DeleteRequest{})
	o.must(err)
	k := o.signing("example.com", inCNAME(1))
	if k.Slot != 1 || k.Target == old.Target || o.served(old.Target) != old.Record {
		t.Errorf("%+v, and before %s has %q", k, old.Target, o.served(old.Target))
	}
	o.live(12 * day)
	o.is(old.ID, domains.Retired)
	if n := o.told(domains.KeySafeToRemove); n != 1 {
		t.Errorf("told %d times that the record before may go", n)
	}
	if got := o.served(old.Target); got != domains.RevokedRecord {
		t.Errorf("%s has %q while a CNAME record leads there", old.Target, got)
	}
	o.zone.drop(func(rr wire.RR) bool { return strings.HasPrefix(rr.Header().Name, old.Selector+".") })
	o.live(20 * day)
	if got := o.served(old.Target); got != "" || o.key(old.ID).DNSGoneAt.IsZero() {
		t.Errorf("%s has %q", old.Target, got)
	}
	o.signsWith("example.com", k)
}
