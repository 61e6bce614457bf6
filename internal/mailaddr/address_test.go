package mailaddr

import (
	"errors"
	"strings"
	"testing"
)

func TestParseAndString(t *testing.T) {
	tests := []struct {
		name, in string
		want     Address
		text     string
	}{
		{"plain", "alice@example.com", Address{"alice", "example.com"}, "alice@example.com"},
		{"needless quotes", `"alice"@example.com`, Address{"alice", "example.com"}, "alice@example.com"},
		{"needful quotes", `"a b"@example.com`, Address{"a b", "example.com"}, `"a b"@example.com`},
		{"backslash and quote", `"a\\b\"c"@example.com`, Address{`a\b"c`, "example.com"}, `"a\\b\"c"@example.com`},
		{"dots at the edge", `".a."@example.com`, Address{".a.", "example.com"}, `".a."@example.com`},
		{"empty local part", `""@example.com`, Address{"", "example.com"}, `""@example.com`},
		{"U-label", "a@BÜCHER.example", Address{"a", "xn--bcher-kva.example"}, "a@xn--bcher-kva.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.in)
			if err != nil || got != tt.want {
				t.Fatalf("Parse(%q) = %+v, %v, want %+v", tt.in, got, err, tt.want)
			}
			if got.String() != tt.text {
				t.Errorf("String() = %q, want %q", got.String(), tt.text)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{"", "alice", "<alice@example.com>", "Alice <a@example.com>", "a@b, c@d", "a@b c"} {
		if a, err := Parse(in); err == nil || a != (Address{}) {
			t.Errorf("Parse(%q) = %+v, %v, want an error", in, a, err)
		}
	}
}

func TestParsePath(t *testing.T) {
	tests := []struct {
		in   string
		want Address
		err  error
	}{
		{in: "<a@b.example>", want: Address{"a", "b.example"}},
		{in: "a@B.example", want: Address{"a", "b.example"}},
		{in: "<>", want: Address{}},
		{in: "", want: Address{}},
		{in: "<@r.example:u@d.example>", want: Address{"u", "d.example"}},
		{in: `<"a b"@d.example>`, want: Address{"a b", "d.example"}},
		{in: "<postmaster>", want: Address{Local: "postmaster"}},
		{in: "root", want: Address{Local: "root"}},
		{in: " <a@b.example> ", want: Address{"a", "b.example"}},
		{in: "<a@[192.0.2.1]>", want: Address{"a", "[192.0.2.1]"}},
		{in: "<a@b.example", err: ErrSyntax},
		{in: "<a@b.example> SIZE=1", err: ErrSyntax},
		{in: `<"">`, err: ErrSyntax},
		{in: "< >", err: ErrSyntax},
		{in: "<a b@d.example>", err: ErrSyntax},
		{in: "<a@b@c.example>", err: ErrSyntax},
		{in: "<a@exa mple>", err: ErrSyntax},
		{in: "<a@b．example>", err: ErrDomain},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := ParsePath(tt.in)
			if !errors.Is(err, tt.err) || got != tt.want {
				t.Errorf("ParsePath(%q) = %+v, %v, want %+v, %v", tt.in, got, err, tt.want, tt.err)
			}
		})
	}
	if null := (Address{}); !null.IsNull() || null.String() != "" {
		t.Errorf("zero Address: IsNull %v, String %q", null.IsNull(), null.String())
	}
	if a := (Address{Local: "root"}); a.IsNull() || a.String() != "root" {
		t.Errorf("local only: IsNull %v, String %q", a.IsNull(), a.String())
	}
}

// EA-1, EA-2: A-labels inside, and no name that turns into another one.
func TestALabels(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"lower case", "Example.COM", "example.com"},
		{"U-label", "Bücher.Example", "xn--bcher-kva.example"},
		{"decomposed", "bu\u0308cher.example", "xn--bcher-kva.example"},
		{"sharp s stays", "faß.example", "xn--fa-hia.example"},
		{"A-label in upper case", "XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"both kinds", "bücher.xn--bcher-kva.example", "xn--bcher-kva.xn--bcher-kva.example"},
		{"underscore", "_dkim.example.com", "_dkim.example.com"},
		{"one label", "localhost", "localhost"},
		{"right to left", "\u05d0\u05d1.example", "xn--4dbc.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ALabels(tt.in)
			if err != nil || got != tt.want {
				t.Errorf("ALabels(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
			}
		})
	}
}

func TestALabelsRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"EA-2 one dot leader":     "bank\u2024example",
		"EA-2 full-width dot":     "bank\uff0eexample",
		"EA-2 ideographic dot":    "bank\u3002example",
		"EA-2 half-width dot":     "bank\uff61example",
		"full-width letters":      "ｂank.example",
		"full-width A-label":      "ｘｎ－－bcher-kva.example",
		"soft hyphen":             "ba\u00adnk.example",
		"Kelvin sign":             "ban\u212a.example",
		"long s":                  "bu\u017f.example",
		"zero width space":        "ba\u200bnk.example",
		"ligature":                "o\ufb03ce-ü.example",
		"final dot":               "example.com.",
		"leading dot":             ".example.com",
		"empty":                   "",
		"space":                   "exa mple.com",
		"slash":                   "../example.com",
		"NUL":                     "example.com\x00",
		"parenthesis":             "bank.example(.evil.example",
		"long label":              strings.Repeat("a", 64) + ".example",
		"long U-label":            strings.Repeat("ü", 63) + ".example",
		"long name":               strings.Repeat("abcdefg.", 32) + "example",
		"not UTF-8":               "b\xfccher.example",
		"mixed direction":         "a\u05d0.example",
		"emoji with joiner alone": "\u200d.example",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := ALabels(in); !errors.Is(err, ErrDomain) {
				t.Errorf("ALabels(%q) = %q, %v, want ErrDomain", in, got, err)
			}
		})
	}
}

func FuzzALabels(f *testing.F) {
	for _, seed := range []string{"example.com", "bücher.example", "bank\u2024example", "xn--a.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, domain string) {
		ascii, err := ALabels(domain)
		if err != nil {
			return
		}
		if strings.Count(ascii, ".") != strings.Count(domain, ".") {
			t.Errorf("%q became %q", domain, ascii)
		}
		if again, err := ALabels(ascii); err != nil || again != ascii {
			t.Errorf("ALabels(%q) = %q, %v: not stable", ascii, again, err)
		}
	})
}

func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"<>", "<a@b>", "<@r:u@d>", `<"a b"@d>`, "root", "<postmaster>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		a, err := ParsePath(path)
		if err != nil || a.Domain == "" {
			return
		}
		if again, err := ParsePath("<" + a.String() + ">"); err != nil || again != a {
			t.Errorf("%q: %+v, then %+v, %v", path, a, again, err)
		}
	})
}
