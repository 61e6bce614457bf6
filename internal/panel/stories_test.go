package panel

import (
	"context"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// at GoDaddy: the zones of this world.
func atGoDaddy(o *Options) {
	o.Find = func(_ context.Context, domain string) (string, []string, error) {
		return domain, []string{"ns01.domaincontrol.com", "ns02.domaincontrol.com"}, nil
	}
}

// TestRecords walks "New DKIM Record Configuration" with three CNAME records (Kartra).
func TestRecords(t *testing.T) {
	w := newWorld(t, atGoDaddy, withKeyZone)
	ada := w.in(rootToken)
	form := ada.get("/domains").says(`id="add-records"`, "+ DKIM records").get("/domains/new").is(http.StatusOK)
	t.Run("KAR-10", func(t *testing.T) { form.says("New DKIM Record Configuration") })
	t.Run("KAR-11", func(t *testing.T) {
		form.says("yourdomain.com", "no “www” or any other characters")
		for input, part := range map[string]string{
			"www.example.com": `leave out "www."`, "http://example.com/": `leave out "http://"`, "a@example.com": `leave out "a@"`,
			"example.com/x": `leave out "/x"`, "": "is empty",
		} {
			form.post("/domains/new", "domain", input).is(http.StatusUnprocessableEntity).says("problem", part)
		}
	})
	setup := form.says("Add DKIM record</button>").post("/domains/new", "domain", "example.com", "publish", "cname", "slots", "3").leads("/domains/example.com/setup").follow()
	t.Run("KAR-12", func(t *testing.T) { ada.get("/domains").says(`data-domain="example.com"`) })
	d, err := w.service.Show(t.Context(), "example.com")
	if err != nil || d.Domain.Slots != 3 {
		t.Fatalf("%+v, %v", d.Domain, err)
	}
	t.Run("KAR-13", func(t *testing.T) {
		setup.says("Create a new CNAME", "record 1 of 3", d.Keys[0].Target+".", "record 2 of 3", "record 3 of 3", "Verify", "Finish")
	})
	t.Run("KAR-14", func(t *testing.T) {
		setup.says(`data-unverified`, "Publish the records before you close this page")
		page := ada.get("/domains/example.com/dkim").says(`data-unverified`, "Publish the records before you close this page")
		for _, value := range []string{"host-full-1", "value-1", "host-full-3", "value-3"} {
			if a, b := element(setup, value), element(page, value); a != b || a == "" {
				t.Errorf("%s: %q, shown again it is %q", value, a, b)
			}
		}
		setup.get("/static/panel.js").says("data-unverified", "beforeunload", "preventDefault")
	})
	t.Run("KAR-15", func(t *testing.T) {
		setup.says(`<span class="label">Host</span>`, `data-copy="host-zone-1"`, `<span class="label">Points to</span>`, `data-copy="value-1"`)
		if host, target := element(setup, "host-full-1"), element(setup, "value-1"); host != dkim.RecordName(d.Keys[0].Selector, "example.com") || target != d.Keys[0].Target+"." {
			t.Errorf("%q points to %q", host, target)
		}
	})
	t.Run("KAR-19", func(t *testing.T) {
		setup.says("The form of GoDaddy, filled in", `<table id="example-1">`, `<th scope="col">Name</th>`, `<code class="value">`+d.Keys[0].Selector+`._domainkey</code>`)
	})
	t.Run("KAR-21", func(t *testing.T) {
		setup.says(`<input id="published" type="checkbox" name="published" value="yes" required>`, "I have published these records", `<button id="finish"`, "Finish")
		setup.post("/domains/example.com/finish").is(http.StatusUnprocessableEntity).says("not ticked", "KAR-21")
		if now, _ := w.service.Show(t.Context(), "example.com"); !now.Domain.PublishedClaimedAt.IsZero() {
			t.Error("taken all the same")
		}
		setup.post("/domains/example.com/finish", "published", "yes").leads("/domains/example.com/dkim").follow().says("Done.")
		now, err := w.service.Show(t.Context(), "example.com")
		if err != nil || now.Domain.PublishedClaimedAt.IsZero() || now.Keys[0].State != domains.Pending {
			t.Errorf("%+v, %v", now.Domain, err)
		}
	})
	t.Run("KAR-25", func(t *testing.T) {
		ada.get("/domains").says(`<span class="badge yellow">Pending validation</span>`)
		ada.get("/domains/example.com/dkim").says(`<span class="badge yellow">Pending validation</span>`)
	})
}

// element is the text of an element of a page.
func element(a *answer, id string) string {
	_, rest, _ := strings.Cut(a.body, ` id="`+id+`"`)
	_, rest, _ = strings.Cut(rest, ">")
	text, _, _ := strings.Cut(rest, "<")
	return html.UnescapeString(text)
}

// TestTable is the screen with one table (OpenCRM).
func TestTable(t *testing.T) {
	w := newWorld(t)
	good := w.connected("connected.example", "")
	broken := w.connected("broken.example", "")
	delete(w.dns.records, dkim.RecordName(broken.Selector, broken.Domain))
	for keeper := domains.NewKeeper(w.service, "test"); w.clock.Now().Before(dawn.Add(72 * time.Hour)); w.clock.advance(10 * time.Minute) {
		if _, err := keeper.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.add("pending.example", "")
	ada := w.in(rootToken)
	list := ada.get("/domains").is(http.StatusOK)
	t.Run("INF-8", func(t *testing.T) {
		list.says("broken.example", "connected.example", "Connected", "pending.example", "Pending validation")
	})
	t.Run("INF-33", func(t *testing.T) {
		for _, name := range []string{"broken.example", "pending.example"} {
			list.says(`href="/domains/` + name + `/retry">Retry validation</a>`)
		}
	})
	t.Run("OCR-10", func(t *testing.T) {
		list.says(`<table id="domains"`, "apple.example", "Not set up", "zebra.example", "Not set up")
	})
	t.Run("OCR-11", func(t *testing.T) {
		list.says(`<tr class="candidate" data-domain="apple.example">`, `<span class="badge grey">Not set up</span>`, `name="domain" value="apple.example"><button>Generate</button>`)
	})
	t.Run("OCR-13", func(t *testing.T) {
		list.says("Email domain", "Selector", "DNS record name", "DNS value", "Status", "Next step")
		list.says(`data-domain="connected.example"`, "<td>"+good.Selector+"</td>", dkim.RecordName(good.Selector, good.Domain)+"</code>", good.Record+"</code>")
	})
	t.Run("OCR-24", func(t *testing.T) {
		if list.body == "" || element(list, "name-1") != dkim.RecordName(good.Selector, good.Domain) || element(list, "dns-1") != good.Record {
			t.Errorf("%q, %q", element(list, "name-1"), element(list, "dns-1"))
		}
	})
	t.Run("KAR-27", func(t *testing.T) { list.says(`<span class="badge green">Connected</span>`) })
	t.Run("KAR-28", func(t *testing.T) {
		page := ada.get("/domains/broken.example/dkim")
		page.says(`class="badge red">Error</span>`, "D101", "To change:", "publish the record")
		page.says("Asked", "Got", "NXDOMAIN", "Expected", "one record", "Change", "publish the record", "Try again")
	})
	t.Run("KAR-29", func(t *testing.T) { list.says("Status", "broken.example", "badge", "connected.example", "badge") })
	t.Run("OCR-12", func(t *testing.T) {
		list.says(`<tr class="blank" id="add-row">`, `placeholder="another domain, like example.com"`, "Generate")
		if last := strings.LastIndex(list.body, "<tr"); !strings.HasPrefix(list.body[last:], `<tr class="blank"`) {
			t.Error("the blank row is not the last one")
		}
		list.post("/domains", "domain", "marketing.example", "selector", "").leads("/domains/marketing.example/setup")
	})
	t.Run("OCR-20", func(t *testing.T) {
		list.post("/domains", "domain", "support.example", "selector", "help").leads("/domains/support.example/setup").follow().says("help._domainkey.support.example")
		list.post("/domains", "domain", "x.example", "selector", "a_b").is(http.StatusUnprocessableEntity).says("underscore", `id="add-row-domain" name="domain" value="x.example"`)
		list.post("/domains", "domain", "support.example").is(http.StatusConflict).says("already-managed")
	})
	t.Run("OCR-15", func(t *testing.T) {
		page := list.post("/domains", "domain", "fixed.example", "dns_value", "v=DKIM1; p=", "value", "x", "dns_name", "y").leads("/domains/fixed.example/setup").follow()
		if k := w.key("fixed.example"); !strings.HasPrefix(k.Record, "v=DKIM1; k=ed25519; p=") || element(page, "value-1") != k.Record {
			t.Errorf("%q, shown as %q", k.Record, element(page, "value-1"))
		}
		for _, name := range []string{"dns_name", "dns_value", "value", "record"} {
			page.get("/domains/fixed.example/dkim").saysNot(`name="` + name + `"`)
			list.saysNot(`name="` + name + `"`)
		}
	})
}

// TestDomain is the page Outgoing > DKIM of a domain (Mail Assure), with its buttons.
func TestDomain(t *testing.T) {
	w := newWorld(t)
	ada := w.in(rootToken)
	k := w.connected("example.com", "")
	page := ada.get("/domains/example.com/dkim").is(http.StatusOK)
	t.Run("MA-9", func(t *testing.T) { page.says("Outgoing › DKIM", "DKIM for example.com", "Connected") })
	t.Run("INF-6", func(t *testing.T) {
		page.says(`id="disable"`)
		page.get("/domains/example.com/disable").says("Mail from this domain leaves unsigned", "Disable</button>")
		page.post("/domains/example.com/disable").is(http.StatusOK).says("Mail from this domain leaves unsigned")
		if d, _ := w.service.Show(t.Context(), "example.com"); !d.Domain.Enabled {
			t.Error("switched off before anybody has agreed")
		}
		off := page.post("/domains/example.com/disable", "yes", "yes").leads("/domains/example.com/dkim").follow().says("Disabled")
		if s, _ := w.service.Snapshot(t.Context()); !s.Domains["example.com"].Disabled {
			t.Error("it is signed for")
		}
		off.says(`<button id="enable">`).post("/domains/example.com/enable").follow().says("Connected")
		if s, _ := w.service.Snapshot(t.Context()); s.Domains["example.com"].Disabled || w.key("example.com").ID != k.ID {
			t.Error("it is not signed for with the same key")
		}
	})
	t.Run("INF-34", func(t *testing.T) {
		dialog := page.says(`id="retry"`, "Retry validation").get("/domains/example.com/retry").is(http.StatusOK)
		dialog.says("<dialog", "open", "Retry Domain Verification", "Verify</button>")
		asked := w.dns.asked
		if dialog.post("/domains/example.com/verify").leads("/domains/example.com/dkim").follow().says("live and correct"); w.dns.asked == asked {
			t.Error("nobody asked DNS")
		}
	})
	t.Run("INF-27", func(t *testing.T) {
		late := w.add("late.example", "")
		failed := page.post("/domains/late.example/verify").follow()
		failed.says("The record of "+late.Selector+" is not live. Try again after 2026-11-22", "It can take hours", "Retry validation")
	})
	t.Run("MA-11", func(t *testing.T) {
		page.says(`<select id="bits"`, "2048 bit (advised)", `<input id="selector"`, "Generate and save new private/public pair</button>")
		next := page.post("/domains/example.com/generate", "selector", "yourselector-2026", "bits", "2048").leads("/domains/example.com/dkim").follow()
		fresh := w.key("example.com")
		if _, err := w.service.Private(t.Context(), fresh.ID); err != nil || fresh.Selector != "yourselector-2026" || fresh.State != domains.Pending {
			t.Errorf("%+v, %v", fresh, err)
		}
		next.says("yourselector-2026._domainkey.example.com", fresh.Record)
		if old, _ := w.service.Snapshot(t.Context()); len(old.Domains["example.com"].Keys) != 1 || old.Domains["example.com"].Keys[0].ID != k.ID {
			t.Error("the old key does not sign on")
		}
		next.post("/domains/example.com/abort").follow().says("given up")
	})
	t.Run("OCR-22", func(t *testing.T) {
		ask := page.post("/domains/example.com/generate", "in_place", "yes").is(http.StatusOK)
		ask.says("Are you sure?", "signed before DNS confirms the key", "OCR-23", `name="in_place" value="yes"`, "Yes, do it")
		if w.key("example.com").ID != k.ID {
			t.Error("done before anybody has agreed")
		}
		ask.post("/domains/example.com/generate", "in_place", "yes", "yes", "yes").follow().says(`<span class="badge red">Signing, not verified`)
		form := page.get("/domains/new").post("/domains/new", "domain", "hasty.example", "activation", "immediate")
		form.is(http.StatusOK).says("Are you sure?", "OCR-22").post("/domains/new", "domain", "hasty.example", "activation", "immediate", "yes", "yes").leads("/domains/hasty.example/setup")
	})
	t.Run("OCR-19", func(t *testing.T) {
		d := w.connected("gone.example", "")
		ask := page.get("/domains/gone.example/delete").is(http.StatusOK).says("Delete gone.example?", "has to stay in DNS until mail under way has arrived", "Delete</button>")
		ask.post("/domains/gone.example/delete").is(http.StatusOK).says("Delete gone.example?")
		page.get("/domains/gone.example/dkim").is(http.StatusOK)
		list := ask.post("/domains/gone.example/delete", "yes", "yes").leads("/domains").follow()
		list.says("Deleted gone.example", "keep the record "+dkim.RecordName(d.Selector, d.Domain)+" until").saysNot(`data-domain="gone.example"`)
		page.get("/domains/gone.example/dkim").is(http.StatusNotFound)
	})
	t.Run("compromised", func(t *testing.T) {
		d := w.connected("stolen.example", "")
		ask := page.get("/domains/stolen.example/compromised?selector="+d.Selector).says("in other hands?", "for good", "v=DKIM1; p=")
		ask.post("/domains/stolen.example/compromised", "selector", d.Selector).is(http.StatusOK).says("Are you sure?")
		ask.post("/domains/stolen.example/compromised", "selector", d.Selector, "yes", "yes").follow().says("signs nothing any more", "Compromised", "Change this record at once")
	})
	t.Run("rotate and roll back", func(t *testing.T) {
		old := w.connected("turn.example", "")
		page.post("/domains/turn.example/rotate").follow().says("Until it has the new record the old key signs on", "Connected – rotating")
		fresh := w.key("turn.example")
		w.dns.publish(dkim.RecordName(fresh.Selector, fresh.Domain), fresh.Record)
		w.verify("turn.example")
		page.get("/domains/turn.example/dkim").says(`id="rollback"`, "Keep for now")
		page.post("/domains/turn.example/rollback").follow().says("Rolled back", old.Selector+" signs again")
		page.post("/domains/turn.example/abort").is(http.StatusConflict).says("no-rotation")
	})
	t.Run("settings", func(t *testing.T) {
		page.post("/domains/turn.example/settings", "contact", "hostmaster@turn.example", "activation", "manual", "owner", "acme").follow().says("saved")
		if d, _ := w.service.Show(t.Context(), "turn.example"); d.Domain.Contact != "hostmaster@turn.example" || d.Domain.Owner != "acme" {
			t.Errorf("%+v", d.Domain)
		}
		page.post("/domains/turn.example/settings", "on_missing", "soon").is(http.StatusUnprocessableEntity)
	})
}

// TestUsers are outgoing users (Mail Assure).
func TestUsers(t *testing.T) {
	w := newWorld(t)
	ada := w.in(rootToken)
	k := w.add("example.com", "")
	page := ada.get("/users").is(http.StatusOK)
	page.post("/users", "match", "crm", "key", k.Selector, "domains", "shop.example, .example.net").leads("/users")
	page.post("/users", "match", "ip:192.0.2.0/24", "reauth", "yes").leads("/users")
	page.post("/users", "match", "nonsense:x").is(http.StatusUnprocessableEntity).says("say sasl:LOGIN", `value="nonsense:x"`)
	t.Run("MA-1", func(t *testing.T) {
		ada.get("/users").says(`data-user="ip:192.0.2.0/24"`, "disabled", "DKIM signing is unavailable for a re-authenticating user.")
		page.post("/users/selector", "match", "ip:192.0.2.0/24", "key", k.Selector).is(http.StatusConflict).says("MA-1")
	})
	t.Run("MA-15", func(t *testing.T) {
		ada.get("/users").says(`data-user="sasl:crm"`, `value="example.com/`+k.Selector+`"`, "shop.example, .example.net", "yes")
		page.post("/users/selector", "match", "sasl:crm", "key", "").follow().says("Saved sasl:crm")
		page.post("/users/selector", "match", "sasl:crm", "key", k.Selector).follow()
		if users, _ := w.service.Users(t.Context()); len(users) != 2 || users[1].Key != "example.com/"+k.Selector {
			t.Errorf("%+v", users)
		}
	})
	page.post("/users/switch", "match", "sasl:crm").follow().says("never: disabled")
	page.post("/users", "match", "CRM", "key", k.Selector).follow().says("never: disabled") // what the form does not show stays
	page.post("/users/switch", "match", "sasl:crm", "on", "yes").follow().saysNot("never: disabled")
	page.post("/users/delete", "match", "sasl:crm").is(http.StatusOK).says("Remove the row of sasl:crm?")
	page.post("/users/delete", "match", "sasl:crm", "yes", "yes").follow().saysNot(`data-user="sasl:crm"`)
	page.post("/users/delete", "match", "sasl:crm", "yes", "yes").is(http.StatusNotFound)
}

// TestHelp has the texts that explain.
func TestHelp(t *testing.T) {
	w := newWorld(t)
	ada := w.in(rootToken)
	ada.get("/help").is(http.StatusOK).says("What is DKIM?", "What it is", "How it works", "private key signs", "public key verifies", "Why")
	ada.get("/help/publishing").says("Not sure which? Ask the provider", "GoDaddy")
	ada.get("/help/sending").says("no bought ones", "5 %")
	ada.get("/help/nothing").is(http.StatusNotFound)
}

// TestManyDomains: a list of thousands stays short.
func TestManyDomains(t *testing.T) {
	w := newWorld(t)
	for i := range 3*pageRows + 5 {
		name := "d" + strings.Repeat("0", 4-len(itoa(i))) + itoa(i) + ".example"
		if _, err := w.service.Request(t.Context(), "root", domains.AddRequest{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	ada := w.in(rootToken)
	page := ada.get("/domains")
	for pages := 1; ; pages++ {
		if rows := strings.Count(page.body, "<tr data-domain="); rows > pageRows {
			t.Fatalf("%d rows", rows)
		}
		_, rest, more := strings.Cut(page.body, `id="next-page" href="`)
		if !more {
			if pages != 4 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		next, _, _ := strings.Cut(rest, `"`)
		page = ada.get(strings.ReplaceAll(next, "&amp;", "&"))
	}
	page.says("d0304.example", "Not set up")
	ada.get("/domains?q=D0299").says("d0299.example").saysNot("d0298.example", "Next page")
	ada.get("/domains?status=connected").saysNot("<tr data-domain=")
	ada.get("/domains?status=requested&q=030").says("d0030.example", "d0300.example")
	ada.get("/domains?status=nonsense").says("d0000.example")
}
