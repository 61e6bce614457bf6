package domains_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// TestCandidatesOfSources: what sources found is listed beside what mail came from,
// unless something here takes care of it.
func TestCandidatesOfSources(t *testing.T) {
	found := func(w *world, names ...string) (all []domains.Sighting) {
		for _, name := range names {
			all = append(all, domains.Sighting{Domain: name, Source: "postfix", Count: 2, Last: w.clock.Now()})
		}
		return all
	}
	list := func(w *world, found ...domains.Sighting) (all []string) {
		got, err := w.service.Candidates(w.ctx, found...)
		w.must(err)
		for _, c := range got {
			all = append(all, c.Domain+" "+c.Source)
		}
		return all
	}
	same := func(w *world, got []string, want ...string) {
		w.Helper()
		if !slices.Equal(got, want) {
			w.Errorf("candidates %q, want %q", got, want)
		}
	}
	for _, r := range []struct {
		number string
		test   func(*world)
	}{
		{"INF-10", func(w *world) { // only candidates, sorted
			w.must(w.service.Seen(w.ctx, []domains.Sighting{{Domain: "m.example", Source: "mail", Count: 1, Last: w.clock.Now()}}))
			w.add("managed.example")
			same(w, list(w, found(w, "z.example", "managed.example", "m.example", "a.example")...),
				"a.example postfix", "m.example mail", "m.example postfix", "z.example postfix")
		}},
		{"INF-19", func(w *world) { // one more in the source is one more candidate
			same(w, list(w, found(w, "a.example")...), "a.example postfix")
			same(w, list(w, found(w, "a.example", "b.example")...), "a.example postfix", "b.example postfix")
			same(w, list(w)) // and nothing of it is kept
		}},
		{"OCR-11", func(w *world) { // without any add; added, it is one no more; deleted, it is one again
			same(w, list(w, found(w, "a.example")...), "a.example postfix")
			w.add("a.example")
			same(w, list(w, found(w, "a.example")...))
			_, err := w.service.Delete(w.ctx, "root", "a.example", domains.DeleteRequest{Now: true, Yes: true})
			w.must(err)
			same(w, list(w, found(w, "a.example")...), "a.example postfix")
		}},
		{"a parent signs", func(w *world) {
			w.add("example.com", func(r *domains.AddRequest) { r.SubDomains = true })
			w.add("other.example")
			same(w, list(w, found(w, "a.b.example.com", "x.other.example", "badexample.com")...), "badexample.com postfix", "x.other.example postfix")
		}},
		{"keys in the tables", func(w *world) {
			k, _ := tableKey(w.T, "example.com", "s1")
			w.tables(mx1, false, k)
			same(w, list(w, found(w, "example.com", "sub.example.com")...), "sub.example.com postfix")
		}},
	} {
		t.Run(r.number, func(t *testing.T) { r.test(newWorld(t)) })
	}
}

// TestDryRun: everything is found out, refusals included, and nothing is kept.
func TestDryRun(t *testing.T) {
	w := newWorld(t)
	journal := func() int {
		entries, err := w.service.Journal(w.ctx, domains.JournalQuery{})
		w.must(err)
		return len(entries)
	}
	add := func(selector string) (domains.Added, error) {
		return w.service.Add(w.ctx, "root", domains.AddRequest{Name: "example.com", Selector: selector, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}, DryRun: true})
	}
	added, err := add("s1")
	w.must(err)
	if len(added.Keys) != 1 || added.Keys[0].Selector != "s1" || added.Keys[0].State != domains.Pending {
		t.Errorf("would make %+v", added.Keys)
	}
	if _, err := w.service.Show(w.ctx, "example.com"); !errors.Is(err, domains.ErrNotFound) || journal() != 0 {
		t.Errorf("it is there: %v", err)
	}
	if _, err := w.service.Private(w.ctx, added.Keys[0].ID); err == nil {
		t.Error("the private half is kept")
	}
	k := w.add("example.com")
	w.publish(k)
	w.live(time.Minute)
	before := journal()
	_, err = add("s2")
	w.refused(err, "already-managed")
	for _, verb := range []func(r domains.RotateRequest) (domains.Added, error){
		func(r domains.RotateRequest) (domains.Added, error) {
			return w.service.Rotate(w.ctx, "root", "example.com", r)
		},
		func(r domains.RotateRequest) (domains.Added, error) {
			return w.service.Regenerate(w.ctx, "root", "example.com", r)
		},
	} {
		added, err := verb(domains.RotateRequest{Selector: "s3", DryRun: true})
		w.must(err)
		if len(added.Keys) != 1 || added.Keys[0].Selector != "s3" {
			t.Errorf("would make %+v", added.Keys)
		}
		_, err = verb(domains.RotateRequest{Selector: k.Selector, DryRun: true})
		if err == nil {
			t.Error("a selector that was used is taken")
		}
	}
	if journal() != before {
		t.Error("the journal has a line of it")
	}
	w.signsWith("example.com", k)
	_, err = w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{})
	w.must(err)
	_, err = w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{DryRun: true})
	w.refused(err, "rotation-under-way")
}

// TestRotateUnconfirmed: in immediate mode the successor of a key that DNS never
// confirmed signs at once, which has to be agreed to first (OCR-22).
func TestRotateUnconfirmed(t *testing.T) {
	w := newWorld(t)
	t.Run("OCR-22", func(t *testing.T) {
		k := w.add("example.com", func(r *domains.AddRequest) { r.Activation, r.Yes = domains.ActivateImmediate, true })
		for _, dry := range []bool{false, true} {
			_, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{DryRun: dry})
			w.unconfirmed(err, "OCR-22")
			w.signsWith("example.com", k)
		}
		added, err := w.service.Rotate(w.ctx, "root", "example.com", domains.RotateRequest{Yes: true})
		w.must(err)
		w.signsWith("example.com", added.Keys[0])
	})
	t.Run("confirmed before", func(t *testing.T) {
		k := w.add("good.example", func(r *domains.AddRequest) { r.Activation, r.Yes = domains.ActivateImmediate, true })
		w.publish(k)
		w.live(2 * time.Minute)
		_, err := w.service.Rotate(w.ctx, "root", "good.example", domains.RotateRequest{})
		w.must(err)
		w.signsWith("good.example", k)
	})
}

// TestRotationDue: rows whose time has come, by their own interval or that of all.
func TestRotationDue(t *testing.T) {
	w := newWorld(t)
	due := func(want ...string) {
		w.Helper()
		got, err := w.service.RotationDue(w.ctx)
		w.must(err)
		if !slices.Equal(got, want) {
			w.Errorf("due %q, want %q", got, want)
		}
	}
	for _, name := range []string{"a.example", "b.example", "c.example"} {
		w.publish(w.add(name))
	}
	w.live(2 * time.Minute)
	w.clock.advance(100 * day) // without the keeper, which rotates by itself
	due()
	_, err := w.service.Configure(w.ctx, "root", "b.example", domains.Settings{RotateEvery: ptr(90 * day)})
	w.must(err)
	due("b.example")
	w.policy.RotateEvery = 120 * day
	w.restart()
	due("b.example")
	w.clock.advance(30 * day)
	due("a.example", "b.example", "c.example")
	_, err = w.service.Rotate(w.ctx, "root", "a.example", domains.RotateRequest{})
	w.must(err)
	due("b.example", "c.example")
}
