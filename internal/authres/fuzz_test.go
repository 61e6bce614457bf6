package authres_test

import (
	"reflect"
	"strings"
	"testing"

	msgauth "github.com/emersion/go-msgauth/authres"

	"github.com/postseal/postseal/internal/authres"
)

// FuzzFormat writes fields of any texts: the reader of the tests and Parse find the same in them, within the bounds, and go-msgauth does
// where it can.
func FuzzFormat(f *testing.F) {
	f.Add("mx.example.net", "dkim", "pass", "", "2048-bit key", "header", "d", "example.com", "@example.com")
	f.Add("[192.0.2.1]", "dkim", "fail", "body hash", "", "header", "i", "x; dkim=pass header.d=bank.example", "a\r\nX: y@d")
	f.Add("", "d m", "pass;", "\"", "(\\", "", "=", "", "\x00\xff")
	f.Add("x", "dkim", "pass", strings.Repeat("=", 200), strings.Repeat("ab ", 60), "header", "i", strings.Repeat("l", 512), strings.Repeat(";", 200))
	f.Fuzz(func(t *testing.T, id, method, value, reason, comment, ptype, name, v1, v2 string) {
		r := authres.Result{Method: method, Value: value, Reason: reason, Comment: comment, Properties: []authres.Property{
			{Type: ptype, Name: name, Value: v1}, {Type: "header", Name: "i", Value: v2},
		}}
		h := authres.Header{ID: id, Results: []authres.Result{r, {Method: "dkim", Value: "none"}}}
		text := h.String()
		for i := range len(text) {
			if c := text[i]; c >= 0x7f || c < ' ' && !strings.Contains("\r\n\t", string(rune(c))) {
				t.Fatalf("octet %#x in %q", c, text)
			}
		}
		checkLines(t, text)
		got, err := read(text)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(got.Results); n == 0 || got.Results[n-1].Value != "none" || n > 2 {
			t.Fatalf("%d results: %q", n, text)
		}
		if len(got.Results) == 2 {
			checkResult(t, got.Results[0], r)
		}
		if strings.Trim(got.ID, ".") != "" && !authres.IsOurs([]byte(text), id) {
			t.Fatalf("our own field is not ours: %q", text)
		}
		parsed, err := authres.Parse([]byte(text))
		if err != nil || parsed.ID != got.ID || len(parsed.Results) != len(got.Results) {
			t.Fatalf("Parse: %+v, %v of %q", parsed, err, text)
		}
		compareMsgauth(t, text, got)
	})
}

// checkResult sees that a result holds what was written, no more, and no less than the bounds permit.
func checkResult(t *testing.T, got, want authres.Result) {
	t.Helper()
	if got.Method != want.Method || got.Value != want.Value || !strings.HasPrefix(want.Reason, got.Reason) || !strings.HasPrefix(want.Comment, got.Comment) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	if len(want.Reason) <= 42 && got.Reason != want.Reason || len(want.Comment) <= 42 && got.Comment != want.Comment {
		t.Fatalf("cut too short: %+v of %+v", got, want)
	}
	rest := want.Properties
	for _, p := range got.Properties {
		for len(rest) > 0 && rest[0] != p {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			t.Fatalf("a property that nobody gave: %+v of %+v", p, want)
		}
	}
	last := want.Properties[1]
	if n := len(got.Properties); len(last.Value) <= 170 && (n == 0 || got.Properties[n-1] != last) {
		t.Fatalf("a property is missing: %+v of %+v", got, want)
	}
}

// compareMsgauth asks go-msgauth about fields without quotes and comments, of which it knows nothing.
func compareMsgauth(t *testing.T, text string, want authres.Header) {
	t.Helper()
	if strings.ContainsAny(text, `"(`) {
		return
	}
	id, results, err := msgauth.Parse(strings.ReplaceAll(text, "\r\n", ""))
	if err != nil || id != want.ID {
		t.Fatalf("go-msgauth: %q, %v of %q", id, err, text)
	}
	last, ok := results[len(results)-1].(*msgauth.DKIMResult)
	if !ok || len(results) != len(want.Results) || !reflect.DeepEqual(last, &msgauth.DKIMResult{Value: msgauth.ResultNone}) {
		t.Fatalf("go-msgauth: %+v of %q", results, text)
	}
}

// FuzzIsOurs reads fields of strangers.
func FuzzIsOurs(f *testing.F) {
	for _, s := range spellings {
		f.Add([]byte(s.value), ours)
	}
	f.Add([]byte("(((\\"), "")
	f.Add([]byte(`"\`), `"`)
	f.Add([]byte("=?utf-8?q?=00?=/"), "x")
	f.Fuzz(func(t *testing.T, value []byte, id string) {
		isOurs := authres.IsOurs(value, id)
		h, err := authres.Parse(value)
		if err == nil && strings.EqualFold(h.ID, id) && strings.Trim(h.ID, ".") != "" && isPrintable(h.ID) && !isOurs {
			t.Fatalf("%q has the id %q and is not ours", value, id)
		}
		methods, ok := authres.Methods(value)
		if ok != (err == nil) || len(methods) > len(h.Results) {
			t.Fatalf("methods %q, %v of %+v, %v", methods, ok, h, err)
		}
		spared := authres.Removal{ID: id, SpareMethods: []string{"spf"}}
		if spared.Removes(value) && !isOurs || isOurs && !spared.Removes(value) && !reflect.DeepEqual(methods, []string{"spf"}) {
			t.Fatalf("%q of %q: ours %v, removed %v, methods %q", value, id, isOurs, spared.Removes(value), methods)
		}
	})
}

func isPrintable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
