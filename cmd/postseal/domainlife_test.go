package main

import (
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/domains"
)

func TestDomainVerify(t *testing.T) {
	w := newWorld(t)
	w.ok("domain", "add", "example.com")
	absent := w.run("domain", "verify", "example.com").exits(exitFinding)
	w.Run("INF-15", func(t *testing.T) { absent.says("D101", "the name does not exist") })
	w.Run("INF-25", func(t *testing.T) { w.ok("domain", "show", "example.com").says("checked", "absent, did not pass") })
	w.Run("INF-27", func(t *testing.T) {
		absent.says("try again after 14:32 UTC (negative TTL 900 s)")
		if text := tryAgain(check.Result{At: w.time, RetryAfter: w.time.Add(24 * time.Hour)}); text != ": try again after "+w.time.Add(24*time.Hour).UTC().Format("2006-01-02 15:04 UTC") {
			t.Errorf("another day%s", text)
		}
		w.live(80 * time.Hour)
		w.ok("domain", "list").says("Error", "postseal domain verify --retry example.com")
		w.run("domain", "verify", "--retry", "example.com").exits(exitFinding).says("Pending validation")
		if k := w.key("example.com"); !k.Deadline.After(w.time.Add(71 * time.Hour)) {
			t.Errorf("the window ends at %v", k.Deadline)
		}
	})
	w.Run("INF-35", func(t *testing.T) {
		absent.says("It can take hours")
		if next := w.key("example.com").NextCheckAt; next.IsZero() {
			t.Error("polling has ended")
		}
	})
	w.Run("INF-16", func(t *testing.T) {
		absent.says("not live")
		w.dns[w.key("example.com").Selector+"._domainkey.example.com"] = "v=DKIM1; k=ed25519; p=" + strings.Repeat("Q", 43) + "="
		w.run("domain", "verify", "example.com").exits(exitFinding).says("D402", "live, and not correct")
		w.publish("example.com")
		w.ok("domain", "verify", "example.com").says("live and correct")
		if n := w.notices(domains.DomainVerifyResult); len(n) != 4 || !strings.Contains(n[0].Text, "not live") || !strings.Contains(n[2].Text, "not correct") || !strings.Contains(n[3].Text, "live and correct") {
			t.Errorf("%+v", n)
		}
	})
	w.Run("INF-17", func(t *testing.T) {
		w.signsWith("example.com", "")
		w.pass(31 * time.Second)
		w.ok("domain", "verify", "example.com").says("Connected")
		w.signsWith("example.com", w.key("example.com").Selector)
	})
	w.Run("INF-34", func(t *testing.T) { w.ok("domain", "verify", "--retry", "example.com").says("Connected") })
	w.Run("KAR-21", func(t *testing.T) {
		w.run("domain", "add", "kartra.example", "--published")
		if d := w.detail("kartra.example"); d.Domain.PublishedClaimedAt.IsZero() {
			t.Error("--published is not noted")
		}
		w.ok("domain", "add", "finish.example", "--withhold").says("Not published")
		w.run("domain", "verify", "finish.example", "--published").exits(exitFinding)
		if d := w.detail("finish.example"); d.Domain.PublishedClaimedAt.IsZero() || d.Keys[0].State != domains.Pending {
			t.Errorf("%+v", d)
		}
	})
	w.Run("INF-36", func(t *testing.T) {
		w.run("domain", "verify", "example.com", "kartra.example").exits(exitFinding).says("example.com: Connected", "kartra.example: Pending validation  D101")
	})
	w.Run("INF-32", func(t *testing.T) {
		w.run("domain", "verify", "--all").exits(exitFinding).says("example.com: Connected", "finish.example: Pending", "kartra.example: Pending")
	})
	w.Run("KAR-24", func(t *testing.T) {
		w.ok("domain", "show", "kartra.example").says("can take up to 48 hours").saysNot("taking long")
		w.live(49 * time.Hour)
		w.ok("domain", "show", "kartra.example").says("taking long", "48 hours", "(49 h so far)")
	})
	w.Run("KAR-26", func(t *testing.T) {
		w.publish("kartra.example")
		w.live(4 * time.Hour)
		w.ok("domain", "list").says("kartra.example", "Connected")
	})
	w.Run("wait", func(t *testing.T) {
		w.ok("domain", "add", "wait.example")
		begin := w.time
		w.run("domain", "verify", "wait.example", "--wait", "5m").exits(exitFinding).says("Pending validation")
		if took := w.time.Sub(begin); took < 4*time.Minute || took > 5*time.Minute {
			t.Errorf("it took %v", took)
		}
		w.publish("wait.example")
		begin = w.time
		w.ok("domain", "verify", "wait.example", "--wait", "5m").says("Connected")
		if took := w.time.Sub(begin); took > time.Minute {
			t.Errorf("it took %v", took)
		}
	})
	w.Run("nothing to verify", func(t *testing.T) {
		w.ok("domain", "request", "wanted.example")
		w.run("domain", "verify", "wanted.example").exits(exitRefused)
		w.run("domain", "verify", "unknown.example").exits(exitRefused)
	})
	w.Run("JSON", func(t *testing.T) {
		w.ok("domain", "verify", "example.com", "--json").says(`"domain": "example.com"`, `"word": "connected"`, `"verdict": "ok"`)
	})
}

func TestDomainHandOut(t *testing.T) {
	w := newWorld(t)
	w.ok("domain", "add", "example.com", "--withhold").says("Not published")
	w.ok("domain", "list").says("postseal domain records example.com")
	w.ok("domain", "export", "example.com")
	if s := w.key("example.com").State; s != domains.Generated {
		t.Errorf("an export makes the key %s", s)
	}
	w.ok("domain", "records", "example.com")
	if s := w.key("example.com").State; s != domains.Pending {
		t.Errorf("the key is %s", s)
	}
	w.ok("domain", "records", "example.com")
	if n := len(w.notices(domains.KeyRecords)); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestDomainImmediate(t *testing.T) {
	w := newWorld(t)
	w.Run("OCR-22", func(t *testing.T) {
		const warning = "treat such mail worse than unsigned mail"
		for _, name := range []string{"set.example", "enable.example", "regenerate.example"} {
			w.ok("domain", "add", name, "--activation", "manual")
		}
		for _, args := range [][]string{
			{"domain", "add", "example.com", "--activation", "immediate"},
			{"domain", "set", "set.example", "--activation", "immediate"},
			{"domain", "enable", "enable.example", "--force"},
			{"domain", "regenerate", "regenerate.example", "--in-place"},
		} {
			w.run(args...).exits(exitRefused).warns(warning, "--yes")
			w.signsWith(args[2], "")
			w.ok(append(args, "--yes")...).warns(warning)
		}
		w.ok("domain", "list", "--color", "always").says("example.com", "\x1b[31mSigning, not verified\x1b[0m")
		w.signsWith("example.com", w.key("example.com").Selector)
	})
	w.Run("MA-19", func(t *testing.T) {
		w.ok("domain", "add", "user-key.example", "-s", "crm", "--activation", "immediate", "--yes")
		w.ok("user", "set", "ada", "--selector", "crm").says("user-key.example/crm")
	})
}

func TestDomainSwitch(t *testing.T) {
	w := newWorld(t)
	w.Run("TST-8", func(t *testing.T) {
		w.ok("domain", "add", "manual.example", "--activation", "manual")
		w.run("domain", "enable", "manual.example").exits(exitRefused).warns("not verified in DNS yet", "TST-8", "--force")
		w.publish("manual.example")
		w.live(2 * time.Minute)
		w.ok("domain", "list").says("Verified, not signing", "postseal domain enable manual.example")
		w.signsWith("manual.example", "")
		w.ok("domain", "enable", "manual.example").says("Connected")
		w.signsWith("manual.example", w.key("manual.example").Selector)
	})
	w.Run("TST-9", func(t *testing.T) {
		w.connected("example.com")
		k := w.key("example.com")
		for range 2 {
			w.ok("domain", "disable", "example.com").says("Disabled")
			w.signsWith("example.com", "")
			w.ok("domain", "enable", "example.com").says("Connected")
			w.signsWith("example.com", k.Selector)
		}
		if now := w.key("example.com"); now.ID != k.ID || now.VerifiedAt != k.VerifiedAt {
			t.Errorf("another key, or verified anew: %+v", now)
		}
	})
	w.Run("INF-6", func(t *testing.T) {
		w.connected("inf-6.example", "--disabled")
		w.signsWith("inf-6.example", "")
		w.ok("domain", "enable", "inf-6.example")
		w.signsWith("inf-6.example", w.key("inf-6.example").Selector)
	})
	w.Run("TST-5", func(t *testing.T) {
		w.connected("sales@tst-5.example")
		w.signsWith("sales@tst-5.example", w.key("sales@tst-5.example").Selector)
		w.signsWith("tst-5.example", "")
		w.ok("domain", "disable", "sales@tst-5.example").says("Disabled")
	})
	w.Run("settings", func(t *testing.T) {
		w.ok("domain", "set", "example.com", "--contact", "a@example.com", "--on-missing", "keep", "--retire-after", "240h", "--dual-sign")
		w.ok("domain", "show", "example.com").says("keep", "a@example.com", "both keys while rotating", "240h")
		w.run("domain", "set", "example.com", "--on-missing", "shrug").exits(exitUsage)
		if !w.detail("example.com").Domain.Enabled {
			t.Error("what was not said has changed")
		}
	})
}

func TestDomainRotate(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com", "-s", "one")
	w.Run("rotate", func(t *testing.T) {
		w.ok("domain", "rotate", "example.com", "-s", "two").says("made two", "two._domainkey")
		w.ok("domain", "list").says("one,two", "Connected – rotating")
		w.signsWith("example.com", "one")
		w.run("domain", "rotate", "example.com").exits(exitRefused).warns("--abort")
		w.ok("domain", "rotate", "example.com", "--abort").says("gave up two")
		w.run("domain", "rotate", "example.com", "--abort").exits(exitRefused)
	})
	w.Run("keep until", func(t *testing.T) {
		w.ok("domain", "rotate", "example.com", "-s", "three")
		w.publish("example.com")
		w.live(5 * time.Minute)
		w.signsWith("example.com", "three")
		w.ok("domain", "records", "example.com").says("In DNS, has to stay as it is: TXT record of three", "Keep until 2026-11-29", "one._domainkey.example.com")
	})
	w.Run("rollback", func(t *testing.T) {
		w.ok("domain", "rollback", "example.com").says("signs with one again")
		w.signsWith("example.com", "one")
		w.ok("domain", "rollback", "example.com").says("signs with three again")
	})
	w.Run("safe to remove", func(t *testing.T) {
		w.live(9 * 24 * time.Hour)
		w.ok("domain", "records", "example.com").says("Safe to remove now: TXT record at one._domainkey.example.com")
	})
	w.Run("OCR-17", func(t *testing.T) {
		w.connected("ocr-17.example", "-s", "old")
		w.ok("domain", "regenerate", "ocr-17.example", "--in-place", "--yes", "-s", "new").says("new._domainkey.ocr-17.example")
	})
	w.Run("OCR-18", func(t *testing.T) {
		w.connected("ocr-18.example")
		old := w.key("ocr-18.example")
		w.ok("domain", "regenerate", "ocr-18.example")
		fresh := w.key("ocr-18.example")
		if fresh.Record == old.Record || len(w.detail("ocr-18.example").Keys) != 2 {
			t.Errorf("%s, and %d keys", fresh.Record, len(w.detail("ocr-18.example").Keys))
		}
	})
	w.Run("OCR-23", func(t *testing.T) {
		w.connected("ocr-23.example", "-s", "old")
		w.ok("domain", "regenerate", "ocr-23.example", "-s", "new").warns("DNS has to be updated").says("new._domainkey")
		w.ok("domain", "records", "ocr-23.example").says("To publish: TXT record of new", "has to stay as it is: TXT record of old")
		w.signsWith("ocr-23.example", "old")
	})
	w.Run("all", func(t *testing.T) {
		w.connected("all.example")
		w.ok("domain", "rotate", "--all").says("all.example: made", "example.com: made").saysNot("ocr-23.example")
	})
}

func TestDomainCompromised(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com", "-s", "one")
	w.run("domain", "compromised", "example.com/one").exits(exitRefused).warns("--yes", "for good")
	w.signsWith("example.com", "one")
	w.ok("domain", "compromised", "example.com/one", "--yes").
		says("one signs nothing any more", "follows once DNS has it", "AT ONCE", "one._domainkey.example.com", "v=DKIM1; p=\n", "To publish")
	w.signsWith("example.com", "")
	w.Run("a key that was replaced could go back", func(t *testing.T) {
		w := newWorld(t)
		w.connected("example.com", "-s", "one")
		w.ok("domain", "rotate", "example.com", "-s", "lost")
		w.ok("domain", "compromised", "example.com/lost", "--yes").says("Mail is signed with one as before").saysNot("could sign")
		w.signsWith("example.com", "one")
		w.ok("domain", "rotate", "example.com", "-s", "two")
		w.publish("example.com")
		w.live(time.Hour)
		w.signsWith("example.com", "two")
		w.ok("domain", "compromised", "example.com/two", "--yes").says("one could sign", "postseal domain rollback example.com")
		w.signsWith("example.com", "")
		w.ok("domain", "rollback", "example.com")
		w.signsWith("example.com", "one")
	})
	w.Run("of a deleted domain", func(t *testing.T) {
		w := newWorld(t)
		w.connected("example.com", "-s", "one")
		w.ok("domain", "delete", "example.com", "--yes")
		w.ok("domain", "compromised", "example.com/one", "--yes").
			says("one signs nothing any more", "The domain is deleted", `one._domainkey.example.com. TXT "v=DKIM1; p="`).saysNot("could sign")
		w.run("domain", "compromised", "example.com/one", "--yes").exits(exitRefused)
	})
	w.run("domain", "compromised", "example.com/none", "-y").exits(exitRefused)
	w.run("domain", "compromised", "example.com", "-y").exits(exitUsage).warns("DOMAIN/SELECTOR")
}

func TestDomainDelete(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com", "-s", "one")
	w.Run("OCR-19", func(t *testing.T) {
		w.ok("domain", "delete", "example.com", "--dry-run").says("one._domainkey.example.com, once mail under way has arrived")
		w.run("domain", "delete", "example.com").exits(exitRefused).warns("--yes")
		w.signsWith("example.com", "one")
		w.ok("domain", "delete", "example.com", "--yes").says("keep the record one._domainkey.example.com until 2026-11-29")
		w.ok("domain", "list").saysNot("example.com")
		w.signsWith("example.com", "")
	})
	w.Run("never signed", func(t *testing.T) {
		w.ok("domain", "add", "new.example", "-s", "one")
		w.ok("domain", "delete", "new.example/one", "-y").says("one._domainkey.new.example may be removed now")
		w.ok("domain", "list").says("new.example", "No key")
	})
	w.Run("at once", func(t *testing.T) {
		w.connected("now.example", "-s", "one")
		w.run("domain", "delete", "now.example", "--now").exits(exitRefused).warns("under way will not verify")
		w.ok("domain", "delete", "now.example", "--now", "-y").says("may be removed now")
	})
	w.run("domain", "delete", "unknown.example", "-y").exits(exitRefused)
	w.Run("a table signs on", func(t *testing.T) {
		for _, how := range [][]string{{"tables.example/one"}, {"tables.example/one", "--now"}, {"tables.example"}} {
			w := newWorld(t)
			w.connected("tables.example", "-s", "one")
			private, err := w.service.Private(w.Context(), w.key("tables.example").ID)
			if err != nil {
				t.Fatal(err)
			}
			key := domains.TableKey{
				Domain: "tables.example", Selector: "one", Print: private.Fingerprint(),
				Read: func() (*dkim.PrivateKey, error) { return private, nil },
			}
			if err := w.service.WatchTables(w.Context(), "serve@mx7", domains.Host{Name: "mx7"}, []domains.TableKey{key}, false); err != nil {
				t.Fatal(err)
			}
			w.ok(append([]string{"domain", "delete", "-y"}, how...)...).
				says("keep the record one._domainkey.tables.example", "mx7", "signs with it", "reload").
				saysNot("nothing is signed", "may be removed now", "until 2026")
		}
	})
}

// A refusal names a command that is not refused, too.
func TestNoSuchRow(t *testing.T) {
	w := newWorld(t)
	for name, way := range map[string]string{
		"shared:": "add DOMAIN --publish cname-shared", "table:example.com": "`postseal domain list`", "lent:example.com": "--fallback-d from",
	} {
		for _, verb := range [][]string{{"set", name, "--contact", "ada@example.com"}, {"show", name}, {"verify", name}} {
			w.run(append([]string{"domain"}, verb...)...).exits(exitRefused).warns(way)
		}
	}
}

func TestDomainExport(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com", "-s", "one")
	w.ok("domain", "add", "second.example")
	w.ok("domain", "export", "--all").says("$ORIGIN example.com.", "one._domainkey 3600 IN TXT", "$ORIGIN second.example.")
	w.ok("domain", "export", "example.com", "--format", "csv").says("domain,selector", "example.com,one,stay")
	w.Run("OCR-8", func(t *testing.T) {
		w.run("domain", "export", "example.com/one", "--private").exits(exitRefused).warns("--i-understand").saysNot("PRIVATE")
		r := w.ok("domain", "export", "example.com/one", "--private", "--i-understand")
		key, err := dkim.ParsePrivateKey([]byte(r.out))
		if err != nil || key.PublicRecord() != w.key("example.com").Record {
			t.Errorf("%v", err)
		}
		w.run("domain", "export", "example.com/two", "--private", "--i-understand").exits(exitRefused)
	})
	w.Run("publish", func(t *testing.T) {
		w.run("domain", "publish", "example.com", "--dry-run").exits(exitRefused).warns("no DNS driver is configured", "postseal domain records example.com")
	})
}

func TestDomainImport(t *testing.T) {
	w := newWorld(t)
	key, err := dkim.Generate(dkim.Ed25519SHA256, 0)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	in := func(args ...string) result {
		return w.runWith(strings.NewReader(string(pem)), append([]string{"domain", "import", "--key", "-"}, args...)...)
	}
	in("example.com", "-s", "old").exits(exitDone).says("old._domainkey", key.PublicRecord()).saysNot("PRIVATE")
	in("adopted.example", "-s", "old", "--adopt").exits(exitRefused).warns("DNS does not confirm")
	w.dns["old._domainkey.adopted.example"] = key.PublicRecord()
	in("adopted.example", "-s", "old", "--adopt").exits(exitDone).says("Connected")
	w.signsWith("adopted.example", "old")
	in("x.example").exits(exitUsage)
	w.runWith(strings.NewReader("nonsense"), "domain", "import", "x.example", "-s", "s", "--key", "-").exits(exitUsage)
	w.run("domain", "import", "x.example", "-s", "s", "--key", t.TempDir()+"/none").exits(exitUsage).warns("none")
}

func TestUser(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com", "-s", "crm")
	w.Run("MA-15", func(t *testing.T) {
		w.ok("user", "set", "ada", "--selector", "crm").says("sasl:ada", "example.com/crm")
		w.run("user", "set", "bob", "--selector", "none").exits(exitRefused).warns("domain list")
	})
	w.Run("MA-1", func(t *testing.T) {
		w.run("user", "set", "eve", "--selector", "crm", "--reauth").exits(exitRefused).warns("re-authenticating")
		w.ok("user", "set", "eve", "--reauth").says("never: re-authenticating user")
	})
	w.Run("MA-16", func(t *testing.T) {
		for _, match := range []string{"sasl-domain:example.org", "ip:192.0.2.0/24", "daemon:SUBMISSION"} {
			w.ok("user", "set", match, "-k", "example.com").says(match, "example.com")
		}
		w.run("user", "set", "ip:192.0.2.1/24", "-k", "example.com").exits(exitUsage).warns("192.0.2.0/24")
	})
	w.ok("user", "set", "fay", "-k", "example.com", "--domains", "shop.example,.example.net", "--fallback-d", "key").says("shop.example,.example.net")
	w.run("user", "set", "fay", "-k", "example.com", "--fallback-d", "from").exits(exitRefused).warns("MA-17", "--domains")
	w.ok("user", "set", "fay", "-k", "example.com", "--domains", "shop.example", "--fallback-d", "from").
		says("sasl:fay", "the sender's, where", "shop.example", "crm._domainkey.shop.example. TXT \"v=DKIM1; k=")
	w.ok("domain", "list").says("shop.example (lent)", "crm", "Pending validation", "postseal domain verify lent:shop.example")
	w.ok("domain", "show", "lent:shop.example").says("crm._domainkey.shop.example")
	w.run("domain", "rotate", "lent:shop.example").exits(exitRefused).warns("user set")
	w.publish("lent:shop.example")
	w.ok("domain", "verify", "lent:shop.example")
	w.ok("user", "list", "--json").says(`"from_as_d": true`)
	w.ok("user", "del", "fay", "-y")
	w.ok("domain", "list").saysNot("shop.example")
	w.run("user", "set", "fay", "--fallback-d", "both").exits(exitUsage)
	w.ok("user", "list").says("USER", "daemon:SUBMISSION", "sasl:ada", "sasl:eve")
	w.ok("user", "list", "--json").says(`"match": "sasl:ada"`)
	w.ok("user", "disable", "ada")
	w.ok("user", "list").says("sasl:ada", "never: disabled")
	w.ok("user", "enable", "ada")
	w.run("user", "del", "ada").exits(exitRefused).warns("--yes")
	w.ok("user", "del", "ada", "-y")
	w.run("user", "del", "ada", "-y").exits(exitRefused).warns("no row sasl:ada")
	w.ok("log", "sasl:ada").says("user set", "user del")
}

func TestHost(t *testing.T) {
	w := newWorld(t)
	w.ok("host", "list").says("HOST", "LAST REPORT", "ROWS")
	for _, name := range []string{"mx1", "mx2"} {
		if err := w.service.HostStarted(t.Context(), domains.Host{Name: name, Process: name + "-1"}); err != nil {
			t.Fatal(err)
		}
	}
	w.ok("domain", "add", "example.com", "--activation", "immediate", "--yes")
	version, err := w.service.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.HostReports(t.Context(), domains.Host{Name: "mx1", Process: "mx1-1", Version: version}, nil); err != nil {
		t.Fatal(err)
	}
	w.ok("host", "list").says("mx1", "present", "mx2", "behind")
	w.ok("host", "list", "--json").says(`"name": "mx1"`, `"name": "mx2"`)
	k, err := dkim.Generate(dkim.Ed25519SHA256, 0)
	if err != nil {
		t.Fatal(err)
	}
	table := domains.TableKey{Domain: "hand.example", Selector: "s1", Print: k.Fingerprint(), Read: func() (*dkim.PrivateKey, error) { return k, nil }}
	if err := w.service.WatchTables(t.Context(), "serve@mx3", domains.Host{Name: "mx3"}, []domains.TableKey{table}, false); err != nil {
		t.Fatal(err)
	}
	w.ok("host", "list").says("mx3", "stopped")
	w.ok("host", "forget", "mx3").says("mx3: forgotten")
	w.ok("domain", "list").saysNot("hand.example")
	w.ok("host", "list").saysNot("mx3")
	if _, err := w.service.HostReports(t.Context(), domains.Host{Name: "mx1", Process: "mx1-twin", Version: version}, nil); err != nil {
		t.Fatal(err)
	}
	w.ok("host", "list").says("mx1 (mx1-1)", "mx1 (mx1-twin)")
	w.run("host", "forget", "mx2").exits(exitRefused).warns("may still be signing", "--yes")
	w.ok("host", "forget", "mx2", "--yes").says("mx2: forgotten")
	w.pass(time.Hour)
	w.ok("host", "forget", "mx1").says("mx1: forgotten")
	w.ok("host", "list").saysNot("mx1", "mx2")
	w.run("host", "forget", "mx1").exits(exitRefused).warns("no host mx1", "host list")
	w.ok("log").says("host forget", "mx2")
}

func TestLog(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com", "-s", "one")
	w.ok("domain", "disable", "example.com")
	w.ok("domain", "add", "other.example")
	w.ok("log", "example.com").says("root  example.com/one  add generated", "keeper@mx1", "ready -> active", "disable: disabled").saysNot("other.example")
	w.ok("log", "-n", "1").says("other.example").saysNot("example.com/one")
	w.ok("log", "--since", "1s", "example.com").says("disabled").saysNot("generated")
	w.ok("log", "--json").says(`"verb": "add"`)
	w.run("log", "--since", "yesterday").exits(exitUsage)
}

func TestKeysList(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com", "-s", "one")
	w.ok("keys", "list").says("DOMAIN", "example.com", "one", "ed25519", "active", "SHA256:")
	w.ok("keys", "list", "--json").says(`"selector": "one"`).saysNot("PRIVATE")
}

// TestHelpDKIM carries all rows of explanation (ruling 51).
func TestHelpDKIM(t *testing.T) {
	r := newWorld(t).ok("help", "dkim")
	for row, texts := range map[string][]string{
		"INF-1":  {"comes from", "signer", "DNS record", "verifier"},
		"INF-2":  {"private key signs", "public key only verifies", "SELECTOR._domainkey.DOMAIN"},
		"INF-3":  {"accountable", "inbox"},
		"KAR-1":  {"beside SPF and DMARC"},
		"KAR-2":  {"the domain attached as its sender", "published in the domain's DNS"},
		"KAR-20": {"saved, where the domain's DNS"},
		"OCR-1":  {"stronger version of SPF", "some more set-up", "only says which servers"},
		"OCR-2":  {"matching public key"},
		"OCR-3":  {"was not changed on the way"},
		"OCR-4":  {"on both sides"},
		"OCR-6":  {"DMARC policy of quarantine or reject"},
		"OCR-7":  {"cannot sign"},
		"TST-1":  {"not changed on the way"},
		"TST-3":  {"looks up the public key in the DNS of the sending domain"},
		"TST-4":  {"Signing is optional"},
		"TST-11": {"address of your own domain"},
		"TST-12": {"subscribed", "no old lists, no bought ones", "below 5 %"},
		"TST-13": {"Structure the content well", "no URL shorteners"},
		"TST-14": {"unsubscribe", "List-Unsubscribe-Post"},
		"MA-2":   {"forges a sender"},
		"MA-4":   {"seen as spam less often", "not the first purpose"},
		"MA-6":   {"verifies the signature"},
		"MA-7":   {"invalid signature is its own configuration"},
		"MA-18":  {"DKIM certificate"},
	} {
		t.Run(row, func(t *testing.T) {
			text := strings.Join(strings.Fields(r.out), " ")
			for _, want := range texts {
				if !strings.Contains(text, want) {
					t.Errorf("no %q", want)
				}
			}
		})
	}
	newWorld(t).ok("--help").says("  domain ", "  keys ", "  log ", "  user ", "postseal dkim")
}
