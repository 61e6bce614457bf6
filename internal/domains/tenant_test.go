package domains_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// TestTenant: a tenant has its own rows and no others, through every verb.
func TestTenant(t *testing.T) {
	w := newWorld(t)
	acme, other := w.service.Of("acme"), w.service.Of("other")
	add := func(s *domains.Service, owner, name string) domains.Key {
		t.Helper()
		added, err := s.Add(w.ctx, "panel:ada", domains.AddRequest{Name: name, Owner: owner, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
		if err != nil {
			t.Fatal(err)
		}
		return added.Keys[0]
	}
	mine, theirs := add(acme, "acme", "acme.example"), add(w.service, "", "example.com")
	notFound := func(t *testing.T, err error) {
		t.Helper()
		if !errors.Is(err, domains.ErrNotFound) {
			t.Errorf("%v, want not found", err)
		}
	}
	t.Run("sees its own", func(t *testing.T) {
		rows, err := acme.List(w.ctx, "", 10)
		if err != nil || len(rows) != 1 || rows[0].Domain.Name != "acme.example" {
			t.Errorf("%+v, %v", rows, err)
		}
		rows, more, err := acme.Search(w.ctx, domains.Search{Contains: "example", Limit: 10})
		if err != nil || len(rows) != 1 || more {
			t.Errorf("%+v, %t, %v", rows, more, err)
		}
		if _, err := acme.Private(w.ctx, mine.ID); err != nil {
			t.Error(err)
		}
	})
	t.Run("no others", func(t *testing.T) {
		_, err := acme.Show(w.ctx, "example.com")
		notFound(t, err)
		_, err = other.Show(w.ctx, "acme.example")
		notFound(t, err)
		_, err = acme.Disable(w.ctx, "panel:eve", "example.com")
		notFound(t, err)
		_, err = acme.Verify(w.ctx, "panel:eve", "example.com")
		notFound(t, err)
		_, err = acme.Rotate(w.ctx, "panel:eve", "example.com", domains.RotateRequest{})
		notFound(t, err)
		_, err = acme.Delete(w.ctx, "panel:eve", "example.com", domains.DeleteRequest{})
		notFound(t, err)
		_, err = acme.Compromised(w.ctx, "panel:eve", "example.com", domains.CompromiseRequest{Selector: theirs.Selector, Yes: true})
		notFound(t, err)
		_, err = acme.Private(w.ctx, theirs.ID)
		notFound(t, err)
	})
	t.Run("no taking over", func(t *testing.T) {
		for _, algorithm := range []dkim.Algorithm{dkim.Ed25519SHA256, dkim.RSASHA256} {
			_, err := acme.Add(w.ctx, "panel:eve", domains.AddRequest{Name: "example.com", Owner: "acme", Algorithms: []dkim.Algorithm{algorithm}, Bits: 1024})
			refusedFor(t, err, "not-yours")
		}
		d, err := w.service.Show(w.ctx, "example.com")
		if err != nil || d.Domain.Owner != "" || len(d.Keys) != 1 {
			t.Errorf("%+v, %v", d.Domain, err)
		}
	})
	t.Run("no gift to others", func(t *testing.T) {
		_, err := acme.Add(w.ctx, "panel:eve", domains.AddRequest{Name: "gift.example", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
		refusedFor(t, err, "not-yours")
		stranger := "other"
		_, err = acme.Configure(w.ctx, "panel:eve", "acme.example", domains.Settings{Owner: &stranger})
		refusedFor(t, err, "not-yours")
	})
	t.Run("deleted rows of others", func(t *testing.T) {
		add(other, "other", "moved.example")
		if _, err := other.Delete(w.ctx, "panel:bob", "moved.example", domains.DeleteRequest{}); err != nil {
			t.Fatal(err)
		}
		_, err := acme.Add(w.ctx, "panel:eve", domains.AddRequest{Name: "moved.example", Owner: "acme", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}})
		if err != nil { // gone from the store at once, as its key never signed
			refusedFor(t, err, "not-yours")
		}
	})
	t.Run("KAR-5", func(t *testing.T) {
		_, err := acme.Add(w.ctx, "panel:ada", domains.AddRequest{
			Name: "hasty.example", Owner: "acme", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}, Activation: domains.ActivateImmediate, Yes: true,
		})
		refusedFor(t, err, "KAR-5")
		_, err = acme.Enable(w.ctx, "panel:ada", "acme.example", domains.EnableRequest{Force: true, Yes: true})
		refusedFor(t, err, "KAR-5")
		_, err = acme.Regenerate(w.ctx, "panel:ada", "acme.example", domains.RotateRequest{InPlace: true, Yes: true})
		refusedFor(t, err, "KAR-5")
		immediate := domains.ActivateImmediate
		_, err = acme.Configure(w.ctx, "panel:ada", "acme.example", domains.Settings{Activation: &immediate, Yes: true})
		refusedFor(t, err, "KAR-5")
	})
	t.Run("journal", func(t *testing.T) {
		for _, q := range []domains.JournalQuery{{}, {Last: true, Limit: 3}, {Limit: 1}, {Domain: "acme.example"}} {
			lines, err := acme.Journal(w.ctx, q)
			if err != nil || len(lines) == 0 || q.Limit > 0 && len(lines) > q.Limit {
				t.Errorf("%+v: %d lines, %v", q, len(lines), err)
			}
			for _, e := range lines {
				if e.Domain != "acme.example" {
					t.Errorf("%+v: %+v", q, e)
				}
			}
		}
		if lines, err := acme.Journal(w.ctx, domains.JournalQuery{Domain: "example.com"}); err != nil || len(lines) != 0 {
			t.Errorf("%+v, %v", lines, err)
		}
	})
	t.Run("candidates", func(t *testing.T) {
		w.publish(mine)
		w.live(time.Hour)
		err := w.service.Seen(w.ctx, []domains.Sighting{
			{Domain: "news.acme.example", Source: "mail", Count: 1, Last: begin}, {Domain: "stranger.example", Source: "mail", Count: 1, Last: begin},
		})
		if err != nil {
			t.Fatal(err)
		}
		list, err := acme.Candidates(w.ctx)
		if err != nil || len(list) != 1 || list[0].Domain != "news.acme.example" {
			t.Errorf("%+v, %v", list, err)
		}
	})
	t.Run("users", func(t *testing.T) {
		for _, u := range []domains.User{{Match: "sasl:ada", Owner: "acme"}, {Match: "sasl:root"}, {Match: "sasl:re", Owner: "acme", Reauth: true}} {
			if _, err := w.service.SetUser(w.ctx, "root", u); err != nil {
				t.Fatal(err)
			}
		}
		if users, err := acme.Users(w.ctx); err != nil || len(users) != 2 {
			t.Errorf("%+v, %v", users, err)
		}
		u, err := acme.SetUserKey(w.ctx, "panel:ada", "sasl:ada", mine.Selector)
		if err != nil || u.Key != "acme.example/"+mine.Selector {
			t.Errorf("%+v, %v", u, err)
		}
		_, err = acme.SetUserKey(w.ctx, "panel:ada", "sasl:ada", theirs.Selector)
		notFound(t, err)
		_, err = acme.SetUserKey(w.ctx, "panel:ada", "sasl:ada", "example.com")
		notFound(t, err)
		_, err = acme.SetUserKey(w.ctx, "panel:ada", "sasl:root", "acme.example")
		notFound(t, err)
		_, err = acme.SetUserKey(w.ctx, "panel:ada", "sasl:re", "acme.example")
		refusedFor(t, err, "MA-1")
		_, err = acme.SetUser(w.ctx, "panel:eve", domains.User{Match: "ip:0.0.0.0/0", Owner: "acme", Reauth: true})
		refusedFor(t, err, "operator-only")
		refusedFor(t, acme.DeleteUser(w.ctx, "panel:eve", "sasl:ada"), "operator-only")
		refusedFor(t, acme.SwitchUser(w.ctx, "panel:eve", "sasl:ada", false), "operator-only")
		lender := domains.User{Match: "sasl:lender", Owner: "acme", Key: "acme.example", Domains: []string{"shop.example"}, FromAsD: true}
		if _, err := w.service.SetUser(w.ctx, "root", lender); err != nil {
			t.Fatal(err)
		}
		if _, err := acme.SetUserKey(w.ctx, "panel:ada", "sasl:lender", mine.Selector); err != nil {
			t.Error(err)
		}
		if lent, err := w.service.Show(w.ctx, "lent:shop.example"); err != nil || len(lent.Keys) != 1 || lent.Keys[0].Print != mine.Print {
			t.Errorf("%+v, %v", lent.Keys, err)
		}
		_, err = acme.SetUserKey(w.ctx, "panel:ada", "sasl:lender", "")
		refusedFor(t, err, "MA-17")
		if u, err := acme.SetUserKey(w.ctx, "panel:ada", "sasl:ada", ""); err != nil || u.Key != "" {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

// TestSearch: a list of many rows, in pages.
func TestSearch(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a.example", "b.example", "c.example", "d.test"} {
		if _, err := w.service.Request(w.ctx, "root", domains.AddRequest{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.service.Disable(w.ctx, "root", "b.example"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		q    domains.Search
		want string
		more bool
	}{
		{domains.Search{Limit: 10}, "a.example b.example c.example d.test ", false},
		{domains.Search{Limit: 2}, "a.example b.example ", true},
		{domains.Search{After: "b.example", Limit: 2}, "c.example d.test ", false},
		{domains.Search{Contains: ".test", Limit: 2}, "d.test ", false},
		{domains.Search{Words: []string{"connected"}, Limit: 2}, "", false},
		{domains.Search{Words: []string{"requested"}, Limit: 3}, "a.example b.example c.example ", true},
	} {
		rows, more, err := w.service.Search(w.ctx, c.q)
		got := ""
		for _, r := range rows {
			got += r.Domain.Name + " "
		}
		if err != nil || got != c.want || more != c.more {
			t.Errorf("%+v: %q, %t, %v", c.q, got, more, err)
		}
	}
}

// TestSearchMany: a status is looked for among rows whose keys are read by pages, and
// what is found is what each row has by itself.
func TestSearchMany(t *testing.T) {
	w := newWorld(t)
	for i := range 120 {
		name := fmt.Sprintf("d%03d.example", i)
		if i%10 == 0 {
			w.add(name)
			continue
		}
		if _, err := w.service.Request(w.ctx, "root", domains.AddRequest{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	want, _, err := w.service.Search(w.ctx, domains.Search{Limit: 200})
	w.must(err)
	want = slices.DeleteFunc(want, func(r domains.Row) bool { return r.Status.Word != "pending" })
	got, more, err := w.service.Search(w.ctx, domains.Search{Words: []string{"pending"}, Limit: 200})
	if err != nil || more || len(got) != 12 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d rows, %v, %v", len(got), more, err)
	}
	got, more, err = w.service.Search(w.ctx, domains.Search{Words: []string{"pending"}, After: "d010.example", Limit: 3})
	if err != nil || !more || len(got) != 3 || got[0].Domain.Name != "d020.example" {
		t.Errorf("%+v, %v, %v", got, more, err)
	}
}

func refusedFor(t *testing.T, err error, rule string) {
	t.Helper()
	var refused *domains.Refused
	if !errors.As(err, &refused) || refused.Rule != rule {
		t.Errorf("%v, want refused for %s", err, rule)
	}
}
