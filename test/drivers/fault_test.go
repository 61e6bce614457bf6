package drivers

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// servers are those that take updates.
var servers = []struct {
	name  string
	start func(w *world)
}{
	{"BIND", func(w *world) { w.bind() }},
	{"Knot", func(w *world) { w.knot() }},
}

// TestRefusedUpdates: whatever is wrong between postseal and a server is told with what to do about it, and once it is right the
// same command does what it was asked for.
func TestRefusedUpdates(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s.start(w)
			w.configure(w.updates())
			w.ok("domain", "add", zone, "--driver", "ns", "--selector", "one", "--algorithm", "ed25519", "--withhold")
			publish := []string{"domain", "publish", zone, "--yes"}
			const name = "one._domainkey.example.test"

			w.says(w.ok("domain", "publish", zone, "--dry-run"), "+ "+name+"  TXT  v=DKIM1; k=ed25519")
			if got := w.text(name); got != "" {
				t.Errorf("a dry run has written %q", got)
			}
			w.writeKey("ddns.key", "postseal.example", secretOf('x'))
			w.says(w.exits(6, publish...), "BADSIG", "secret of the key postseal.example")
			w.writeKey("ddns.key", "somebody.example", secretOf('s'))
			w.says(w.exits(6, publish...), "BADKEY", "does not know the key somebody.example")
			w.Must(os.Chmod(w.Path("ddns.key"), 0o644))
			w.says(w.exits(6, publish...), "mode 0644", "chmod o-rwx")
			w.writeKey("ddns.key", "postseal.example", secretOf('s'))

			w.server.Stop()
			w.says(w.exits(6, publish...), "cannot be reached", "see that it runs")
			w.says(w.ok("domain", "show", zone), "FAILED", "cannot be reached")
			w.run()
			w.says(w.ok(publish...), "+ "+name)
			if got, want := w.text(name), w.record(zone, "one"); got != want {
				t.Errorf("DNS has %q, want %q", got, want)
			}
			w.says(w.ok(publish...), "= "+name)
		})
	}
}

// TestNotItsZone: a zone that the server does not have, and one where the key may not write.
func TestNotItsZone(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s.start(w)
			w.configure(strings.Replace(w.updates(), "type =", "zones = [\"example.test\", \"closed.test\", \"missing.test\"]\ntype =", 1))
			text, err := os.ReadFile(w.Path("postseal.toml"))
			w.Must(err)
			w.Write("postseal.toml", strings.Replace(string(text), "zones = [\"example.test\"]\n", "", 1))
			w.ok("domain", "add", "missing.test", "--driver", "ns", "--algorithm", "ed25519", "--offline")
			w.says(w.exits(6, "domain", "publish", "missing.test", "--yes"), "missing.test", "the name server 127.0.0.1")
			if s.name == "BIND" {
				w.ok("domain", "add", "closed.test", "--driver", "ns", "--algorithm", "ed25519", "--offline")
				w.says(w.exits(6, "domain", "publish", "closed.test", "--yes"), "REFUSED", "allow-update or update-policy")
			}
			w.says(w.exits(3, "domain", "add", "elsewhere.test", "--driver", "ns"), "may not write elsewhere.test")
		})
	}
}

// TestClockSkew: a server whose clock is an hour ahead.
func TestClockSkew(t *testing.T) {
	w := newWorld(t)
	w.knot("faketime", "-f", "+1h")
	w.configure(w.updates())
	w.ok("domain", "add", zone, "--driver", "ns", "--algorithm", "ed25519")
	w.says(w.exits(6, "domain", "publish", zone, "--yes"), "BADTIME", "set them by NTP", "it says 20")
}

// TestZoneFileFaults: a reload that fails, a file that is read-only, a line that a person changed.
func TestZoneFileFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knot()
	w.configure(w.zoneFile())
	w.ok("domain", "add", zone, "--driver", "ns", "--selector", "one", "--algorithm", "ed25519")
	publish := []string{"domain", "publish", zone, "--yes"}
	file := w.Path("zones/example.test.zone")

	w.Must(os.Chmod(file, 0o444))
	w.says(w.exits(6, publish...), "read-only", "chmod u+w")
	w.Must(os.Chmod(file, 0o644))

	w.Must(os.Chmod(w.Path("knot.sock"), 0o600))
	w.says(w.exits(6, publish...), "the file is written, and the server could not be told", "knotc")
	if got := w.text("one._domainkey.example.test"); got != "" {
		t.Errorf("DNS has %q already", got)
	}
	w.Must(os.Chmod(w.Path("knot.sock"), 0o666))
	w.ok(publish...)
	w.holds("one._domainkey.example.test", w.record(zone, "one"))

	text, err := os.ReadFile(file)
	w.Must(err)
	w.Write("zones/example.test.zone", strings.Replace(string(text), "v=DKIM1", "v=DKIM2", 1))
	w.ok("domain", "add", "mail.example.test", "--driver", "ns", "--selector", "two", "--algorithm", "ed25519")
	w.says(w.exits(6, "domain", "publish", "mail.example.test", "--yes"), "somebody changed the lines that postseal writes")
	w.Write("zones/example.test.zone", string(text))
	w.ok("domain", "publish", "mail.example.test", "--yes")
	w.holds("two._domainkey.mail.example.test", w.record("mail.example.test", "two"))
	w.Tool("", "named-checkzone", "-k", "fail", zone, file)
}

// TestWildcard: a wildcard is no record of somebody at the name, whatever it answers.
func TestWildcard(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Write("zones/example.test.zone", apex+"*.example.test. IN TXT \"somebody's wildcard\"\n")
			s.start(w)
			w.configure(w.updates())
			w.ok("domain", "add", zone, "--driver", "ns", "--selector", "one", "--algorithm", "ed25519")
			w.ok("domain", "publish", zone, "--yes")
			w.holds("one._domainkey.example.test", w.record(zone, "one"))
			w.holds("any.example.test", "somebody's wildcard")
		})
	}
}

// TestKeyZone: the zone that CNAME records point into is made and written.
func TestKeyZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knot()
	w.configure(strings.Replace(w.zoneFile(), "type =", "type =", 1), fmt.Sprintf(`
[[driver]]
name = "keys"
type = "zonefile"
zones = ["dkim.example.net"]
path = "%s/%%.zone"
[key_zone]
name = "dkim.example.net"
driver = "keys"
name_servers = ["ns1.example.net"]
`, w.Path("zones")))
	w.ok("domain", "add", zone, "--publish", "cname", "--algorithm", "ed25519", "--offline")
	w.says(w.ok("domain", "publish", "--key-zone", "--yes"), "+ pse1.example-test.dkim.example.net  TXT", "+ pse2.example-test.dkim.example.net  TXT  v=DKIM1; p=")
	w.Tool("", "named-checkzone", "-k", "fail", "dkim.example.net", w.Path("zones/dkim.example.net.zone"))
	w.says(w.ok("domain", "publish", "--key-zone", "--yes"), "= pse1.example-test.dkim.example.net")
}
