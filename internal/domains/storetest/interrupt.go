package storetest

import (
	"context"
	"time"

	"github.com/postseal/postseal/internal/domains"
)

// Interrupted is a store whose transactions call Before ahead of each write and
// ahead of each commit, with its name. An error from it ends the transaction
// there, as a crash or a full disk does.
type Interrupted struct {
	domains.Store
	Before func(write string) error
}

// Update runs f with a call of Before ahead of each write and of the commit.
func (s *Interrupted) Update(ctx context.Context, f func(domains.Tx) error) error {
	return s.Store.Update(ctx, func(tx domains.Tx) error {
		if err := f(&interruptedTx{tx, s.Before}); err != nil {
			return err
		}
		return s.Before("commit")
	})
}

type interruptedTx struct {
	domains.Tx
	before func(string) error
}

func (t *interruptedTx) then(write string, f func() error) error {
	if err := t.before(write); err != nil {
		return err
	}
	return f()
}

func (t *interruptedTx) PutDomain(d domains.Domain) error {
	return t.then("domain", func() error { return t.Tx.PutDomain(d) })
}

func (t *interruptedTx) PutKey(k domains.Key) error {
	return t.then("key "+string(k.State), func() error { return t.Tx.PutKey(k) })
}

func (t *interruptedTx) PutPrivate(id string, pem []byte) error {
	return t.then("private half", func() error { return t.Tx.PutPrivate(id, pem) })
}

func (t *interruptedTx) DeletePrivate(id string) error {
	return t.then("destruction", func() error { return t.Tx.DeletePrivate(id) })
}

func (t *interruptedTx) Append(e domains.Entry) error {
	return t.then("journal", func() error { return t.Tx.Append(e) })
}

func (t *interruptedTx) PutNotice(n domains.Notice) error {
	return t.then("notice", func() error { return t.Tx.PutNotice(n) })
}

func (t *interruptedTx) PutTombstone(s domains.Tombstone) error {
	return t.then("tombstone", func() error { return t.Tx.PutTombstone(s) })
}

func (t *interruptedTx) PutRun(r domains.CheckRun) error {
	return t.then("check run", func() error { return t.Tx.PutRun(r) })
}

func (t *interruptedTx) MarkSigned(id string, at time.Time) error {
	return t.then("last signed", func() error { return t.Tx.MarkSigned(id, at) })
}

func (t *interruptedTx) Bump() (version int64, err error) {
	err = t.then("version", func() (err error) {
		version, err = t.Tx.Bump()
		return err
	})
	return version, err
}

func (t *interruptedTx) PutPublished(p domains.Published) error {
	return t.then("published", func() error { return t.Tx.PutPublished(p) })
}

func (t *interruptedTx) DeletePublished(driver, name, kind string) error {
	return t.then("end of a published record", func() error { return t.Tx.DeletePublished(driver, name, kind) })
}
