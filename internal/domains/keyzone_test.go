package domains_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

const oldZone, newZone = "dkim.old.example", "dkim.mx.example.net"

// slotKey is a key in a slot of a domain, in a key zone.
func slotKey(domain, selector string, slot int, state domains.State, zone string) domains.Key {
	return domains.Key{
		ID: selector + string(state), Owner: domain, Domain: domain, Selector: selector, Algorithm: dkim.RSASHA256, Slot: slot, State: state,
		Record: "v=DKIM1; p=" + selector + string(state), Target: selector + "." + strings.ReplaceAll(domain, ".", "-") + "." + zone,
	}
}

func TestKeyZoneRecords(t *testing.T) {
	retired := func(k domains.Key) domains.Key { k.State, k.DNSGoneAt = domains.Retired, begin; return k }
	compromised := func(k domains.Key) domains.Key { k.State, k.Compromised = domains.Retired, true; return k }
	cname := domains.Domain{Name: "example.com", Publish: domains.PublishCNAME, Slots: 2}
	with := func(change func(*domains.Domain)) domains.Domain { d := cname; change(&d); return d }
	deleted := with(func(d *domains.Domain) { d.DeletedAt = begin })
	pointing := func(selector, target string) func(*domains.Domain) {
		return func(d *domains.Domain) {
			d.Aliases = append(d.Aliases, domains.Alias{Selector: selector, Target: target})
		}
	}
	first, second := slotKey("example.com", "ps1", 1, domains.Active, newZone), slotKey("example.com", "ps2", 2, domains.Pending, newZone)
	const one, two = "ps1.example-com." + newZone, "ps2.example-com." + newZone
	const revoked = "v=DKIM1; p="
	for _, c := range []struct {
		name string
		rows []domains.Situation
		want []string // "zone name value"
	}{
		{"nothing", nil, nil},
		{"a domain in TXT mode", []domains.Situation{{Domain: domains.Domain{Name: "example.com", Publish: domains.PublishTXT}, Keys: []domains.Key{{Record: "v=DKIM1; p=x", State: domains.Active}}}}, nil},
		{"an idle slot", []domains.Situation{{Domain: cname, Keys: []domains.Key{first}}}, []string{newZone + " " + one + " " + first.Record, newZone + " " + two + " " + revoked}},
		{"a rotation", []domains.Situation{{Domain: cname, Keys: []domains.Key{first, second}}}, []string{newZone + " " + one + " " + first.Record, newZone + " " + two + " " + second.Record}},
		{"a retired key before the slot is used again", []domains.Situation{{Domain: cname, Keys: []domains.Key{retired(first), second}}}, []string{newZone + " " + one + " " + revoked, newZone + " " + two + " " + second.Record}},
		{"a slot that is used again", []domains.Situation{{Domain: cname, Keys: []domains.Key{retired(slotKey("example.com", "ps2", 2, domains.Retired, newZone)), first, second}}}, []string{newZone + " " + one + " " + first.Record, newZone + " " + two + " " + second.Record}},
		{"a compromised key", []domains.Situation{{Domain: cname, Keys: []domains.Key{compromised(first), second}}}, []string{newZone + " " + one + " " + revoked, newZone + " " + two + " " + second.Record}},
		{"deleted, mail is under way", []domains.Situation{{Domain: deleted, Keys: []domains.Key{slotKey("example.com", "ps1", 1, domains.Retiring, newZone)}}}, []string{newZone + " " + one + " v=DKIM1; p=ps1retiring"}},
		{"deleted and retired", []domains.Situation{{Domain: deleted, Keys: []domains.Key{slotKey("example.com", "ps1", 1, domains.Retired, newZone)}}}, []string{newZone + " " + one + " " + revoked}},
		{"deleted and gone", []domains.Situation{{Domain: deleted, Keys: []domains.Key{retired(first)}}}, nil},
		{"another mode now, and the old key retires", []domains.Situation{{Domain: with(func(d *domains.Domain) { d.Publish = domains.PublishTXT }), Keys: []domains.Key{slotKey("example.com", "ps1", 1, domains.Retiring, newZone)}}}, []string{newZone + " " + one + " v=DKIM1; p=ps1retiring"}},
		{"a target of before", []domains.Situation{{Domain: with(pointing("ps1", "ps1.example-com."+oldZone)), Keys: []domains.Key{first}}}, []string{
			newZone + " " + one + " " + first.Record, newZone + " " + two + " " + revoked, oldZone + " ps1.example-com." + oldZone + " " + first.Record,
		}},
		{"a target of before, of an idle slot", []domains.Situation{{Domain: with(pointing("ps2", "ps2.example-com."+oldZone)), Keys: []domains.Key{first}}}, []string{
			newZone + " " + one + " " + first.Record, newZone + " " + two + " " + revoked, oldZone + " ps2.example-com." + oldZone + " " + revoked,
		}},
		{"a target in no zone of ours", []domains.Situation{{Domain: with(pointing("ps1", "ps1.example.org")), Keys: []domains.Key{first}}}, []string{newZone + " " + one + " " + first.Record, newZone + " " + two + " " + revoked}},
		{"one record for a name", []domains.Situation{
			{Domain: with(pointing("ps1", one)), Keys: []domains.Key{first}},
			{Domain: domains.Domain{Name: "example.org", Publish: domains.PublishTXT, Aliases: []domains.Alias{{Selector: "x", Target: one}}}},
		}, []string{newZone + " " + one + " " + first.Record, newZone + " " + two + " " + revoked}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := domains.DefaultPolicy()
			p.KeyZone = domains.KeyZone{Name: newZone, SharedTarget: "dkim." + newZone, Former: []string{oldZone}}
			var got []string
			for _, r := range domains.KeyZoneRecords(p, c.rows) {
				got = append(got, fmt.Sprint(r.Zone, " ", r.Name, " ", r.Value))
				if r.Type != "TXT" || r.TTL != 3600 {
					t.Errorf("%+v", r)
				}
			}
			if g, w := strings.Join(got, "\n"), strings.Join(c.want, "\n"); g != w {
				t.Errorf("got\n%s\nwant\n%s", g, w)
			}
		})
	}
}
