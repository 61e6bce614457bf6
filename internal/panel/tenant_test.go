package panel

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/domains"
)

// TestTenants: what is somebody else's is not there, on any page and by any form.
func TestTenants(t *testing.T) {
	w := newWorld(t)
	mine, theirs := w.connected("acme.example", "acme"), w.connected("other.example", "other")
	ours := w.connected("example.com", "")
	for _, u := range []domains.User{{Match: "sasl:acme", Owner: "acme"}, {Match: "sasl:other", Owner: "other"}, {Match: "sasl:root"}} {
		if _, err := w.service.SetUser(t.Context(), "root", u); err != nil {
			t.Fatal(err)
		}
	}
	bob := w.in(acmeToken)
	t.Run("pages", func(t *testing.T) {
		for _, path := range []string{"/domains", "/domains?q=example", "/journal", "/users", "/domains/add"} {
			bob.get(path).is(http.StatusOK).saysNot("other.example", theirs.Selector, ours.Selector, "sasl:other", "sasl:root", "apple.example", "zebra.example", `data-domain="example.com"`)
		}
		bob.get("/domains").says("acme.example", mine.Selector)
		bob.get("/journal").says("sasl:acme", "acme.example")
		bob.get("/users").says("sasl:acme").saysNot("Tenant", `id="user-form"`, "Remove")
		bob.get("/journal?domain=other.example").saysNot(theirs.Selector)
		for _, name := range []string{"other.example", "example.com"} {
			for _, page := range []string{"dkim", "setup", "retry", "delete", "compromised"} {
				bob.get("/domains/" + name + "/" + page).is(http.StatusNotFound)
			}
		}
	})
	t.Run("forms", func(t *testing.T) {
		page := bob.get("/domains")
		for _, name := range []string{"other.example", "example.com"} {
			selector := w.key(name).Selector
			for _, form := range everyForm {
				path, ok := strings.CutPrefix(form, "/domains/example.com/")
				if !ok {
					continue
				}
				page.post("/domains/"+name+"/"+path, "yes", "yes", "published", "yes", "selector", selector, "force", "yes", "now", "yes").is(http.StatusNotFound)
			}
			page.post("/domains", "domain", name).is(http.StatusConflict).says("somebody else's")
		}
		page.post("/users", "match", "ip:0.0.0.0/0", "reauth", "yes").is(http.StatusConflict).says("operator-only")
		page.post("/users/switch", "match", "sasl:acme").is(http.StatusConflict)
		page.post("/users/delete", "match", "sasl:acme", "yes", "yes").is(http.StatusConflict)
		page.post("/users/selector", "match", "sasl:root", "key", "acme.example").is(http.StatusNotFound)
		page.post("/users/selector", "match", "sasl:acme", "key", "other.example").is(http.StatusNotFound)
		page.post("/users/selector", "match", "sasl:acme", "key", "acme.example").leads("/users")
		for _, name := range []string{"other.example", "example.com"} {
			if k := w.key(name); k.State != domains.Active || k.Compromised {
				t.Errorf("%+v", k)
			}
		}
	})
	t.Run("KAR-5", func(t *testing.T) {
		page := bob.get("/domains/new").saysNot(`name="owner"`)
		page.post("/domains/new", "domain", "fresh.example", "owner", "other").leads("/domains/fresh.example/setup")
		if d, err := w.service.Show(t.Context(), "fresh.example"); err != nil || d.Domain.Owner != "acme" {
			t.Errorf("%+v, %v", d.Domain, err)
		}
		bob.get("/domains/fresh.example/dkim").saysNot(`id="force"`, `name="owner"`)
		for path, form := range map[string][]string{
			"/domains/fresh.example/enable":   {"force", "yes", "yes", "yes"},
			"/domains/fresh.example/generate": {"in_place", "yes", "yes", "yes"},
			"/domains/fresh.example/settings": {"activation", "immediate", "yes", "yes"},
			"/domains/new":                    {"domain", "hasty.example", "activation", "immediate", "yes", "yes"},
		} {
			page.post(path, form...).is(http.StatusConflict).says("KAR-5")
		}
		snapshot, err := w.service.Snapshot(t.Context())
		if err != nil || snapshot.Domains["fresh.example"] != nil && len(snapshot.Domains["fresh.example"].Keys) > 0 || snapshot.Domains["hasty.example"] != nil {
			t.Errorf("%+v, %v", snapshot.Domains, err)
		}
	})
	t.Run("settings do not change hands", func(t *testing.T) {
		bob.get("/domains").post("/domains/acme.example/settings", "owner", "other", "contact", "c@acme.example").leads("/domains/acme.example/dkim")
		if d, err := w.service.Show(t.Context(), "acme.example"); err != nil || d.Domain.Owner != "acme" || d.Domain.Contact != "c@acme.example" {
			t.Errorf("%+v, %v", d.Domain, err)
		}
	})
	t.Run("actor", func(t *testing.T) {
		lines, err := w.service.Journal(t.Context(), domains.JournalQuery{Domain: "acme.example", Last: true, Limit: 1})
		if err != nil || len(lines) != 1 || lines[0].Actor != "panel:bob" {
			t.Errorf("%+v, %v", lines, err)
		}
	})
}
