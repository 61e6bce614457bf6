package domains_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// lends makes alice sign with the keys of a domain, with d= of each listed domain that
// publishes them.
func (w *world) lends(key string, to ...string) {
	w.Helper()
	_, err := w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:alice", Key: key, Domains: to, FromAsD: true})
	w.must(err)
}

// lentTo are the selectors with d= of a domain; nil means d= of the key.
func (w *world) lentTo(domain string) (out []string) {
	w.Helper()
	for _, k := range w.user("sasl:alice").Lent[domain] {
		if k.Domain != domain {
			w.Errorf("d=%s for %s", k.Domain, domain)
		}
		if _, err := w.service.Private(w.ctx, k.ID); err != nil {
			w.Errorf("%s: %v", k.Selector, err)
		}
		out = append(out, k.Selector)
	}
	return out
}

func (w *world) lentSelectors(domain string, want ...domains.Key) {
	w.Helper()
	var selectors []string
	for _, k := range want {
		selectors = append(selectors, k.Selector)
	}
	if got := w.lentTo(domain); !slices.Equal(got, selectors) {
		w.Errorf("at %v %s is signed for with d= of its own by %v, want %v", w.clock.Now().Sub(begin), domain, got, selectors)
	}
}

// MA-17 read the other way: the sender's domain in d=, with the shared pair, from the check
// that finds this very key there until one that does not.
func TestLentKey(t *testing.T) { t.Run("MA-17", lentKey) }

func lentKey(t *testing.T) {
	w := newWorld(t)
	k := w.connected("shared.example")
	w.lends("shared.example", "shop.example", "other.example")
	name := dkim.RecordName(k.Selector, "shop.example")
	w.live(time.Hour)
	w.lentSelectors("shop.example")
	w.label("lent:shop.example", "Pending validation", "yellow")
	if u := w.user("sasl:alice"); len(u.Keys) != 1 || u.Keys[0].Domain != "shared.example" {
		t.Errorf("until then the key signs with its own domain: %+v", u)
	}
	if _, asked := w.user("sasl:alice").Lent["other.example"]; !asked {
		t.Error("nobody tells that other.example does not have the key")
	}

	w.dns.publish(name, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
	w.live(2 * time.Hour)
	w.lentSelectors("shop.example") // another key
	version, err := w.service.Version(w.ctx)
	w.must(err)
	w.dns.publish(name, k.Record)
	w.live(time.Hour)
	w.lentSelectors("shop.example", k)
	w.lentSelectors("other.example")
	w.label("lent:shop.example", "Connected", "green")
	if now, err := w.service.Version(w.ctx); err != nil || now == version {
		t.Errorf("no host hears of it: version %d, %v", now, err)
	}

	w.dns.remove(name)
	w.live(3 * time.Hour)
	w.lentSelectors("shop.example") // lost again: back, without a grace
	w.dns.publish(name, k.Record)
	w.live(3 * time.Hour)
	w.lentSelectors("shop.example", k)
	if n := len(w.signingKeys("shared.example")); n != 1 {
		t.Errorf("the lender has %d keys in service", n)
	}
}

func (w *world) signingKeys(name string) []domains.SigningKey {
	w.Helper()
	snap, err := w.service.Snapshot(w.ctx)
	w.must(err)
	return snap.Domains[name].Keys
}

// What is lent follows rotations: the successor is looked for under the other domain as soon
// as it is made, and until it is found there d= is the key's domain.
func TestLentKeyIsRotated(t *testing.T) {
	for _, ref := range []string{"shared.example", "shared.example/one"} {
		t.Run(ref, func(t *testing.T) {
			w := newWorld(t)
			one := w.connected("shared.example", func(r *domains.AddRequest) { r.Selector = "one" })
			w.lends(ref, "shop.example")
			w.dns.publish("one._domainkey.shop.example", one.Record)
			w.live(time.Hour)
			w.lentSelectors("shop.example", one)
			added, err := w.service.Rotate(w.ctx, "root", "shared.example", domains.RotateRequest{Selector: "two"})
			w.must(err)
			two := added.Keys[0]
			w.live(time.Hour)
			w.lentSelectors("shop.example", one)
			w.publish(two) // under the lender's name alone
			w.live(2 * time.Hour)
			w.signsWith("shared.example", two)
			w.lentSelectors("shop.example")
			w.dns.publish("two._domainkey.shop.example", two.Record)
			w.live(time.Hour)
			w.lentSelectors("shop.example", two)
			if d, err := w.service.Show(w.ctx, "lent:shop.example"); err != nil || len(d.Keys) != 2 {
				t.Errorf("watched: %+v %v", d.Keys, err)
			}
			kept := func() bool {
				d, err := w.service.Show(w.ctx, "lent:shop.example")
				w.must(err)
				return slices.ContainsFunc(d.Keys, func(k domains.Key) bool { return k.Selector == "one" && k.State == domains.Retiring })
			}
			if !kept() {
				t.Error("nothing says that the record of shop.example is to be kept until mail has arrived")
			}
			safe := w.told(domains.KeySafeToRemove)
			w.live(30 * day)
			if kept() || w.told(domains.KeySafeToRemove) != safe+2 { // the lender's record and this one
				t.Errorf("kept %v; %d records are told to be safe to remove", kept(), w.told(domains.KeySafeToRemove)-safe)
			}
		})
	}
}

// A domain with a key of its own needs no other; a row that is gone lends nothing.
func TestLentKeyIsTakenBack(t *testing.T) {
	w := newWorld(t)
	k := w.connected("shared.example")
	w.lends("shared.example", "shop.example", "own.example", "shared.example")
	for _, domain := range []string{"shop.example", "own.example"} {
		w.dns.publish(dkim.RecordName(k.Selector, domain), k.Record)
	}
	w.live(time.Hour)
	w.lentSelectors("own.example", k)
	w.connected("own.example")
	w.live(time.Minute)
	rows := func(want ...string) {
		t.Helper()
		all, err := w.service.List(w.ctx, "lent:", 10)
		w.must(err)
		var got []string
		for _, r := range all {
			if r.Domain.Lent() {
				got = append(got, r.Domain.SigningDomain())
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("watched are %v, want %v", got, want)
		}
	}
	rows("shop.example")
	w.refused(second(w.service.Rotate(w.ctx, "root", "lent:shop.example", domains.RotateRequest{})), "lent")
	w.refused(second(w.service.Disable(w.ctx, "root", "lent:shop.example")), "lent")
	_, err := w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:bob", Key: k.Selector}) // one domain only has it
	w.must(err)
	w.must(w.service.SwitchUser(w.ctx, "root", "sasl:alice", false))
	rows()
	w.must(w.service.SwitchUser(w.ctx, "root", "sasl:alice", true))
	rows("shop.example")
	_, err = w.service.Compromised(w.ctx, "root", "shared.example", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
	w.must(err)
	w.lentSelectors("shop.example")
	w.must(w.service.DeleteUser(w.ctx, "root", "sasl:alice"))
	rows()
}

func TestWhatCannotBeLent(t *testing.T) {
	w := newWorld(t)
	w.connected("shared.example")
	set := func(u domains.User) error {
		u.Match, u.FromAsD = "sasl:alice", true
		_, err := w.service.SetUser(w.ctx, "root", u)
		return err
	}
	w.refused(set(domains.User{Key: "shared.example"}), "MA-17")
	w.refused(set(domains.User{Domains: []string{"shop.example"}}), "MA-17")
	if err := set(domains.User{Key: "shared.example", Domains: []string{".shop.example"}}); err == nil {
		t.Error("DNS cannot be asked about a pattern")
	}
	var many []string
	for i := range 101 {
		many = append(many, fmt.Sprintf("d%d.example", i))
	}
	if err := set(domains.User{Key: "shared.example", Domains: many}); err == nil {
		t.Error("101 domains are taken")
	}
}

// What a row only watches is no key to sign with.
func TestWatchedKeyIsNoFallback(t *testing.T) {
	w := newWorld(t)
	w.connected("shared.example")
	w.lends("shared.example", "shop.example")
	_, err := w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:bob", Key: "lent:shop.example"})
	w.refused(err, "MA-15")
}

// Rows that watch are nobody's: a tenant who presses what is pressed already is not told of
// somebody else's.
func TestTenantEnablesAnEnabledUser(t *testing.T) {
	w := newWorld(t)
	k := w.connected("crm.test", func(r *domains.AddRequest) { r.Owner = "acme" })
	_, err := w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:alice", Key: "crm.test", Domains: []string{"shop.test"}, FromAsD: true, Owner: "acme"})
	w.must(err)
	w.dns.publish(dkim.RecordName(k.Selector, "shop.test"), k.Record)
	w.live(5 * time.Minute)
	w.must(w.service.Of("acme").SwitchUser(w.ctx, "panel:ada", "sasl:alice", true))
	w.lentSelectors("shop.test", k)
}
