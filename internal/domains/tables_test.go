package domains_test

import (
	"slices"
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
	return domains.TableKey{
		Domain: domain, Selector: selector, Print: private.Fingerprint(), Read: func() (*dkim.PrivateKey, error) { return private, nil },
	}, private
}

// stands tells how the store judges a pair of the tables: blocked with the reason,
// "confirmed", or "" where only the gate would keep it from signing.
func (w *world) stands(name string, print dkim.Fingerprint) string {
	w.Helper()
	snap, err := w.service.Snapshot(w.ctx)
	w.must(err)
	for d := range snap.Domains {
		if strings.HasPrefix(d, "table:") || strings.HasPrefix(d, "lent:") {
			w.Errorf("%s is taken for a managed row", d)
		}
	}
	pair := domains.Pair{Name: name, Print: print.String()}
	for _, p := range []domains.Pair{pair, {Name: name}, {Print: pair.Print}} {
		if why := snap.Blocked[p]; why != "" {
			return why
		}
	}
	if snap.Confirmed[pair] {
		return "confirmed"
	}
	return ""
}

var mx1 = host("mx1", 0)

func (w *world) tables(host domains.Host, gate bool, keys ...domains.TableKey) {
	w.Helper()
	w.must(w.service.WatchTables(w.ctx, "serve@"+host.Name, host, keys, gate))
}

// A compromised key signs for no line of the tables, long after its domain was deleted: not
// under its name, whatever the pair, nor under another one.
func TestCompromisedIsNotForgotten(t *testing.T) {
	w := newWorld(t)
	k := w.connected("example.com")
	private, err := w.service.Private(w.ctx, k.ID)
	w.must(err)
	_, err = w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
	w.must(err)
	_, err = w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{})
	w.must(err)
	w.dns.remove(record(k))
	w.live(200 * day)
	other, _ := tableKey(t, "example.com", k.Selector)
	for name, print := range map[string]dkim.Fingerprint{record(k): other.Print, "s9._domainkey.example.org": private.Fingerprint()} {
		if why := w.stands(name, print); why != "compromised" {
			t.Errorf("%s 200 days after: %q", name, why)
		}
	}
}

// The gate closes before a key of the tables that signed, and that DNS never confirmed;
// where the gate is taken away the key signs again.
func TestTableKeysComeBehindTheGate(t *testing.T) {
	w := newWorld(t)
	k, private := tableKey(t, "example.com", "s1")
	const name = "s1._domainkey.example.com"
	w.tables(mx1, false, k)
	w.label("table:example.com", "Signing, not verified", "red")
	w.tables(mx1, true, k)
	w.label("table:example.com", "Pending validation", "yellow")
	w.tables(mx1, false, k)
	w.label("table:example.com", "Signing, not verified", "red")
	w.tables(mx1, true, k)
	w.dns.publish(name, private.PublicRecord())
	w.live(time.Hour)
	if how := w.stands(name, k.Print); how != "confirmed" {
		t.Errorf("DNS has it: %q", how)
	}
}

// The table's keys sign at once, are looked at as others, and stop when DNS
// loses them.
func TestTableKeysAreWatched(t *testing.T) {
	w := newWorld(t)
	k, private := tableKey(t, "example.com", "s1")
	const name = "s1._domainkey.example.com"
	want := func(when, want string) {
		t.Helper()
		if how := w.stands(name, k.Print); how != want {
			t.Errorf("%s: %q, want %q", when, how, want)
		}
	}
	w.tables(mx1, false, k)
	want("at once", "")
	w.live(10 * day)
	want("never in DNS: the admin's own decision", "")
	w.label("table:example.com", "Signing, not verified", "red")
	w.dns.publish(name, private.PublicRecord())
	w.live(3 * time.Hour)
	w.label("table:example.com", "Connected", "green")
	w.dns.remove(name)
	w.live(30 * time.Hour)
	want("gone from DNS for 30 hours", "suspended")
	w.dns.publish(name, private.PublicRecord())
	w.live(3 * time.Hour)
	want("back in DNS", "confirmed")

	journal := w.journalLines()
	w.tables(mx1, false, k)
	if w.journalLines() != journal {
		t.Error("the same tables again change something")
	}
	other, _ := tableKey(t, "example.com", "s1")
	w.tables(mx1, false, other) // another key under the same name
	w.label("table:example.com", "Signing, not verified", "red")
	w.tables(mx1, false)
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

// A pair that replaces another one under the same name waits again; DNS's word about the
// old pair is none about the new one.
func TestTableKeyReplacedUnderItsName(t *testing.T) {
	w := newWorld(t)
	old, private := tableKey(t, "example.com", "s1")
	next, successor := tableKey(t, "example.com", "s1")
	const name = "s1._domainkey.example.com"
	w.tables(mx1, true, old)
	w.dns.publish(name, private.PublicRecord())
	w.live(20 * time.Minute)
	w.tables(mx1, true, next)
	w.live(20 * time.Minute)
	if how := w.stands(name, next.Print); how != "" {
		t.Errorf("DNS has the old pair, and the new one is %q", how)
	}
	if how := w.stands(name, old.Print); how != "" {
		t.Errorf("not in the tables any more, and %q", how)
	}
	w.dns.publish(name, successor.PublicRecord())
	w.live(time.Hour)
	if how := w.stands(name, next.Print); how != "confirmed" {
		t.Errorf("DNS has the new pair: %q", how)
	}
}

// Keys of one domain do not replace each other: the tables say which of them sign.
func TestTableKeysOfOneDomain(t *testing.T) {
	w := newWorld(t)
	a, first := tableKey(t, "example.com", "s1")
	b, second := tableKey(t, "example.com", "s2")
	w.tables(mx1, true, a, b)
	w.dns.publish("s1._domainkey.example.com", first.PublicRecord())
	w.live(20 * time.Minute)
	w.dns.publish("s2._domainkey.example.com", second.PublicRecord())
	w.live(3 * time.Hour)
	both := func(when, one, two string) {
		t.Helper()
		if s1, s2 := w.stands("s1._domainkey.example.com", a.Print), w.stands("s2._domainkey.example.com", b.Print); s1 != one || s2 != two {
			t.Errorf("%s: s1 %q, s2 %q, want %q and %q", when, s1, s2, one, two)
		}
	}
	both("both in DNS", "confirmed", "confirmed")
	w.dns.remove("s2._domainkey.example.com")
	w.live(30 * time.Hour)
	both("one lost", "confirmed", "suspended")
	w.dns.publish("s2._domainkey.example.com", second.PublicRecord())
	w.live(3 * time.Hour)
	both("and back", "confirmed", "confirmed")
}

// Hosts whose tables differ: what is watched is what any of them has, each pair by itself,
// until the last host that had it says otherwise or is forgotten.
func TestTablesOfSeveralHosts(t *testing.T) {
	w := newWorld(t)
	mx2 := host("mx2", 0)
	shared, private := tableKey(t, "shared.example", "s1")
	own1, _ := tableKey(t, "one.example", "s1")
	own2, _ := tableKey(t, "two.example", "s1")
	left, leftPrivate := tableKey(t, "split.example", "s1")
	right, _ := tableKey(t, "split.example", "s1")
	w.tables(mx1, true, shared, own1, left)
	w.dns.publish("s1._domainkey.shared.example", private.PublicRecord())
	w.dns.publish("s1._domainkey.split.example", leftPrivate.PublicRecord())
	w.live(time.Hour)
	w.tables(mx2, true, shared, own2, right)
	w.live(time.Hour)
	journal := w.journalLines()
	w.tables(mx1, true, shared, own1, left)
	w.tables(mx2, true, shared, own2, right)
	if w.journalLines() != journal {
		t.Error("hosts take each other's rows away")
	}
	rows := func(want ...string) {
		t.Helper()
		all, err := w.service.List(w.ctx, "", 10)
		w.must(err)
		var got []string
		for _, r := range all {
			for _, k := range r.Keys {
				got = append(got, r.Domain.Name+" "+string(k.State))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	rows("table:one.example pending", "table:shared.example active", "table:split.example active", "table:split.example pending", "table:two.example pending")
	for _, k := range []struct {
		key  domains.TableKey
		want string
	}{{left, "confirmed"}, {right, ""}} {
		if how := w.stands("s1._domainkey.split.example", k.key.Print); how != k.want {
			t.Errorf("a pair of two under one name: %q, want %q", how, k.want)
		}
	}
	w.tables(mx2, true, right)
	rows("table:one.example pending", "table:shared.example active", "table:split.example active", "table:split.example pending")
	w.must(w.service.HostStopped(w.ctx, "serve@mx1", mx1))
	w.tables(mx2, true, right)
	rows("table:one.example pending", "table:shared.example active", "table:split.example active", "table:split.example pending")
	w.must(w.service.ForgetHost(w.ctx, "root", "mx1", false))
	rows("table:split.example pending")
	w.refused(w.service.ForgetHost(w.ctx, "root", "mx1", false), "no-such-host")
}

// One host has the gate, another one does not: what waits for DNS on the one signs on the
// other.
func TestGateOnOneHostOfTwo(t *testing.T) {
	w := newWorld(t)
	k, _ := tableKey(t, "example.com", "s1")
	w.tables(mx1, true, k)
	w.tables(host("mx2", 0), false, k)
	w.label("table:example.com", "Pending validation", "yellow")
	if how := w.stands("s1._domainkey.example.com", k.Print); how != "" {
		t.Errorf("pending for the gate of another host: %q", how)
	}
}

// Two daemons with one host name and other tables take nothing from each other.
func TestTablesOfTwins(t *testing.T) {
	w := newWorld(t)
	a, _ := tableKey(t, "one.example", "s1")
	b, _ := tableKey(t, "two.example", "s1")
	twin := domains.Host{Name: "mx1", Process: "mx1-2"}
	for _, h := range []domains.Host{mx1, twin} {
		w.reports(h, nil)
	}
	w.tables(mx1, true, a)
	w.tables(twin, true, b)
	w.tables(mx1, true, a)
	if rows, err := w.service.List(w.ctx, "", 10); err != nil || len(rows) != 2 {
		t.Errorf("rows: %+v %v", rows, err)
	}
	w.must(w.service.HostStopped(w.ctx, "serve@mx1", twin))
	w.tables(mx1, true, a)
	if rows, err := w.service.List(w.ctx, "", 10); err != nil || len(rows) != 1 || rows[0].Domain.Name != "table:one.example" {
		t.Errorf("the other stopped: %+v %v", rows, err)
	}
}

// The key itself is read for a pair that the store does not know, and for no other.
func TestKnownTableKeysAreNotRead(t *testing.T) {
	w := newWorld(t)
	k, private := tableKey(t, "example.com", "s1")
	read := 0
	k.Read = func() (*dkim.PrivateKey, error) { read++; return private, nil }
	for range 3 {
		w.tables(mx1, true, k)
	}
	if read != 1 {
		t.Errorf("read %d times, want once", read)
	}
}

func TestTableKeysAreChangedByPeopleOnly(t *testing.T) {
	w := newWorld(t)
	k, private := tableKey(t, "example.com", "s1")
	w.tables(mx1, false, k)
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
	w.tables(mx1, false, k)
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
