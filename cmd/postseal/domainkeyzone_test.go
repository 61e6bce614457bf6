package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/postseal/postseal/internal/config"
	"github.com/postseal/postseal/internal/domains"
)

// withKeyZone is a world whose customers may publish CNAME records.
func withKeyZone(t *testing.T) *world {
	w := newWorld(t)
	w.keyZone = config.KeyZone{Name: "dkim.mx.example.net", NameServers: []string{"ns1.example.net"}}
	w.restart()
	return w
}

func TestKeyZoneExport(t *testing.T) {
	w := withKeyZone(t)
	w.ok("domain", "add", "example.com", "--publish", "cname", "--slots", "3").says("Record 1 of 3", "points to", "pse1.example-com.dkim.mx.example.net.", "Record 3 of 3", "set example.com --publish txt")
	k := w.key("example.com")
	w.ok("domain", "export", "--key-zone").says("$ORIGIN dkim.mx.example.net.", "IN SOA ns1.example.net. hostmaster.dkim.mx.example.net. ( 1795357020 ", "IN NS ns1.example.net.",
		"pse1.example-com 3600 IN TXT (", k.Record[len("v=DKIM1; k=ed25519; "):], `pse2.example-com 3600 IN TXT ( "v=DKIM1; "`, `"p="`, "pse3.example-com").saysNot("_domainkey")
	w.ok("domain", "export", "--key-zone", "--serial", "2026112201").says("( 2026112201 ")
	var all []domains.DNSRecord
	if err := json.Unmarshal([]byte(w.ok("domain", "export", "--key-zone", "--format", "json").out), &all); err != nil || len(all) != 3 || all[0].Value != k.Record {
		t.Errorf("%v: %+v", err, all)
	}
	w.Run("refused", func(t *testing.T) {
		w.run("domain", "export", "--key-zone", "--format", "csv").exits(exitUsage).warns("bind or json")
		w.run("domain", "export", "--key-zone", "example.com").exits(exitUsage).warns("name no domains")
		w.run("domain", "export", "--key-zone", "--zone", "old.example").exits(exitUsage).warns("no zone of before")
		w.run("domain", "export", "--all", "--serial", "1").exits(exitUsage).warns("belong to --key-zone")
		w.keyZone.NameServers = nil
		w.run("domain", "export", "--key-zone").exits(exitRefused).warns("no-name-servers", "key_zone.name_servers", "--format json")
		w.keyZone = config.KeyZone{}
		w.restart()
		w.run("domain", "export", "--key-zone").exits(exitRefused).warns("no-key-zone", "key_zone.name")
		w.run("domain", "add", "example.org", "--publish", "cname").exits(exitRefused).warns("no-key-zone", "--publish txt")
	})
}

func TestSlotFlags(t *testing.T) {
	w := withKeyZone(t)
	for _, slots := range []string{"0", "13", "-1", "x"} {
		w.run("domain", "add", "example.com", "--publish", "cname", "--slots="+slots).exits(exitUsage).warns("1 to 12")
	}
	w.run("domain", "add", "example.com", "--slots", "2").exits(exitUsage).warns("slots are for --publish cname")
	w.run("domain", "add", "x.dkim.mx.example.net", "--publish", "cname").exits(exitRefused).warns("inside-key-zone")
	w.connected("example.com", "--publish", "cname", "--slots", "1")
	w.run("domain", "rotate", "example.com").exits(exitRefused).warns("no-free-slot", "one slot only", "set example.com --slots 2")
	w.ok("domain", "set", "example.com", "--slots", "2")
	w.ok("domain", "rotate", "example.com").says("pse2._domainkey")
	w.ok("domain", "rotate", "example.com", "--abort")
	w.ok("domain", "compromised", "example.com/pse1", "--yes").says(`The key zone has to have "v=DKIM1; p=" at pse1.example-com.dkim.mx.example.net at once`)
	w.ok("domain", "delete", "example.com", "--yes").says("the record pse2._domainkey.example.com may be removed now", "the record pse1._domainkey.example.com may be removed now")
}

// The key zone has got another name: each domain has to be validated again, by one
// command for all.
func TestKeyZoneMoved(t *testing.T) {
	w := withKeyZone(t)
	w.connected("example.com", "--publish", "cname")
	w.connected("example.org", "--publish", "cname")
	w.connected("example.net")
	w.keyZone.Name, w.keyZone.Former = "dkim.new.example.net", []string{"dkim.mx.example.net"}
	w.restart()
	w.Run("INF-33", func(t *testing.T) {
		w.ok("domain", "list").says("example.com", "Needs re-validation", "postseal domain verify example.com", "example.org", "Needs re-validation", "postseal domain verify example.org")
	})
	w.Run("INF-30", func(t *testing.T) {
		w.ok("domain", "records", "example.com", "--guide").says(
			"Change the CNAME record", "pse1._domainkey", "old:  pse1.example-com.dkim.mx.example.net.", "new:  pse1.example-com.dkim.new.example.net.", "postseal domain verify example.com")
		w.ok("domain", "records", "example.com", "--share").says("Please change this record. Its present value is pse1.example-com.dkim.mx.example.net.")
		w.ok("domain", "records", "example.com", "--format", "nsupdate").says("update delete pse1._domainkey.example.com. CNAME", "update add pse1._domainkey.example.com. 86400 CNAME pse1.example-com.dkim.new.example.net.")
	})
	w.Run("INF-31", func(t *testing.T) {
		w.ok("domain", "export", "--key-zone").warns("dkim.mx.example.net has to be served too, 4 records: --key-zone --zone dkim.mx.example.net")
		w.ok("domain", "export", "--key-zone", "--zone", "dkim.mx.example.net").says("$ORIGIN dkim.mx.example.net.", "pse1.example-com 3600 IN TXT", "pse1.example-org").saysNot("IN SOA")
	})
	w.Run("INF-32", func(t *testing.T) {
		w.ok("domain", "verify", "--all", "--retry").says("example.com: ", "example.org: ").saysNot("example.net")
	})
	w.Run("INF-36", func(t *testing.T) {
		w.live(time.Hour)
		w.ok("domain", "verify", "example.com", "example.org").says("example.com: Connected", "example.org: Connected")
	})
}

func TestSharedVerbs(t *testing.T) {
	w := withKeyZone(t)
	w.Run("INF-14", func(t *testing.T) {
		w.ok("domain", "add", "a.example", "--publish", "cname-shared", "--slots", "1", "--algorithm", "rsa", "--bits", "2048").says("points to", "dkim.dkim.mx.example.net.").saysNot("Record 2")
	})
	w.connected("b.example", "--publish", "cname-shared", "--algorithm", "rsa")
	w.publish("a.example")
	w.live(2 * time.Minute)
	w.ok("domain", "list").says("a.example", "Connected", "shared:", "Shared key")
	w.ok("domain", "add", "a.example", "--algorithm", "ed25519").says("-e1._domainkey", "pse1.dkim.dkim.mx.example.net.") // as the other key
	w.run("domain", "add", "a.example", "--publish", "txt", "--algorithm", "ed25519").exits(exitRefused).warns("other-mode", "set a.example --publish txt")
	w.run("domain", "delete", "a.example/"+w.key("a.example").Selector, "--yes").exits(exitRefused).warns("shared-key", "disable a.example")
	w.run("domain", "rotate", "a.example").exits(exitRefused).warns("shared-key", "shared:", "--publish cname")
	w.run("domain", "rotate", "shared:").exits(exitRefused).warns("too-few-slots", "a.example")
	w.ok("domain", "set", "a.example", "--slots", "2")
	w.ok("domain", "rotate", "shared:").says("shared: made ps2", "ps2.dkim.dkim.mx.example.net", "no customer has to do anything")
	w.run("domain", "records", "shared:").exits(exitRefused).warns("shared-set", "--key-zone")
	w.run("domain", "disable", "shared:").exits(exitRefused).warns("shared-set")
	w.ok("domain", "records", "--all").says("a.example", "b.example")
	w.ok("domain", "export", "--key-zone").says("dkim 3600 IN TXT", "ps2.dkim 3600 IN TXT")
	w.ok("domain", "rotate", "--abort", "shared:").says("gave up ps2")
	w.ok("domain", "show", "shared:").says("ps1", "points to", "dkim.dkim.mx.example.net.")
	w.Run("INF-24", func(t *testing.T) {
		w.ok("domain", "set", "b.example", "--publish", "cname").says("Needs re-validation", "records b.example --guide")
		w.publish("b.example")
		w.live(2 * time.Hour)
		print := w.key("b.example").Print
		w.ok("domain", "set", "b.example", "--publish", "txt").says("Needs re-validation")
		if w.key("b.example").Print != print {
			t.Error("the key is another one")
		}
		w.ok("domain", "records", "b.example", "--guide").says("new TXT record")
	})
	selector := w.signs("a.example")
	w.run("domain", "compromised", "a.example/"+selector).exits(exitRefused).warns("The key is shared: 2 domains have it")
	w.ok("domain", "compromised", "a.example/"+selector, "--yes").says("signs nothing any more", "The key was shared: 2 domains have stopped", "dkim.dkim.mx.example.net at once")
	w.signsWith("a.example", "")
	w.ok("keys", "list")
}
