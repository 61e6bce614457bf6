package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

func hostProcesses(t *testing.T, s domains.Store) {
	first := domains.Host{Name: "mx1", Process: "a", SeenAt: moment, Version: 1}
	twin := domains.Host{Name: "mx1", Process: "b", SeenAt: moment, Version: 2}
	other := domains.Host{Name: "mx0", Process: "c", SeenAt: moment, Version: 3}
	update(t, s, func(tx domains.Tx) error { return errors.Join(tx.PutHost(twin), tx.PutHost(first), tx.PutHost(other)) })
	first.Version, first.SeenAt = 9, moment.Add(time.Minute)
	update(t, s, func(tx domains.Tx) error { return tx.PutHost(first) })
	view(t, s, func(tx domains.Tx) error {
		same(t, []domains.Host{other, first, twin})(tx.Hosts())
		return nil
	})
	update(t, s, func(tx domains.Tx) error { return errors.Join(tx.DeleteHost("mx1", "a"), tx.DeleteHost("mx0", "a")) })
	view(t, s, func(tx domains.Tx) error {
		same(t, []domains.Host{other, twin})(tx.Hosts())
		return nil
	})
}

func declarations(t *testing.T, s domains.Store) {
	all := []domains.Declaration{ // in order
		{Domain: "a.example", Selector: "s1", Print: "SHA256:1", Host: "mx1", Gated: true},
		{Domain: "a.example", Selector: "s1", Print: "SHA256:1", Host: "mx2"},
		{Domain: "a.example", Selector: "s1", Print: "SHA256:2", Host: "mx1"},
		{Domain: "a.example", Selector: "s2", Print: "SHA256:1", Host: "mx1"},
		{Domain: "b.example", Selector: "s1", Print: "SHA256:1", Host: "mx1"},
	}
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutDeclaration(all[4]), tx.PutDeclaration(all[2]), tx.PutDeclaration(all[0]), tx.PutDeclaration(all[3]), tx.PutDeclaration(all[1]))
	})
	view(t, s, func(tx domains.Tx) error {
		same(t, all[:2])(tx.Declarations(domains.Declaration{}, 2))
		same(t, all[2:])(tx.Declarations(all[1], 10))
		same(t, all[:4])(tx.DeclarationsOf("a.example"))
		return nil
	})
	all[0].Gated = false
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.PutDeclaration(all[0]), tx.DeleteDeclaration(domains.Declaration{Domain: "a.example", Selector: "s1", Print: "SHA256:1", Host: "mx2", Gated: true}))
	})
	view(t, s, func(tx domains.Tx) error {
		same(t, append(all[:1:1], all[2:]...))(tx.Declarations(domains.Declaration{}, 10))
		return nil
	})
}
