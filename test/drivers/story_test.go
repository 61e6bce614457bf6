package drivers

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/place"
)

// TestLife: a driver publishes a key, DNS confirms it, the next one takes over, the record of the retired one goes, and what
// somebody else wrote stays; with nobody at the keyboard but for the commands that start it.
func TestLife(t *testing.T) {
	for _, test := range []struct {
		name    string
		start   func(w *world)
		foreign func(w *world, name, text string) // somebody else writes a record
		retired string                            // what is left of the record of a retired key
		more    string
	}{
		{"BIND by updates", func(w *world) { w.bind(); w.configure(w.updates()) }, byNsupdate, "v=DKIM1; p=", ""},
		{"Knot by updates", func(w *world) { w.knot(); w.configure(w.updates()+"tcp = false\n", deleting) }, byKnotc, "", deleting},
		{"Knot by zone file", func(w *world) { w.knot(); w.configure(w.zoneFile(), deleting) }, byHand, "", deleting},
		{"Knot by a program", func(w *world) { w.knot(); w.configure(w.program(), deleting) }, byKnotc, "", deleting},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.start(w)
			test.foreign(w, "taken._domainkey.mail.example.test", "theirs; \"quoted\"")
			w.serve()
			w.ok("domain", "add", zone, "--driver", "ns", "--selector", "one", "--bits", "2048")
			w.ok("domain", "add", "mail.example.test", "--driver", "ns", "--selector", "taken", "--algorithm", "ed25519", "--offline")
			one := w.record(zone, "one")
			w.holds("one._domainkey.example.test", one)

			w.says(w.exits(3, "domain", "publish", "mail.example.test", "--yes"), "! taken._domainkey.mail.example.test", "did not write", "theirs")
			if s := w.show("mail.example.test").Status; !strings.Contains(s.Text, "did not write") {
				t.Errorf("the status says %q", s.Text)
			}

			w.becomes("one", "active")
			w.ok("domain", "rotate", zone, "--selector", "two")
			w.holds("two._domainkey.example.test", w.record(zone, "two"))
			w.holds("one._domainkey.example.test", one)
			w.becomes("two", "active")
			w.ok("domain", "delete", zone+"/one", "--now", "--yes")
			w.holds("one._domainkey.example.test", test.retired)
			w.ok("domain", "compromised", zone+"/two", "--yes")
			w.holds("two._domainkey.example.test", "v=DKIM1; p=")

			w.ok("domain", "delete", "mail.example.test", "--yes")
			w.says(w.ok("domain", "publish", zone, "--dry-run"), "= two._domainkey.example.test")
			if got := w.text("taken._domainkey.mail.example.test"); got != "theirs; \"quoted\"" {
				t.Errorf("somebody's record is %q", got)
			}
		})
	}
}

const deleting = "[domains]\nrevoke_style = \"delete\"\n"

// zoneFile is the driver that writes Knot's zone file.
func (w *world) zoneFile() string {
	w.Must(os.Chown(w.Path("zones/example.test.zone"), place.Nobody, place.Nobody))
	return fmt.Sprintf("type = \"zonefile\"\npath = \"%s/%%.zone\"\nreload = [\"/usr/sbin/knotc\", \"--blocking\", \"--socket\", \"%s\", \"zone-reload\", \"%%\"]\n", w.Path("zones"), w.Path("knot.sock"))
}

// program is the driver that runs a program, which has Knot make the changes.
func (w *world) program() string {
	w.Write("api.py", api)
	return fmt.Sprintf("type = \"exec\"\ncommand = [\"/usr/bin/python3\", \"%s\", \"%s\"]\n", w.Path("api.py"), w.Path("knot.sock"))
}

// api is a program as docs/drivers.md wants it: on Knot's control socket instead of a provider's API.
const api = `
import json, re, subprocess, sys

def knotc(*args):
    return subprocess.run(["/usr/sbin/knotc", "--blocking", "--socket", sys.argv[1], *args], capture_output=True, text=True)

def standing(zone, name):
    found = []
    for kind in ("TXT", "CNAME"):
        answer = knotc("zone-read", zone + ".", name + ".", kind)
        if answer.returncode != 0:
            continue  # no such name, or no such record
        for line in answer.stdout.splitlines():
            value = line.split(None, 4)[4]  # [zone] name ttl type value
            if kind == "TXT":
                value = "".join(json.loads('"%s"' % s) for s in re.findall(r'"((?:[^"\\]|\\.)*)"', value))
            found.append({"name": name, "type": kind, "value": value})
    return found

order = json.load(sys.stdin)
zone = order["zone"]
if order["action"] == "plan":
    print(json.dumps({"records": [r for name in order["names"] for r in standing(zone, name)]}))
    sys.exit(0)
results = []
for c in order["changes"]:
    result = {"name": c["name"], "type": c["type"], "done": False}
    results.append(result)
    if [r["value"] for r in standing(zone, c["name"])] != [r["value"] for r in c["was"]]:
        result["foreign"] = True
        continue
    knotc("zone-begin", zone + ".")
    if c["was"]:
        knotc("zone-unset", zone + ".", c["name"] + ".", c["type"])
    if c["do"] != "remove":
        text = c["value"]
        pieces = " ".join('"%s"' % text[i:i+255] for i in range(0, len(text), 255))
        knotc("zone-set", zone + ".", c["name"] + ".", str(c["ttl"]), c["type"], pieces)
    done = knotc("zone-commit", zone + ".")
    result["done"] = done.returncode == 0
    result["error"] = done.stderr
print(json.dumps({"results": results}))
`

func byNsupdate(w *world, name, text string) {
	w.Helper()
	w.Tool(fmt.Sprintf("server 127.0.0.1 %d\nzone example.test.\nupdate add %s. 1 TXT %s\nsend\n", w.Port, name, quoted(text)), "nsupdate", "-k", w.Path("ddns.key"))
}

func byKnotc(w *world, name, text string) {
	w.Helper()
	for _, args := range [][]string{{"zone-begin", zone}, {"zone-set", zone, name + ".", "1", "TXT", quoted(text)}, {"zone-commit", zone}} {
		w.Tool("", "knotc", append([]string{"--blocking", "--socket", w.Path("knot.sock")}, args...)...)
	}
}

func byHand(w *world, name, text string) {
	w.Helper()
	file, err := os.ReadFile(w.Path("zones/example.test.zone"))
	w.Must(err)
	w.Write("zones/example.test.zone", strings.Replace(string(file), "2026112101", "2026112102", 1)+name+". IN TXT "+quoted(text)+"\n")
	w.Tool("", "knotc", "--blocking", "--socket", w.Path("knot.sock"), "zone-reload", zone)
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }
