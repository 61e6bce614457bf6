package domains

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/postseal/postseal/test/internal/place"
)

// TestZoneFile: BIND's checker and Knot read the lines back to the identical records, and postseal finds them live and correct.
func TestZoneFile(t *testing.T) {
	w := newWorld(t)
	w.addKeys()
	wanted := w.wanted()
	zone := fmt.Sprintf(apex, 2) + w.ok("domain", "export", "--all", "--format", "bind")
	w.Write("export.zone", zone)

	w.Tool("", "named-checkzone", "-k", "fail", "example.test", w.Path("export.zone"))
	compiled := txtRecords(w.Tool("", "named-compilezone", "-q", "-s", "full", "-o", "-", "example.test", w.Path("export.zone")))
	for name, text := range wanted {
		if compiled[name] != text {
			t.Errorf("%s: BIND reads %q, want %q", name, compiled[name], text)
		}
	}
	if len(compiled) != len(wanted) {
		t.Errorf("BIND reads %d TXT records, want %d", len(compiled), len(wanted))
	}

	w.Write("example.test.zone", zone)
	w.Tool("", "knotc", "--blocking", "--socket", w.Path("knot.sock"), "zone-reload", "example.test")
	w.published(wanted)
	for _, name := range []string{"example.test", "mail.example.test", "sales@example.test"} {
		out := w.ok("domain", "verify", name)
		if !strings.Contains(out, "The record is live and correct.") {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// TestKeyZone: BIND's checker takes the zone that customers' CNAME records point into, and reads the identical records.
func TestKeyZone(t *testing.T) {
	w := newWorld(t)
	w.ok("domain", "add", "example.test", "--publish", "cname", "--slots", "3", "--algorithm", "rsa,ed25519")
	w.ok("domain", "add", "mail.example.test", "--publish", "cname-shared", "--bits", "4096")
	w.ok("domain", "add", "sales@example.test", "--publish", "cname")
	var wanted []struct{ Zone, Name, Type, Value string }
	w.Must(json.Unmarshal([]byte(w.ok("domain", "export", "--key-zone", "--format", "json")), &wanted))
	if len(wanted) != 6+2+2 {
		t.Errorf("%d records", len(wanted))
	}
	w.Write("keys.zone", w.ok("domain", "export", "--key-zone", "--serial", "2026112201"))
	w.Tool("", "named-checkzone", "-k", "fail", "keys.test", w.Path("keys.zone"))
	full := w.Tool("", "named-compilezone", "-q", "-s", "full", "-o", "-", "keys.test", w.Path("keys.zone"))
	compiled := txtRecords(full)
	for _, r := range wanted {
		if compiled[r.Name] != r.Value {
			t.Errorf("%s: BIND reads %q, want %q", r.Name, compiled[r.Name], r.Value)
		}
	}
	if len(compiled) != len(wanted) || !strings.Contains(full, "dns\\.admin.example.test. 2026112201 ") {
		t.Errorf("BIND reads\n%s", full)
	}
}

// txtRecords reads the TXT records of a zone in BIND's full form: name, TTL, class, type, strings.
func txtRecords(zone string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(zone) {
		fields := strings.Fields(line)
		if len(fields) < 5 || fields[3] != "TXT" {
			continue
		}
		for _, m := range regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(line, -1) {
			all[strings.TrimSuffix(fields[0], ".")] += m[1]
		}
	}
	return all
}

// TestUpdateScript: both clients for dynamic updates take the script, and a second run changes nothing.
func TestUpdateScript(t *testing.T) {
	for _, client := range []string{"nsupdate", "knsupdate"} {
		t.Run(client, func(t *testing.T) {
			w := newWorld(t)
			w.addKeys()
			script := w.ok("domain", "export", "--all", "--format", "nsupdate")
			for range 2 {
				w.Tool(fmt.Sprintf("server 127.0.0.1 %d\n", w.Port)+script, client)
				w.published(w.wanted())
			}
			w.ok("domain", "delete", "mail.example.test/big.2026", "--yes") // never signed: it may go at once
			w.Tool(fmt.Sprintf("server 127.0.0.1 %d\n", w.Port)+w.ok("domain", "export", "mail.example.test", "--format", "nsupdate"), client)
			if got := w.Texts("big.2026._domainkey.mail.example.test"); got != nil {
				t.Errorf("still there: %q", got)
			}
		})
	}
}

// TestRootBecomesTheOwner: what root does at the command line belongs to the service user (ruling 32).
func TestRootBecomesTheOwner(t *testing.T) {
	w := newWorld(t)
	w.ok("domain", "add", "example.test", "--algorithm", "ed25519")
	for _, name := range []string{"db/postseal.db", "identity/identity"} {
		info, err := os.Stat(w.Path(name))
		w.Must(err)
		if uid := info.Sys().(*syscall.Stat_t).Uid; uid != place.Nobody {
			t.Errorf("%s belongs to uid %d", name, uid)
		}
	}
	if out := w.ok("log"); !strings.Contains(out, "root  example.test/") {
		t.Errorf("the journal has another actor:\n%s", out)
	}
}
