package panel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// TestStopped: whoever stops a pair is told every name whose record has to change, and what
// signs instead.
func TestStopped(t *testing.T) {
	pair := func(w *world) {
		private, err := dkim.Generate(dkim.Ed25519SHA256, 0)
		if err != nil {
			t.Fatal(err)
		}
		pem, err := private.PEM()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"example.com", "other.example"} {
			if _, err := w.service.Import(t.Context(), "root", domains.ImportRequest{AddRequest: domains.AddRequest{Name: name, Selector: "s1"}, PEM: pem}); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Run("by a program", func(t *testing.T) {
		w := newWorld(t)
		pair(w)
		p := w.program(rootToken)
		p.call("POST", "/domains/example.com/compromised", `{"selector":"s1","yes":true}`).is(http.StatusOK).says(`"also": [`, `"s1._domainkey.other.example"`)
		w.add("third.example", "")
		p.call("POST", "/domains/third.example/compromised", `{"selector":"`+w.key("third.example").Selector+`","yes":true}`).is(http.StatusOK).says(`"also": []`)
	})
	t.Run("by a person", func(t *testing.T) {
		w := newWorld(t)
		pair(w)
		page := w.in(rootToken).get("/domains/example.com/dkim")
		page.post("/domains/example.com/compromised", "selector", "s1", "yes", "yes").follow().says("The same pair stands at s1._domainkey.other.example")
	})
	t.Run("the key before", func(t *testing.T) {
		for _, program := range []bool{true, false} {
			w := newWorld(t)
			old := w.connected("example.com", "")
			if _, err := w.service.Rotate(t.Context(), "root", "example.com", domains.RotateRequest{}); err != nil {
				t.Fatal(err)
			}
			now := w.key("example.com")
			w.dns.publish(dkim.RecordName(now.Selector, now.Domain), now.Record)
			w.verify("example.com")
			if now = w.key("example.com"); now.State != domains.Active {
				t.Fatalf("%s is %s", now.Selector, now.State)
			}
			if program {
				w.program(rootToken).call("POST", "/domains/example.com/compromised", `{"selector":"`+old.Selector+`","yes":true}`).says(`"successor": null`, `"in_service": {`, now.Selector)
				continue
			}
			page := w.in(rootToken).get("/domains/example.com/dkim")
			page.post("/domains/example.com/compromised", "selector", old.Selector, "yes", "yes").follow().says("Mail is signed with " + now.Selector + " as before.").saysNot("Nothing takes its place")
		}
	})
}

// TestLinksOfSharedKeys: nothing is offered that the row cannot do.
func TestLinksOfSharedKeys(t *testing.T) {
	w := newWorld(t, withKeyZone)
	bob := w.in(acmeToken)
	bob.get("/domains/new").post("/domains/new", "domain", "acme.example", "publish", "cname-shared").leads("/domains/acme.example/setup")
	key := w.key("acme.example").Selector
	deletes, stops := "delete?selector="+key, "compromised?selector="+key
	bob.get("/domains/acme.example/dkim").saysNot(deletes, stops)
	ada := w.in(rootToken)
	ada.get("/domains/acme.example/dkim").says(stops).saysNot(deletes)
	own := w.add("own.example", "acme").Selector
	bob.get("/domains/own.example/dkim").says("compromised?selector="+own, "delete?selector="+own)
}

// TestTookTooLong: what has no answer in time is nobody's fault, and can be tried again.
func TestTookTooLong(t *testing.T) {
	w := newWorld(t)
	p := &Panel{Options: Options{Log: slog.New(slog.NewTextHandler(w.log, nil))}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "GET", "/journal", nil)
	if problem := p.problemOf(r, fmt.Errorf("read: %w", ctx.Err())); problem.Status != http.StatusServiceUnavailable || w.log.Len() > 0 {
		t.Errorf("%+v, log %s", problem, w.log)
	}
	if problem := p.problemOf(r, errors.New("broken")); problem.Status != http.StatusInternalServerError || w.log.Len() == 0 {
		t.Errorf("%+v, log %s", problem, w.log)
	}
}
