package domains_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// A tenant cannot grow a row for ever: keys that were given up stay until it is forgotten.
func TestTenantGivesUpKeys(t *testing.T) {
	w := newWorld(t)
	acme := w.service.Of("acme")
	w.add("a.test", ownedBy("acme"))
	w.add("b.test", ownedBy("acme"))
	again := func(name string) error {
		_, err := acme.Regenerate(w.ctx, "panel:ada", name, domains.RotateRequest{})
		return err
	}
	made := 0
	for ; made < 100 && again("a.test") == nil; made++ {
		w.clock.advance(time.Minute)
	}
	if made != 19 {
		t.Errorf("refused after %d", made)
	}
	err := again("a.test")
	w.refused(err, "too-many-keys")
	if at := begin.Add(24 * time.Hour).Format("15:04"); err == nil || !strings.Contains(err.Error(), at) {
		t.Errorf("%v, want it to say %s", err, at)
	}
	w.must(again("b.test"))
	if _, err := acme.Delete(w.ctx, "panel:ada", "a.test", domains.DeleteRequest{}); err != nil {
		t.Fatal(err)
	}
	_, err = w.claims("acme", "a.test")
	w.refused(err, "too-many-keys")
	_, err = w.service.Add(w.ctx, "root", domains.AddRequest{Name: "a.test", Owner: "acme", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
	w.must(err)
	w.must(func() error {
		_, err := w.service.Regenerate(w.ctx, "root", "a.test", domains.RotateRequest{})
		return err
	}())
	w.refused(again("a.test"), "too-many-keys")
	w.clock.advance(24 * time.Hour)
	w.must(again("a.test"))
}

// Nor by keys that signed for a moment: their records have to stay for days.
func TestTenantReplacesKeysInPlace(t *testing.T) {
	w := newWorld(t)
	acme := w.service.Of("acme")
	w.connected("a.test", ownedBy("acme"))
	again := func() error {
		_, err := acme.Regenerate(w.ctx, "panel:ada", "a.test", domains.RotateRequest{InPlace: true, Yes: true})
		return err
	}
	made := 0
	for ; made < 100 && again() == nil; made++ {
		w.clock.advance(time.Minute)
	}
	if made != 19 {
		t.Errorf("refused after %d", made)
	}
	w.refused(again(), "too-many-keys")
	w.clock.advance(24 * time.Hour)
	w.must(again())
}

// A leaked key is stopped and followed, whatever was given up before.
func TestEmergencyWaitsForNothing(t *testing.T) {
	w := newWorld(t)
	acme := w.service.Of("acme")
	k := w.connected("a.test", ownedBy("acme"))
	for range 20 {
		_, err := acme.Rotate(w.ctx, "panel:ada", "a.test", domains.RotateRequest{})
		w.must(err)
		_, err = acme.Abort(w.ctx, "panel:ada", "a.test")
		w.must(err)
	}
	_, err := acme.Rotate(w.ctx, "panel:ada", "a.test", domains.RotateRequest{})
	w.refused(err, "too-many-keys")
	e, err := acme.Compromised(w.ctx, "panel:ada", "a.test", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
	w.must(err)
	if e.Successor.ID == "" {
		t.Errorf("%+v", e)
	}
}
