package enginetest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
	"github.com/postseal/postseal/internal/domains/sqlstore"
)

const benchDomains = 10_000

// Bench measures a store of 10,000 domains with a 2048-bit key each: how long a snapshot takes, how long one private half, a
// host's report on all keys, and how long until another process has heard of a change.
func Bench(b *testing.B, url, identity string) {
	open := func() *sqlstore.Store {
		s, err := sqlstore.Open(b.Context(), url, sqlstore.Options{Seal: seal.Source{File: identity}, Timeout: time.Minute})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		return s
	}
	s, other := open(), open()
	fillForBench(b, s)
	service := domains.New(domains.Options{Store: s})
	b.Run("Snapshot", func(b *testing.B) {
		for b.Loop() {
			if snapshot, err := service.Snapshot(b.Context()); err != nil || len(snapshot.Domains) != benchDomains {
				b.Fatalf("%d domains, %v", len(snapshot.Domains), err)
			}
		}
	})
	b.Run("Private", func(b *testing.B) {
		for b.Loop() {
			if err := s.View(b.Context(), func(tx domains.Tx) error { _, err := tx.Private(benchKey(77)); return err }); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("MarkSigned", func(b *testing.B) {
		at := time.Now()
		for b.Loop() {
			at = at.Add(time.Second)
			benchUpdate(b, s, func(tx domains.Tx) error {
				for i := range benchDomains {
					if err := tx.MarkSigned(benchKey(i), at); err != nil {
						return err
					}
				}
				return nil
			})
		}
	})
	b.Run("ChangeHeard", func(b *testing.B) {
		changes := s.Changes(b.Context())
		for b.Loop() {
			var want int64
			benchUpdate(b, other, func(tx domains.Tx) (err error) { want, err = tx.Bump(); return err })
			for have := int64(-1); have != want; {
				<-changes
				if err := s.View(b.Context(), func(tx domains.Tx) (err error) { have, err = tx.Version(); return err }); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

func benchKey(i int) string { return fmt.Sprintf("key-%05d", i) }

func benchUpdate(b *testing.B, s domains.Store, f func(domains.Tx) error) {
	b.Helper()
	if err := s.Update(b.Context(), f); err != nil {
		b.Fatal(err)
	}
}

// fillForBench writes what 10,000 domains look like; no key of them is a real one, only as long.
func fillForBench(b *testing.B, s domains.Store) {
	b.Helper()
	private, public := make([]byte, 1704), make([]byte, 294)
	_, _ = rand.Read(private)
	_, _ = rand.Read(public)
	benchUpdate(b, s, func(tx domains.Tx) error {
		for i := range benchDomains {
			name := fmt.Sprintf("customer-%05d.example", i)
			if err := errors.Join(
				tx.PutDomain(domains.Domain{Name: name, Enabled: true, Activation: domains.ActivateVerified, Publish: domains.PublishTXT, CreatedAt: time.Now()}),
				tx.PutKey(domains.Key{
					ID: benchKey(i), Owner: name, Domain: name, Selector: "ps202611", Algorithm: dkim.RSASHA256, Bits: 2048, Public: public,
					Record: "v=DKIM1; k=rsa; p=" + fmt.Sprintf("%0392d", i), Print: fmt.Sprintf("SHA256:%064d", i), State: domains.Active,
					Health: domains.Health{Status: domains.OK, Since: time.Now()}, CreatedAt: time.Now(), NextCheckAt: time.Now(),
				}),
				tx.PutPrivate(benchKey(i), private)); err != nil {
				return err
			}
		}
		return nil
	})
}
