package panel

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// program calls the API with a token.
type program struct {
	*person
	token  string
	tenant string
}

func (w *world) program(token string) *program { return &program{w.person(), token, ""} }

func (p *program) call(method, path, body string) *answer {
	p.Helper()
	r := p.request(method, "/api/v1"+path, strings.NewReader(body))
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	if p.tenant != "" {
		r.Header.Set("Postseal-Tenant", p.tenant)
	}
	a := p.do(r)
	if kind := a.header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") && a.status != http.StatusOK {
		a.Errorf("%s %s: %s\n%s", method, path, kind, a.body)
	}
	return a
}

// problem wants an error with a rule.
func (a *answer) problem(status int, rule string) {
	a.Helper()
	var p Problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != status || p.Rule != rule || p.What == "" || p.Way == "" {
		a.Errorf("%s: status %d, want %d %s (%v)\n%s", a.path, a.status, status, rule, err, a.body)
	}
}

// into reads the answer.
func (a *answer) into(v any) {
	a.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		a.Fatalf("%v\n%s", err, a.body)
	}
}

func TestAPI(t *testing.T) {
	w := newWorld(t, withKeyZone)
	p := w.program(rootToken)
	var made madeRow
	p.call("POST", "/domains", `{"name":"Example.COM","selector":"s1","contact":"c@example.com"}`).is(http.StatusCreated).into(&made)
	if made.Domain.Name != "example.com" || len(made.Keys) != 1 || made.Keys[0].Selector != "s1" || len(made.Records.Records) != 1 {
		t.Fatalf("%+v", made)
	}
	t.Run("OCR-15", func(t *testing.T) {
		for _, field := range []string{"dns_name", "dns_value", "value", "record", "public", "p", "private_key", "fingerprint", "Record"} {
			p.call("POST", "/domains", `{"name":"x.example","`+field+`":"x"}`).problem(http.StatusUnprocessableEntity, "OCR-15")
			p.call("PATCH", "/domains/example.com", `{"`+field+`":"x"}`).problem(http.StatusUnprocessableEntity, "OCR-15")
			p.call("POST", "/domains/example.com/regenerate", `{"`+field+`":"x"}`).problem(http.StatusUnprocessableEntity, "OCR-15")
		}
		if k := w.key("example.com"); k.Record != made.Keys[0].Record {
			t.Error("the record has changed")
		}
	})
	t.Run("the life of a key", func(t *testing.T) {
		p.call("POST", "/domains/example.com/verify", "").is(http.StatusOK).says(`"said": "not live"`, `"code": "D101"`)
		w.dns.publish("s1._domainkey.example.com", made.Keys[0].Record)
		p.call("POST", "/domains/example.com/published", "").is(http.StatusOK)
		w.verify("example.com")
		p.call("GET", "/domains/example.com", "").is(http.StatusOK).says(`"label": "Connected"`)
		p.call("GET", "/domains?status=connected", "").says(`"name": "example.com"`)
		p.call("POST", "/domains/example.com/disable", "").says(`"label": "Disabled"`)
		p.call("POST", "/domains/example.com/enable", "{}").says(`"label": "Connected"`)
		p.call("PATCH", "/domains/example.com", `{"contact":"d@example.com","retire_after":"240h","rotate_every":"2160h","subdomains":true}`).says(`"contact": "d@example.com"`)
		p.call("POST", "/domains/example.com/rotate", `{"selector":"s2"}`).is(http.StatusOK).says(`"selector": "s2"`)
		p.call("POST", "/domains/example.com/abort", "").is(http.StatusOK)
		p.call("POST", "/domains/example.com/rollback", "").problem(http.StatusConflict, "T11")
		p.call("POST", "/domains/example.com/regenerate", `{"in_place":true}`).problem(http.StatusConflict, "OCR-23")
		p.call("POST", "/domains/example.com/compromised", `{"selector":"s1"}`).problem(http.StatusConflict, "T15")
		p.call("POST", "/domains/example.com/compromised", `{"selector":"s1","yes":true}`).says(`"must_become": "v=DKIM1; p="`)
		p.call("DELETE", "/domains/example.com", "").problem(http.StatusConflict, "OCR-19")
		p.call("DELETE", "/domains/example.com?yes=true", "").is(http.StatusOK).says(`"records"`)
		p.call("GET", "/domains/example.com", "").problem(http.StatusNotFound, "no-such-domain")
	})
	t.Run("records", func(t *testing.T) {
		p.call("POST", "/domains", `{"name":"cname.example","publish":"cname","slots":3,"algorithms":["ed25519"],"withhold":true}`).is(http.StatusCreated)
		p.call("GET", "/domains/cname.example/records", "").says(`"type": "CNAME"`, `"relative_to_zone"`)
		p.call("GET", "/domains/cname.example/records?format=bind", "").is(http.StatusOK).says("IN CNAME")
		p.call("GET", "/domains/cname.example/records?format=yaml", "").problem(http.StatusUnprocessableEntity, "bad-format")
		if k := w.key("cname.example"); k.State != domains.Generated {
			t.Errorf("%s: a look hands nothing out", k.State)
		}
		p.call("POST", "/domains/cname.example/records", "").is(http.StatusOK)
		if k := w.key("cname.example"); k.State != domains.Pending {
			t.Errorf("%s after the records were handed out", k.State)
		}
		p.call("DELETE", "/domains/cname.example/keys/"+w.key("cname.example").Selector+"?yes=true", "").is(http.StatusOK)
	})
	t.Run("TST-10", func(t *testing.T) {
		p.call("POST", "/domains", `{"name":"wanted.example","request":true}`).is(http.StatusCreated)
		if d, err := w.service.Show(t.Context(), "wanted.example"); err != nil || !d.Domain.Requested || len(d.Keys) != 0 {
			t.Errorf("%+v, %v", d, err)
		}
	})
	t.Run("OCR-22", func(t *testing.T) {
		p.call("POST", "/domains", `{"name":"hasty.example","activation":"immediate"}`).problem(http.StatusConflict, "OCR-22")
		p.call("POST", "/domains", `{"name":"hasty.example","activation":"immediate","yes":true}`).is(http.StatusCreated)
		p.call("GET", "/domains/hasty.example", "").says("Signing, not verified")
	})
	t.Run("users", func(t *testing.T) {
		p.call("PUT", "/users/ip:192.0.2.0%2f24", `{"reauth":true}`).is(http.StatusOK).says("ip:192.0.2.0/24")
		p.call("PUT", "/users/sasl:crm", `{"key":"hasty.example","domains":["shop.example"],"owner":"acme"}`).is(http.StatusOK)
		p.call("PUT", "/users/sasl:crm/key", `{"key":""}`).is(http.StatusOK)
		p.call("PUT", "/users/ip:192.0.2.0%2f24/key", `{"key":"hasty.example"}`).problem(http.StatusConflict, "MA-1")
		p.call("POST", "/users/sasl:crm/disable", "").says(`"disabled": true`)
		p.call("POST", "/users/sasl:crm/enable", "").saysNot(`"disabled": true`)
		p.call("DELETE", "/users/sasl:crm", "").is(http.StatusOK).saysNot("crm")
		p.call("GET", "/users", "").is(http.StatusOK)
	})
	t.Run("lists", func(t *testing.T) {
		p.call("GET", "/candidates", "").says("apple.example", "zebra.example")
		p.call("GET", "/journal?limit=2", "").is(http.StatusOK).says(`"actor": "api:ada"`)
		p.call("GET", "/journal?since=yesterday", "").problem(http.StatusUnprocessableEntity, "invalid")
		p.call("GET", "/domains?limit=1", "").says(`"next"`)
		p.call("GET", "/domains?limit=x", "").problem(http.StatusUnprocessableEntity, "invalid")
	})
	t.Run("what cannot be", func(t *testing.T) {
		p.call("POST", "/domains", `{"name":"www.example.com"}`).problem(http.StatusUnprocessableEntity, "invalid")
		p.call("POST", "/domains", `{"nmae":"example.com"}`).problem(http.StatusUnprocessableEntity, "bad-field")
		p.call("POST", "/domains", `{"name":5}`).problem(http.StatusUnprocessableEntity, "bad-field")
		p.call("POST", "/domains", `{`).problem(http.StatusBadRequest, "bad-json")
		p.call("POST", "/domains", `{"name":"`+strings.Repeat("x", maxBody)+`"}`).problem(http.StatusRequestEntityTooLarge, "too-long")
		p.call("POST", "/domains", `{"name":"x.example","algorithms":["dsa"]}`).problem(http.StatusUnprocessableEntity, "invalid")
		p.call("PATCH", "/domains/hasty.example", `{"retire_after":"soon"}`).problem(http.StatusUnprocessableEntity, "invalid")
		p.call("GET", "/domains/www_x/records", "").problem(http.StatusUnprocessableEntity, "invalid")
		p.call("GET", "/nothing", "").problem(http.StatusNotFound, "not-found")
		p.call("PUT", "/domains", "").problem(http.StatusNotFound, "not-found")
	})
	t.Run("nothing private", func(t *testing.T) {
		for _, path := range []string{"/domains", "/domains/hasty.example", "/domains/hasty.example/records", "/journal", "/users"} {
			p.call("GET", path, "").saysNot("PRIVATE", "sealed")
		}
	})
}

// TestAPITokens: who a program is.
func TestAPITokens(t *testing.T) {
	w := newWorld(t)
	k := w.connected("acme.example", "acme")
	w.connected("other.example", "other")
	t.Run("none", func(t *testing.T) {
		a := w.program("").call("GET", "/domains", "").is(http.StatusUnauthorized)
		if a.problem(http.StatusUnauthorized, "wrong-token"); !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
			t.Error(a.header)
		}
		w.program(rootToken+"x").call("GET", "/domains", "").problem(http.StatusUnauthorized, "wrong-token")
		w.person().get("/api/v1/domains").is(http.StatusUnauthorized)
		w.in(rootToken).get("/api/v1/domains").is(http.StatusUnauthorized) // a person's session is no token
	})
	t.Run("tenant", func(t *testing.T) {
		p := w.program(acmeToken)
		p.call("GET", "/domains", "").says("acme.example").saysNot("other.example")
		for _, verb := range []string{"verify", "enable", "disable", "rotate", "regenerate", "published", "abort", "rollback", "records"} {
			p.call("POST", "/domains/other.example/"+verb, "").problem(http.StatusNotFound, "no-such-domain")
		}
		p.call("GET", "/domains/other.example", "").problem(http.StatusNotFound, "no-such-domain")
		p.call("PATCH", "/domains/other.example", `{}`).problem(http.StatusNotFound, "no-such-domain")
		p.call("DELETE", "/domains/other.example?yes=true", "").problem(http.StatusNotFound, "no-such-domain")
		p.call("POST", "/domains", `{"name":"x.example","owner":"other"}`).problem(http.StatusForbidden, "not-yours")
		p.call("PATCH", "/domains/acme.example", `{"owner":"other"}`).problem(http.StatusForbidden, "not-yours")
		p.call("PUT", "/users/sasl:x", `{}`).problem(http.StatusConflict, "operator-only")
		p.tenant = "other" // only an operator's token may choose
		p.call("GET", "/domains", "").says("acme.example").saysNot("other.example")
	})
	t.Run("operator for a tenant", func(t *testing.T) {
		p := w.program(rootToken)
		p.tenant = "acme"
		p.call("GET", "/domains", "").says("acme.example").saysNot("other.example")
		var made madeRow
		p.call("POST", "/domains", `{"name":"more.example"}`).is(http.StatusCreated).into(&made)
		if made.Domain.Owner != "acme" {
			t.Errorf("%+v", made.Domain)
		}
		p.tenant = "a b"
		p.call("GET", "/domains", "").problem(http.StatusBadRequest, "bad-proxy-header")

		r := p.request("GET", "/api/v1/domains", nil) // a variable that was not set is no reason to show everything
		r.Header.Set("Authorization", "Bearer "+rootToken)
		r.Header.Set(tenantField, "")
		p.do(r).problem(http.StatusBadRequest, "no-tenant")
	})
	t.Run("too many", func(t *testing.T) {
		for range maxWrong {
			w.program("guess").call("GET", "/domains", "")
		}
		w.program("guess").call("GET", "/domains", "").problem(http.StatusTooManyRequests, "too-many")
		w.program(rootToken).call("GET", "/domains", "").is(http.StatusOK)
	})
	t.Run("off", func(t *testing.T) {
		w := newWorld(t, func(o *Options) { o.Access.APITokenFile = "" })
		w.program(rootToken).call("GET", "/domains", "").problem(http.StatusNotFound, "no-api")
	})
	if _, ok := w.dns.records[dkim.RecordName(k.Selector, k.Domain)]; !ok {
		t.Error("the record is gone")
	}
}
