package domains_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// zoned is a world whose driver "ns" writes example.com and the key zone.
func zoned(t *testing.T) *driven {
	w := newDriven(t, newStore(t))
	w.policy.KeyZone.Name = "dkim.example.net"
	w.publishing.KeyZone = "ns"
	w.publishing.Drivers["ns"] = domains.Driver{Zones: []string{"example.com", "dkim.example.net"}, Writer: w.writer}
	w.restart()
	return w
}

func (w *driven) text(name, want string) {
	w.Helper()
	w.dns.mu.Lock()
	defer w.dns.mu.Unlock()
	if got := w.dns.records[name]; got != want {
		w.Errorf("at %v DNS has %q for %s, want %q", w.clock.Now().Sub(begin), got, name, want)
	}
}

// The key zone is written without a word, the customer's CNAME records where a driver
// has that zone, too.
func TestDriverWritesTheKeyZone(t *testing.T) {
	for _, driver := range []string{"", "ns"} {
		t.Run("driver of the domain: "+driver, func(t *testing.T) {
			w := zoned(t)
			added, err := w.service.Add(w.ctx, "root", domains.AddRequest{
				Name: "example.com", Driver: driver, Publish: domains.PublishCNAME, Slots: 2, Algorithms: []dkim.Algorithm{dkim.Ed25519SHA256},
			})
			w.must(err)
			first := added.Keys[0]
			w.drive(time.Minute)
			w.text("pse1.example-com.dkim.example.net", first.Record)
			w.text("pse2.example-com.dkim.example.net", domains.RevokedRecord)
			alias := map[string]string{"ns": "pse2.example-com.dkim.example.net", "": ""}[driver]
			w.text("pse2._domainkey.example.com", alias)
			if rows := w.published("example.com"); len(rows) != map[string]int{"": 2, "ns": 4}[driver] {
				t.Errorf("%+v", rows)
			}
			_, err = w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: first.Selector, Yes: true})
			w.must(err)
			w.drive(5 * time.Second)
			w.text("pse1.example-com.dkim.example.net", domains.RevokedRecord)
			w.text("pse2._domainkey.example.com", alias)
		})
	}
}

// hooked is a store that calls before ahead of each Update.
type hooked struct {
	domains.Store
	before func() error
}

func (s *hooked) Update(ctx context.Context, f func(domains.Tx) error) error {
	if s.before != nil {
		if err := s.before(); err != nil {
			return err
		}
	}
	return s.Store.Update(ctx, f)
}

// While `domain publish --key-zone` compares the zone with the store, the daemon writes the
// key of a domain that was deleted just now: that it wrote it is not forgotten.
func TestKeyZoneComparedWhileItIsWritten(t *testing.T) {
	w := zoned(t)
	store := &hooked{Store: w.store}
	w.store = store
	w.restart()
	k := w.world.add("example.com", func(r *domains.AddRequest) { r.Publish, r.Slots = domains.PublishCNAME, 2 })
	_, err := w.keeper.Turn(w.ctx)
	w.must(err)
	updates := 0
	store.before = func() error {
		if updates++; updates == 2 {
			return domains.ErrUnavailable // the plan stands; nothing is written yet
		}
		return nil
	}
	if _, err := w.publisher.Turn(w.ctx, "ns"); !errors.Is(err, domains.ErrUnavailable) {
		t.Fatal(err)
	}
	store.before = nil
	_, err = w.service.Delete(w.ctx, "root", "example.com", domains.DeleteRequest{})
	w.must(err)
	store.before = func() error {
		store.before = nil
		_, err := w.publisher.Turn(w.ctx, "ns")
		w.text(k.Target, k.Record)
		return err
	}
	_, err = w.service.Publish(w.ctx, "root", nil, true)
	w.must(err)
	w.drive(time.Minute)
	if w.dns.records[k.Target] == k.Record {
		t.Error("the key stands in DNS for ever")
	}
	for _, p := range w.published("example.com") {
		if p.Problem != "" {
			t.Errorf("%+v", p)
		}
	}
}

// The file of the key zone was lost, and the next key begins a new one: all the others are
// written again, at once.
func TestKeyZoneBegunAnew(t *testing.T) {
	w := zoned(t)
	inCNAME := func(r *domains.AddRequest) { r.Publish, r.Slots = domains.PublishCNAME, 2 }
	var keys []domains.Key
	for i := range 5 {
		keys = append(keys, w.world.add(fmt.Sprintf("d%d.test", i), inCNAME))
	}
	w.drive(time.Hour)
	for _, k := range keys {
		w.text(k.Target, k.Record)
		w.dns.remove(k.Target)
	}
	keys = append(keys, w.world.add("new.test", inCNAME))
	w.writer.anew = true
	w.drive(5 * time.Second)
	for _, k := range keys {
		w.text(k.Target, k.Record)
	}
}

// The zone was compared just now, and is not again for a while; a compromised key does not wait.
func TestKeyZoneEmergencyWaitsForNoComparison(t *testing.T) {
	w := zoned(t)
	k := w.world.add("example.com", func(r *domains.AddRequest) { r.Publish, r.Slots = domains.PublishCNAME, 2 })
	_, err := w.keeper.Turn(w.ctx)
	w.must(err)
	for range 2 {
		_, err = w.publisher.Turn(w.ctx, "ns")
		w.must(err)
	}
	w.text(k.Target, k.Record)
	_, err = w.service.Compromised(w.ctx, "root", "example.com", domains.CompromiseRequest{Selector: k.Selector, Yes: true})
	w.must(err)
	_, err = w.publisher.Turn(w.ctx, "ns")
	w.must(err)
	w.text(k.Target, domains.RevokedRecord)
	w.drive(time.Minute)
	w.text(k.Target, domains.RevokedRecord)
}

// A key that a person gave a slot is confirmed soon after its target was written.
func TestKeyZoneWrittenLateStartsThePollingAnew(t *testing.T) {
	w := zoned(t)
	w.publishing.KeyZone = ""
	w.restart()
	k := w.world.add("example.com", func(r *domains.AddRequest) { r.Publish, r.Slots = domains.PublishCNAME, 2 })
	w.drive(7 * time.Hour)
	w.publishing.KeyZone = "ns"
	w.restart()
	written := w.clock.Now()
	w.drive(time.Minute)
	w.text(k.Target, k.Record)
	if since := w.key(k.ID).PendingSince; since.Before(written) {
		t.Errorf("pending since %v, and the target was written at %v", since, written)
	}
}
