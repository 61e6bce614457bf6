package authres_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	msgauth "github.com/emersion/go-msgauth/authres"

	"github.com/postseal/postseal/internal/authres"
)

const ours = "mx.example.net"

// signed is a result as the verifier gives it.
func signed(value, domain, identity string) authres.Result {
	return authres.Result{
		Method: "dkim", Value: value, Comment: "2048-bit key",
		Properties: []authres.Property{
			{Type: "header", Name: "d", Value: domain},
			{Type: "header", Name: "i", Value: identity},
			{Type: "header", Name: "s", Value: "s1"},
			{Type: "header", Name: "a", Value: "rsa-sha256"},
			{Type: "header", Name: "b", Value: "fRT2k0Ab"},
		},
	}
}

func header(results ...authres.Result) authres.Header {
	return authres.Header{ID: ours, Results: results}
}

// identityResult is a passing signature with nothing but an i=.
func identityResult(identity string) authres.Header {
	return header(authres.Result{Method: "dkim", Value: "pass", Properties: []authres.Property{{Type: "header", Name: "i", Value: identity}}})
}

func TestFormat(t *testing.T) {
	failed := signed("fail", "example.org", "@example.org")
	failed.Reason = "body hash"
	revoked := authres.Result{Method: "dkim", Value: "permerror", Reason: "key-revoked"}
	tests := []struct {
		name string
		h    authres.Header
		want string
	}{
		{"AR-1", header(failed), "mx.example.net;\r\n\tdkim=fail (2048-bit key) reason=\"body hash\" header.d=example.org\r\n\theader.i=@example.org header.s=s1 header.a=rsa-sha256 header.b=fRT2k0Ab"},
		{"AR-1 none", header(), "mx.example.net; none"},
		{"AR-3", header(signed("pass", "example.com", "joe@example.com"), revoked), "mx.example.net;\r\n\tdkim=pass (2048-bit key) header.d=example.com header.i=joe@example.com\r\n\theader.s=s1 header.a=rsa-sha256 header.b=fRT2k0Ab;\r\n\tdkim=permerror reason=key-revoked"},
		{"AR-13", header(authres.Result{Method: "dkim", Value: "policy", Reason: "partial-body"}), "mx.example.net;\r\n\tdkim=policy reason=partial-body"},
		{"unsigned", header(authres.Result{Method: "dkim", Value: "none"}), "mx.example.net;\r\n\tdkim=none"},
		{"id that is no token", authres.Header{ID: `[192.0.2.1]"\`}, `"[192.0.2.1]\"\\"; none`},
		{"slash in b=", header(authres.Result{Method: "dkim", Value: "pass", Properties: []authres.Property{{Type: "header", Name: "b", Value: "fRT/k0Ab"}}}), "mx.example.net;\r\n\tdkim=pass header.b=\"fRT/k0Ab\""},
		{"local part with specials of an address", identityResult("a/b+c@example.com"), "mx.example.net;\r\n\tdkim=pass header.i=a/b+c@example.com"},
		{"no keyword, no result", header(authres.Result{Method: "d kim", Value: "pass"}), "mx.example.net; none (results left out: 1)"},
		{"no keyword, no property", header(authres.Result{Method: "dkim", Value: "pass", Properties: []authres.Property{{Type: "header", Name: "d=x;", Value: "y"}}}), "mx.example.net;\r\n\tdkim=pass"},
		{"empty value", identityResult(""), "mx.example.net;\r\n\tdkim=pass header.i=\"\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.h.String(); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// Values that a stranger chose say what he wrote and nothing else.
func TestInjection(t *testing.T) {
	tests := []struct{ name, identity, want string }{
		{"T37", "=\r\nX-Injected: yes@tricky.example", `header.i="=3D=0D=0AX-Injected:=20yes@tricky.example"`},
		{"T38", "x; dkim=pass header.d=bank.example@tricky.example", `header.i="x=3B=20dkim=3Dpass=20header.d=3Dbank.example@tricky.example"`},
		{"T39", "@bank.example(.tricky.example", `header.i="@bank.example=28.tricky.example"`},
		{"AR-10 comment", "(dkim=pass)@tricky.example", `header.i="=28dkim=3Dpass=29@tricky.example"`},
		{"AR-10 quotes", `"a\" b"@tricky.example`, `header.i="=22a=5C=22=20b=22@tricky.example"`},
		{"AR-10 NUL and DEL", "a\x00b\x7f@tricky.example", `header.i="a=00b=7F@tricky.example"`},
		{"AR-10 lone line ends", "a\rb\nc@tricky.example", `header.i="a=0Db=0Ac@tricky.example"`},
		{"AR-12", "jos\u00e9@b\u00fccher.example", `header.i="jos=C3=A9@b=C3=BCcher.example"`},
		{"SE-5", "@bank\u2024example", `header.i="@bank=E2=80=A4example"`},
		{"SE-7", "a\x1b[2J@tricky.example", `header.i="a=1B[2J@tricky.example"`},
		{"equals sign", "a=b@tricky.example", `header.i="a=3Db@tricky.example"`},
		{"underscore", "@_x.tricky.example", `header.i="@_x.tricky.example"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := identityResult(tt.identity)
			text := h.String()
			if want := "mx.example.net;\r\n\tdkim=pass " + tt.want; strings.ReplaceAll(text, "\r\n\theader.i", " header.i") != want {
				t.Errorf("got  %q\nwant %q", text, want)
			}
			got, err := read(text)
			if err != nil || !reflect.DeepEqual(got, h) {
				t.Errorf("reads back as %+v, %v", got, err)
			}
		})
	}
}

// AR-14: reasons and comments have no way out either, should one ever hold more than a fixed word.
func TestTexts(t *testing.T) {
	text := header(authres.Result{
		Method: "dkim", Value: "fail",
		Reason:  "no \"key\";\r\n dkim=pass",
		Comment: "key (1) of 2; \\) dkim=pass\x00",
	}).String()
	t.Run("AR-14", func(t *testing.T) {
		want := "mx.example.net;\r\n\tdkim=fail (key =281=29 of 2=3B =5C=29 dkim=3Dpass=00)\r\n\treason=\"no =22key=22=3B=0D=0A dkim=3Dpass\""
		if text != want {
			t.Errorf("got  %q\nwant %q", text, want)
		}
	})
	t.Run("cut", func(t *testing.T) {
		h := header(authres.Result{Method: "dkim", Value: "fail", Comment: strings.Repeat("x", 125) + "((" + "end"})
		want := "mx.example.net;\r\n\tdkim=fail\r\n\t(" + strings.Repeat("x", 125) + "=28)"
		if got := h.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		h.Results[0].Comment = strings.Repeat("x", 126) + "(("
		if got := h.String(); !strings.Contains(got, "x)") || strings.Contains(got, "=2)") {
			t.Errorf("an escape is cut in two: %q", got)
		}
	})
}

// AR-11: lines and sizes.
func TestSize(t *testing.T) {
	name := strings.Repeat(strings.Repeat("d", 63)+".", 3) + strings.Repeat("d", 61)
	longest := signed("permerror", name, strings.Repeat("l", 64)+"@"+name)
	longest.Reason = strings.Repeat("r", 200)
	longest.Properties = append(longest.Properties, authres.Property{Type: "header", Name: "s", Value: name})
	t.Run("AR-11", func(t *testing.T) {
		var h authres.Header
		for range 10 {
			h.Results = append(h.Results, longest)
		}
		text := h.String()
		if got, err := read(text); err != nil || len(got.Results) != 10 {
			t.Errorf("ten results of the longest names: %d are written, %v", len(got.Results), err)
		}
		checkLines(t, text)
	})
	t.Run("AR-11 limit", func(t *testing.T) {
		var h authres.Header
		for range 200 {
			h.Results = append(h.Results, longest)
		}
		text := h.String()
		got, err := read(text)
		if want := fmt.Sprintf("(results left out: %d)", 200-len(got.Results)); err != nil || !strings.HasSuffix(text, want) {
			t.Errorf("got %d results, %v, and at the end %q", len(got.Results), err, text[len(text)-40:])
		}
		if len(text) > 25<<10 {
			t.Errorf("%d octets", len(text))
		}
	})
	t.Run("long value", func(t *testing.T) {
		h := identityResult(strings.Repeat("x", 500) + "@bank.example")
		if got := h.String(); got != "mx.example.net;\r\n\tdkim=pass" {
			t.Errorf("a value of 513 octets is written: %q", got)
		}
		h = identityResult(strings.Repeat(";", 171) + "@bank.example")
		if got := h.String(); got != "mx.example.net;\r\n\tdkim=pass" {
			t.Errorf("a value of 526 octets with its escapes is written: %q", got)
		}
	})
	t.Run("many properties", func(t *testing.T) {
		r := authres.Result{Method: "dkim", Value: "pass"}
		for range 1000 {
			r.Properties = append(r.Properties, authres.Property{Type: "header", Name: "d", Value: "x"})
		}
		if got := strings.Count(header(r).String(), "header.d"); got != 16 {
			t.Errorf("%d properties", got)
		}
	})
}

// checkLines sees that each line is at most 78 octets with the field's name, or a single word.
func checkLines(t *testing.T, text string) {
	t.Helper()
	for i, line := range strings.Split(authres.FieldName+": "+text, "\r\n") {
		if strings.ContainsAny(line, "\r\n") {
			t.Errorf("a line end is no CRLF: %q", line)
		}
		if i > 0 && line[0] != '\t' {
			t.Errorf("no fold: %q", line)
		}
		inWord := regexpWord.ReplaceAllString(line, "x")
		if len(line) > 998 || len(line) > 78 && strings.ContainsAny(strings.TrimPrefix(inWord, "\t"), " \t") && !strings.HasPrefix(line, authres.FieldName) {
			t.Errorf("a line of %d octets: %q", len(line), line)
		}
	}
}

// Another implementation reads the same, as far as it can: it knows no quotes and no comments.
func TestReadByGoMsgauth(t *testing.T) {
	r := signed("pass", "example.com", "joe@example.com")
	r.Comment = ""
	id, results, err := msgauth.Parse(strings.ReplaceAll(header(r).String(), "\r\n", ""))
	want := &msgauth.DKIMResult{Value: msgauth.ResultPass, Domain: "example.com", Identifier: "joe@example.com"}
	if err != nil || id != ours || len(results) != 1 || !reflect.DeepEqual(results[0], want) {
		t.Errorf("got %q, %+v, %v", id, results, err)
	}
	id, results, err = msgauth.Parse(header().String())
	if err != nil || id != ours || len(results) != 0 {
		t.Errorf("none: got %q, %+v, %v", id, results, err)
	}
}
