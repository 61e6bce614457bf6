package authres_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/postseal/postseal/internal/authres"
)

func TestParse(t *testing.T) {
	type props = []authres.Property
	tests := []struct {
		name, value string
		want        authres.Header
	}{
		// RFC 8601 appendix B.
		{"no service", " example.org 1; none", authres.Header{ID: "example.org"}},
		{
			"one service", " example.com;\r\n          spf=pass smtp.mailfrom=example.net",
			authres.Header{ID: "example.com", Results: []authres.Result{{Method: "spf", Value: "pass", Properties: props{{"smtp", "mailfrom", "example.net"}}}}},
		},
		{
			"two services", " example.com;\n\tauth=pass (cram-md5) smtp.auth=sender@example.net;\n\tspf=pass smtp.mailfrom=example.net",
			authres.Header{ID: "example.com", Results: []authres.Result{
				{Method: "auth", Value: "pass", Properties: props{{"smtp", "auth", "sender@example.net"}}},
				{Method: "spf", Value: "pass", Properties: props{{"smtp", "mailfrom", "example.net"}}},
			}},
		},
		{
			"comments everywhere", ` foo.example.net (foobar) 1 (baz); dkim (Because I like it) / 1 (One yay) = (wait for it) fail policy (A dot can go here) . (like that) expired (this surprised me) = (as I wasn't expecting it) 1362471462`,
			authres.Header{ID: "foo.example.net", Results: []authres.Result{{Method: "dkim", Value: "fail", Properties: props{{"policy", "expired", "1362471462"}}}}},
		},
		{
			"reason", ` example.com; dkim=pass reason="good signature" header.i=@mail-router.example.net; dkim=fail reason = bad header.b="a/b=c"`,
			authres.Header{ID: "example.com", Results: []authres.Result{
				{Method: "dkim", Value: "pass", Reason: "good signature", Properties: props{{"header", "i", "@mail-router.example.net"}}},
				{Method: "dkim", Value: "fail", Reason: "bad", Properties: props{{"header", "b", "a/b=c"}}},
			}},
		},
		{
			"quoted local part", ` a; dkim=pass header.i="a b"@c.example`,
			authres.Header{ID: "a", Results: []authres.Result{{Method: "dkim", Value: "pass", Properties: props{{"header", "i", "a b@c.example"}}}}},
		},
		{
			"against the grammar, but common", ` a; dmarc=pass action=none header.b=ab/c=;`,
			authres.Header{ID: "a", Results: []authres.Result{{Method: "dmarc", Value: "pass", Properties: props{{"", "action", "none"}, {"header", "b", "ab/c="}}}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := authres.Parse([]byte(tt.value)); err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for name, value := range map[string]string{
		"empty":                     "",
		"no result":                 "a",
		"empty result":              "a;",
		"no semicolon":              "a b=c",
		"method alone":              "a; dkim",
		"no word":                   "a; dkim=",
		"two semicolons":            "a; b=c;; d=e",
		"none and more":             "a; none; b=c",
		"property without value":    "a; b=c header.d",
		"property without a name":   "a; b=c header.=d",
		"empty value":               "a; b=c header.d=",
		"quotes without end":        `a; b=c header.d="d`,
		"text behind quotes":        `a; b=c header.d="d"e`,
		"comment without end":       "a; b=c (d",
		"parenthesis":               "a; b=c)",
		"control":                   "a; b=c header.d=d\x01",
		"version without a number":  "a; b/ = c",
		"more results than anybody": "a" + strings.Repeat("; b=c", 101),
	} {
		t.Run(name, func(t *testing.T) {
			var syntax *authres.SyntaxError
			if h, err := authres.Parse([]byte(value)); !errors.As(err, &syntax) {
				t.Errorf("got %+v, %v", h, err)
			}
		})
	}
}

func TestMethods(t *testing.T) {
	for value, want := range map[string][]string{
		"a; SPF=pass; dkim=fail; spf=none": {"spf", "dkim"},
		"a; none":                          nil,
	} {
		if got, ok := authres.Methods([]byte(value)); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %q, %v", value, got, ok)
		}
	}
	if got, ok := authres.Methods([]byte("a; b")); ok || got != nil {
		t.Errorf("a field that cannot be parsed has methods %q", got)
	}
}
