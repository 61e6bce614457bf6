package domains_test

import (
	"strings"
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/internal/domains"
)

func (o *operator) republish(name string, to domains.Publish, slots ...int) error {
	o.Helper()
	s := domains.Settings{Publish: &to}
	if slots != nil {
		s.Slots = &slots[0]
	}
	_, err := o.service.Configure(o.ctx, "root", name, s)
	return err
}

// last is the latest key of a row.
func (o *operator) last(name string) domains.Key {
	keys := o.keys(name)
	return keys[len(keys)-1]
}

// neverUnsigned lives on and sees that there is a signature at each moment.
func (o *operator) neverUnsigned(name string, d time.Duration) {
	o.Helper()
	for end := o.clock.Now().Add(d); o.clock.Now().Before(end); {
		if o.signing2(name) == "" {
			o.Fatalf("nothing is signed at %v", o.clock.Now())
		}
		o.live(time.Minute)
	}
}

// A domain goes from one way of publishing to each other one, and its mail is signed all
// the time. A pair of its own is kept.
func TestSwitchingModes(t *testing.T) {
	modes := []domains.Publish{domains.PublishTXT, domains.PublishCNAME, domains.PublishCNAMEShared}
	for _, from := range modes {
		for _, to := range modes {
			if from == to {
				continue
			}
			t.Run(string(from)+" to "+string(to), func(t *testing.T) {
				o := newProvider(t)
				old := o.signing("a.test", func(r *domains.AddRequest) { r.Publish = from })
				o.must(o.republish("a.test", to))
				next := o.last("a.test")
				t.Run("INF-24", func(*testing.T) {
					if kept := next.Print == old.Print; kept != (old.Pair == "" && next.Pair == "") {
						t.Errorf("the key is kept: %v", kept)
					}
				})
				t.Run("INF-29", func(*testing.T) { o.label("a.test", "Needs re-validation", "amber") })
				o.neverUnsigned("a.test", 10*time.Minute)
				o.signsWith("a.test", old)
				o.follow("a.test")
				o.neverUnsigned("a.test", 2*time.Hour)
				o.signsWith("a.test", next)
				o.label("a.test", "Connected", "green")
				o.signsAs("a.test", next)
				o.is(old.ID, domains.Retiring)
				if old.Target != "" && o.served(old.Target) != old.Record {
					t.Error("mail under way cannot be verified")
				}
			})
		}
	}
}

// signsAs sees that the private half at hand is that of the record.
func (o *operator) signsAs(name string, k domains.Key) {
	o.Helper()
	key, err := o.service.Private(o.ctx, k.ID)
	o.must(err)
	if key.PublicRecord() != k.Record {
		o.Errorf("%s would be signed with another key", name)
	}
}

// A provider cannot do CNAME at all: the key that waits is published as TXT.
func TestSwitchingAKeyThatWaits(t *testing.T) {
	o := newProvider(t)
	k := o.add("a.test", inCNAME(2))
	o.clock.advance(time.Second)
	o.must(o.republish("a.test", domains.PublishTXT))
	next := o.last("a.test")
	if next.Print != k.Print || next.Target != "" || next.State != domains.Pending {
		t.Errorf("%+v", next)
	}
	o.is(k.ID, domains.Retired)
	o.follow("a.test")
	o.live(time.Hour)
	o.signsWith("a.test", next)
}

// Somebody thinks better of it.
func TestSwitchingBack(t *testing.T) {
	for name, back := range map[string]func(*operator) error{
		"set": func(o *operator) error { return o.republish("a.test", domains.PublishTXT) },
		"abort": func(o *operator) error {
			_, err := o.service.Abort(o.ctx, "root", "a.test")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newProvider(t)
			k := o.signing("a.test")
			o.must(o.republish("a.test", domains.PublishCNAME, 3))
			o.must(back(o))
			o.live(time.Hour)
			o.signsWith("a.test", k)
			o.label("a.test", "Connected", "green")
			d, err := o.service.Show(o.ctx, "a.test")
			o.must(err)
			if d.Domain.Publish != domains.PublishTXT {
				t.Errorf("publish = %s", d.Domain.Publish)
			}
		})
	}
}

func TestSwitchingRefused(t *testing.T) {
	o := newProvider(t)
	o.signing("a.test")
	o.invalid(o.republish("a.test", "ns"), "no way to publish")
	o.invalid(o.republish("a.test", domains.PublishCNAME, 13), "no number of slots")
	o.invalid(o.republish("a.test", domains.PublishCNAME, 0), "no number of slots")
	_, err := o.service.Rotate(o.ctx, "root", "a.test", domains.RotateRequest{})
	o.must(err)
	o.refused(o.republish("a.test", domains.PublishCNAME), "rotation-under-way")
	o.signing("b.test", inCNAME(2))
	o.invalid(o.republish("b.test", domains.PublishTXT, 2), "have no use")
	txt, two, atOnce := domains.PublishTXT, 2, domains.ActivateImmediate
	_, err = o.service.Configure(o.ctx, "root", "b.test", domains.Settings{Publish: &txt, Slots: &two, Activation: &atOnce})
	o.invalid(err, "have no use")                       // before anybody is asked to agree to anything
	o.must(o.republish("b.test", domains.PublishCNAME)) // it is
	_, err = o.service.Import(o.ctx, "root", domains.ImportRequest{AddRequest: domains.AddRequest{Name: "c.test", Selector: "s", Publish: domains.PublishCNAME}})
	o.refused(err, "import-txt")
	o.policy.KeyZone = domains.KeyZone{}
	o.restart()
	o.refused(o.republish("b.test", domains.PublishCNAMEShared), "no-key-zone")
	o.refused(o.republish(domains.SharedSet, domains.PublishTXT), "no-shared-key")
}

// A domain that signs before DNS has confirmed anything goes on doing so: asked first.
func TestSwitchingUnconfirmed(t *testing.T) {
	o := newProvider(t)
	o.add("a.test", func(r *domains.AddRequest) { r.Activation, r.Yes = domains.ActivateImmediate, true })
	o.unconfirmed(o.republish("a.test", domains.PublishCNAME), "OCR-22")
	o.clock.advance(time.Second)
	to := domains.PublishCNAME
	_, err := o.service.Configure(o.ctx, "root", "a.test", domains.Settings{Publish: &to, Yes: true})
	o.must(err)
	o.signsWith("a.test", o.last("a.test"))
}

// The customer's record of a former mode is watched until it is gone, and D504 does not
// ask for slots that nobody needs any more.
func TestLeftoversOfAMode(t *testing.T) {
	o := newProvider(t)
	k := o.signing("a.test", inCNAME(2))
	o.must(o.republish("a.test", domains.PublishTXT))
	o.follow("a.test")
	o.live(2 * time.Hour)
	o.zone.drop(func(rr wire.RR) bool { return strings.HasPrefix(rr.Header().Name, "pse2.") })
	o.live(9 * day)
	checked, err := o.service.Verify(o.ctx, "root", "a.test")
	o.must(err)
	for _, c := range checked {
		for _, f := range c.Result.Findings {
			if f.Code == "D504" {
				t.Errorf("%+v", f)
			}
		}
	}
	if k = o.key(k.ID); k.State != domains.Retired || !k.DNSGoneAt.IsZero() {
		t.Errorf("%s, gone %v", k.State, k.DNSGoneAt)
	}
	if runs, err := o.service.Show(o.ctx, "a.test"); err != nil || runs.Runs[k.ID][0].Findings[0].Code != "D512" {
		t.Errorf("%v %+v", err, runs.Runs[k.ID][0])
	}
	o.zone.drop(func(rr wire.RR) bool { return rr.Header().Rrtype == wire.TypeCNAME })
	o.live(2 * day)
	if o.key(k.ID).DNSGoneAt.IsZero() || o.served(k.Target) != "" {
		t.Errorf("%s is still served: %q", k.Target, o.served(k.Target))
	}
}

// One request that is refused in part changes nothing.
func TestRefusedSettingsChangeNothing(t *testing.T) {
	for name, c := range map[string]domains.Settings{
		"on_missing": {OnMissing: ptr(domains.OnMissing("rubbish"))},
		"activation": {Activation: ptr(domains.Activation("rubbish"))},
	} {
		t.Run(name, func(t *testing.T) {
			o := newProvider(t)
			o.signing("a.test", func(r *domains.AddRequest) { r.Publish = domains.PublishTXT })
			c.Publish = ptr(domains.PublishCNAME)
			if _, err := o.service.Configure(o.ctx, "root", "a.test", c); err == nil {
				t.Error("taken")
			}
			d, err := o.service.Show(o.ctx, "a.test")
			o.must(err)
			if d.Domain.Publish != domains.PublishTXT || len(d.Keys) != 1 {
				t.Errorf("publish is %s, with %d keys", d.Domain.Publish, len(d.Keys))
			}
		})
	}
}
