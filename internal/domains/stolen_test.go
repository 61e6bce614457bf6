package domains_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

func (w *world) stop(name, selector string) domains.Emergency {
	w.Helper()
	e, err := w.service.Compromised(w.ctx, "root", name, domains.CompromiseRequest{Selector: selector, Yes: true})
	w.must(err)
	return e
}

// warned: somebody is told to revoke the record at a name.
func (w *world) warned(name string) {
	w.Helper()
	for _, n := range w.notices() {
		if n.Event == domains.KeyCompromised && strings.Contains(n.Text, name) {
			return
		}
	}
	w.Errorf("nobody is told about %s", name)
}

// A stolen pair is stolen under each of its names in a row, whichever is said.
func TestStolenPairHasTwoNames(t *testing.T) {
	for _, said := range []string{"old", "new"} {
		t.Run("on the way, by its "+said+" name", func(t *testing.T) {
			o := newProvider(t)
			old := o.signing("a.test", func(r *domains.AddRequest) { r.Publish = domains.PublishTXT })
			o.must(o.republish("a.test", domains.PublishCNAME))
			next := o.last("a.test")
			selector := map[string]string{"old": old.Selector, "new": next.Selector}[said]
			e := o.stop("a.test", selector)
			o.follow("a.test")
			o.live(3 * time.Hour)
			if e.Successor.ID == "" || e.Successor.Print == old.Print {
				t.Errorf("successor %+v", e.Successor)
			}
			o.neverAgain("a.test", old.Print)
			o.warned(record(old))
			o.warned(next.Target)
			if o.served(next.Target) == next.Record {
				t.Error("the record of the stolen pair is served")
			}
		})
		t.Run("after the switch, by its "+said+" name", func(t *testing.T) {
			o := newProvider(t)
			old := o.signing("a.test", func(r *domains.AddRequest) { r.Publish = domains.PublishTXT })
			o.must(o.republish("a.test", domains.PublishCNAME))
			next := o.last("a.test")
			o.follow("a.test")
			o.live(3 * time.Hour)
			o.signsWith("a.test", next)
			selector := map[string]string{"old": old.Selector, "new": next.Selector}[said]
			e := o.stop("a.test", selector)
			if e.Rollback.ID != "" || len(e.Also) != 1 || e.Successor.ID == "" {
				t.Errorf("%+v", e)
			}
			_, err := o.service.Rollback(o.ctx, "root", "a.test")
			o.refused(err, "T11")
			o.neverAgain("a.test", old.Print)
			o.warned(record(old))
			o.warned(next.Target)
		})
	}
}

// neverAgain wants each key with a fingerprint stopped, and none of them to sign.
func (w *world) neverAgain(name, print string) {
	w.Helper()
	d, err := w.service.Show(w.ctx, name)
	w.must(err)
	for _, k := range d.Keys {
		if k.Print != print {
			continue
		}
		if !k.Compromised || k.State != domains.Retired {
			w.Errorf("%s of %s is %s, compromised %v", k.Selector, name, k.State, k.Compromised)
		}
		if strings.Contains(w.signing(name), k.Selector) {
			w.Errorf("%s signs with the stolen pair", name)
		}
	}
}

// imports gives domains the same pair, as others and one tenant may have it.
func (w *world) imports(owner map[string]string, names ...string) {
	w.Helper()
	private, err := dkim.Generate(dkim.Ed25519SHA256, 0)
	w.must(err)
	pem, err := private.PEM()
	w.must(err)
	for _, name := range names {
		w.dns.publish(dkim.RecordName("same", name), private.PublicRecord())
		_, err := w.service.Import(w.ctx, "root", domains.ImportRequest{AddRequest: domains.AddRequest{Name: name, Selector: "same", Owner: owner[name]}, PEM: pem, Adopt: true})
		w.must(err)
	}
}

// The same pair of several domains stops for all, and each is told.
func TestStolenPairOfTwoDomains(t *testing.T) {
	w := newWorld(t)
	w.imports(map[string]string{"c.test": "acme"}, "a.test", "b.test", "c.test")
	e := w.stop("a.test", "same")
	for _, name := range []string{"a.test", "b.test", "c.test"} {
		if got := w.signing(name); got != "[]" {
			t.Errorf("%s signs with %s", name, got)
		}
		w.warned("same._domainkey." + name)
	}
	slices.Sort(e.Also)
	if want := []string{"same._domainkey.b.test", "same._domainkey.c.test"}; !slices.Equal(e.Also, want) {
		t.Errorf("also %v", e.Also)
	}
	log, err := w.service.Journal(w.ctx, domains.JournalQuery{Domain: "b.test"})
	w.must(err)
	if !slices.ContainsFunc(log, func(e domains.Entry) bool { return e.Verb == "compromised" && e.Selector == "same" }) {
		t.Errorf("journal %+v", log)
	}
	w.keeper = domains.NewKeeper(w.service, "mx1")
	w.live(time.Hour)
	w.neverAgain("b.test", w.key(e.Key.ID).Print)
}

// A tenant's word stops what is the tenant's.
func TestTenantStopsOwnPairOnly(t *testing.T) {
	w := newWorld(t)
	w.imports(map[string]string{"a.test": "acme", "b.test": "acme"}, "a.test", "b.test", "c.test")
	e, err := w.service.Of("acme").Compromised(w.ctx, "panel:ada", "a.test", domains.CompromiseRequest{Selector: "same", Yes: true})
	w.must(err)
	if got := w.signing("b.test"); got != "[]" {
		t.Errorf("b.test signs with %s", got)
	}
	if got := w.signing("c.test"); got != "[same]" {
		t.Errorf("c.test signs with %s, on a tenant's word", got)
	}
	if !slices.Equal(e.Also, []string{"same._domainkey.b.test"}) {
		t.Errorf("also %v", e.Also)
	}
}

// A pair that was stopped does not come back: not with an import, and in a table it is told of.
func TestStolenPairComesAgain(t *testing.T) {
	w := newWorld(t)
	key, private := tableKey(t, "b.test", "same")
	pem, err := private.PEM()
	w.must(err)
	add := func(name, owner string, adopt bool) error {
		w.dns.publish(dkim.RecordName("same", name), private.PublicRecord())
		_, err := w.service.Import(w.ctx, "root", domains.ImportRequest{AddRequest: domains.AddRequest{Name: name, Selector: "same", Owner: owner}, PEM: pem, Adopt: adopt})
		return err
	}
	w.must(add("a.test", "acme", true))
	w.must(add("c.test", "", true)) // theirs and ours
	_, err = w.service.Of("acme").Compromised(w.ctx, "panel:ada", "a.test", domains.CompromiseRequest{Selector: "same", Yes: true})
	w.must(err)
	w.refused(add("d.test", "acme", true), "compromised-pair")
	w.must(add("d.test", "", true)) // a tenant's word is about the tenant's rows
	w.stop("c.test", "same")
	for _, adopt := range []bool{true, false} {
		w.refused(add("b.test", "", adopt), "compromised-pair")
		w.refused(add("e.test", "acme", adopt), "compromised-pair")
	}
	if _, err := w.service.Show(w.ctx, "b.test"); err == nil {
		t.Error("the row is there all the same")
	}
	for _, gate := range []bool{false, true} {
		w.tables(mx1, gate, key)
		w.warned("same._domainkey.b.test")
		w.label("table:b.test", "Compromised", "red")
		if why := w.stands("same._domainkey.b.test", key.Print); why != "compromised" {
			t.Errorf("the table's key is %q", why)
		}
		w.dns.publish("same._domainkey.b.test", domains.RevokedRecord)
		w.live(3 * day)
		if s := w.status("table:b.test"); s.Word != "no-key" || s.Next != "" || !strings.Contains(s.Text, "key table") {
			t.Errorf("%+v", s)
		}
		w.tables(mx1, gate)
	}
}

// A lent key that was stolen stands under the domain that it was lent to as well.
func TestStolenKeyWasLent(t *testing.T) {
	for _, who := range []string{"operator", "tenant"} {
		t.Run(who, func(t *testing.T) {
			w := newWorld(t)
			k := w.connected("crm.test", func(r *domains.AddRequest) { r.Owner = "acme" })
			w.lends("crm.test", "shop.test")
			name := dkim.RecordName(k.Selector, "shop.test")
			w.dns.publish(name, k.Record)
			w.live(5 * time.Minute)
			w.lentSelectors("shop.test", k)
			service := w.service
			if who == "tenant" {
				service = w.service.Of("acme")
			}
			e, err := service.Compromised(w.ctx, who, "crm.test", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
			w.must(err)
			if !slices.Contains(e.Also, name) {
				t.Errorf("also %v", e.Also)
			}
			w.warned(name)
			w.live(2 * time.Hour)
			w.lentSelectors("shop.test")
			stopped := func() bool {
				rows, err := w.service.Lent(w.ctx, domains.User{Domains: []string{"shop.test"}})
				w.must(err)
				return slices.ContainsFunc(rows, func(r domains.Row) bool {
					return slices.ContainsFunc(r.Keys, func(l domains.Key) bool { return l.Selector == k.Selector && l.Compromised })
				})
			}
			if !stopped() {
				t.Error("nothing says that the record of shop.test is to be revoked")
			}
			w.dns.publish(name, domains.RevokedRecord)
			w.live(9 * day)
			if stopped() {
				t.Error("the revoked record is watched for ever")
			}
		})
	}
}
