package panel

import (
	"net/http"
	"testing"

	"github.com/postseal/postseal/dkim"
)

// TestWizard walks the window "Add Domain Setting" (Infusionsoft).
func TestWizard(t *testing.T) {
	w := newWorld(t)
	ada := w.in(rootToken)
	list := ada.get("/domains").is(http.StatusOK)
	choose := ada.get("/domains/add").is(http.StatusOK)
	t.Run("INF-9", func(t *testing.T) {
		list.says(`<a id="add-domain"`, `href="/domains/add"`, "Add a domain")
	})
	t.Run("INF-10", func(t *testing.T) {
		choose.says(`<select id="domain"`, `<option value="apple.example">`, `<option value="zebra.example">`)
		w.add("apple.example", "")
		ada.get("/domains/add").saysNot(`value="apple.example"`)
	})
	t.Run("INF-12", func(t *testing.T) {
		choose.says("Add Domain Setting", "Choose the domain you would like to authenticate", `<option value="">Please select a domain</option>`)
		choose.saysNot(" selected")
		refused := choose.post("/domains/add", "domain", "", "other", "").is(http.StatusUnprocessableEntity)
		refused.says("no domain was selected", "INF-12", "Please select a domain")
		choose.post("/domains/add", "domain", "zebra.example", "other", "more.example").is(http.StatusUnprocessableEntity).says("one-domain")
	})
	setup := choose.post("/domains/add", "domain", "zebra.example").leads("/domains/zebra.example/setup").follow().is(http.StatusOK)
	k := w.key("zebra.example")
	host := dkim.RecordName(k.Selector, k.Domain)
	t.Run("INF-7", func(t *testing.T) {
		setup.says("Step 1", "Steps 2 and 3", "Copy and paste the following text into your DNS value", "Step 4", "Verify", "Finish")
	})
	t.Run("INF-11", func(t *testing.T) { setup.says("zebra.example", `id="host-full-1">`+host+`</code>`) })
	t.Run("INF-13", func(t *testing.T) {
		setup.says("Go to your DNS provider. Create a new TXT using the text below as the host (sometimes called name)")
		setup.says("Host (sometimes called Name)", `<code class="value" id="host-zone-1">`+k.Selector+"._domainkey</code>", `data-copy="host-zone-1"`)
	})
	t.Run("INF-18", func(t *testing.T) {
		for _, page := range []*answer{choose, setup, ada.get("/domains/new"), ada.get("/domains/zebra.example/dkim")} {
			page.says(`id="help-link" href="/help/publishing"`)
		}
		ada.get("/help/publishing").is(http.StatusOK).says("Publishing the records")
	})
	t.Run("INF-25", func(t *testing.T) {
		asked := w.dns.asked
		setup.post("/domains/zebra.example/finish", "published", "yes").leads("/domains/zebra.example/dkim")
		if w.dns.asked == asked {
			t.Error("done, and nobody has asked DNS")
		}
	})
	t.Run("INF-15", func(t *testing.T) {
		setup.says(`action="/domains/zebra.example/verify"`, "Verify</button>")
		asked := w.dns.asked
		w.dns.publish(host, k.Record)
		page := setup.post("/domains/zebra.example/verify", "from", "setup").leads("/domains/zebra.example/setup").follow()
		if page.says("DNS was asked just now", "live and correct"); w.dns.asked != asked+1 {
			t.Errorf("asked %d times", w.dns.asked-asked)
		}
	})
}
