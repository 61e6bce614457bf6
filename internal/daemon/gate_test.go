package daemon

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
)

// The gate judges pairs, not names: a file that is replaced under the selector that DNS
// has confirmed waits again, and each domain that a line with "%" found has a gate of its
// own.
func TestGateGoesByThePair(t *testing.T) {
	dir := t.TempDir()
	for _, domain := range []string{"one.example", "two.example"} {
		if err := os.Mkdir(filepath.Join(dir, domain), 0o700); err != nil {
			t.Fatal(err)
		}
		writeKey(t, filepath.Join(dir, domain, "s1.pem"), dkim.Ed25519SHA256)
	}
	o, zone := managedDaemon(t, map[string]string{
		"keytable":     "all %:S1:" + dir + "/%/s1.pem\n",
		"signingtable": "* all\n",
		"more":         "[domains]\ntables = \"gate\"\n",
	})
	publish := func(domain string) {
		t.Helper()
		key, err := dkim.LoadPrivateKey(filepath.Join(dir, domain, "s1.pem"))
		if err != nil {
			t.Fatal(err)
		}
		zone.SetTXT(domain, "the domain exists")
		zone.SetTXT("s1._domainkey."+domain, key.PublicRecord())
	}
	publish("one.example")
	o.watched("table:one.example", "table:two.example")
	o.confirm("table:one.example")
	o.wants("ada@one.example", "signed signing-table one.example/S1")
	o.wants("ada@two.example", "unsigned key-unavailable")

	fresh := filepath.Join(dir, "fresh.pem")
	writeKey(t, fresh, dkim.Ed25519SHA256)
	if err := os.Rename(fresh, filepath.Join(dir, "one.example", "s1.pem")); err != nil {
		t.Fatal(err)
	}
	if err := o.daemon.Reload(); err != nil {
		t.Fatal(err)
	}
	o.wants("ada@one.example", "unsigned key-unavailable")
	publish("one.example")
	o.renewed("table:one.example", filepath.Join(dir, "one.example", "s1.pem"))
	o.confirm("table:one.example")
	o.wants("ada@one.example", "signed signing-table one.example/S1")
}

// watched waits until the store watches keys of the tables: the daemon tells of them beside
// its work.
func (o *operator) watched(names ...string) {
	o.t.Helper()
	o.until("the tables are watched", func(ctx context.Context) bool {
		for _, name := range names {
			if _, err := o.Service.Show(ctx, name); err != nil {
				return false
			}
		}
		return true
	})
}

// renewed waits until a row watches the pair of a file.
func (o *operator) renewed(name, file string) {
	o.t.Helper()
	key, err := dkim.LoadPrivateKey(file)
	if err != nil {
		o.t.Fatal(err)
	}
	o.until("the new pair is watched", func(ctx context.Context) bool {
		d, err := o.Service.Show(ctx, name)
		return err == nil && len(d.Keys) == 1 && d.Keys[0].Print == key.Fingerprint().String()
	})
}

func (o *operator) until(what string, done func(context.Context) bool) {
	o.t.Helper()
	for end := time.Now().Add(patience); !done(o.t.Context()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			o.t.Fatalf("not so: %s", what)
		}
	}
}

// A reload behind the gate needs no store: tables are taken up whole, static records too,
// and a key of which the store has not heard waits.
func TestReloadBehindTheGateWithoutTheStore(t *testing.T) {
	dir := t.TempDir()
	writeKey(t, filepath.Join(dir, "k.pem"), dkim.Ed25519SHA256)
	line := func(selector string) string {
		return "k file.example:" + selector + ":" + filepath.Join(dir, "k.pem") + "\n"
	}
	tables := map[string]string{
		"keytable": line("s1"), "signingtable": "*@file.example k\n", "more": "[domains]\ntables = \"gate\"\n",
	}
	o, zone := managedDaemon(t, tables)
	key, err := dkim.LoadPrivateKey(filepath.Join(dir, "k.pem"))
	if err != nil {
		t.Fatal(err)
	}
	zone.SetTXT("file.example", "the domain exists")
	zone.SetTXT("s1._domainkey.file.example", key.PublicRecord())
	o.watched("table:file.example")
	o.confirm("table:file.example")
	o.wants("ada@file.example", "signed signing-table file.example/s1")

	o.daemon.store.opened.Close()
	if err := o.daemon.Reload(); err != nil {
		t.Errorf("the store is away, and the reload says %v", err)
	}
	o.wants("ada@file.example", "signed signing-table file.example/s1")
	write(t, filepath.Dir(o.cfg.Sign.KeyTable), "keytable", line("s2"))
	if err := o.daemon.Reload(); err != nil {
		t.Errorf("the store is away, and the reload says %v", err)
	}
	o.wants("ada@file.example", "unsigned key-unavailable")
}
