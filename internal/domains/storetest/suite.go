package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/domains"
)

// Run is the suite that every store must pass. open gives an empty store that
// lives as long as its test.
func Run(t *testing.T, open func(*testing.T) domains.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, domains.Store)
	}{
		{"rows come back as they were put", rowsComeBack},
		{"what does not exist", missing},
		{"domains are listed by name in pages", domainPages},
		{"users in the order in which they are tried", userOrder},
		{"keys of a row, of a name, and all", keyLists},
		{"due keys, earliest first", dueKeys},
		{"last signature only grows", lastSigned},
		{"private halves", privateHalves},
		{"a deleted key takes its private half and its checks along", deletedKey},
		{"history of checks is bounded", history},
		{"journal", journal},
		{"outbox", outbox},
		{"published records", published},
		{"tombstones", tombstones},
		{"an update is all or nothing", allOrNothing},
		{"updates are serialised", serialised},
		{"changes are heard of", changes},
		{"a view sees one moment", oneMoment},
		{"the life of a key", lifeOfAKey},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

var moment = time.Date(2026, 11, 22, 2, 0, 0, 123456000, time.UTC)

func update(t *testing.T, s domains.Store, f func(domains.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, s domains.Store, f func(domains.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func fullDomain(name string) domains.Domain {
	return domains.Domain{
		Name: name, Enabled: true, Requested: true, Activation: domains.ActivateManual, Publish: domains.PublishCNAME, Slots: 3,
		OnMissing: "suspend:2h", Owner: "tenant", Contact: "dns@customer.example", Driver: "zonefile", SubDomains: true, DualSign: true,
		DisabledFallback: true, RetireAfter: time.Hour, RotateEvery: 90 * 24 * time.Hour, NameServers: []string{"ns1.example.net", "ns2.example.net"}, CreatedAt: moment,
		Aliases:            []domains.Alias{{Selector: "ps1", Target: "ps1.example-com.old.example.net", TTL: 60, GoneAt: moment.Add(time.Hour)}, {Selector: "ps1", Target: "t"}},
		PublishedClaimedAt: moment.Add(time.Second), DeletedAt: moment.Add(time.Minute),
	}
}

func fullKey(id, owner, selector string) domains.Key {
	at := func(i int) time.Time { return moment.Add(time.Duration(i) * time.Minute) }
	return domains.Key{
		ID: id, Owner: owner, Domain: owner, Selector: selector, Algorithm: dkim.Ed25519SHA256, Bits: 256, Record: "v=DKIM1; k=ed25519; p=AA",
		Public: []byte{1, 2, 3}, Print: "SHA256:" + id, Slot: 2, Target: "ps2.example-com.dkim.mx.example.net", Pair: "shared", Imported: true, Replaces: "before",
		State: domains.Active, Compromised: true,
		Health: domains.Health{
			Status: domains.Broken, Reason: domains.ReasonMismatch, Code: "D402", Text: "text with \"quotes\" and ünïcode", Fix: "fix",
			Since: at(1), RetryAt: at(2),
		},
		CreatedAt: at(3), PendingSince: at(4), Deadline: at(5), VerifiedAt: at(6), HoldUntil: at(7), ActivatedAt: at(8), SuspendedAt: at(9),
		RetiringSince: at(10), LastSignedAt: at(11), RetiredAt: at(12), DNSGoneAt: at(13), DestroyedAt: at(14), CompromisedAt: at(15),
		RetiringVersion: 7, Good: domains.Streak{Count: 1, First: at(16)}, Bad: domains.Streak{Count: 2, First: at(17)},
		NextCheckAt: at(18), LastCheckAt: at(19), FullCheckAt: at(20), TTL: 3600, WarnedAt: at(21), RemindedAt: at(22), AdvisedAt: at(23),
		BlockedAt: at(24), TTLSeenOld: 60, SeenBefore: true, Revision: 9,
	}
}

// rowsComeBack: every field of every row, and every zero.
func rowsComeBack(t *testing.T, s domains.Store) {
	user := domains.User{
		Match: "sasl:alice", Position: 2, Key: "example.com/s1", Domains: []string{"a.example", ".b.example"}, Owner: "tenant",
		Reauth: true, Disabled: true, FromAsD: true,
	}
	candidate := domains.Candidate{Domain: "c.example", Source: "mail", Count: 1 << 40, FirstSeen: moment, LastSeen: moment.Add(time.Hour)}
	host := domains.Host{Name: "mx1", SeenAt: moment, Version: 1 << 40}
	lease := domains.Lease{Holder: "mx1", Number: 5, Until: moment}
	d, k := fullDomain("example.com"), fullKey("k1", "example.com", "s1")
	bareD, bareK := domains.Domain{Name: "bare.example"}, domains.Key{ID: "bare", Owner: "bare.example", Algorithm: dkim.RSASHA256}
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutDomain(d), tx.PutDomain(bareD), tx.PutKey(k), tx.PutKey(bareK), tx.PutUser(user), tx.PutUser(domains.User{Match: "daemon:x"}),
			tx.PutCandidate(candidate), tx.PutHost(host), tx.PutLease(lease))
	})
	view(t, s, func(tx domains.Tx) error {
		same(t, d)(tx.Domain("example.com"))
		same(t, bareD)(tx.Domain("bare.example"))
		same(t, k)(tx.Key("k1"))
		same(t, bareK)(tx.Key("bare"))
		same(t, user)(tx.User("sasl:alice"))
		same(t, domains.User{Match: "daemon:x"})(tx.User("daemon:x"))
		same(t, candidate)(tx.Candidate("c.example"))
		same(t, []domains.Host{host})(tx.Hosts())
		same(t, lease)(tx.Lease())
		return nil
	})
	d.Enabled, k.State = false, domains.Retired
	update(t, s, func(tx domains.Tx) error { return errors.Join(tx.PutDomain(d), tx.PutKey(k)) })
	view(t, s, func(tx domains.Tx) error {
		same(t, d)(tx.Domain("example.com"))
		same(t, k)(tx.Key("k1"))
		return nil
	})
}

// same compares what a method returns; empty and nil lists are the same.
func same[V any](t *testing.T, want V) func(V, error) {
	t.Helper()
	return func(got V, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%v: want %+v", err, want)
			return
		}
		if v := reflect.ValueOf(got); v.Kind() == reflect.Slice && v.Len() == 0 && reflect.ValueOf(want).Len() == 0 {
			return
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

func missing(t *testing.T, s domains.Store) {
	view(t, s, func(tx domains.Tx) error {
		for name, err := range map[string]error{
			"domain": second(tx.Domain("x")), "key": second(tx.Key("x")), "user": second(tx.User("x")),
			"candidate": second(tx.Candidate("x")), "private": second(tx.Private("x")),
		} {
			if !errors.Is(err, domains.ErrNotFound) {
				t.Errorf("%s: got %v, want ErrNotFound", name, err)
			}
		}
		same(t, domains.Lease{})(tx.Lease())
		same(t, int64(0))(tx.Version())
		same(t, []domains.Domain{})(tx.Domains("", 10))
		return nil
	})
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.DeleteDomain("x"), tx.DeleteKey("x"), tx.DeleteUser("x"), tx.DeleteHost("x"), tx.DeleteCandidate("x"),
			tx.DeletePrivate("x"), tx.DeleteNotice(5), tx.MarkSigned("x", moment))
	})
}

func second[V any](_ V, err error) error { return err }

func domainPages(t *testing.T, s domains.Store) {
	names := []string{"a.example", "a-b.example", "b.example", "info@a.example", "xn--bcher-kva.example", "z.example"}
	update(t, s, func(tx domains.Tx) error {
		for _, name := range names {
			if err := tx.PutDomain(domains.Domain{Name: name}); err != nil {
				return err
			}
		}
		return nil
	})
	slices.Sort(names)
	view(t, s, func(tx domains.Tx) error {
		var got []string
		for after := ""; ; {
			rows, err := tx.Domains(after, 2)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				break
			}
			for _, d := range rows {
				got = append(got, d.Name)
			}
			after = got[len(got)-1]
		}
		if !slices.Equal(got, names) {
			t.Errorf("got %q, want %q", got, names)
		}
		return nil
	})
	update(t, s, func(tx domains.Tx) error { return tx.DeleteDomain("b.example") })
	view(t, s, func(tx domains.Tx) error {
		rows, err := tx.Domains("a.example", 1)
		if len(rows) != 1 || rows[0].Name != "info@a.example" {
			t.Errorf("after a.example, without b.example: %+v", rows)
		}
		return err
	})
}

func userOrder(t *testing.T, s domains.Store) {
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutUser(domains.User{Match: "sasl:b", Position: 1}), tx.PutUser(domains.User{Match: "ip:192.0.2.1", Position: 2}),
			tx.PutUser(domains.User{Match: "sasl:a", Position: 1}), tx.PutUser(domains.User{Match: "zz", Position: -1}))
	})
	view(t, s, func(tx domains.Tx) error {
		users, err := tx.Users()
		var got []string
		for _, u := range users {
			got = append(got, u.Match)
		}
		if want := []string{"zz", "sasl:a", "sasl:b", "ip:192.0.2.1"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		return err
	})
}

func ids(keys []domains.Key) string {
	var out []string
	for _, k := range keys {
		out = append(out, k.ID)
	}
	return fmt.Sprint(out)
}

func sameIDs(t *testing.T, want string) func([]domains.Key, error) {
	t.Helper()
	return func(keys []domains.Key, err error) {
		t.Helper()
		if err != nil || ids(keys) != want {
			t.Errorf("got %s %v, want %s", ids(keys), err, want)
		}
	}
}

func someKey(id, owner, selector string, created int) domains.Key {
	return domains.Key{
		ID: id, Owner: owner, Domain: owner, Selector: selector, Algorithm: dkim.RSASHA256,
		CreatedAt: moment.Add(time.Duration(created) * time.Second),
	}
}

func keyLists(t *testing.T, s domains.Store) {
	update(t, s, func(tx domains.Tx) error {
		printed := someKey("0", "b.example", "ps1", 5)
		printed.Print = "SHA256:00"
		return errors.Join(tx.PutKey(someKey("3", "a.example", "ps1", 10)), tx.PutKey(someKey("1", "a.example", "ps1", 20)),
			tx.PutKey(someKey("2", "a.example", "ps2", 20)), tx.PutKey(printed))
	})
	view(t, s, func(tx domains.Tx) error {
		sameIDs(t, "[3 1 2]")(tx.KeysOf("a.example"))
		sameIDs(t, "[]")(tx.KeysOf("c.example"))
		sameIDs(t, "[1 3]")(tx.KeysNamed("a.example", "ps1"))
		sameIDs(t, "[0]")(tx.KeysPrinted("SHA256:00"))
		sameIDs(t, "[]")(tx.KeysPrinted("SHA256:01"))
		sameIDs(t, "[1 2 3]")(tx.Keys("", "", 3))
		sameIDs(t, "[3 0]")(tx.Keys("a.example", "2", 3))
		sameIDs(t, "[]")(tx.Keys("b.example", "0", 3))
		return nil
	})
}

func dueKeys(t *testing.T, s domains.Store) {
	update(t, s, func(tx domains.Tx) error {
		for i, id := range []string{"never", "late", "first", "second"} {
			k := someKey(id, "a.example", id, i)
			k.NextCheckAt = map[string]time.Time{"late": moment.Add(time.Microsecond), "first": moment.Add(-time.Hour), "second": moment}[id]
			if err := tx.PutKey(k); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(tx domains.Tx) error {
		sameIDs(t, "[first second]")(tx.Due(moment, 10))
		sameIDs(t, "[first]")(tx.Due(moment, 1))
		sameIDs(t, "[first second late]")(tx.Due(moment.Add(100*365*24*time.Hour), 10))
		return nil
	})
}

func lastSigned(t *testing.T, s domains.Store) {
	update(t, s, func(tx domains.Tx) error { return tx.PutKey(someKey("k", "a.example", "s", 0)) })
	for _, at := range []time.Time{moment, moment.Add(time.Hour), moment.Add(time.Minute)} {
		update(t, s, func(tx domains.Tx) error { return tx.MarkSigned("k", at) })
	}
	view(t, s, func(tx domains.Tx) error {
		k, err := tx.Key("k")
		if !k.LastSignedAt.Equal(moment.Add(time.Hour)) {
			t.Errorf("last signed at %v", k.LastSignedAt)
		}
		return err
	})
}

func privateHalves(t *testing.T, s domains.Store) {
	pem := []byte("-----BEGIN PRIVATE KEY-----\nnot one\n-----END PRIVATE KEY-----\n")
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutKey(someKey("k", "a.example", "s", 0)), tx.PutPrivate("k", slices.Clone(pem)))
	})
	view(t, s, func(tx domains.Tx) error {
		got, err := tx.Private("k")
		if !bytes.Equal(got, pem) {
			t.Errorf("got %q", got)
		}
		return err
	})
	update(t, s, func(tx domains.Tx) error { return tx.DeletePrivate("k") })
	view(t, s, func(tx domains.Tx) error {
		if _, err := tx.Private("k"); !errors.Is(err, domains.ErrNotFound) {
			t.Errorf("deleted, and got %v", err)
		}
		_, err := tx.Key("k")
		return err
	})
}

func deletedKey(t *testing.T, s domains.Store) {
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutKey(someKey("k", "a.example", "s", 0)), tx.PutPrivate("k", []byte("secret")),
			tx.PutRun(domains.CheckRun{KeyID: "k", At: moment}))
	})
	update(t, s, func(tx domains.Tx) error { return tx.DeleteKey("k") })
	view(t, s, func(tx domains.Tx) error {
		if _, err := tx.Private("k"); !errors.Is(err, domains.ErrNotFound) {
			t.Errorf("the private half is still there: %v", err)
		}
		same(t, []domains.CheckRun{})(tx.Runs("k", 10))
		sameIDs(t, "[]")(tx.KeysOf("a.example"))
		return nil
	})
}

func history(t *testing.T, s domains.Store) {
	run := domains.CheckRun{
		KeyID: "k", At: moment, Verdict: "mismatch", Source: "authoritative", Records: []string{"v=DKIM1; p=x"},
		Findings: []domains.Finding{{Code: "D402", Severity: check.Error, Title: "another key", Got: "SHA256:…", RetryAfter: moment}},
	}
	update(t, s, func(tx domains.Tx) error { return tx.PutKey(someKey("k", "a.example", "s", 0)) })
	for i := range domains.HistoryRuns + 5 {
		run.At = moment.Add(time.Duration(i) * time.Minute)
		update(t, s, func(tx domains.Tx) error { return tx.PutRun(run) })
	}
	view(t, s, func(tx domains.Tx) error {
		same(t, []domains.CheckRun{run})(tx.Runs("k", 1))
		runs, err := tx.Runs("k", 1000)
		if len(runs) != domains.HistoryRuns || !runs[len(runs)-1].At.Equal(moment.Add(5*time.Minute)) {
			t.Errorf("%d runs are kept", len(runs))
		}
		return err
	})
}

func journal(t *testing.T, s domains.Store) {
	full := domains.Entry{
		At: moment, Actor: "root", Verb: "rotate", Domain: "a.example", Selector: "s1", From: "pending", To: "ready", Reason: "DNS confirmed “it”",
	}
	for i := range 6 {
		e := full
		e.At = moment.Add(time.Duration(i) * time.Hour)
		if i%2 == 1 {
			e.Domain = "b.example"
		}
		update(t, s, func(tx domains.Tx) error { return tx.Append(e) })
	}
	hoursOf := func(q domains.JournalQuery) (out []int) {
		view(t, s, func(tx domains.Tx) error {
			entries, err := tx.Journal(q)
			out = nil
			for i, e := range entries {
				out = append(out, int(e.At.Sub(moment)/time.Hour))
				if i > 0 && e.ID <= entries[i-1].ID {
					t.Errorf("IDs do not ascend: %d after %d", e.ID, entries[i-1].ID)
				}
			}
			return err
		})
		return out
	}
	var all []domains.Entry
	view(t, s, func(tx domains.Tx) (err error) {
		all, err = tx.Journal(domains.JournalQuery{})
		return err
	})
	full.ID = all[0].ID
	same(t, full)(all[0], nil)
	for _, test := range []struct {
		name string
		q    domains.JournalQuery
		want []int
	}{
		{"all", domains.JournalQuery{}, []int{0, 1, 2, 3, 4, 5}},
		{"of a domain", domains.JournalQuery{Domain: "b.example"}, []int{1, 3, 5}},
		{"since", domains.JournalQuery{Since: moment.Add(4 * time.Hour)}, []int{4, 5}},
		{"after", domains.JournalQuery{After: all[2].ID}, []int{3, 4, 5}},
		{"first", domains.JournalQuery{Limit: 2}, []int{0, 1}},
		{"last", domains.JournalQuery{Limit: 2, Last: true}, []int{4, 5}},
		{"last of a domain", domains.JournalQuery{Domain: "a.example", Limit: 2, Last: true}, []int{2, 4}},
	} {
		if got := hoursOf(test.q); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func outbox(t *testing.T, s domains.Store) {
	first := domains.Notice{
		At: moment, Event: domains.KeyVerified, Domain: "a.example", Selector: "s", Contact: "c@a.example", Text: "text", Code: "D101", Channel: "mail", NextAt: moment,
	}
	later := domains.Notice{At: moment, Event: domains.KeyActivated, Text: "later", NextAt: moment.Add(time.Hour)}
	update(t, s, func(tx domains.Tx) error { return errors.Join(tx.PutNotice(first), tx.PutNotice(later)) })
	notices := func(at time.Time) (out []domains.Notice) {
		view(t, s, func(tx domains.Tx) (err error) {
			out, err = tx.Notices(at, 10)
			return err
		})
		return out
	}
	got := notices(moment)
	if len(got) != 1 || got[0].ID == 0 {
		t.Fatalf("got %+v, want one with an ID", got)
	}
	first.ID = got[0].ID
	same(t, first)(got[0], nil)
	if n := len(notices(moment.Add(time.Hour))); n != 2 {
		t.Errorf("an hour later %d are due, want 2", n)
	}
	first.Attempts, first.Error, first.NextAt = 1, "refused", moment.Add(2*time.Hour)
	update(t, s, func(tx domains.Tx) error { return tx.PutNotice(first) })
	if got := notices(moment.Add(time.Hour)); len(got) != 1 || got[0].Text != "later" {
		t.Errorf("put off, and due are %+v", got)
	}
	update(t, s, func(tx domains.Tx) error { return tx.DeleteNotice(first.ID) })
	if got := notices(moment.Add(3 * time.Hour)); len(got) != 1 {
		t.Errorf("deleted, and due are %+v", got)
	}
}

func tombstones(t *testing.T, s domains.Store) {
	one := domains.Tombstone{Domain: "a.example", Selector: "ps1", Print: "SHA256:1", CreatedAt: moment, DestroyedAt: moment.Add(time.Hour)}
	two := one
	two.Print = "SHA256:2"
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutTombstone(one), tx.PutTombstone(two), tx.PutTombstone(one))
	})
	view(t, s, func(tx domains.Tx) error {
		graves, err := tx.Tombstones("a.example", "ps1")
		if len(graves) != 2 || !slices.Contains(graves, one) || !slices.Contains(graves, two) {
			t.Errorf("got %+v", graves)
		}
		same(t, []domains.Tombstone{})(tx.Tombstones("a.example", "ps2"))
		return err
	})
}

func allOrNothing(t *testing.T, s domains.Store) {
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutDomain(domains.Domain{Name: "a.example", Contact: "old"}), tx.PutKey(someKey("k", "a.example", "s", 0)),
			tx.PutPrivate("k", []byte("secret")))
	})
	fault := errors.New("stop")
	everything := func(tx domains.Tx) error {
		_, err := tx.Bump()
		return errors.Join(err, tx.PutDomain(domains.Domain{Name: "a.example", Contact: "new"}), tx.PutDomain(domains.Domain{Name: "b.example"}),
			tx.DeleteKey("k"), tx.Append(domains.Entry{At: moment}), tx.PutNotice(domains.Notice{NextAt: moment}),
			tx.PutLease(domains.Lease{Holder: "x"}), tx.PutRun(domains.CheckRun{KeyID: "k"}), tx.PutUser(domains.User{Match: "m"}),
			tx.PutTombstone(domains.Tombstone{Domain: "a.example", Selector: "s"}), fault)
	}
	if err := s.Update(t.Context(), everything); !errors.Is(err, fault) {
		t.Fatalf("got %v, want the error of the function", err)
	}
	view(t, s, func(tx domains.Tx) error {
		same(t, domains.Domain{Name: "a.example", Contact: "old"})(tx.Domain("a.example"))
		same(t, []byte("secret"))(tx.Private("k"))
		same(t, int64(0))(tx.Version())
		same(t, domains.Lease{})(tx.Lease())
		same(t, []domains.Entry{})(tx.Journal(domains.JournalQuery{}))
		same(t, []domains.Notice{})(tx.Notices(moment, 10))
		same(t, []domains.User{})(tx.Users())
		same(t, []domains.Tombstone{})(tx.Tombstones("a.example", "s"))
		same(t, []domains.CheckRun{})(tx.Runs("k", 10))
		rows, err := tx.Domains("", 10)
		if len(rows) != 1 {
			t.Errorf("%d rows, want 1", len(rows))
		}
		return err
	})
}

// serialised: a counter that many read and write loses nothing. A transaction
// that lost against another may say so; then its caller tries again.
func serialised(t *testing.T, s domains.Store) {
	const writers, times = 4, 10
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for range times {
				err := domains.ErrUnavailable
				for errors.Is(err, domains.ErrUnavailable) {
					err = s.Update(t.Context(), count)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	view(t, s, func(tx domains.Tx) error {
		c, err := tx.Candidate("c.example")
		if c.Count != writers*times {
			t.Errorf("counted %d, want %d", c.Count, writers*times)
		}
		same(t, int64(writers*times))(tx.Version())
		return err
	})
}

func count(tx domains.Tx) error {
	c, err := tx.Candidate("c.example")
	if err != nil && !errors.Is(err, domains.ErrNotFound) {
		return err
	}
	c.Domain = "c.example"
	c.Count++
	if _, err := tx.Bump(); err != nil {
		return err
	}
	return tx.PutCandidate(c)
}

func changes(t *testing.T, s domains.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard := s.Changes(ctx)
	for drained := false; !drained; { // what the opening of the store may have caused
		select {
		case <-heard:
		case <-time.After(1500 * time.Millisecond):
			drained = true
		}
	}
	update(t, s, func(tx domains.Tx) error { return tx.PutDomain(domains.Domain{Name: "a.example"}) })
	select {
	case _, open := <-heard:
		if !open {
			t.Fatal("the channel closed")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing heard of a commit")
	}
	cancel()
	for deadline := time.After(10 * time.Second); ; {
		select {
		case _, open := <-heard:
			if !open {
				return
			}
		case <-deadline:
			t.Fatal("the channel stays open after its context ended")
		}
	}
}

// oneMoment: what commits during a view is not seen by it, or waits for it.
func oneMoment(t *testing.T, s domains.Store) {
	update(t, s, func(tx domains.Tx) error { return tx.PutCandidate(domains.Candidate{Domain: "c.example", Count: 1}) })
	written := make(chan error, 1)
	view(t, s, func(tx domains.Tx) error {
		before, err := tx.Candidate("c.example")
		if err != nil {
			return err
		}
		go func() { written <- s.Update(t.Context(), count) }()
		select {
		case err := <-written:
			written <- err
		case <-time.After(200 * time.Millisecond): // a store that lets writers wait
		}
		after, err := tx.Candidate("c.example")
		if after.Count != before.Count {
			t.Errorf("one view saw %d and %d", before.Count, after.Count)
		}
		return err
	})
	if err := <-written; err != nil {
		t.Fatal(err)
	}
}
