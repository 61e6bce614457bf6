package domains_test

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/domains"
)

// What is taken for a name can stand in DNS and is taken again as it is.
func FuzzParseName(f *testing.F) {
	for _, s := range []string{"example.com", "Sales@Example.COM.", "http://example.com/", "bücher.example", "\"a b\"@example.com", "www.example.com", "@", "..", "a@b@c.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, domain, err := domains.ParseName(text, true)
		if err != nil {
			return
		}
		if err := dkim.ValidDomain(domain); err != nil {
			t.Errorf("%q gives %q: %v", text, domain, err)
		}
		if name != domain && !strings.HasSuffix(name, "@"+domain) {
			t.Errorf("%q gives %q of %q", text, name, domain)
		}
		if again, _, err := domains.ParseName(name, true); err != nil || again != name {
			t.Errorf("%q gives %q, which gives %q %v", text, name, again, err)
		}
	})
}

func FuzzParseSelector(f *testing.F) {
	for _, s := range []string{"mail.2026-q1", "-x", "a_b", "A", "a..b", strings.Repeat("a", 64)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		selector, err := domains.ParseSelector(text, "example.com", false)
		if err != nil {
			return
		}
		if dkim.ValidSelector(selector) != nil || strings.ContainsAny(selector, "_ABCDEFGHIJKLMNOPQRSTUVWXYZ") || len(dkim.RecordName(selector, "example.com")) > 253 {
			t.Errorf("%q gives %q", text, selector)
		}
		if again, err := domains.ParseSelector(selector, "example.com", false); err != nil || again != selector {
			t.Errorf("%q gives %q, which gives %q %v", text, selector, again, err)
		}
	})
}
