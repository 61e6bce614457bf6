package panel

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// TestPublish is the way in which a domain's records are published, and another one.
func TestPublish(t *testing.T) {
	w := newWorld(t, withKeyZone)
	ada, k := w.in(rootToken), w.connected("example.com", "")
	const settings = "/domains/example.com/settings"
	t.Run("INF-24", func(t *testing.T) {
		page := ada.get("/domains/example.com/dkim")
		page.says(`<select id="publish"`, `value="txt" selected`, "signed with the old one", "Some DNS providers are not compatible", "TXT works everywhere")
		page.post(settings, "publish", "cname", "slots", "13").is(http.StatusUnprocessableEntity).says("is no number of slots", `id="settings-form"`)
		page.post(settings, "publish", "cname", "on_missing", "soon").is(http.StatusUnprocessableEntity)
		if w.key("example.com").ID != k.ID {
			t.Fatal("refused, and done")
		}
		moved := page.post(settings, "publish", "cname").leads("/domains/example.com/dkim").follow()
		moved.says("Needs re-validation", "Points to", "In DNS, has to stay", k.Record, `value="cname" selected`, `name="slots" value="2"`)
		if fresh := w.key("example.com"); fresh.Print != k.Print || fresh.Target == "" {
			t.Errorf("%+v", fresh)
		}
		if s, err := w.service.Snapshot(t.Context()); err != nil || len(s.Domains["example.com"].Keys) != 1 || s.Domains["example.com"].Keys[0].ID != k.ID {
			t.Errorf("the old record does not serve: %+v, %v", s.Domains["example.com"], err)
		}
		ada.get("/domains/example.com/setup").says("not compatible with this method", `href="/domains/example.com/dkim#publish"`, "as TXT instead")
		page.post(settings, "publish", "txt", "slots", "2").follow().says("Connected").saysNot("Needs re-validation", "shared:")
		if d, err := w.service.Show(t.Context(), "example.com"); err != nil || d.Domain.Publish != domains.PublishTXT {
			t.Errorf("%+v, %v", d.Domain, err)
		}
	})
	t.Run("API", func(t *testing.T) {
		p := w.program(rootToken)
		p.call("PATCH", "/domains/example.com", `{"publish":"post"}`).problem(http.StatusUnprocessableEntity, "invalid")
		p.call("PATCH", "/domains/example.com", `{"publish":"cname-shared","slots":1}`).is(http.StatusOK).says(`"publish": "cname-shared"`, `"slots": 1`, `"word": "revalidate"`)
		p.call("GET", "/domains/example.com/records", "").says(`"type": "CNAME"`, `"pse1.dkim.dkim.example.net."`)
		p.call("PATCH", "/domains/example.com", `{"contact":"c@example.com"}`).is(http.StatusOK).says(`"publish": "cname-shared"`)
	})
	t.Run("the set", func(t *testing.T) {
		page := ada.get("/domains").says(`data-domain="shared:"`, "Shared key", "Show the keys").get("/domains/shared:/dkim").is(http.StatusOK)
		page.says("pse1").saysNot(`id="settings-form"`, `id="delete"`, `id="disable"`, `id="verify"`, `id="generate-form"`, `id="zone"`)
		page.post("/domains/shared:/settings", "publish", "txt").is(http.StatusConflict)
	})
	t.Run("no key zone", func(t *testing.T) {
		w := newWorld(t)
		w.add("example.com", "")
		w.in(rootToken).get("/domains/example.com/dkim").saysNot(`name="publish"`).get("/domains/new").saysNot(`name="publish"`)
	})
}

// TestTenantShares: a tenant's domain may be signed with the shared set of keys, which is
// nobody's own.
func TestTenantShares(t *testing.T) {
	w := newWorld(t, withKeyZone)
	bob := w.in(acmeToken)
	bob.get("/domains/new").post("/domains/new", "domain", "acme.example", "publish", "cname-shared").leads("/domains/acme.example/setup").follow().says("Points to")
	w.in(otherToken).get("/domains/new").post("/domains/new", "domain", "other.example", "publish", "cname-shared").leads("/domains/other.example/setup")
	page := bob.get("/domains").says("acme.example").saysNot("shared:", "other.example")
	bob.get("/journal").saysNot("shared:", "other.example")
	bob.get("/domains/acme.example/dkim").post("/domains/acme.example/verify").follow().says("not live")
	for _, name := range []string{"shared:", "shared%3a"} {
		bob.get("/domains/" + name + "/dkim").is(http.StatusNotFound)
		for _, a := range actions {
			page.post("/domains/"+name+"/"+a.verb, "yes", "yes", "selector", "ps1").is(http.StatusNotFound)
		}
	}
	p := w.program(acmeToken)
	p.call("GET", "/domains/shared:", "").is(http.StatusNotFound)
	for _, verb := range []string{"rotate", "abort", "rollback", "regenerate"} {
		p.call("POST", "/domains/shared:/"+verb, `{"yes":true}`).is(http.StatusNotFound)
	}
	p.call("POST", "/domains/shared:/compromised", `{"selector":"ps1","yes":true}`).is(http.StatusNotFound)
}

// TestMoved: the key zone has another name, and what a CNAME points to has to change.
func TestMoved(t *testing.T) {
	w := newWorld(t, withKeyZone)
	if _, err := w.service.Add(t.Context(), "root", domains.AddRequest{Name: "example.com", Publish: domains.PublishCNAME, Slots: 1, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}}); err != nil {
		t.Fatal(err)
	}
	k := w.key("example.com")
	w.dns.publish(dkim.RecordName(k.Selector, k.Domain), k.Record)
	w.verify("example.com")
	policy := domains.DefaultPolicy()
	policy.KeyZone = domains.KeyZone{Name: "dkim.new.example", Former: []string{"dkim.example.net"}}
	moved := domains.New(domains.Options{Store: w.store, Policy: policy, Clock: w.clock, Checker: w.dns, Jitter: func() float64 { return 0.5 }, Log: slog.New(slog.DiscardHandler)})
	after := newWorld(t, withKeyZone, func(o *Options) { o.Service = moved })
	ada := after.in(rootToken)
	was, now := k.Target+".", strings.Replace(k.Target, "dkim.example.net", "dkim.new.example", 1)+"."
	t.Run("INF-30", func(t *testing.T) {
		page := ada.get("/domains/example.com/dkim").is(http.StatusOK).says("Needs re-validation", `<button id="verify"`)
		page.says("To change", "Old value", was, "Points to", now)
		setup := ada.get("/domains/example.com/setup").says("Change the CNAME record", "Old value", was, "Points to", now, "Step 4", "press Verify", `<button id="verify"`)
		if element(setup, "was-1") != was || element(setup, "value-1") != now {
			t.Errorf("%q, %q", element(setup, "was-1"), element(setup, "value-1"))
		}
		after.program(rootToken).call("GET", "/domains/example.com/records", "").says(`"value": "`+now+`"`, `"was": "`+was+`"`)
		setup.post("/domains/example.com/verify", "from", "setup").leads("/domains/example.com/setup").follow().says("DNS was asked just now")
	})
}
