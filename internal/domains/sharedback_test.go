package domains_test

import (
	"strings"
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/internal/domains"
)

// What was rolled back does not sign later for a domain that had not followed yet.
func TestRolledBackSharedKeyStaysBehind(t *testing.T) {
	o := newProvider(t)
	a, b := o.signing("a.test", shared(2)), o.signing("b.test", shared(2))
	missing := strings.TrimSuffix(b.Selector, "1") + "2._domainkey.b.test."
	o.zone.drop(func(rr wire.RR) bool { return rr.Header().Name == missing })
	_, err := o.rotateShared(domains.RotateRequest{})
	o.must(err)
	o.live(2 * time.Hour)
	_, err = o.service.Rollback(o.ctx, "root", domains.SharedSet)
	o.must(err)
	o.signsWith("a.test", a)
	o.zone.add(t, missing+" 3600 IN CNAME pse2.dkim.keys.test.")
	o.live(5 * time.Hour)
	o.signsWith("a.test", a)
	o.signsWith("b.test", b)
}

// Said twice, a rollback changes nothing: what it put away does not come back.
func TestRollbackOfTheSetTwice(t *testing.T) {
	o := newProvider(t)
	a := o.signing("a.test", shared(2))
	_, err := o.rotateShared(domains.RotateRequest{})
	o.must(err)
	o.live(3 * time.Hour)
	for range 2 {
		_, err = o.service.Rollback(o.ctx, "root", domains.SharedSet)
		o.live(time.Hour)
		o.signsWith("a.test", a)
	}
	o.refused(err, "T11")
}
