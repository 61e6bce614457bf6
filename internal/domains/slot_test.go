package domains_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// The customer publishes CNAME records once, and keys change behind them.
func TestSlotsOfACustomer(t *testing.T) {
	o := newOperator(t)
	first := o.add("example.com", inCNAME(3))
	t.Run("INF-5", func(*testing.T) {
		for _, r := range o.sheet("example.com").Records {
			if r.Type != "CNAME" {
				t.Errorf("%s %s", r.Type, r.Host.Full)
			}
		}
	})
	t.Run("KAR-16", func(*testing.T) {
		hosts := o.follow("example.com")
		if want := []string{"pse1._domainkey", "pse2._domainkey", "pse3._domainkey"}; !slices.Equal(hosts, want) {
			t.Errorf("%v, want %v", hosts, want)
		}
		missing := "pse3._domainkey.example.com."
		gone := func(rr wire.RR) bool { return rr.Header().Name == missing }
		o.zone.drop(gone)
		o.live(time.Hour)
		o.label("example.com", "Pending validation", "yellow")
		o.zone.add(t, missing+" 3600 IN CNAME pse3.example-com.keys.test.")
		o.live(time.Hour)
		o.label("example.com", "Connected", "green")
	})
	var second, last domains.Key
	t.Run("rotation without the customer", func(*testing.T) {
		added, err := o.service.Rotate(o.ctx, "root", "example.com", domains.RotateRequest{})
		o.must(err)
		second = added.Keys[0]
		if hosts := o.follow("example.com"); len(hosts) != 0 {
			t.Errorf("the customer is to publish %v", hosts)
		}
		o.live(30 * time.Minute)
		o.signsWith("example.com", first) // caches may have the empty record of the slot
		o.live(time.Hour)
		o.signsWith("example.com", second)
		if o.served(first.Target) != first.Record || o.served(second.Target) != second.Record {
			t.Error("mail under way cannot be verified")
		}
	})
	t.Run("rollback", func(*testing.T) {
		_, err := o.service.Rollback(o.ctx, "root", "example.com")
		o.must(err)
		o.signsWith("example.com", first)
		_, err = o.service.Rollback(o.ctx, "root", "example.com")
		o.must(err)
		o.signsWith("example.com", second)
	})
	t.Run("no slot is free", func(*testing.T) {
		added, err := o.service.Rotate(o.ctx, "root", "example.com", domains.RotateRequest{})
		o.must(err)
		o.live(2 * time.Hour)
		o.signsWith("example.com", added.Keys[0])
		_, err = o.service.Rotate(o.ctx, "root", "example.com", domains.RotateRequest{})
		o.refused(err, "no-free-slot")
		var r *domains.Refused
		if errors.As(err, &r) && (!strings.Contains(r.Way, "wait until 2026-") || !strings.Contains(r.Way, "set example.com --slots 4")) {
			t.Errorf("way on: %s", r.Way)
		}
	})
	t.Run("idle", func(*testing.T) {
		o.live(9 * day)
		if got := o.served(first.Target); got != domains.RevokedRecord {
			t.Errorf("%s has %q", first.Target, got)
		}
	})
	t.Run("abort", func(*testing.T) {
		_, err := o.service.Rotate(o.ctx, "root", "example.com", domains.RotateRequest{})
		o.must(err)
		_, err = o.service.Abort(o.ctx, "root", "example.com")
		o.must(err)
		if got := o.served("pse1.example-com.keys.test"); got != domains.RevokedRecord {
			t.Errorf("the slot has %q", got)
		}
	})
	t.Run("compromised", func(*testing.T) {
		e, err := o.service.Compromised(o.ctx, "root", "example.com", domains.CompromiseRequest{Selector: "pse3", Yes: true})
		o.must(err)
		last = e.Successor
		if got := o.served(e.Key.Target); got != domains.RevokedRecord {
			t.Errorf("%s has %q", e.Key.Target, got)
		}
		if e.Successor.Slot == e.Key.Slot || o.served(e.Successor.Target) != e.Successor.Record {
			t.Errorf("the successor is in slot %d of %s", e.Successor.Slot, e.Successor.Target)
		}
		o.live(2 * time.Hour)
		o.signsWith("example.com", e.Successor)
	})
	t.Run("deleted", func(*testing.T) {
		k := last
		_, err := o.service.Delete(o.ctx, "root", "example.com", domains.DeleteRequest{})
		o.must(err)
		if got := o.served(k.Target); got != k.Record {
			t.Errorf("mail is under way, and %s has %q", k.Target, got)
		}
		o.live(10 * day)
		if got := o.served(k.Target); got != domains.RevokedRecord {
			t.Errorf("the customer's CNAME is there, and %s has %q", k.Target, got)
		}
		o.zone.drop(func(rr wire.RR) bool { return rr.Header().Rrtype == wire.TypeCNAME })
		o.live(5 * day)
		if got := o.served(k.Target); got != "" {
			t.Errorf("nobody points to %s, and it has %q", k.Target, got)
		}
	})
}

// keys are those of a row, oldest first.
func (w *world) keys(owner string) (keys []domains.Key) {
	w.Helper()
	w.view(func(tx domains.Tx) (err error) {
		keys, err = tx.KeysOf(owner)
		return err
	})
	return keys
}

// An address has slots of its own beside those of its domain, each algorithm too.
func TestSlotsOfAnAddress(t *testing.T) {
	o := newOperator(t)
	both := func(r *domains.AddRequest) {
		r.Publish, r.Bits, r.Algorithms = domains.PublishCNAME, 1024, []dkim.Algorithm{dkim.RSASHA256, dkim.Ed25519SHA256}
	}
	o.add("example.com", both)
	o.add("sales@example.com", both)
	names := map[string]bool{}
	for _, row := range []string{"example.com", "sales@example.com"} {
		for _, host := range o.follow(row) {
			names[host] = true
		}
	}
	if len(names) != 8 || !names["ps2._domainkey"] || !names["pse2._domainkey"] {
		t.Errorf("%v", names)
	}
	o.live(2 * time.Hour)
	o.label("example.com", "Connected", "green")
	o.label("sales@example.com", "Connected", "green")
}

func TestSlotInput(t *testing.T) {
	o := newOperator(t)
	add := func(name string, change func(*domains.AddRequest)) error {
		r := domains.AddRequest{Name: name, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}, Publish: domains.PublishCNAME}
		change(&r)
		_, err := o.service.Add(o.ctx, "root", r)
		return err
	}
	slots := func(n int) func(*domains.AddRequest) { return func(r *domains.AddRequest) { r.Slots = n } }
	o.invalid(add("example.com", slots(13)), "no number of slots")
	o.invalid(add("example.com", slots(-1)), "no number of slots")
	o.invalid(add("example.com", func(r *domains.AddRequest) { r.Publish, r.Slots = domains.PublishTXT, 2 }), "have no use")
	o.invalid(add("example.com", func(r *domains.AddRequest) { r.Publish = "ns" }), "no way to publish")
	o.invalid(add("example.com", func(r *domains.AddRequest) { r.Selector = "a_b" }), `"a_b"`)
	o.refused(add("keys.test", slots(2)), "inside-key-zone")
	o.refused(add("customer.keys.test", slots(2)), "inside-key-zone")

	o.must(add("example.com", func(r *domains.AddRequest) { r.Slots, r.Selector = 1, "mail" }))
	k := o.keys("example.com")[0]
	if k.Selector != "maile1" || k.Target != "maile1.example-com.keys.test" {
		t.Errorf("%s %s", k.Selector, k.Target)
	}
	o.follow("example.com")
	o.live(time.Hour)
	rotate := func(r domains.RotateRequest) error {
		_, err := o.service.Rotate(o.ctx, "root", "example.com", r)
		return err
	}
	o.invalid(rotate(domains.RotateRequest{Selector: "other"}), "names of slots stay")
	o.refused(rotate(domains.RotateRequest{}), "no-free-slot")
	set := func(slots int) error {
		_, err := o.service.Configure(o.ctx, "root", "example.com", domains.Settings{Slots: &slots})
		return err
	}
	o.invalid(set(0), "no number of slots")
	o.must(set(2))
	if hosts := o.follow("example.com"); !slices.Equal(hosts, []string{"maile2._domainkey"}) {
		t.Errorf("to publish: %v", hosts)
	}
	o.must(rotate(domains.RotateRequest{}))
	o.refused(set(1), "slot-in-use")
	o.live(2 * time.Hour)
	o.signsWith("example.com", domains.Key{Selector: "maile2"})

	o.must(add("other.test", func(r *domains.AddRequest) { r.Publish, r.Selector = domains.PublishTXT, "pse1" }))
	_, err := o.service.Delete(o.ctx, "root", "other.test", domains.DeleteRequest{})
	o.must(err)
	o.clock.advance(time.Second)
	o.must(add("other.test", slots(2)))
	if used := o.last("other.test").Selector; used == "pse1" || !strings.HasPrefix(used, "ps-") {
		t.Errorf("a name is given out again: %s", used)
	}

	o.policy.KeyZone = domains.KeyZone{}
	o.restart()
	o.refused(add("third.test", slots(2)), "no-key-zone")
}

// invalid wants an error with exit code 4 that says so.
func (w *world) invalid(err error, text string) {
	w.Helper()
	var i *domains.Invalid
	if !errors.As(err, &i) || !strings.Contains(err.Error(), text) || i.Fix == "" {
		w.Errorf("got %v, want it to be invalid: %s", err, text)
	}
}

// A domain may be longer than a label of the key zone.
func TestLongDomain(t *testing.T) {
	o := newOperator(t)
	long := strings.Repeat("a-b.", 20) + "test"
	a, b := o.add(long, inCNAME(1)), o.add("x"+long, inCNAME(1))
	for _, k := range []domains.Key{a, b} {
		if _, ok := wire.IsDomainName(k.Target); !ok || a.Target == b.Target {
			t.Errorf("%s", k.Target)
		}
	}
}

// Who has as many slots as there can be is not told to take another.
func TestAllSlotsThatThereCanBe(t *testing.T) {
	o := newProvider(t)
	o.signing("a.test", inCNAME(12))
	var err error
	for range 12 {
		if _, err = o.service.Rotate(o.ctx, "root", "a.test", domains.RotateRequest{}); err == nil {
			o.live(3 * time.Hour)
		}
	}
	o.refused(err, "no-free-slot")
	if text := err.Error(); !strings.Contains(text, "wait until") || strings.Contains(text, "--slots") {
		t.Error(text)
	}
}
