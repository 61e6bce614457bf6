package storetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
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
		{"hosts, process by process", hostProcesses},
		{"keys of tables, by domain and in pages", declarations},
		{"last signature only grows", lastSigned},
		{"private halves", privateHalves},
		{"a deleted key takes its private half and its checks along", deletedKey},
		{"history of checks is bounded", history},
		{"journal", journal},
		{"what is an owner's, among all", owned},
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

func second[V any](_ V, err error) error { return err }

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
