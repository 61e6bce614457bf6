package domains_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

func tableKey(t *testing.T, domain, selector string) (domains.TableKey, *dkim.PrivateKey) {
	t.Helper()
	private, err := dkim.Generate(dkim.Ed25519SHA256, 0)
	if err != nil {
		t.Fatal(err)
	}
	k, err := domains.NewTableKey(domain, selector, private)
	if err != nil {
		t.Fatal(err)
	}
	return k, private
}

func (w *world) blocked(name string) string {
	w.Helper()
	snap, err := w.service.Snapshot(w.ctx)
	w.must(err)
	for d := range snap.Domains {
		if strings.HasPrefix(d, "table:") {
			w.Errorf("%s is taken for a managed row", d)
		}
	}
	return snap.Blocked[name]
}

// A compromised key signs for no line of the tables, long after its domain was deleted.
func TestCompromisedIsNotForgotten(t *testing.T) {
	w := newWorld(t)
	k := w.connected("example.com")
	_, err := w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
	w.must(err)
	_, err = w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{})
	w.must(err)
	w.dns.remove(record(k))
	w.live(200 * day)
	if why := w.blocked(record(k)); why != "compromised" {
		t.Errorf("200 days after: blocked %q", why)
	}
}

// The gate closes before a key of the tables that signed, and that DNS never confirmed.
func TestTableKeysComeBehindTheGate(t *testing.T) {
	w := newWorld(t)
	k, private := tableKey(t, "example.com", "s1")
	const name = "s1._domainkey.example.com"
	watch := func(gate bool) { w.must(w.service.WatchTables(w.ctx, "daemon", []domains.TableKey{k}, gate)) }
	watch(false)
	if why := w.blocked(name); why != "" {
		t.Errorf("without a gate: blocked %q", why)
	}
	watch(true)
	if why := w.blocked(name); why != "pending" {
		t.Errorf("never confirmed: blocked %q", why)
	}
	w.dns.publish(name, private.PublicRecord())
	w.live(time.Hour)
	if why := w.blocked(name); why != "" {
		t.Errorf("DNS has it: blocked %q", why)
	}
}

// The table's keys sign at once, are looked at as others, and stop when DNS
// loses them.
func TestTableKeysAreWatched(t *testing.T) {
	w := newWorld(t)
	k, private := tableKey(t, "Example.com", "S1")
	const name = "s1._domainkey.example.com"
	watch := func(keys ...domains.TableKey) { w.must(w.service.WatchTables(w.ctx, "daemon", keys, false)) }
	watch(k)
	if why := w.blocked(name); why != "" {
		t.Errorf("blocked at once: %s", why)
	}
	w.live(10 * day) // never in DNS: the admin's own decision
	if why := w.blocked(name); why != "" {
		t.Errorf("blocked, and DNS never had it: %s", why)
	}
	w.label("table:example.com", "Signing, not verified", "red")
	w.dns.publish(name, private.PublicRecord())
	w.live(3 * time.Hour)
	w.label("table:example.com", "Connected", "green")
	w.dns.remove(name)
	w.live(30 * time.Hour)
	if why := w.blocked(name); why != "suspended" {
		t.Errorf("gone from DNS for 30 hours: blocked %q", why)
	}
	w.dns.publish(name, private.PublicRecord())
	w.live(3 * time.Hour)
	if why := w.blocked(name); why != "" {
		t.Errorf("back in DNS: blocked %q", why)
	}

	journal := w.journalLines()
	watch(k)
	if w.journalLines() != journal {
		t.Error("the same tables again change something")
	}
	other, _ := tableKey(t, "example.com", "s1")
	watch(other) // another key under the same name
	w.label("table:example.com", "Signing, not verified", "red")
	watch()
	if rows, err := w.service.List(w.ctx, "", 10); err != nil || len(rows) != 0 {
		t.Errorf("no tables, and still %+v %v", rows, err)
	}
}

func (w *world) journalLines() int {
	w.Helper()
	entries, err := w.service.Journal(w.ctx, domains.JournalQuery{})
	w.must(err)
	return len(entries)
}

func TestTableKeysBehindTheGate(t *testing.T) {
	w := newWorld(t)
	k, private := tableKey(t, "example.com", "s1")
	const name = "s1._domainkey.example.com"
	w.must(w.service.WatchTables(w.ctx, "daemon", []domains.TableKey{k}, true))
	if why := w.blocked(name); why != "pending" {
		t.Errorf("not confirmed: blocked %q", why)
	}
	w.dns.publish(name, private.PublicRecord())
	w.live(20 * time.Minute)
	if why := w.blocked(name); why != "" {
		t.Errorf("confirmed: blocked %q", why)
	}
}

func TestTableKeysAreChangedByPeopleOnly(t *testing.T) {
	w := newWorld(t)
	k, private := tableKey(t, "example.com", "s1")
	w.must(w.service.WatchTables(w.ctx, "daemon", []domains.TableKey{k}, false))
	_, err := w.service.Rotate(w.ctx, "root", "table:example.com", domains.RotateRequest{})
	w.refused(err, "in-the-tables")
	_, err = w.service.Delete(w.ctx, "root", "table:example.com", domains.DeleteRequest{})
	w.refused(err, "in-the-tables")
	_, err = w.service.Verify(w.ctx, "root", "table:example.com")
	w.must(err)

	// Moved into the store it is watched no more.
	w.dns.publish("s1._domainkey.example.com", private.PublicRecord())
	pem, err := private.PEM()
	w.must(err)
	added, err := w.service.Import(w.ctx, "root", domains.ImportRequest{
		AddRequest: domains.AddRequest{Name: "example.com", Selector: "s1"}, PEM: pem, Adopt: true,
	})
	w.must(err)
	w.signsWith("example.com", added.Keys[0])
	w.must(w.service.WatchTables(w.ctx, "daemon", []domains.TableKey{k}, false))
	if rows, err := w.service.List(w.ctx, "", 10); err != nil || len(rows) != 1 || rows[0].Domain.Name != "example.com" {
		t.Errorf("rows: %+v %v", rows, err)
	}
}

func TestImport(t *testing.T) {
	w := newWorld(t)
	private, err := dkim.Generate(dkim.Ed25519SHA256, 0)
	w.must(err)
	pem, err := private.PEM()
	w.must(err)
	request := domains.ImportRequest{AddRequest: domains.AddRequest{Name: "example.com", Selector: "s1"}, PEM: pem, Adopt: true}
	_, err = w.service.Import(w.ctx, "root", request)
	w.refused(err, "INF-17") // DNS does not have it
	if _, err := w.service.Show(w.ctx, "example.com"); err == nil {
		t.Error("a refused import left a row")
	}
	request.Adopt = false
	added, err := w.service.Import(w.ctx, "root", request)
	w.must(err)
	w.is(added.Keys[0].ID, domains.Pending)
	if !added.Keys[0].Imported || added.Keys[0].Record != private.PublicRecord() {
		t.Errorf("%+v", added.Keys[0])
	}
	w.publish(added.Keys[0])
	w.live(time.Minute)
	w.signsWith("example.com", added.Keys[0])
	for _, bad := range []domains.ImportRequest{
		{AddRequest: domains.AddRequest{Name: "example.org"}, PEM: pem},
		{AddRequest: domains.AddRequest{Name: "example.org", Selector: "s1"}, PEM: []byte("no key")},
	} {
		if _, err := w.service.Import(w.ctx, "root", bad); err == nil || strings.Contains(err.Error(), "no key") {
			t.Errorf("%+v: %v", bad.AddRequest, err)
		}
	}
}
