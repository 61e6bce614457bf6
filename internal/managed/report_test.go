package managed

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/storetest"
)

func newManaged(t *testing.T, o Options) (*Managed, *domains.Service) {
	t.Helper()
	store := storetest.NewMemory()
	service := domains.New(domains.Options{Store: store})
	o.Changes, o.KeysCached, o.Log = store.Changes, 10, slog.New(slog.DiscardHandler)
	return New(service, o), service
}

func (m *Managed) kept() (marks, names []string) {
	m.marks.Range(func(id, _ any) bool { marks = append(marks, id.(string)); return true })
	m.names.Range(func(name, _ any) bool { names = append(names, name.(string)); return true })
	slices.Sort(names)
	return marks, names
}

// A key that stopped signing is known for as long as a message that began before may be
// signed with it, and then forgotten, once all is told; one that signs is kept.
func TestMarksAreForgotten(t *testing.T) {
	m, _ := newManaged(t, Options{})
	now := time.Now()
	m.hold(map[string]string{"1": "a.example/s1", "2": "b.example/s1", "3": "c.example/s1"}, now)
	m.hold(map[string]string{"2": "b.example/s1", "4": "c.example/s1"}, now) // in c.example regenerated in place
	m.Signed([]string{"a.example/s1", "c.example/s1"}, now)
	if m.mark("1").at.Load() == 0 || m.mark("4").at.Load() == 0 || m.mark("3").at.Load() != 0 {
		t.Error("a message under way signed with a key that was replaced, and nobody notes it")
	}
	m.prune(now.Add(markFor - time.Second))
	if marks, _ := m.kept(); len(marks) != 4 {
		t.Errorf("too early: %v", marks)
	}
	m.prune(now.Add(markFor + time.Second))
	if marks, names := m.kept(); len(marks) != 3 || strings.Join(names, " ") != "a.example/s1 b.example/s1 c.example/s1" {
		t.Errorf("what is not told yet: %v %v", marks, names)
	}
	m.mark("1").at.Store(0)
	m.prune(now.Add(markFor + time.Second))
	if marks, names := m.kept(); len(marks) != 2 || strings.Join(names, " ") != "b.example/s1 c.example/s1" {
		t.Errorf("at last: %v %v", marks, names)
	}
}

// Our own notifications leave unsigned like others where there is no key, and are no reason
// for another notification.
func TestOwnMailIsNoCandidate(t *testing.T) {
	m, service := newManaged(t, Options{Own: "mx1.example.net"})
	for _, domain := range []string{"mx1.example.net", "new.example"} {
		m.Unsigned(domain, time.Now())
	}
	if err := m.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := service.Candidates(t.Context())
	if err != nil || len(got) != 1 || got[0].Domain != "new.example" {
		t.Errorf("%+v %v", got, err)
	}
}

// Two daemons under one host name both say so, once.
func TestTwinsAreTold(t *testing.T) {
	var log strings.Builder
	store := storetest.NewMemory()
	service := domains.New(domains.Options{Store: store})
	var both []*Managed
	for _, process := range []string{"a", "b"} {
		both = append(both, New(service, Options{
			Changes: store.Changes, Host: domains.Host{Name: "mx1", Process: process}, KeysCached: 1, Log: slog.New(slog.NewTextHandler(&log, nil)),
		}))
	}
	for range 3 {
		for _, m := range both {
			if err := m.flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, process := range []string{"process=a", "process=b"} {
		if n := strings.Count(log.String(), process); n != 1 {
			t.Errorf("%s: told %d times\n%s", process, n, &log)
		}
	}
	both[1].leave()
	if err := both[0].flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "any more"); n != 1 {
		t.Errorf("the other stopped: told %d times\n%s", n, &log)
	}
}

// What a lent key signed under another domain's name is told of the key itself.
func TestLentKeyIsMarked(t *testing.T) {
	m, _ := newManaged(t, Options{})
	key := domains.SigningKey{ID: "1", Domain: "shared.example", Selector: "s1", Algorithm: dkim.Ed25519SHA256}
	lent := key
	lent.Domain = "shop.example"
	rows := m.rows(&domains.Snapshot{Users: []domains.UserSigning{{
		User: domains.User{Match: "sasl:ada", Key: "shared.example", FromAsD: true},
		Keys: []domains.SigningKey{key}, Lent: map[string][]domains.SigningKey{"shop.example": {lent}, "other.example": nil},
	}}})
	fallback := rows.Users[0].Keys
	if got := fallback.Lent["shop.example"]; len(got) != 1 || got[0].Domain != "shop.example" || got[0].Managed != fallback.Keys[0].Managed {
		t.Errorf("lent: %+v", got)
	}
	if _, asked := fallback.Lent["other.example"]; !asked {
		t.Error("explain cannot tell that other.example does not have the key")
	}
	m.Signed([]string{"shop.example/s1"}, time.Now())
	if m.mark("1").at.Load() == 0 {
		t.Error("the signature is not noted")
	}
}

// Retirement waits for no host that has just started with all that is to be known.
func TestTheFirstReportSaysWhatWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, service := newManaged(t, Options{Host: domains.Host{Name: "mx1", Process: "1"}})
		_, err := service.Add(t.Context(), "test", domains.AddRequest{
			Name: "example.com", Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256}, Activation: domains.ActivateImmediate, Yes: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := m.Read(t.Context())
		if err != nil || rows.Version == 0 {
			t.Fatal(rows, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go m.Report(ctx, rows)
		synctest.Wait()
		if hosts, err := service.Hosts(t.Context()); err != nil || len(hosts) != 1 || hosts[0].Version != rows.Version {
			t.Errorf("%+v, %v; want version %d", hosts, err, rows.Version)
		}
	})
}
