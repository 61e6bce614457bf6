package domains_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// The pair of the set is stolen wherever it stands, whichever name is said: lent to a domain, or
// imported as one of a domain's own.
func TestSharedKeyIsStolenElsewhere(t *testing.T) {
	for _, said := range []string{"a.test", "copy.test", domains.SharedSet} {
		t.Run(said, func(t *testing.T) {
			o := newProvider(t)
			o.signing("b.test", shared(2))
			a := o.signing("a.test", shared(2))
			copied := dkim.RecordName("copy", "copy.test")
			o.zone.add(t, copied+`. 3600 IN TXT "`+a.Record+`"`)
			_, err := o.service.Import(o.ctx, "root", domains.ImportRequest{AddRequest: domains.AddRequest{Name: "copy.test", Selector: "copy", Offline: true}, PEM: []byte(o.private(a.ID))})
			o.must(err)
			o.lends("a.test", "shop.test")
			lent := dkim.RecordName(a.Selector, "shop.test")
			o.live(2 * time.Hour)
			selector := map[string]string{"a.test": a.Selector, "copy.test": "copy", domains.SharedSet: "pse1"}[said]
			e := o.stop(said, selector)
			o.warned(a.Target)
			o.warned(copied)
			o.warned(lent)
			also := []string{copied, lent}
			if said == "copy.test" {
				also[0] = a.Target
			}
			slices.Sort(also)
			if slices.Sort(e.Also); !slices.Equal(e.Also, also) {
				t.Errorf("also %v, want %v", e.Also, also)
			}
			if e.Domains != 2 || said == "copy.test" && e.Name() != copied || said != "copy.test" && e.Successor.ID == "" {
				t.Errorf("%+v", e)
			}
			o.servesNowhere(a.Record)
			o.neverAgain("a.test", a.Print)
			o.neverAgain("b.test", a.Print)
			o.neverAgain("copy.test", a.Print)
			o.live(3 * time.Hour)
			if s := o.signing2("b.test"); s == "" {
				t.Error("b.test has no successor")
			}
		})
	}
}

// A tenant's word empties no record that the operator's domain needs.
func TestTenantsWordInTheKeyZone(t *testing.T) {
	o := newProvider(t)
	a := o.signing("a.test", inCNAME(2))
	_, err := o.service.Import(o.ctx, "root", domains.ImportRequest{AddRequest: domains.AddRequest{Name: "acme.test", Selector: "copy", Owner: "acme", Offline: true}, PEM: []byte(o.private(a.ID))})
	o.must(err)
	_, err = o.service.Of("acme").Compromised(o.ctx, "panel:ada", "acme.test", domains.CompromiseRequest{Selector: "copy", Yes: true})
	o.must(err)
	o.signsWith("a.test", a)
	if got := o.served(a.Target); got != a.Record {
		t.Errorf("%s has %q", a.Target, got)
	}
}

// A key of the set that was replaced already stops nobody who has followed, and that is said.
func TestReplacedSharedKeyIsStolen(t *testing.T) {
	o := newProvider(t)
	a, b := o.signing("a.test", shared(2)), o.signing("b.test", shared(2))
	missing := strings.TrimSuffix(b.Selector, "1") + "2._domainkey.b.test."
	o.zone.drop(func(rr wire.RR) bool { return rr.Header().Name == missing })
	_, err := o.rotateShared(domains.RotateRequest{})
	o.must(err)
	o.live(2 * time.Hour)
	now := o.last("a.test")
	o.signsWith("a.test", now)
	e := o.stop("a.test", a.Selector)
	if e.InService.ID != now.ID || e.Successor.ID != "" {
		t.Errorf("in service %q, successor %q", e.InService.Selector, e.Successor.Selector)
	}
	o.signsWith("a.test", now)
	o.signsWith("b.test")
	if d := o.last("b.test"); d.State != domains.Pending || d.Slot != 2 {
		t.Errorf("what follows for b.test: %+v", d)
	}
}
