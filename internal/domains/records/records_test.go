package records_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// changed gives a key with a change.
func changed(k domains.Key, change func(*domains.Key)) domains.Key {
	change(&k)
	return k
}

func TestActions(t *testing.T) {
	gone := func(k *domains.Key) { k.DNSGoneAt = begin }
	destroyed := func(k *domains.Key) { k.DestroyedAt = begin }
	for _, c := range []struct {
		name string
		keys []domains.Key
		want string
	}{
		{"nothing", nil, ""},
		{"generated", []domains.Key{key("s1", domains.Generated, 0)}, "publish s1"},
		{"pending", []domains.Key{key("s1", domains.Pending, 0)}, "publish s1"},
		{"failed", []domains.Key{key("s1", domains.Failed, 0)}, "publish s1"},
		{"suspended: DNS lost it", []domains.Key{key("s1", domains.Suspended, 0)}, "publish s1"},
		{"ready", []domains.Key{key("s1", domains.Ready, 0)}, "stay s1"},
		{"active", []domains.Key{key("s1", domains.Active, 0)}, "stay s1"},
		{"active and broken", []domains.Key{changed(key("s1", domains.Active, 0), func(k *domains.Key) { k.Health.Status = domains.Broken })}, "publish s1"},
		{"signs unverified", []domains.Key{changed(key("s1", domains.Active, 0), func(k *domains.Key) {
			k.VerifiedAt, k.Health.Status = k.DNSGoneAt, domains.Unverified
		})}, "publish s1"},
		{"rotating", []domains.Key{key("s1", domains.Active, 0), key("s2", domains.Pending, 9)}, "publish s2, stay s1"},
		{"after a rotation", []domains.Key{key("s1", domains.Retiring, 0), key("s2", domains.Active, 9)}, "stay s2, keep s1"},
		{"retired", []domains.Key{key("s1", domains.Retired, 0), key("s2", domains.Active, 9)}, "stay s2, remove s1"},
		{"retired and gone", []domains.Key{changed(key("s1", domains.Retired, 0), gone)}, ""},
		{"never handed out", []domains.Key{changed(key("s1", domains.Retired, 0), func(k *domains.Key) { k.PendingSince = k.DNSGoneAt })}, ""},
		{"destroyed before it was removed", []domains.Key{changed(key("s1", domains.Retired, 0), destroyed)}, "remove s1"},
		{"compromised", []domains.Key{changed(key("s1", domains.Retired, 0), func(k *domains.Key) { k.Compromised = true }), key("s2", domains.Pending, 1)}, "revoke s1, publish s2"},
		{"regenerated in place", []domains.Key{changed(key("s1", domains.Retiring, 0), func(k *domains.Key) { k.ID = "old" }), key("s1", domains.Pending, 1)}, "publish s1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sheet(detail("example.com", c.keys...), "example.com")
			var got []string
			for _, r := range s.Records {
				got = append(got, string(r.Action)+" "+r.Selector)
			}
			if g := strings.Join(got, ", "); g != c.want {
				t.Errorf("%q, want %q", g, c.want)
			}
		})
	}
}

func TestHostForms(t *testing.T) {
	s := sheet(detail("mail.example.com", key("s1", domains.Pending, 0)), "example.com")
	t.Run("INF-22", func(t *testing.T) {
		want := records.Host{
			Dot: "s1._domainkey.mail.example.com.", Full: "s1._domainkey.mail.example.com",
			InZone: "s1._domainkey.mail", InDomain: "s1._domainkey",
		}
		if got := s.Records[0].Host; got != want {
			t.Errorf("%+v", got)
		}
	})
	t.Run("MA-13", func(t *testing.T) {
		has(t, written(t, records.Table, s), "s1._domainkey.mail.example.com")
	})
	t.Run("only right for a zone", func(t *testing.T) {
		has(t, written(t, records.Table, s), "relative to domain  s1._domainkey  (only where mail.example.com is a zone of its own)")
		own := sheet(detail("mail.example.com", key("s1", domains.Pending, 0)), "mail.example.com")
		hasNot(t, written(t, records.Table, own), "only where")
	})
	t.Run("address", func(t *testing.T) {
		s := sheet(detail("sales@example.com", key("s1", domains.Pending, 0)), "example.com")
		if got := s.Records[0].Host.Full; got != "s1._domainkey.example.com" {
			t.Error(got)
		}
	})
}

func TestFind(t *testing.T) {
	answer := func(apex string, err error) records.Finder {
		return func(context.Context, string) (string, []string, error) { return apex, []string{"ns1.example.net"}, err }
	}
	for _, c := range []struct {
		name   string
		find   records.Finder
		domain string
		want   records.Zone
	}{
		{"found", answer("example.com", nil), "mail.example.com", records.Zone{Name: "example.com", NameServers: []string{"ns1.example.net"}}},
		{"a zone of its own", answer("mail.example.com", nil), "mail.example.com", records.Zone{Name: "mail.example.com", NameServers: []string{"ns1.example.net"}}},
		{"no answer", answer("", errors.New("no route")), "a.mail.example.co.uk", records.Zone{Name: "example.co.uk", Guessed: true, Why: "no route"}},
		{"an answer of several lines", answer("", errors.New("no route\nno server; and more")), "example.com", records.Zone{Name: "example.com", Guessed: true, Why: "no route no server"}},
		{"another zone", answer("example.org", nil), "mail.example.com", records.Zone{Name: "example.com", Guessed: true, Why: "no name server tells of a zone"}},
		{"the end of a label", answer("ample.com", nil), "example.com", records.Zone{Name: "example.com", Guessed: true, Why: "no name server tells of a zone"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := records.Find(t.Context(), c.find, c.domain); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	t.Run("said to people", func(t *testing.T) {
		z := records.Find(t.Context(), answer("", errors.New("no route")), "example.com")
		s := records.Make(detail("example.com", key("s1", domains.Pending, 0)), z, keepUntil)
		for _, f := range []records.Format{records.Table, records.Guide, records.Share, records.Bind, records.NSUpdate} {
			has(t, written(t, f, s), "could not be looked up (no route); example.com is a guess")
		}
		hasNot(t, written(t, records.NSUpdate, s), "zone example.com.\n")
	})
}

func TestProviders(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range records.Providers() {
		if p.Name == "" || len(p.Servers) == 0 || p.Host == "" || p.Value == "" || p.Target == "" || (p.Source == "") != (p.Date == "") {
			t.Errorf("incomplete: %+v", p)
		}
		switch p.Form {
		case "", records.InZone, records.Full, records.Dot:
		default:
			t.Errorf("%s: form %q", p.Name, p.Form)
		}
		if seen[p.Name] {
			t.Errorf("%s is there twice", p.Name)
		}
		seen[p.Name] = true
	}
	t.Run("INF-21", func(t *testing.T) {
		for server, want := range map[string]string{
			"ns61.domaincontrol.com": "GoDaddy", "ns1.bluehost.com": "Bluehost", "NS8001.hostgator.com.": "HostGator", "ns1.dreamhost.com": "DreamHost",
			"ns.liquidweb.com": "Liquid Web", "ns2.inmotionhosting.com": "InMotion Hosting", "ada.ns.cloudflare.com": "Cloudflare", "ns-12.awsdns-34.co.uk": "Amazon Route 53",
		} {
			if p := records.ProviderOf([]string{server}); p == nil || p.Name != want {
				t.Errorf("%s: %+v, want %s", server, p, want)
			}
		}
	})
	t.Run("not known", func(t *testing.T) {
		for _, servers := range [][]string{nil, {"ns1.example.net"}, {"ns61.domaincontrol.com", "ns1.dreamhost.com"}, {"domaincontrol.com.example"}, {"ns61.domaincontrol.com", "ns1.example.net"}} {
			if p := records.ProviderOf(servers); p != nil {
				t.Errorf("%v: %s", servers, p.Name)
			}
		}
	})
}

func TestSlots(t *testing.T) {
	k := key("ps1", domains.Pending, 0)
	k.Slot, k.Target = 1, "ps1.example-com.dkim.mx.example.net"
	d := detail("example.com", k)
	d.Domain.Publish, d.Domain.Slots = domains.PublishCNAME, 3
	s := sheet(d, "example.com")
	out := written(t, records.Guide, s)
	t.Run("INF-5", func(t *testing.T) { hasNot(t, out, "TXT", "p=") })
	t.Run("KAR-15", func(t *testing.T) { has(t, out, "host", "DNS points to", "ps1.example-com.dkim.mx.example.net.") })
	t.Run("KAR-16", func(t *testing.T) {
		has(t, out, "Record 1 of 3", "ps1._domainkey", "Record 2 of 3", "ps2._domainkey", "ps2.example-com.dkim.mx.example.net.", "Record 3 of 3", "ps3.example-com")
	})
	t.Run("INF-24", func(t *testing.T) { has(t, out, "some DNS providers are not compatible with this method") })
	has(t, written(t, records.Bind, s), "ps3._domainkey 86400 IN CNAME ps3.example-com.dkim.mx.example.net.")
}
