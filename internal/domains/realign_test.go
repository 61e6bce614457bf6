package domains_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/records"
)

// TestRevalidation: the key zone moves, and each customer has to let the CNAME records
// follow. Nobody's mail goes unsigned meanwhile.
func TestRevalidation(t *testing.T) {
	o := newOperator(t)
	o.zone.add(t, soa("a.test")...)
	o.zone.add(t, soa("txt.test")...)
	k, other := o.signing("example.com", inCNAME(2)), o.signing("a.test", inCNAME(2))
	o.signing("txt.test")
	oldTarget, newTarget := k.Target, "pse1.example-com.keys.new"
	o.reconfigured(func(z *domains.KeyZone) { z.Name, z.Former = "keys.new", []string{"keys.test"} })

	t.Run("INF-29", func(*testing.T) {
		o.label("example.com", "Needs re-validation", "amber") // before the daemon was told
		o.live(time.Minute)
		o.label("example.com", "Needs re-validation", "amber")
		o.label("a.test", "Needs re-validation", "amber")
		o.label("txt.test", "Connected", "green")
		if n := o.told(domains.DomainRevalidate); n != 2 {
			t.Errorf("told %d times", n)
		}
		o.live(5 * time.Hour) // checks find it so, too
		if h := o.key(k.ID).Health; h.Reason != domains.ReasonTargetChanged || h.Code != "D509" {
			t.Errorf("%+v", h)
		}
	})
	t.Run("INF-30", func(*testing.T) {
		text, err := records.Write(records.Guide, []records.Sheet{o.sheet("example.com")})
		o.must(err)
		for _, want := range []string{"old:  " + oldTarget + ".", "new:  " + newTarget + ".", "old:  pse2.example-com.keys.test.", "postseal domain verify example.com"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	})
	t.Run("mail is signed on", func(*testing.T) {
		o.live(3 * day)
		o.signsWith("example.com", k)
		o.label("example.com", "Needs re-validation", "amber")
	})
	t.Run("INF-31", func(*testing.T) {
		for _, name := range []string{oldTarget, newTarget} {
			if o.served(name) != k.Record {
				t.Errorf("%s has %q", name, o.served(name))
			}
		}
		o.follow("example.com")
		_, err := o.service.Verify(o.ctx, "root", "example.com")
		o.must(err)
		o.label("example.com", "Connected", "green")
		if o.served(oldTarget) != k.Record {
			t.Error("caches may have the old CNAME")
		}
		o.live(4 * day)
		if got := o.served(oldTarget); got != "" {
			t.Errorf("nobody points to %s, and it has %q", oldTarget, got)
		}
		if o.served("pse1.a-test.keys.test") != other.Record {
			t.Error("a.test still points there")
		}
	})
	t.Run("a customer who published the old record late", func(*testing.T) {
		o.zone.add(t, soa("late.test")...)
		late := o.add("late.test", inCNAME(1))
		o.zone.add(t, record(late)+". 3600 IN CNAME pse1.late-test.keys.test.")
		o.live(time.Hour)
		o.is(late.ID, domains.Pending)
		if f := o.finding("late.test", "D509"); !strings.Contains(f.Got, "pse1.late-test.keys.test") {
			t.Errorf("%+v", f)
		}
	})
	t.Run("the old zone is gone", func(*testing.T) {
		o.reconfigured(func(z *domains.KeyZone) { z.Former = nil })
		o.live(5 * time.Hour)
		o.is(other.ID, domains.Suspended) // a.test never followed
	})
}

func soa(apex string) []string {
	return []string{apex + ". 3600 IN SOA ns1." + apex + ". host." + apex + ". 1 3600 600 86400 300", apex + ". 3600 IN NS ns1." + apex + "."}
}

// A rotation that was under way when the key zone moved goes on when the customer followed.
func TestMoveWhileRotating(t *testing.T) {
	o := newOperator(t)
	k := o.signing("example.com", inCNAME(2))
	added, err := o.service.Rotate(o.ctx, "root", "example.com", domains.RotateRequest{})
	o.must(err)
	o.live(10 * time.Minute)
	o.is(added.Keys[0].ID, domains.Ready) // held: caches may have the idle slot
	o.reconfigured(func(z *domains.KeyZone) { z.Name, z.Former = "keys.new", []string{"keys.test"} })
	o.live(day)
	o.signsWith("example.com", k)
	if hosts := o.follow("example.com"); !slices.Equal(hosts, []string{"pse1._domainkey", "pse2._domainkey"}) {
		t.Errorf("to change: %v", hosts)
	}
	o.live(day)
	o.signsWith("example.com", added.Keys[0])
	o.label("example.com", "Connected", "green")
}

// What a customer points to counts only if it was handed out for that slot: nobody can
// make us serve names of others.
func TestForeignAlias(t *testing.T) {
	o := newOperator(t)
	k := o.signing("example.com", inCNAME(2))
	o.zone.drop(func(rr wire.RR) bool { return rr.Header().Name == record(k)+"." })
	o.zone.add(t, record(k)+". 3600 IN CNAME ns1.keys.test.")
	_, err := o.service.Verify(o.ctx, "root", "example.com")
	o.must(err)
	if got := o.served("ns1.keys.test"); got != "" {
		t.Errorf("serves %q", got)
	}
	if o.served(k.Target) != k.Record {
		t.Error("the key is gone, and caches may have the CNAME")
	}
}

// The key zone moves twice, and nobody looked between: what the customer published after
// the first move is served from the second on.
func TestMovesTwice(t *testing.T) {
	o := newProvider(t)
	k := o.signing("a.test", inCNAME(2))
	o.live(2 * time.Hour)
	o.reconfigured(func(z *domains.KeyZone) { z.Name, z.Former, z.SharedTarget = "keys.new", []string{"keys.test"}, "" })
	o.live(time.Hour)
	o.follow("a.test")
	between := o.key(k.ID).Target
	o.reconfigured(func(z *domains.KeyZone) {
		z.Name, z.Former, z.SharedTarget = "third.test", []string{"keys.test", "keys.new"}, ""
	}, "third.test")
	for range 5 {
		if o.served(between) != k.Record || o.served(k.Target) == "" {
			t.Errorf("%s has %q, %s %q", between, o.served(between), k.Target, o.served(k.Target))
		}
		o.live(time.Minute)
	}
}
