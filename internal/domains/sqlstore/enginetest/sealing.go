package enginetest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/seal"
	"github.com/postseal/postseal/internal/domains/sqlstore"
)

func putKeys(t *testing.T, s domains.Store, n int) {
	t.Helper()
	update(t, s, func(tx domains.Tx) error {
		for i := range n {
			if err := errors.Join(tx.PutKey(domains.Key{ID: keyID(i), Algorithm: dkim.RSASHA256}), tx.PutPrivate(keyID(i), pem(i))); err != nil {
				return err
			}
		}
		return nil
	})
}

func pem(i int) []byte { return fmt.Appendf(nil, "-----BEGIN PRIVATE KEY-----\nnumber %d\n", i) }

func opensKeys(t *testing.T, s domains.Store, n int) {
	t.Helper()
	view(t, s, func(tx domains.Tx) error {
		for i := range n {
			if got, err := tx.Private(keyID(i)); err != nil || string(got) != string(pem(i)) {
				t.Errorf("key %d: %q, %v", i, got, err)
			}
		}
		return nil
	})
}

func privateHalvesAreSealed(t *testing.T, e Engine) {
	p := newPlace(t, e)
	s := p.open(t)
	putKeys(t, s, 2)
	opensKeys(t, s, 2)
	rows, err := p.database(t).QueryContext(t.Context(), "SELECT sealed FROM private_halves")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var sealed []byte
		if err := rows.Scan(&sealed); err != nil || !bytes.HasPrefix(sealed, []byte("age-encryption.org/v1")) || bytes.Contains(sealed, []byte("PRIVATE")) {
			t.Errorf("stored as %q, %v", sealed, err)
		}
	}
	if n != 2 || rows.Err() != nil {
		t.Errorf("%d rows, %v", n, rows.Err())
	}
	update(t, s, func(tx domains.Tx) error {
		return errors.Join(tx.DeletePrivate(keyID(0)), tx.DeletePrivate(keyID(0)), tx.DeleteKey(keyID(1)))
	})
	view(t, s, func(tx domains.Tx) error {
		for i := range 2 {
			if _, err := tx.Private(keyID(i)); !errors.Is(err, domains.ErrNotFound) {
				t.Errorf("key %d: %v, want ErrNotFound", i, err)
			}
		}
		_, err := tx.Key(keyID(0)) // what is known about it stays
		return err
	})
}

func lostIdentityIsNotReplaced(t *testing.T, e Engine) {
	p := newPlace(t, e)
	putKeys(t, p.open(t), 1)
	lost := p.seal.File + ".lost"
	if err := os.Rename(p.seal.File, lost); err != nil {
		t.Fatal(err)
	}
	_, err := sqlstore.Open(t.Context(), p.url, sqlstore.Options{Seal: p.seal})
	if err == nil || !strings.Contains(err.Error(), p.seal.File) || !strings.Contains(err.Error(), "backup") {
		t.Errorf("without its identity: %v", err)
	}
	if _, err := os.Stat(p.seal.File); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a new identity was made: %v", err)
	}
	if err := os.Rename(lost, p.seal.File); err != nil {
		t.Fatal(err)
	}
	opensKeys(t, p.open(t), 1)
}

func foreignIdentity(t *testing.T, e Engine) {
	p := newPlace(t, e)
	putKeys(t, p.open(t), 1)
	foreign := seal.Source{File: filepath.Join(t.TempDir(), "foreign")}
	recipient, err := seal.Create(foreign)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sqlstore.Open(t.Context(), p.url, sqlstore.Options{Seal: foreign})
	if !errors.Is(err, domains.ErrSealed) || !strings.Contains(err.Error(), recipient) {
		t.Errorf("with another host's identity: %v, want ErrSealed and the public key", err)
	}
}

// rekey: a second host joins; then the first host's identity goes.
func rekey(t *testing.T, e Engine) {
	p := newPlace(t, e)
	const keys = 450 // more than one transaction takes
	putKeys(t, p.open(t), keys)
	second := seal.Source{File: filepath.Join(t.TempDir(), "second")}
	recipient, err := seal.Create(second)
	if err != nil {
		t.Fatal(err)
	}

	p.seal.Recipients = []string{recipient}
	first := p.open(t)
	if n, err := first.Rekey(t.Context()); n != keys || err != nil {
		t.Fatalf("%d keys, %v, want %d", n, err, keys)
	}
	joined := place{p.url, second}
	opensKeys(t, joined.open(t), keys)
	opensKeys(t, first, keys)

	if n, err := joined.open(t).Rekey(t.Context()); n != keys || err != nil { // its configuration names nobody else
		t.Fatalf("%d keys, %v, want %d", n, err, keys)
	}
	opensKeys(t, joined.open(t), keys)
	view(t, first, func(tx domains.Tx) error {
		if _, err := tx.Private(keyID(0)); !errors.Is(err, domains.ErrSealed) {
			t.Errorf("the first host still opens: %v", err)
		}
		return nil
	})
	p.seal.Recipients = nil
	if _, err := sqlstore.Open(t.Context(), p.url, sqlstore.Options{Seal: p.seal}); !errors.Is(err, domains.ErrSealed) {
		t.Errorf("the first host still starts: %v", err)
	}
}
