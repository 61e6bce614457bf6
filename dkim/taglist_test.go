package dkim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestParseTagList(t *testing.T) {
	tests := []struct {
		name, text string
		want       TagList
	}{
		{"VF-2/one", "a=1", TagList{{"a", "1"}}},
		{"VF-2/final semicolon", "a=1;", TagList{{"a", "1"}}},
		{"VF-2/blanks behind the final semicolon", "a=1; \t", TagList{{"a", "1"}}},
		{"VF-2/white space everywhere", " a \t=\r\n 1 2\r\n\t; b\r\n = 3 ", TagList{{"a", "1 2"}, {"b", "3"}}},
		{"VF-2/folds on end", "a=\r\n \r\n\t1", TagList{{"a", "1"}}},
		{"VF-2/empty value", "a=;b= ", TagList{{"a", ""}, {"b", ""}}},
		{"VF-2/= in a value", "a=b=c==", TagList{{"a", "b=c=="}}},
		{"VF-4/names have case", "d=1;D=2", TagList{{"d", "1"}, {"D", "2"}}},
		{"VF-4/order is kept", "z=1;a=2", TagList{{"z", "1"}, {"a", "2"}}},
		{"digits and underscores", "a1_=x", TagList{{"a1_", "x"}}},
		{"hyphens in private tags", "x-b=1", TagList{{"x-b", "1"}}},
		{"EA-3/UTF-8", "n=Schlüssel", TagList{{"n", "Schlüssel"}}},
		{"EA-4/other octets", "n=\xff", TagList{{"n", "\xff"}}},
		{"HC-3/NBSP is no white space", "n=\u00a0", TagList{{"n", "\u00a0"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseTagList(tt.text)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestParseTagListRefuses(t *testing.T) {
	tests := []struct{ name, text, says string }{
		{"VF-2/empty", "", "no ="},
		{"VF-2/blanks", " \t", "no ="},
		{"VF-2/semicolon alone", ";", "no ="},
		{"VF-2/leading semicolon", ";a=1", "no ="},
		{"VF-2/two semicolons", "a=1;;b=2", "no ="},
		{"VF-2/two final semicolons", "a=1;;", "no ="},
		{"VF-2/no equals", "a=1;b", "no ="},
		{"VF-2/no name", "=1", "no name of a tag"},
		{"VF-2/digit first", "1a=1", "no name of a tag"},
		{"VF-2/underscore first", "_p=1", "no name of a tag"},
		{"VF-2/blank in a name", "a b=1", "no name of a tag"},
		{"VF-2/8-bit name", "ä=1", "no name of a tag"},
		{"VF-2/bare LF", "a=1;\n b=2", "octet 0x0a at 4"},
		{"VF-2/bare CR", "a=1\r;b=2", "octet 0x0d at 3"},
		{"VF-2/CRLF that is no fold", "a=1;\r\nb=2", "octet 0x0d"},
		{"VF-2/CRLF at the end", "a=1\r\n", "octet 0x0d"},
		{"VF-2/NUL", "a=\x00", "octet 0x00 at 2"},
		{"VF-2/VT", "a=\v1", "octet 0x0b"},
		{"VF-2/DEL", "a=\x7f", "octet 0x7f"},
		{"VF-3/known tag twice", "d=a;d=a", "twice"},
		{"VF-3/unknown tag twice", "foo=1;d=a; foo =1", "twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := ParseTagList(tt.text); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%q, %v; want an error with %q", got, err, tt.says)
			}
		})
	}
}

func TestTagListBounds(t *testing.T) {
	t.Run("SE-4/tags", func(t *testing.T) {
		var b strings.Builder
		for i := range maxTags {
			fmt.Fprintf(&b, "a%d=1;", i)
		}
		if _, err := ParseTagList(b.String()); err != nil {
			t.Error(err)
		}
		if _, err := ParseTagList(b.String() + "z=1"); !errors.Is(err, ErrTagListTooLong) {
			t.Errorf("one more: %v", err)
		}
	})
	t.Run("SE-4/octets", func(t *testing.T) {
		if _, err := ParseTagList("a=" + strings.Repeat("x", maxTagList-2)); err != nil {
			t.Error(err)
		}
		if _, err := ParseTagList("a=" + strings.Repeat("x", maxTagList-1)); !errors.Is(err, ErrTagListTooLong) {
			t.Errorf("one more: %v", err)
		}
	})
}

// What was parsed, written out plainly, parses to the same.
func FuzzParseTagList(f *testing.F) {
	for _, seed := range []string{"v=1; a=rsa-sha256;\r\n\tb= ab\r\n c ;", "a=1;;", ";", "n=\xff; a=\r\n \r\n 1", "a=\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ParseTagList(text)
		if err != nil {
			return
		}
		var plain []string
		for _, tag := range list {
			plain = append(plain, tag.Name+"="+tag.Value)
		}
		again, err := ParseTagList(strings.Join(plain, ";"))
		if err != nil || !slices.Equal(again, list) {
			t.Errorf("%q became %q, %v", list, again, err)
		}
	})
}
