package domains_test

import (
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// What is refused about slots leaves the way of publishing as it was, too.
func TestRefusedSlotsChangeNothing(t *testing.T) {
	o := newProvider(t)
	o.signing("a.test", inCNAME(2))
	_, err := o.service.Rotate(o.ctx, "root", "a.test", domains.RotateRequest{})
	o.must(err)
	o.live(3 * time.Hour)
	o.live(10 * day)
	o.must(o.republish("a.test", domains.PublishTXT))
	cname, one := domains.PublishCNAME, 1
	_, err = o.service.Configure(o.ctx, "root", "a.test", domains.Settings{Publish: &cname, Slots: &one})
	o.refused(err, "slot-in-use")
	d, err := o.service.Show(o.ctx, "a.test")
	o.must(err)
	if d.Domain.Slots != 2 || d.Domain.Publish != domains.PublishTXT {
		t.Errorf("%s %d", d.Domain.Publish, d.Domain.Slots)
	}
}

// A user's key is followed to what took the place of one that never signed.
func TestUserKeyFollowsWhatNeverSigned(t *testing.T) {
	for _, how := range []string{"regenerate", "cname"} {
		t.Run(how, func(t *testing.T) {
			o := newProvider(t)
			k := o.add("a.test", func(r *domains.AddRequest) { r.Publish = domains.PublishTXT })
			_, err := o.service.SetUser(o.ctx, "root", domains.User{Match: "sasl:alice", Key: "a.test/" + k.Selector})
			o.must(err)
			o.live(time.Hour)
			if how == "cname" {
				o.must(o.republish("a.test", domains.PublishCNAME))
			} else {
				_, err = o.service.Regenerate(o.ctx, "root", "a.test", domains.RotateRequest{Yes: true})
				o.must(err)
			}
			o.follow("a.test")
			o.live(3 * time.Hour)
			o.signsWith("a.test", o.last("a.test"))
			if u := o.user("sasl:alice"); len(u.Keys) != 1 {
				t.Errorf("%+v", u)
			}
		})
	}
}
