package domains_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// lose declares the shared key that a domain has compromised.
func (o *operator) lose(name, selector string) {
	o.Helper()
	_, err := o.service.Compromised(o.ctx, "root", name, domains.CompromiseRequest{Selector: selector, Yes: true})
	o.must(err)
}

// servesNowhere sees that no name of the key zone has a record.
func (o *operator) servesNowhere(record string) {
	o.Helper()
	all, err := o.service.KeyZone(o.ctx)
	o.must(err)
	for _, r := range all {
		if r.Value == record {
			o.Errorf("%s has the compromised key", r.Name)
		}
	}
}

// A shared key that is compromised stands nowhere any more, whatever became of the domains
// that used it.
func TestCompromisedSharedKeyIsPublishedNowhere(t *testing.T) {
	leave := map[string]func(*operator){
		"a domain that was deleted": func(o *operator) {
			_, err := o.service.Delete(o.ctx, "root", "a.test", domains.DeleteRequest{})
			o.must(err)
		},
		"a domain on its way to txt": func(o *operator) { o.must(o.republish("a.test", domains.PublishTXT)) },
	}
	for what, leaves := range leave {
		for _, slots := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, slots %d", what, slots), func(t *testing.T) {
				o := newProvider(t)
				a, b := o.signing("a.test", shared(slots)), o.signing("b.test", shared(slots))
				o.live(2 * time.Hour)
				leaves(o)
				o.live(time.Hour)
				o.lose("b.test", b.Selector)
				o.servesNowhere(b.Record)
				if k := o.key(a.ID); !k.Compromised || k.State != domains.Retired {
					t.Errorf("a.test has it %s, compromised: %v", k.State, k.Compromised)
				}
				want := domains.RevokedRecord
				if slots == 1 { // the successor has the same slot
					want = o.last(domains.SharedSet).Record
				}
				for range 4 {
					if got := o.served(b.Target); got != want {
						t.Errorf("%s has %q, want %q", b.Target, got, want)
					}
					o.servesNowhere(b.Record)
					o.live(12 * time.Hour)
				}
			})
		}
	}
}

// What a row still says of a compromised pair, or of where its CNAME points, does not come
// before what the set says.
func TestCompromisedPairInTheKeyZone(t *testing.T) {
	lost := slotKey(domains.SharedSet, "ps1", 1, domains.Retired, newZone)
	lost.Compromised, lost.Print, lost.Target = true, "SHA256:lost", "dkim."+newZone
	next := slotKey(domains.SharedSet, "ps1", 1, domains.Active, newZone)
	next.Record, next.Print, next.Target = "v=DKIM1; p=next", "SHA256:next", "dkim."+newZone
	use := slotKey("a.test", "u-1", 1, domains.Retiring, newZone)
	use.Pair, use.Print, use.Record, use.Target = lost.ID, lost.Print, "v=DKIM1; p=lost", lost.Target
	twin := use // has lost the link, and is the same pair
	twin.Pair = ""
	good := use // of a slot's key of before
	good.Pair, good.Print = "other", "SHA256:other"
	row := domains.Domain{Name: "a.test", DeletedAt: begin, Aliases: []domains.Alias{{Selector: "u-1", Target: use.Target}, {Selector: "u-1", Target: "dkim." + oldZone}}}
	for _, c := range []struct {
		name     string
		set      []domains.Key
		use      domains.Key
		now, old string
	}{
		{"no successor", []domains.Key{lost}, use, domains.RevokedRecord, domains.RevokedRecord},
		{"a successor in the slot", []domains.Key{lost, next}, use, next.Record, domains.RevokedRecord},
		{"by its fingerprint", []domains.Key{lost, next}, twin, next.Record, domains.RevokedRecord},
		{"the target of the set first", []domains.Key{next}, good, next.Record, good.Record},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := domains.DefaultPolicy()
			p.KeyZone = domains.KeyZone{Name: newZone, SharedTarget: "dkim." + newZone, Former: []string{oldZone}}
			got := map[string]string{}
			for _, r := range domains.KeyZoneRecords(p, []domains.Situation{
				{Domain: row, Keys: []domains.Key{c.use}},
				{Domain: domains.Domain{Name: domains.SharedSet, Publish: domains.PublishCNAMEShared, Slots: 1}, Keys: c.set},
			}) {
				got[r.Name] = r.Value
			}
			if got["dkim."+newZone] != c.now || got["dkim."+oldZone] != c.old {
				t.Errorf("%v", got)
			}
		})
	}
}
