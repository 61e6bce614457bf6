package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/domains/sources"
)

// files is a system of files and no programs.
type files map[string]string

func (f files) ReadFile(path string) ([]byte, error) {
	if text, ok := f[path]; ok {
		return []byte(text), nil
	}
	return nil, fs.ErrNotExist
}

func (files) Run(context.Context, string, ...string) ([]byte, error) { return nil, fs.ErrNotExist }

// having runs a command of a store that is changed before.
func (w *world) having(change func(*store), args ...string) result {
	w.Helper()
	var out, err bytes.Buffer
	code := runOn(w.Context(), args, stdio{in: strings.NewReader(""), out: &out, err: &err}, func(ctx context.Context, io stdio, path string) (*store, error) {
		s, err := w.open(ctx, io, path)
		change(s)
		return s, err
	})
	return result{w, code, out.String(), err.String()}
}

// reading lets a store read these files as sources.
func reading(system files, entries ...string) func(*store) {
	return func(s *store) {
		s.sources = func(ctx context.Context) []sources.Report { return sources.Read(ctx, system, entries, dawn) }
	}
}

func TestDomainCandidates(t *testing.T) {
	w := newWorld(t)
	if err := w.service.Seen(t.Context(), []domains.Sighting{{Domain: "shop.example", Source: "mail", Count: 7, Last: dawn}}); err != nil {
		t.Fatal(err)
	}
	w.ok("domain", "add", "managed.example")
	system := files{"/users": "ada@shop.example\nbob@zebra.example\neve@zebra.example\nmanaged.example\n"}
	both := reading(system, "postfix", "sendmail", "file:/users")
	w.Run("INF-10", func(t *testing.T) {
		r := w.having(both, "domain", "candidates").exits(exitDone)
		r.says("DOMAIN", "SOURCE", "COUNT", "LAST SEEN", "shop.example", "file:/users", "1", "2026-11-22", "shop.example", "mail", "7", "zebra.example", "file:/users", "2", "domain add zebra.example")
		r.saysNot("managed.example")
		w.run("domain", "add", "--pick").exits(exitRefused).warns("no terminal", "postseal domain candidates")
		w.run("domain", "add", "--pick", "example.com").exits(exitUsage)
	})
	w.Run("INF-19", func(t *testing.T) {
		w.having(both, "domain", "candidates").exits(exitDone).saysNot("new.example")
		more := files{"/users": system["/users"] + "new@new.example\n"}
		w.having(reading(more, "file:/users"), "domain", "candidates").exits(exitDone).says("new.example", "file:/users")
	})
	w.Run("OCR-11", func(t *testing.T) {
		r := w.having(both, "domain", "list").exits(exitDone)
		r.says("managed.example", "Pending validation", "shop.example", "Not set up", "zebra.example", "Not set up", "postseal domain add zebra.example")
		if strings.Count(r.out, "Not set up") != 2 {
			t.Errorf("a domain has several rows:\n%s", r.out)
		}
	})
	w.Run("JSON", func(t *testing.T) {
		var list []domains.Candidate
		r := w.having(both, "domain", "candidates", "--json").exits(exitDone)
		if err := json.Unmarshal([]byte(r.out), &list); err != nil || len(list) != 3 || list[2].Domain != "zebra.example" || list[2].Count != 2 {
			t.Errorf("%v: %+v", err, list)
		}
		r = newWorld(t).having(reading(nil), "domain", "candidates", "--json").exits(exitDone)
		if strings.TrimSpace(r.out) != "[]" {
			t.Errorf("none is %q", r.out)
		}
	})
	w.Run("what cannot be read", func(t *testing.T) {
		bad := reading(files{"/users": "ada@shop.example\n\x1b[2J\n"}, "file:/gone", "file:/users")
		r := w.having(bad, "domain", "candidates").exits(exitWarnings).warns("file:/gone: file does not exist", "file:/users: ", "/users:2")
		r.says("shop.example", "file:/users")
		if strings.Contains(r.err, "\x1b") {
			t.Errorf("it talks to the terminal: %q", r.err)
		}
		w.having(bad, "domain", "list").exits(exitDone).warns("`postseal domain candidates` tells").says("shop.example")
	})
}

// TestDomainListKeytable: keys of the key table that are watched are told from
// managed ones, and can be looked at.
func TestDomainListKeytable(t *testing.T) {
	w := newWorld(t)
	private, err := dkim.Generate(dkim.Ed25519SHA256, 0)
	if err != nil {
		t.Fatal(err)
	}
	k := domains.TableKey{Domain: "example.com", Selector: "file", Print: private.Fingerprint(), Read: func() (*dkim.PrivateKey, error) { return private, nil }}
	if err == nil {
		err = w.service.WatchTables(t.Context(), "root", domains.Host{Name: "mx1"}, []domains.TableKey{k}, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.connected("other.example")
	w.ok("domain", "list").says("other.example", "Connected", "example.com (keytable)", "file", "postseal domain verify table:example.com")
	w.ok("domain", "list", "--wide").says("example.com (keytable)", "file._domainkey.example.com")
	w.ok("domain", "list", "--json").says(`"name": "table:example.com"`)
	w.ok("domain", "show", "table:example.com").says("file._domainkey.example.com")
	w.run("domain", "verify", "table:example.com").exits(exitFinding).says("not live")
	w.ok("domain", "records", "--all").says("file._domainkey.example.com")
	w.run("domain", "rotate", "table:example.com").exits(exitRefused).warns("in-the-tables")
	w.run("domain", "show", "table:nonsense").exits(exitUsage)
	w.publish("table:example.com")
	w.live(2 * time.Hour)
	w.ok("domain", "list").says("other.example", "Connected", "example.com (keytable)", "Connected")
	r := w.ok("domain", "rotate", "--all").says("other.example: made")
	if strings.Contains(r.err, "in-the-tables") {
		t.Errorf("it would change the key table: %s", r.err)
	}
}

func TestDomainDryRun(t *testing.T) {
	w := newWorld(t)
	w.ok("domain", "add", "example.com", "--dry-run", "-s", "one").says("example.com: would make a key like one, ed25519; it would sign once DNS has confirmed it").saysNot("v=DKIM1")
	w.run("domain", "show", "example.com").exits(exitRefused)
	w.ok("domain", "add", "example.com", "--dry-run", "--activation", "immediate").warns("OCR-22").says("would sign at once")
	w.ok("domain", "add", "example.com", "--dry-run", "--activation", "manual").says(`"enable"`)
	w.ok("domain", "add", "example.com", "--dry-run", "--withhold").says("would wait until its records are asked for")
	w.ok("domain", "add", "example.com", "--dry-run", "--json", "-s", "one").says(`"dry_run": true`, `"selector": "one"`, `"state": "pending"`).saysNot("record")
	w.run("domain", "add", "example.com", "--dry-run", "-b", "1024", "-a", "rsa").exits(exitWarnings).warns("weak")
	w.run("domain", "add", "www.example.com", "--dry-run").exits(exitUsage)
	w.dns["taken._domainkey.example.com"] = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	w.run("domain", "add", "example.com", "--dry-run", "-s", "taken").exits(exitRefused).warns("D105")

	w.ok("domain", "add", "waits.example", "-s", "one")
	w.ok("domain", "regenerate", "waits.example", "--dry-run").says("would sign once DNS has confirmed it").saysNot("stays as it is")
	w.connected("example.com", "-s", "one")
	w.run("domain", "add", "example.com", "--dry-run").exits(exitRefused).warns("already-managed")
	w.ok("domain", "rotate", "example.com", "--dry-run", "-s", "two").says("would make a key like two", "until then everything stays as it is")
	w.ok("domain", "regenerate", "example.com", "--dry-run", "-s", "two").says("would make a key like two")
	w.ok("domain", "regenerate", "example.com", "--dry-run", "--in-place").warns("OCR-23").says("would make a key like one", "would sign at once")
	w.run("domain", "rotate", "example.com", "--dry-run", "--abort").exits(exitUsage)
	w.signsWith("example.com", "one")
	w.ok("domain", "list").says("example.com", "one ", "Connected").saysNot("rotating")
}

func TestDomainRotateMany(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a.example", "b.example", "c.example"} {
		w.connected(name)
	}
	w.Run("due", func(t *testing.T) {
		w.ok("domain", "rotate", "--due").warns("no domain is due")
		w.ok("domain", "set", "b.example", "--rotate-every", "720h")
		w.pass(31 * 24 * time.Hour)
		w.ok("domain", "rotate", "--due", "--dry-run").says("b.example: would make").saysNot("a.example")
		w.ok("domain", "rotate", "--due").says("b.example: made").saysNot("a.example", "c.example")
		w.ok("domain", "rotate", "--due").warns("no domain is due")
		w.run("domain", "rotate", "--due", "a.example").exits(exitUsage)
		w.run("domain", "rotate", "--due", "--all").exits(exitUsage)
		w.run("domain", "rotate", "--due", "--abort").exits(exitUsage)
	})
	w.Run("one cannot", func(t *testing.T) {
		w.run("domain", "rotate", "a.example", "b.example", "c.example").exits(exitRefused).warns("b.example: refused: b.example is being rotated already").
			says("a.example: made", "c.example: made")
	})
	w.Run("OCR-22", func(t *testing.T) {
		w.ok("domain", "add", "now.example", "--activation", "immediate", "--yes", "-s", "one")
		w.run("domain", "rotate", "now.example", "-s", "two").exits(exitRefused).warns("worse than unsigned mail", "--yes", "OCR-22")
		w.signsWith("now.example", "one")
		w.ok("domain", "rotate", "now.example", "-s", "two", "--yes").warns("OCR-22").says("Signing, not verified")
		w.signsWith("now.example", "two")
	})
}

func TestLogFollow(t *testing.T) {
	w := newWorld(t)
	w.ok("domain", "add", "first.example")
	w.ok("domain", "add", "second.example")
	turns := 0
	follow := func(s *store) {
		turns = 0
		s.wait = func(context.Context, time.Duration) error {
			switch turns++; turns {
			case 1:
				w.ok("domain", "disable", "second.example")
			case 3:
				w.ok("domain", "enable", "second.example")
			case 4:
				return errors.New("interrupted")
			}
			return nil
		}
	}
	r := w.having(follow, "log", "--follow", "-n", "1").exits(exitDone)
	r.says("second.example/", "disable: ", "enable: ").saysNot("first.example")
	if strings.Count(r.out, "disable: ") != 1 {
		t.Errorf("told twice:\n%s", r.out)
	}
	r = w.having(follow, "log", "-f", "--json", "second.example").exits(exitDone)
	for line := range strings.Lines(r.out) {
		var e domains.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Domain != "second.example" {
			t.Errorf("%v: %s", err, line)
		}
	}
	r.says("disable", "enable")
}
