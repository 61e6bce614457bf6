package domains_test

import (
	"errors"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// TestForeignText: what no store could keep as it is becomes no row.
func TestForeignText(t *testing.T) {
	w := newWorld(t)
	for _, foreign := range []string{"a\x00b", "a\xffb", "a\nb"} {
		for what, do := range map[string]func() error{
			"address": func() error { return w.asked(domains.AddRequest{Name: foreign + "@a.test"}) },
			"quoted":  func() error { return w.asked(domains.AddRequest{Name: `"` + foreign + `"@a.test`}) },
			"tenant":  func() error { return w.asked(domains.AddRequest{Name: "a.test", Owner: foreign}) },
			"contact": func() error { return w.asked(domains.AddRequest{Name: "a.test", Contact: foreign}) },
			"user": func() error {
				_, err := w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:" + foreign})
				return err
			},
			"tenant of a user": func() error {
				_, err := w.service.SetUser(w.ctx, "root", domains.User{Match: "sasl:a", Owner: foreign})
				return err
			},
		} {
			var invalid *domains.Invalid
			if err := do(); !errors.As(err, &invalid) {
				t.Errorf("%s %q: %v, want it to be refused", what, foreign, err)
			}
		}
	}
}

func (w *world) asked(r domains.AddRequest) error {
	r.Algorithms = []dkim.Algorithm{dkim.Ed25519SHA256}
	_, err := w.service.Add(w.ctx, "root", r)
	return err
}
