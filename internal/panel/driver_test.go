package panel

import (
	"context"
	"net/http"
	"testing"

	"github.com/postseal/postseal/internal/domains"
)

// writer is a driver that writes into the world's DNS.
type writer struct{ *dns }

func (d writer) Plan(_ context.Context, _ string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	out := make([]domains.DNSOutcome, len(changes))
	for i, c := range changes {
		out[i].Verdict = domains.DNSAdd
		if d.at(c.Name) == c.Value {
			out[i].Verdict = domains.DNSSame
		}
	}
	return out, nil
}

func (d writer) Apply(ctx context.Context, zone string, changes []domains.DNSChange) ([]domains.DNSOutcome, error) {
	out, err := d.Plan(ctx, zone, changes)
	for i, c := range changes {
		d.publish(c.Name, c.Value)
		out[i].Touched = true
	}
	return out, err
}

// TestDriver: records that a driver writes.
func TestDriver(t *testing.T) {
	w := newWorld(t)
	w.publishing.Drivers["zone"] = domains.Driver{Zones: []string{"example.com"}, Writer: writer{w.dns}}
	ada := w.in(rootToken)
	k := w.add("example.com", "")
	page := ada.get("/domains/example.com/dkim").saysNot(`id="publish"`)
	page.post("/domains/example.com/publish").is(http.StatusConflict).says("no-driver")
	page.post("/domains/example.com/settings", "driver", "nothing").is(http.StatusUnprocessableEntity)
	page = page.post("/domains/example.com/settings", "driver", "zone").follow().says("The driver zone writes these records", `id="publish"`)
	w.program(rootToken).call("POST", "/domains/example.com/publish", `{"dry_run":true}`).is(http.StatusOK).says(`"verdict": "add"`)
	if w.dns.at("example.com") != "" {
		t.Error("written by a dry run")
	}
	page.post("/domains/example.com/publish").follow().says("The driver was asked", k.Selector+"._domainkey.example.com: written")
	if got := w.dns.at(k.Selector + "._domainkey.example.com"); got != k.Record {
		t.Errorf("DNS has %q", got)
	}
	w.program(rootToken).call("POST", "/domains/example.com/publish", "").is(http.StatusOK).says(`"verdict": "same"`)
	w.program(acmeToken).call("PATCH", "/domains/example.com", `{"driver":"zone"}`).problem(http.StatusForbidden, "operator-only")
}
