package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

func TestDomainAdd(t *testing.T) {
	w := newWorld(t)
	r := w.ok("domain", "add", "Example.COM.")
	k := w.key("example.com")
	name := k.Selector + "._domainkey.example.com"
	w.Run("INF-4", func(t *testing.T) {
		t.Setenv("PATH", "") // no program of others makes the pair
		if _, err := exec.LookPath("openssl"); err == nil {
			t.Fatal("openssl is still found")
		}
		w.ok("domain", "add", "inf-4.example")
		if w.key("inf-4.example").Record == "" {
			t.Error("no key")
		}
	})
	w.Run("INF-9", func(t *testing.T) { r.says("example.com: made "+k.Selector, "Pending validation") })
	w.Run("INF-11", func(t *testing.T) {
		r.says("the host (sometimes called Name)\n       "+k.Selector+"._domainkey\n", name)
	})
	w.Run("INF-23", func(t *testing.T) {
		w.ok("domain", "add", "two.example")
		if other := w.key("two.example").Selector; other == k.Selector {
			t.Errorf("%s twice", other)
		}
		uuid, err := domains.NewSelector("{uuid}", "example.com", dawn)
		if err != nil || len(uuid) != 36 {
			t.Errorf("%s: %v", uuid, err)
		}
	})
	w.Run("KAR-4", func(t *testing.T) { r.says(k.Record) })
	w.Run("KAR-8", func(t *testing.T) {
		w.ok("domain", "add", "kar-8.example")
		if w.key("kar-8.example").Print == k.Print {
			t.Error("two domains have one key")
		}
	})
	w.Run("KAR-12", func(t *testing.T) { w.ok("domain", "list").says("example.com", k.Selector) })
	w.Run("KAR-13", func(t *testing.T) { r.says("In postseal", " 1. ", "At your DNS provider", name, k.Record, " 4. ") })
	w.Run("KAR-14", func(t *testing.T) {
		first := w.ok("domain", "records", "example.com", "--guide").out
		if again := w.ok("domain", "records", "example.com", "--guide").out; again != first || !strings.Contains(r.out, first) {
			t.Errorf("shown again it is\n%s", again)
		}
	})
	w.Run("OCR-16", func(t *testing.T) {
		record, err := dkim.ParseKeyRecord(k.Record)
		private, privateErr := w.service.Private(t.Context(), k.ID)
		if err != nil || privateErr != nil || !record.Public.Equal(private.Public()) {
			t.Errorf("%v, %v", err, privateErr)
		}
	})
	w.Run("OCR-12", func(t *testing.T) { w.ok("domain", "add", "marketing.example").says("marketing.example: made") })
	w.Run("OCR-20", func(t *testing.T) {
		w.ok("domain", "add", "support.example", "--selector", "help").says("help._domainkey.support.example")
	})
	w.Run("MA-11", func(t *testing.T) {
		w.run("domain", "add", "ma-11.example", "--selector", "s1", "--bits", "1024", "--algorithm", "rsa").exits(exitWarnings)
		k := w.key("ma-11.example")
		if _, err := w.service.Private(t.Context(), k.ID); err != nil || k.Bits != 1024 || k.Selector != "s1" {
			t.Errorf("%+v: %v", k, err)
		}
	})
	w.Run("MA-13", func(t *testing.T) { r.says(name) })
	w.Run("MA-14", func(t *testing.T) { r.says("new TXT record") })
	w.Run("both algorithms", func(t *testing.T) {
		w.run("domain", "add", "both.example", "-a", "rsa,ed25519", "-b", "1024").exits(exitWarnings).says("rsa 1024 bit", "ed25519", "Record 1 of 2", "Record 2 of 2")
	})
	w.Run("twice", func(t *testing.T) {
		w.run("domain", "add", "example.com").exits(exitRefused).warns("already-managed", "rotate")
	})
	w.Run("JSON", func(t *testing.T) {
		var sheet map[string]any
		if err := json.Unmarshal([]byte(w.ok("domain", "add", "json.example", "--json").out), &sheet); err != nil || sheet["domain"] != "json.example" {
			t.Errorf("%v: %v", err, sheet)
		}
	})
	w.Run("nothing private", func(t *testing.T) { r.saysNot("PRIVATE") })
}

func TestDomainInput(t *testing.T) {
	w := newWorld(t)
	w.Run("KAR-11", func(t *testing.T) {
		for input, part := range map[string]string{
			"www.example.com":          `leave out "www."`,
			"http://example.com/":      `leave out "http://"`,
			"@example.com":             "address",
			"example.com/index.html":   `leave out "/index.html"`,
			"example.com:25":           `leave out ":25"`,
			"exam ple.com":             `leave out " ple.com"`,
			"*.example.com":            "wildcard",
			"192.0.2.1":                "IP address",
			"":                         "empty",
			strings.Repeat("a.", 200):  "",
			"example":                  "two labels",
			strings.Repeat("a", 2000):  "too long",
			"b\u00fccher\u2024example": "",
		} {
			w.run("domain", "add", "--", input).exits(exitUsage).warns(part)
		}
		w.ok("domain", "add", "www.example.com", "--allow-www")
		w.ok("domain", "show", "www.example.com") // no need to say so twice
		w.ok("domain", "records", "www.example.com")
		w.ok("domain", "add", "Bücher.example").says("bücher.example (xn--bcher-kva.example)", "_domainkey.xn--bcher-kva.example")
		w.ok("domain", "records", "bücher.example")
	})
	w.Run("OCR-14", func(t *testing.T) {
		w.ok("domain", "add", "ocr.example", "--selector", "mail.2026-q1").says("mail.2026-q1._domainkey.ocr.example")
		for _, bad := range []string{"-x", "a_b", strings.Repeat("a", 64), "a..b", "ü"} {
			w.run("domain", "add", "bad.example", "--selector="+bad).exits(exitUsage).warns("selector")
		}
		w.ok("domain", "add", "relaxed.example", "--selector", "a_b", "--relaxed-selector")
	})
	w.Run("MA-12", func(t *testing.T) { w.ok("domain", "add", "ma.example", "-s", "yourselector-2022") })
	w.Run("OCR-15", func(t *testing.T) {
		for _, verb := range []string{"add", "set", "regenerate", "rotate"} {
			for _, flag := range []string{"--value=x", "--record=x", "--public=x", "--p=x"} {
				w.run("domain", verb, "ocr.example", flag).exits(exitUsage).warns("unknown flag")
			}
		}
	})
	w.Run("MA-10", func(t *testing.T) {
		w.run("domain", "add", "tiny.example", "-a", "rsa", "-b", "512").exits(exitUsage).warns("1024")
		w.run("domain", "add", "small.example", "-a", "rsa", "-b", "1024").exits(exitWarnings).warns("weak")
		w.ok("domain", "add", "usual.example", "-a", "rsa").says("rsa 2048 bit", "strings of at most 255")
	})
	w.Run("words", func(t *testing.T) {
		w.run("domain", "add", "x.example", "--activation", "soon").exits(exitUsage).warns("verified, manual or immediate")
		w.run("domain", "add", "x.example", "--publish", "mail").exits(exitUsage).warns("txt, cname or cname-shared")
		w.run("domain", "add", "x.example", "-a", "dsa").exits(exitUsage).warns("rsa or ed25519")
		w.run("domain", "add").exits(exitUsage)
		w.run("domain", "records").exits(exitUsage).warns("--all")
		w.run("domain", "records", "ma.example", "--all").exits(exitUsage)
		w.run("domain", "records", "ma.example", "-f", "yaml").exits(exitUsage).warns("nsupdate")
		w.run("domain", "nonsense").exits(exitUsage).warns("unknown command")
	})
}

func TestDomainList(t *testing.T) {
	w := newWorld(t)
	err := w.service.Seen(t.Context(), []domains.Sighting{
		{Domain: "zebra.example", Source: "mail", Count: 3, Last: dawn}, {Domain: "apple.example", Source: "users", Count: 1, Last: dawn},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.ok("domain", "add", "pending.example")
	w.connected("connected.example")
	w.connected("broken.example")
	delete(w.dns, w.key("broken.example").Selector+"._domainkey.broken.example")
	w.live(2 * 24 * time.Hour)
	w.connected("off.example")
	w.ok("domain", "disable", "off.example")
	w.ok("domain", "request", "wanted.example", "--contact", "ada@wanted.example")
	list := w.ok("domain", "list", "--color", "always")
	plain := w.ok("domain", "list")
	w.Run("INF-8", func(t *testing.T) {
		plain.says("DOMAIN", "SELECTOR", "STATUS", "NEXT STEP", "broken.example", "Error", "connected.example", "Connected", "off.example", "Disabled",
			"pending.example", "Pending validation", "wanted.example", "Requested")
	})
	w.Run("INF-33", func(t *testing.T) {
		plain.says("postseal domain verify broken.example", "postseal domain enable off.example", "postseal domain verify pending.example", "postseal domain add wanted.example")
	})
	w.Run("INF-10", func(t *testing.T) {
		w.ok("domain", "candidates").says("apple.example", "users", "zebra.example", "mail", "3").saysNot("pending.example")
	})
	w.Run("OCR-11", func(t *testing.T) {
		plain.says("wanted.example", "apple.example", "Not set up", "postseal domain add apple.example", "zebra.example", "Not set up")
	})
	w.Run("KAR-25", func(t *testing.T) { list.says("\x1b[33mPending validation\x1b[0m") })
	w.Run("KAR-27", func(t *testing.T) { list.says("\x1b[32mConnected\x1b[0m") })
	w.Run("KAR-28", func(t *testing.T) {
		list.says("broken.example", "\x1b[31mError\x1b[0m", "D101 the name does not exist", "fix: publish the record")
	})
	w.Run("KAR-29", func(t *testing.T) { plain.says("STATUS", "Error", "Connected", "Pending validation") })
	w.Run("OCR-13", func(t *testing.T) {
		k := w.key("connected.example")
		w.ok("domain", "list", "--wide").says("EMAIL DOMAIN", "SELECTOR", "DNS RECORD NAME", "DNS VALUE",
			"connected.example", k.Selector, k.Selector+"._domainkey.connected.example", "Connected", k.Record)
	})
	w.Run("OCR-10", func(t *testing.T) {
		w.ok("domain", "list", "--wide").says("pending.example", "wanted.example", "zebra.example", "Not set up")
	})
	w.Run("status", func(t *testing.T) {
		w.ok("domain", "list", "--status", "pending").says("pending.example").saysNot("connected.example", "zebra.example")
	})
	w.Run("colours", func(t *testing.T) {
		plain.saysNot("\x1b")
		w.run("domain", "list", "--color", "blue").exits(exitUsage)
	})
	w.Run("JSON", func(t *testing.T) {
		var l listed
		if err := json.Unmarshal([]byte(w.ok("domain", "list", "--json").out), &l); err != nil || len(l.Domains) != 5 || len(l.Candidates) != 2 {
			t.Errorf("%v: %d, %d", err, len(l.Domains), len(l.Candidates))
		}
	})
}

func TestDomainRequest(t *testing.T) {
	w := newWorld(t)
	w.Run("TST-10", func(t *testing.T) {
		w.ok("domain", "request", "example.com", "--contact", "hostmaster@example.com").says("Requested")
		if d := w.detail("example.com"); len(d.Keys) != 0 {
			t.Errorf("%d keys", len(d.Keys))
		}
		w.ok("domain", "list").says("example.com", "Requested")
		w.ok("domain", "add", "example.com").says("Pending validation")
	})
	w.Run("TST-7", func(t *testing.T) {
		w.ok("domain", "show", "example.com").says("waiting for hostmaster@example.com", "contact")
	})
	w.Run("OCR-9", func(t *testing.T) {
		w.ok("domain", "records", "example.com", "--email").says("To: hostmaster@example.com", "Subject:", w.key("example.com").Record)
	})
	w.Run("TST-15", func(t *testing.T) {
		n := w.notices(domains.KeyRecords)
		if len(n) != 1 || n[0].Contact != "hostmaster@example.com" || !strings.Contains(n[0].Text, w.key("example.com").Record) {
			t.Errorf("%+v", n)
		}
		w.ok("domain", "records", "example.com", "--share").says(w.key("example.com").Record)
	})
}

func TestDomainShow(t *testing.T) {
	w := newWorld(t)
	w.connected("example.com", "--on-missing", "keep", "--subdomains")
	r := w.ok("domain", "show", "example.com")
	w.Run("INF-2", func(t *testing.T) {
		r.says("_domainkey.example.com", "public", "SHA256:", "verifies", "private", "sealed (signs)")
	})
	r.says("Connected", "settings", "keep", "below the domain", "made", "verified", "activated", "health       ok", "journal", "add generated", "pending -> ready", "ready -> active")
	r.saysNot("PRIVATE")
	w.ok("domain", "show", "example.com", "--json").says(`"status": {`, `"word": "connected"`).saysNot("PRIVATE")
	w.run("domain", "show", "unknown.example").exits(exitRefused).warns("postseal domain add unknown.example")
}

// TestDomainNoControl: what outsiders write does not talk to the terminal.
func TestDomainNoControl(t *testing.T) {
	w := newWorld(t)
	w.ok("domain", "add", "evil.example", "--selector", "s1")
	w.dns["s1._domainkey.evil.example"] = "v=DKIM1; p=\x1b[2J\nx"
	w.live(time.Hour)
	w.ok("domain", "show", "evil.example").says("[2J")
	for _, verb := range []string{"show", "list", "records"} {
		args := []string{"domain", verb, "evil.example"}
		if verb == "list" {
			args = args[:2]
		}
		w.ok(args...).saysNot("\x1b")
	}
	w.ok("log", "evil.example").saysNot("\x1b")
}
