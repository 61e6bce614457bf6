package panel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"

	"github.com/postseal/postseal/internal/domains"
)

// apiPrefix begins every address of the API.
const apiPrefix = "/api/"

// call is one request of a program.
type call struct {
	*Panel
	r       *http.Request
	who     Identity
	service *domains.Service // of the tenant
	name    string           // of the row that the path names
	domain  string           // d= of that row
}

// answered is what a call gives: a value for JSON, or text.
type answered struct {
	status int // 0: 200
	value  any
	text   string // instead of value
}

// apiRoutes lists every address of the API.
func (p *Panel) apiRoutes(mux *http.ServeMux) {
	const base = apiPrefix + "v1"
	handle := func(pattern string, f func(*call) (answered, error)) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+base+path, p.api(f))
	}
	handle("GET /domains", (*call).domains)
	handle("POST /domains", (*call).add)
	handle("GET /domains/{name}", (*call).domainShown)
	handle("PATCH /domains/{name}", (*call).configure)
	handle("DELETE /domains/{name}", (*call).delete)
	handle("DELETE /domains/{name}/keys/{selector}", (*call).delete)
	handle("GET /domains/{name}/records", (*call).records)
	handle("POST /domains/{name}/records", (*call).handOut)
	handle("POST /domains/{name}/verify", (*call).verify)
	handle("POST /domains/{name}/publish", (*call).publish)
	handle("POST /domains/{name}/published", (*call).published)
	handle("POST /domains/{name}/enable", (*call).enable)
	handle("POST /domains/{name}/disable", (*call).disable)
	handle("POST /domains/{name}/rotate", (*call).rotate)
	handle("POST /domains/{name}/regenerate", (*call).regenerate)
	handle("POST /domains/{name}/abort", (*call).abort)
	handle("POST /domains/{name}/rollback", (*call).rollback)
	handle("POST /domains/{name}/compromised", (*call).compromised)
	handle("GET /candidates", (*call).candidates)
	handle("GET /users", (*call).users)
	handle("PUT /users/{match}", (*call).setUser)
	handle("DELETE /users/{match}", (*call).deleteUser)
	handle("PUT /users/{match}/key", (*call).setUserKey)
	handle("POST /users/{match}/enable", func(c *call) (answered, error) { return c.switchUser(true) })
	handle("POST /users/{match}/disable", func(c *call) (answered, error) { return c.switchUser(false) })
	handle("GET /journal", (*call).journal)
	mux.HandleFunc(apiPrefix, p.api(func(*call) (answered, error) {
		return answered{}, &Problem{http.StatusNotFound, "not-found", "there is no such address, or not with this method", "docs/panel.md lists them"}
	}))
}

// api lets a program in, and answers in JSON whatever happens.
func (p *Panel) api(f func(*call) (answered, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), maxRequest)
		defer cancel()
		c := &call{Panel: p, r: r.WithContext(ctx)}
		c.r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		err := c.admit(w)
		var a answered
		if err == nil {
			a, err = f(c)
		}
		switch {
		case err != nil:
			writeProblem(w, p.problemOf(c.r, err))
		case a.text != "":
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			io.WriteString(w, a.text)
		default:
			writeJSON(w, max(a.status, http.StatusOK), a.value)
		}
	}
}

// tenantField lets an operator's token act as one tenant.
const tenantField = "Postseal-Tenant"

// admit finds out whose token it is, and reads the path.
func (c *call) admit(w http.ResponseWriter) error {
	if c.doors.api == nil {
		return &Problem{http.StatusNotFound, "no-api", "there is no API here", "panel.api_token_file switches it on"}
	}
	t, err := c.holder(w)
	if err != nil {
		return err
	}
	if c.who = t.Identity; c.who.Operator() {
		if c.who.Tenant, err = oneHeader(c.r, tenantField); err != nil {
			return err
		}
		if c.who.Operator() && len(c.r.Header.Values(tenantField)) > 0 { // a variable that was not set must not mean everybody
			return &Problem{http.StatusBadRequest, "no-tenant", "the field " + tenantField + " is there and names nobody", "leave it out to act as the operator"}
		}
	}
	c.service = c.Service
	if !c.who.Operator() {
		c.service = c.Service.Of(c.who.Tenant)
	}
	return c.readName()
}

// holder finds the token that was sent. Wrong ones are counted, and a right one is never
// kept waiting for those of others behind the same address.
func (c *call) holder(w http.ResponseWriter) (*Token, error) {
	secret, ok := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if ok {
		if t, err := c.doors.api.who(secret); t != nil || err != nil {
			return t, err
		}
		source := c.doors.source(c.r)
		if wait := c.doors.attempts.wait(source); wait > 0 {
			seconds := int(math.Ceil(wait.Seconds()))
			w.Header().Set("Retry-After", fmt.Sprint(seconds))
			return nil, &Problem{http.StatusTooManyRequests, "too-many", "there were too many wrong tokens", fmt.Sprintf("try again in %d seconds", seconds)}
		}
		c.doors.attempts.failed(source)
		c.Log.Warn("a program came to the API with a token that does not exist", "client", source)
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="postseal"`)
	return nil, &Problem{http.StatusUnauthorized, "wrong-token", "there is no such token", "send Authorization: Bearer TOKEN with one of panel.api_token_file"}
}

func (c *call) readName() (err error) {
	if text := c.r.PathValue("name"); text != "" {
		c.name, c.domain, err = domains.ParseRow(text)
	}
	return err
}

// busy waits for its turn, as people do.
func (c *call) busy(f func() error) error { return c.turns.take(c.r.Context(), c.who, f) }

// actor is who did something, for the journal.
func (c *call) actor() string { return "api:" + c.who.Name }

// readOnly are fields that postseal alone writes (OCR-15), by the names that somebody may
// try.
var readOnly = map[string]bool{
	"dns_name": true, "dns_value": true, "record": true, "record_name": true, "record_value": true, "value": true, "host": true,
	"public": true, "public_key": true, "p": true, "private_key": true, "fingerprint": true, "state": true, "status": true, "health": true,
}

// body reads a JSON object into a struct. Without a body the struct stays as it is.
func (c *call) body(into any) error {
	text, err := io.ReadAll(c.r.Body)
	if err != nil || len(text) == 0 {
		return err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return &Problem{http.StatusBadRequest, "bad-json", "the body is no JSON object: " + err.Error(), "send an object with the fields of docs/panel.md"}
	}
	for name := range fields {
		if readOnly[strings.ToLower(name)] {
			return refuse("OCR-15", "the field "+quoted(name)+" is made by postseal, and nobody can set it", "leave it out")
		}
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	err = d.Decode(into)
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType):
		return refuse("bad-field", "the field "+quoted(wrongType.Field)+" cannot be a "+wrongType.Value, "docs/panel.md tells the types")
	case err != nil:
		return refuse("bad-field", strings.TrimPrefix(err.Error(), "json: "), "docs/panel.md lists the fields")
	}
	return nil
}

func writeProblem(w http.ResponseWriter, problem *Problem) {
	if problem.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "60")
	}
	writeJSON(w, problem.Status, problem)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(value) // whoever does not read on is gone
}
