package check

import (
	"context"
	"crypto"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/check"
	"github.com/postseal/postseal/internal/dns"
	"github.com/postseal/postseal/internal/dns/authority"
	"github.com/postseal/postseal/test/internal/sandbox"
)

func resolver(t *testing.T, address string) *dns.Resolver {
	t.Helper()
	r, err := dns.New(dns.Config{Servers: []string{address}, CacheSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// engine asks the servers of these tests, and waits long for those that answer, however busy the machine is.
func (c testCase) engine(t *testing.T) *check.Engine {
	patience := 20 * time.Second
	if strings.Contains(c.text, " hung.") {
		patience = 2 * time.Second
	}
	local := resolver(t, sandbox.Resolver)
	e := &check.Engine{
		Authority: authority.New(authority.Config{Resolver: local, Timeout: patience, PerHost: 1000}),
		Resolver:  authority.Recursive{Resolver: local},
	}
	if _, ok := c.subject["public"]; ok {
		e.Public = authority.Recursive{Resolver: resolver(t, addresses["ns3"])}
	}
	if _, ok := c.subject["liar"]; ok {
		e.Resolver = authority.Recursive{Resolver: resolver(t, liarAddress)}
	}
	return e
}

// what is the subject that the case describes.
func (c testCase) what() check.Subject {
	s := check.Subject{Domain: c.zone, Selector: "s1", Public: keys.rsa.Public(), Signer: keys.rsa, Target: c.subject["target"]}
	for name, value := range c.subject {
		list := strings.Split(value, ",")
		switch name {
		case "domain":
			s.Domain = value + "." + c.zone
		case "key":
			s.Signer = map[string]*dkim.PrivateKey{"ed": keys.ed, "small": keys.small}[value]
			s.Public = crypto.PublicKey(nil)
			if s.Signer != nil {
				s.Public = s.Signer.Public()
			}
		case "signer":
			s.Signer = keys.other
		case "former":
			s.Former = list
		case "providers":
			s.Providers = list
		case "shared":
			s.SharedWith = list
		case "slot":
			selector, target, _ := strings.Cut(value, ":")
			s.Slots = []check.Slot{{Selector: selector, Target: target}}
		case "active":
			s.Active = true
		case "gone":
			s.Gone = true
		case "subdomains":
			s.SubDomains = true
		}
	}
	return s
}

// Each zone file is a mistake that somebody made; the check names it.
func TestFindings(t *testing.T) {
	for _, c := range cases {
		if c.severity == "" {
			continue // a zone that others need
		}
		t.Run(c.name, func(t *testing.T) {
			e, s := c.engine(t), c.what()
			if c.name == "D107" { // the resolver hears of it too early
				if a := e.Resolver.Peek(context.Background(), "s1._domainkey."+c.zone, authority.TXT); a.Status != authority.NXDomain {
					t.Fatalf("the resolver says %s", a.Status)
				}
				primary.publish(t, c.zone+".", "s1._domainkey", "3600", "TXT", functions["txt"].(func(...string) string)(keys.Record))
			}
			run := e.Check
			if _, ok := c.subject["vacant"]; ok {
				run = e.Vacant
			}
			c.judge(t, run(context.Background(), s))
		})
	}
	t.Run("D109", func(t *testing.T) { // no zone file has it: nobody serves the domain
		c := testCase{name: "D109", zone: "not-registered.test", severity: "error", verdict: "absent"}
		c.judge(t, c.engine(t).Check(context.Background(), c.what()))
	})
}

// judge compares a result with what the case wants.
func (c testCase) judge(t *testing.T, r check.Result) {
	t.Helper()
	if string(r.Verdict) != c.verdict {
		t.Errorf("verdict %s, want %s", r.Verdict, c.verdict)
	}
	if c.severity == "none" {
		if len(r.Findings) > 0 || !r.Passed {
			t.Errorf("findings of a good record: %+v", r.Findings)
		}
		return
	}
	i := slices.IndexFunc(r.Findings, func(f check.Finding) bool { return f.Code == c.code() })
	if i < 0 {
		t.Fatalf("not found: %+v", r)
	}
	f := r.Findings[i]
	if string(f.Severity) != c.severity {
		t.Errorf("severity %s, want %s", f.Severity, c.severity)
	}
	bad := f.Severity == check.Error || f.Severity == check.Unsettled
	if bad && (r.Passed || i != 0 && r.Findings[0].Severity != f.Severity) {
		t.Errorf("passed, or something else comes first: %+v", r)
	}
	if !strings.Contains(f.Got, c.got) {
		t.Errorf("got %q, want %q in it", f.Got, c.got)
	}
	if !f.RetryAfter.After(r.At) {
		t.Error("it does not say when to try again")
	}
	for _, text := range []string{f.Title, f.Asked, f.Got, f.Expected, f.Change} {
		if text == "" || strings.ContainsAny(text, "{}") {
			t.Errorf("a text without its facts: %q", text)
		}
	}
	if t.Failed() {
		t.Logf("%+v", r)
	}
}

// Every finding of the file has its zone here.
func TestEveryFindingHasAZone(t *testing.T) {
	for _, kind := range check.Kinds() {
		has := func(c testCase) bool { return c.code() == kind.Code }
		if kind.Code != "D109" && !slices.ContainsFunc(cases, has) {
			t.Errorf("no zone for %s", kind.Code)
		}
	}
}
