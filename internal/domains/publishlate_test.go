package domains_test

import (
	"testing"

	"github.com/postseal/postseal/internal/domains"
)

// overtake has a command come between two steps of the daemon's attempt at a new key, and
// `domain publish` after it.
func (w *driven) overtake(step string, command func() error) {
	w.Helper()
	_, err := w.keeper.Turn(w.ctx)
	w.must(err)
	meanwhile := func() {
		w.must(command())
		_, err := w.service.Publish(w.ctx, "root", []string{"example.com"}, false)
		w.must(err)
	}
	if step == "before" {
		w.writer.meanwhile = meanwhile
	} else {
		w.writer.dies = func(at string) {
			if at == step {
				w.writer.dies = nil
				meanwhile()
			}
		}
	}
	_, err = w.publisher.Turn(w.ctx)
	w.must(err)
}

// What an attempt says that ends late is not taken for what stands in DNS.
func TestLateEndOfAnAttempt(t *testing.T) {
	for _, step := range []string{"before", "after"} {
		t.Run(step+" it wrote, the key was compromised", func(t *testing.T) {
			w := newDriven(t, newStore(t))
			k := w.add("example.com")
			w.overtake(step, func() error {
				_, err := w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
				return err
			})
			w.drive(day)
			w.inDNS(k, domains.RevokedRecord)
			for _, p := range w.published("example.com") {
				if p.Name == record(k) && (p.Value != domains.RevokedRecord || p.Problem != "" || len(p.Maybe) > 0) {
					t.Errorf("the store has %+v", p)
				}
			}
			w.drive(40 * day)
			w.inDNS(k, "")
		})
		t.Run(step+" it wrote, the key was given up", func(t *testing.T) {
			w := newDriven(t, newStore(t))
			k := w.add("example.com")
			w.overtake(step, func() error {
				_, err := w.service.Regenerate(w.ctx, "root", "example.com", domains.RotateRequest{Yes: true})
				return err
			})
			w.drive(day)
			w.inDNS(k, "")
			if rows := w.published("example.com"); len(rows) != 1 {
				t.Errorf("%+v", rows)
			}
		})
	}
	t.Run("a person has taken over", func(t *testing.T) {
		w := newDriven(t, newStore(t))
		k := w.add("example.com")
		_, err := w.keeper.Turn(w.ctx)
		w.must(err)
		w.writer.meanwhile = func() {
			_, err := w.service.Configure(w.ctx, "root", "example.com", domains.Settings{Driver: ptr("")})
			w.must(err)
		}
		_, err = w.publisher.Turn(w.ctx)
		w.must(err)
		w.drive(day)
		w.inDNS(k, k.Record)
		if rows := w.published("example.com"); len(rows) != 0 {
			t.Errorf("%+v", rows)
		}
	})
	t.Run("another driver has taken over", func(t *testing.T) {
		w := newDriven(t, newStore(t))
		w.publishing.Drivers["other"] = domains.Driver{Zones: []string{"example.com"}, Writer: &fakeWriter{dns: w.dns}}
		k := w.add("example.com")
		w.overtake("before", func() error {
			_, err := w.service.Configure(w.ctx, "root", "example.com", domains.Settings{Driver: ptr("other")})
			if err == nil {
				_, err = w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
			}
			return err
		})
		w.drive(day)
		w.inDNS(k, domains.RevokedRecord)
	})
}
