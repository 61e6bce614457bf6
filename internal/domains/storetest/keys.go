package storetest

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

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
