package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

func fullDomain(name string) domains.Domain {
	return domains.Domain{
		Name: name, Enabled: true, Requested: true, Activation: domains.ActivateManual, Publish: domains.PublishCNAME, Slots: 3,
		OnMissing: "suspend:2h", Owner: "tenant", Contact: "dns@customer.example", Driver: "zonefile", SubDomains: true, DualSign: true,
		DisabledFallback: true, RetireAfter: time.Hour, RotateEvery: 90 * 24 * time.Hour, NameServers: []string{"ns1.example.net", "ns2.example.net"}, CreatedAt: moment,
		Aliases:            []domains.Alias{{Selector: "ps1", Target: "ps1.example-com.old.example.net", TTL: 60, GoneAt: moment.Add(time.Hour)}, {Selector: "ps1", Target: "t"}},
		PublishedClaimedAt: moment.Add(time.Second), DeletedAt: moment.Add(time.Minute), OwnedSince: moment.Add(time.Hour),
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
		Reauth: true, Disabled: true, FromAsD: true, OwnedSince: moment.Add(time.Second),
	}
	candidate := domains.Candidate{Domain: "c.example", Source: "mail", Count: 1 << 40, FirstSeen: moment, LastSeen: moment.Add(time.Hour), Told: true}
	host := domains.Host{Name: "mx1", Process: "mx1-7", SeenAt: moment, Version: 1 << 40}
	lease := domains.Lease{Holder: "mx1", Number: 5, Until: moment}
	d, k := fullDomain("example.com"), fullKey("k1", "example.com", "s1")
	bareD, bareK := domains.Domain{Name: "bare.example"}, domains.Key{ID: "bare", Owner: "bare.example", Algorithm: dkim.RSASHA256}
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutDomain(d), tx.PutDomain(bareD), tx.PutKey(k), tx.PutKey(bareK), tx.PutUser(user), tx.PutUser(domains.User{Match: "daemon:x"}),
			tx.PutCandidate(candidate), tx.PutHost(host), tx.PutLease(lease), tx.PutCandidatesToldAt(moment))
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
		same(t, moment)(tx.CandidatesToldAt())
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
		same(t, time.Time{})(tx.CandidatesToldAt())
		same(t, []domains.Declaration{})(tx.DeclarationsOf("x"))
		same(t, []domains.Domain{})(tx.Domains("", 10))
		return nil
	})
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.DeleteDomain("x"), tx.DeleteKey("x"), tx.DeleteUser("x"), tx.DeleteHost("x", "y"), tx.DeleteCandidate("x"),
			tx.DeleteDeclaration(domains.Declaration{Domain: "x"}), tx.DeletePrivate("x"), tx.DeleteNotice(5), tx.MarkSigned("x", moment))
	})
}
