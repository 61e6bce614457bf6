package panel

import (
	"net/http"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// TestWatched: keys of the key table can be looked at and verified, and nothing else.
func TestWatched(t *testing.T) {
	w := newWorld(t)
	private, err := dkim.Generate(dkim.Ed25519SHA256, 0)
	if err != nil {
		t.Fatal(err)
	}
	k := domains.TableKey{Domain: "example.com", Selector: "file", Print: private.Fingerprint(), Read: func() (*dkim.PrivateKey, error) { return private, nil }}
	if err := w.service.WatchTables(t.Context(), "root", domains.Host{Name: "mx1", Process: "mx1-1"}, []domains.TableKey{k}, false); err != nil {
		t.Fatal(err)
	}
	ada := w.in(rootToken)
	ada.get("/domains").says("example.com</a>", "(keytable)", "file._domainkey.example.com", "/domains/table:example.com/retry")
	page := ada.get("/domains/table:example.com/dkim").is(http.StatusOK).says("DKIM for example.com (keytable)", `id="verify"`, "file._domainkey.example.com")
	page.saysNot(`id="delete"`, `id="generate"`, `id="disable"`, `id="settings-form"`)
	ada.get("/domains/table:example.com/setup").leads("/domains/table:example.com/dkim")
	page.post("/domains/table:example.com/verify").follow().says("not live")
	for _, verb := range []string{"disable", "enable", "rotate", "generate", "settings", "delete"} {
		page.post("/domains/table:example.com/"+verb, "yes", "yes").is(http.StatusConflict).says("in-the-tables")
	}
	if _, err := w.service.SetUser(t.Context(), "root", domains.User{Match: "sasl:crm", Key: w.connected("crm.example", "").Owner, Domains: []string{"shop.example"}, FromAsD: true}); err != nil {
		t.Fatal(err)
	}
	ada.get("/domains").says("shop.example</a>", "(lent)", "/domains/lent:shop.example/retry")
	ada.get("/domains/lent:shop.example/dkim").is(http.StatusOK).says("_domainkey.shop.example")
	w.in(acmeToken).get("/domains/table:example.com/dkim").is(http.StatusNotFound)
}

// TestLendsNoMore: the form for a user does not show that the row lends its key, which stays; a
// user who is never signed, or has no key, lends none.
func TestLendsNoMore(t *testing.T) {
	w := newWorld(t)
	key := w.connected("crm.example", "").Owner
	page := w.in(rootToken).get("/users")
	for _, without := range [][]string{{"reauth", "yes"}, {"domains", "shop.example"}} {
		if _, err := w.service.SetUser(t.Context(), "root", domains.User{Match: "sasl:crm", Key: key, Domains: []string{"shop.example"}, FromAsD: true}); err != nil {
			t.Fatal(err)
		}
		page.post("/users", "match", "sasl:crm", "key", key, "domains", "news.example").follow().says("news.example", "with the sender's domain as d=")
		page.post("/users", append(without, "match", "sasl:crm")...).leads("/users").follow().saysNot("with the sender's domain as d=")
	}
}

// TestDeletedAndInTheTables: the record of a key stays while a mail server's table signs with it,
// and people and programs are told.
func TestDeletedAndInTheTables(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"page.example", "api.example"} {
		k := w.connected(name, "")
		err := w.store.Update(t.Context(), func(tx domains.Tx) error {
			return tx.PutDeclaration(domains.Declaration{Domain: k.Domain, Selector: k.Selector, Print: k.Print, Host: "mx3"})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	page := w.in(rootToken).get("/domains/page.example/dkim")
	page.post("/domains/page.example/delete", "yes", "yes").follow().says("keep the record", "key table has the key, too")
	w.program(rootToken).call("DELETE", "/domains/api.example?yes=true", "").is(http.StatusOK).says(`"tables"`, `"mx3"`)
}
