package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/dns/dnstest"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/miltertest"
)

// operator is a person at the command line: another handle on the daemon's store.
type operator struct {
	*Managed
	cfg    *config.Config
	t      *testing.T
	daemon *testDaemon
	mta    *miltertest.MTA
}

// managedDaemon runs a daemon with an empty store, and a zone that its checks ask.
func managedDaemon(t *testing.T, tables map[string]string) (*operator, *dnstest.Server) {
	t.Helper()
	zone, err := dnstest.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { zone.Close() })
	dir := t.TempDir()
	for name, text := range tables {
		if name == "other.pem" {
			writeKey(t, filepath.Join(dir, name), dkim.Ed25519SHA256)
			continue
		}
		write(t, dir, name, text)
	}
	text := fmt.Sprintf(`[[listener]]
address = "inet:0@127.0.0.1"
[store]
url = "sqlite:%s"
identity = %q
[dns]
nameservers = [%q]
[check]
via = "resolver"
[log]
format = "json"
[sign]
keytable = %q
signingtable = %q
%s`, filepath.Join(dir, "db", "postseal.db"), filepath.Join(dir, "identity"), zone.Addr, path(dir, tables, "keytable"), path(dir, tables, "signingtable"), tables["more"])
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse("managed.toml", text)
	if err != nil {
		t.Fatal(err)
	}
	o := &operator{cfg: cfg, t: t}
	o.daemon = start(t, func() (*config.Config, error) { return o.cfg, nil })
	m, err := OpenManaged(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	o.Managed, o.mta = m, o.daemon.dial(t)
	o.mta.Client = miltertest.Client{Host: "localhost", Family: milter.FamilyIPv4, Port: 1, Addr: "127.0.0.1"}
	return o, zone
}

func path(dir string, tables map[string]string, name string) string {
	if tables[name] == "" {
		return ""
	}
	if name == "signingtable" {
		return "refile:" + filepath.Join(dir, name)
	}
	return filepath.Join(dir, name)
}

// do runs verbs and waits until the daemon works with what they changed.
func (o *operator) do(verbs func(ctx context.Context, s *domains.Service) error) {
	o.t.Helper()
	if err := verbs(o.t.Context(), o.Service); err != nil {
		o.t.Fatal(err)
	}
	version, err := o.Service.Version(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	for end := time.Now().Add(patience); o.daemon.storeVersion() < version; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			o.t.Fatalf("the daemon still works with version %d of the store, not %d", o.daemon.storeVersion(), version)
		}
	}
}

func (d *Daemon) storeVersion() int64 {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	return d.store.rows.Version
}

// send gives what the daemon said of a message: decision, reason and keys.
func (o *operator) send(from string) string {
	o.t.Helper()
	return o.sendAs(from, "")
}

func (o *operator) sendAs(from, user string) string {
	o.t.Helper()
	o.mta.Macros["{auth_type}"], o.mta.Macros["{auth_authen}"] = "", ""
	if user != "" {
		o.mta.Macros["{auth_type}"], o.mta.Macros["{auth_authen}"] = "PLAIN", user
	}
	raw := "From: <" + from + ">\r\nSubject: x\r\n\r\nHello.\r\n"
	if _, err := o.mta.Send(miltertest.Message{From: "<" + from + ">", To: []string{"<b@example.net>"}, Raw: []byte(raw)}); err != nil {
		o.t.Fatal(err)
	}
	line := o.daemon.messageLine(o.t)
	return strings.TrimSpace(line.Decision + " " + line.Reason + " " + line.Keys)
}

func (o *operator) wants(from, want string) {
	o.t.Helper()
	if got := o.send(from); got != want {
		o.t.Errorf("%s: got %q, want %q", from, got, want)
	}
}

// add makes a managed domain with an Ed25519 key.
func (o *operator) add(r domains.AddRequest) domains.Added {
	o.t.Helper()
	var added domains.Added
	r.Algorithms, r.Offline = []dkim.Algorithm{dkim.Ed25519SHA256}, true
	o.do(func(ctx context.Context, s *domains.Service) (err error) {
		added, err = s.Add(ctx, "test", r)
		return err
	})
	return added
}

// The gate: a managed key signs from DNS's confirmation on, and not before; what is
// switched off stays unsigned, whatever else there is.
func TestManagedDomainSignsWhenDNSConfirms(t *testing.T) {
	o, zone := managedDaemon(t, nil)
	o.wants("ada@alpha.example", "unsigned no-key")
	added := o.add(domains.AddRequest{Name: "alpha.example", Selector: "s1"})
	o.wants("ada@alpha.example", "unsigned key-not-active")

	zone.SetTXT("alpha.example", "the domain exists")
	zone.SetTXT("s1._domainkey.alpha.example", added.Keys[0].Record)
	o.confirm("alpha.example")
	o.wants("ada@alpha.example", "signed managed-key alpha.example/s1")
	o.wants("ada@sub.alpha.example", "unsigned no-key")
	if status, want := o.daemon.status(), "1 managed domains with 1 keys"; !strings.Contains(status, want) {
		t.Errorf("the status is %q, want %q in it", status, want)
	}

	o.do(func(ctx context.Context, s *domains.Service) error {
		_, err := s.Disable(ctx, "test", "alpha.example")
		return err
	})
	o.wants("ada@alpha.example", "unsigned domain-disabled")
	o.do(func(ctx context.Context, s *domains.Service) error {
		_, err := s.Enable(ctx, "test", "alpha.example", domains.EnableRequest{})
		return err
	})
	o.wants("ada@alpha.example", "signed managed-key alpha.example/s1")
}

// confirm has DNS asked twice, with the time between that a confirmation needs.
func (o *operator) confirm(domain string) {
	o.t.Helper()
	later := domains.New(domains.Options{Store: o.Store, Checker: &lateChecker{cfg: o.cfg, log: slog.New(slog.DiscardHandler)}, Clock: ahead(time.Minute)})
	o.do(func(ctx context.Context, s *domains.Service) error {
		if _, err := s.Verify(ctx, "test", domain); err != nil {
			return err
		}
		checked, err := later.Verify(ctx, "test", domain)
		if err == nil && checked[0].Key.State != domains.Active {
			err = fmt.Errorf("%s after two checks: %s %+v", domain, checked[0].Key.State, checked[0].Result.Findings)
		}
		return err
	})
}

// ahead is a clock that is fast.
type ahead time.Duration

func (a ahead) Now() time.Time         { return time.Now().Add(time.Duration(a)) }
func (a ahead) Elapsed() time.Duration { return time.Duration(a) }

// TestOrderOfFilesAndStore is ruling 11: the narrower name wins, of two equals the
// file; and what the store forbids, no file allows.
func TestOrderOfFilesAndStore(t *testing.T) {
	o, _ := managedDaemon(t, map[string]string{
		"other.pem":    "",
		"keytable":     "boss both.example:boss:./other.pem\nboth both.example:file:./other.pem\nany catchall.example:any:./other.pem\nten tenant.example:own:./other.pem\nman managed.example:s1:./other.pem\n",
		"signingtable": "boss@managed.example boss\n*@both.example both\n*@third.example man\n*@sub.tenant.example ten\n* any\n",
	})
	immediate := func(name string) domains.AddRequest {
		return domains.AddRequest{Name: name, Selector: "s1", Activation: domains.ActivateImmediate, Yes: true}
	}
	o.wants("ada@managed.example", "signed signing-table catchall.example/any")
	o.add(immediate("managed.example"))
	o.add(immediate("both.example"))
	vip := immediate("vip@both.example")
	vip.Selector = "vip"
	o.add(vip)
	parent := immediate("parent.example")
	parent.SubDomains = true
	o.add(parent)
	o.add(domains.AddRequest{Name: "pending.example", Selector: "s1"})
	shut := immediate("shut.example")
	shut.SubDomains, shut.Disabled = true, true
	o.add(shut)
	o.add(domains.AddRequest{Name: "claimed.example", Selector: "s1", Owner: "acme", Disabled: true})
	tenant := immediate("tenant.example")
	tenant.Owner = "acme"
	o.add(tenant)
	o.do(func(ctx context.Context, s *domains.Service) error {
		if _, err := s.Request(ctx, "test", domains.AddRequest{Name: "wanted.example", Owner: "acme"}); err != nil {
			return err
		}
		for _, u := range []domains.User{
			{Match: "sasl:acme-*", Owner: "acme", Key: "managed.example"},
			{Match: "sasl:*-relay", Key: "managed.example", Position: -1},
			{Match: "sasl:relay", Reauth: true},
			{Match: "sasl:new-relay", Reauth: true},
			{Match: "sasl:off", Disabled: true},
		} {
			if _, err := s.SetUser(ctx, "test", u); err != nil {
				return err
			}
		}
		return nil
	})
	for _, c := range []struct{ name, from, user, want string }{
		{"a line for the address, before the managed domain", "boss@managed.example", "", "signed signing-table both.example/boss"},
		{"the managed domain, before a line for all", "ada@managed.example", "", "signed managed-key managed.example/s1"},
		{"a line for the domain, before the managed one", "ada@both.example", "", "signed signing-table both.example/file"},
		{"the managed address, before a line for the domain", "vip@both.example", "", "signed managed-key both.example/vip"},
		{"a managed parent, before a line for all", "ada@deep.sub.parent.example", "", "signed parent-domain parent.example/s1"},
		{"a managed domain that may not sign yet: a line for all", "ada@pending.example", "", "signed signing-table catchall.example/any"},
		{"a disabled parent does not sign, and ends nothing", "ada@sub.shut.example", "", "signed signing-table catchall.example/any"},
		{"a disabled domain ends the search", "ada@shut.example", "", "unsigned domain-disabled"},
		{"a domain that a tenant has only requested, for a stranger", "ada@wanted.example", "bob", "signed signing-table catchall.example/any"},
		{"one that a tenant claims, and disabled, for a stranger", "ada@claimed.example", "bob", "signed signing-table catchall.example/any"},
		{"a tenant's domain for a stranger", "ada@tenant.example", "bob", "unsigned user-not-allowed"},
		{"a tenant's domain for its user", "ada@tenant.example", "acme-7", "signed managed-key tenant.example/s1"},
		{"a tenant's key in a line for what is below, for a stranger", "ada@sub.tenant.example", "bob", "unsigned key-unavailable"},
		{"a tenant's key in a line for what is below, for its user", "ada@sub.tenant.example", "acme-7", "signed signing-table tenant.example/own"},
		{"a re-authenticating user of the store", "ada@managed.example", "relay", "unsigned reauthenticating-user"},
		{"the same after a row that allows", "ada@managed.example", "new-relay", "unsigned reauthenticating-user"},
		{"a user who is switched off", "ada@managed.example", "off", "unsigned user-disabled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := o.sendAs(c.from, c.user); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	o.do(func(ctx context.Context, s *domains.Service) error {
		_, err := s.Compromised(ctx, "test", "managed.example", domains.CompromiseRequest{Selector: "s1", Yes: true})
		return err
	})
	t.Run("a compromised key, in a line of a file", func(t *testing.T) {
		o.t = t
		o.wants("ada@third.example", "unsigned key-unavailable")
	})
}

// A tenant's key signs for nobody else, whichever row names it.
func TestFallbackOfAnotherTenant(t *testing.T) {
	o, _ := managedDaemon(t, nil)
	o.add(domains.AddRequest{Name: "tenant.example", Selector: "s1", Owner: "acme", Activation: domains.ActivateImmediate, Yes: true})
	o.do(func(ctx context.Context, s *domains.Service) error {
		for _, u := range []domains.User{
			{Match: "sasl:own", Owner: "acme", Key: "tenant.example"},
			{Match: "sasl:foreign", Owner: "other", Key: "tenant.example"},
		} {
			if _, err := s.SetUser(ctx, "test", u); err != nil {
				return err
			}
		}
		return nil
	})
	for user, want := range map[string]string{
		"own": "signed user-key tenant.example/s1", "foreign": "unsigned key-unavailable",
	} {
		if got := o.sendAs("ada@elsewhere.example", user); got != want {
			t.Errorf("%s: got %q, want %q", user, got, want)
		}
	}
}

// Whoever holds the database at start makes the service manager try again, not give up.
func TestStoreBusyAtStart(t *testing.T) {
	dir := t.TempDir()
	cfg, err := config.Parse("busy.toml", fmt.Sprintf("[[listener]]\naddress = \"inet:0@127.0.0.1\"\n[store]\nurl = \"sqlite:%s/db/p.db\"\nidentity = \"%s/identity\"\n", dir, dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	first, err := OpenManaged(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	ctx, cancel := context.WithDeadline(t.Context(), time.Now()) // as after storeTimeout
	defer cancel()
	err = lateStore(first.Store.Update(ctx, func(domains.Tx) error { return nil }))
	if !errors.Is(err, domains.ErrUnavailable) {
		t.Errorf("a busy store is no reason to try again: %v", err)
	}
}

// Rows that were read before a reload read its own are not taken up after it.
func TestOldRowsAreNotAdopted(t *testing.T) {
	o, _ := managedDaemon(t, nil)
	o.add(domains.AddRequest{Name: "alpha.example", Selector: "s1", Activation: domains.ActivateImmediate, Yes: true})
	old, err := o.daemon.store.managed.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o.do(func(ctx context.Context, s *domains.Service) error {
		_, err := s.Disable(ctx, "test", "alpha.example")
		return err
	})
	o.daemon.adopt(old)
	o.wants("ada@alpha.example", "unsigned domain-disabled")
}

// The store goes away: what it said last serves on.
func TestStoreAway(t *testing.T) {
	o, _ := managedDaemon(t, nil)
	o.add(domains.AddRequest{Name: "alpha.example", Selector: "s1", Activation: domains.ActivateImmediate, Yes: true})
	o.wants("ada@alpha.example", "signed managed-key alpha.example/s1")
	o.daemon.store.opened.Close()
	o.wants("ada@alpha.example", "signed managed-key alpha.example/s1")
}

// Keys of the tables sign at once, as admins expect; behind the gate not before DNS
// confirms them.
func TestTablesBehindTheGate(t *testing.T) {
	tables := map[string]string{
		"other.pem": "", "keytable": "k file.example:s1:./other.pem\n", "signingtable": "*@file.example k\n",
	}
	o, _ := managedDaemon(t, tables)
	o.wants("ada@file.example", "signed signing-table file.example/s1")
	tables["more"] = "[domains]\ntables = \"gate\"\n"
	o, _ = managedDaemon(t, tables)
	o.wants("ada@file.example", "unsigned key-unavailable")
	t.Run("when the store knows nothing of it", func(t *testing.T) {
		o.t = t
		o.do(func(ctx context.Context, s *domains.Service) error { // a host with other tables
			return s.WatchTables(ctx, "elsewhere", domains.Host{Name: "elsewhere"}, nil, true)
		})
		o.add(domains.AddRequest{Name: "other.example"}) // and something else for which the daemon reads the store
		o.wants("ada@file.example", "unsigned key-unavailable")
	})
	t.Run("when it is managed and pending", func(t *testing.T) {
		o.t = t
		o.add(domains.AddRequest{Name: "file.example", Selector: "s1"})
		o.wants("ada@file.example", "unsigned key-unavailable")
	})
	t.Run("from the first message on", func(t *testing.T) {
		cfg := *o.cfg // as the packages start it: nothing of the store is known yet
		cfg.Store.URL = "sqlite:" + filepath.Join(t.TempDir(), "postseal.db")
		d, err := Open(func() (*config.Config, error) { return &cfg, nil }, slog.New(slog.DiscardHandler), Environment{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.closeStore()
		if m := d.current.Load().Managed; !m.Gated || len(m.Confirmed) != 0 {
			t.Error("the key of the table could sign before the store knew of it")
		}
	})
}

// A user's key with d= of the sender's domain: from DNS's confirmation there on, and while
// the store allows it.
func TestLentKeySigns(t *testing.T) {
	o, zone := managedDaemon(t, nil)
	added := o.add(domains.AddRequest{Name: "shared.example", Selector: "s1", Activation: domains.ActivateImmediate, Yes: true})
	o.do(func(ctx context.Context, s *domains.Service) error {
		_, err := s.SetUser(ctx, "test", domains.User{Match: "sasl:ada", Key: "shared.example", Domains: []string{"shop.example", "other.example"}, FromAsD: true})
		return err
	})
	wants := func(from, want string) {
		t.Helper()
		if got := o.sendAs(from, "ada"); got != want {
			t.Errorf("%s: got %q, want %q", from, got, want)
		}
	}
	wants("ada@shop.example", "signed user-key shared.example/s1")
	zone.SetTXT("shop.example", "the domain exists")
	zone.SetTXT("s1._domainkey.shop.example", added.Keys[0].Record)
	o.confirm("lent:shop.example")
	wants("ada@shop.example", "signed user-key shop.example/s1")
	wants("ada@other.example", "signed user-key shared.example/s1")
	o.add(domains.AddRequest{Name: "shop.example", Selector: "own", Activation: domains.ActivateManual})
	wants("ada@shop.example", "signed user-key shop.example/s1") // its own key may not sign yet
	o.do(func(ctx context.Context, s *domains.Service) error {
		_, err := s.Disable(ctx, "test", "shop.example")
		return err
	})
	wants("ada@shop.example", "unsigned domain-disabled")
}
