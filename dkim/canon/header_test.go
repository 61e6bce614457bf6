package canon

import (
	"bytes"
	"testing"
)

func TestAppendHeader(t *testing.T) {
	tests := []struct{ name, field, relaxed string }{
		{"HC-2 RFC 6376 3.4.5 first", "A: X", "a:X\r\n"},
		{"HC-2 RFC 6376 3.4.5 second", "B : Y\t\r\n\tZ  ", "b:Y Z\r\n"},
		{"HC-2 case of the value stays", "SUBJect: AbC", "subject:AbC\r\n"},
		{"HC-2 no blank after the colon", "Subject:x", "subject:x\r\n"},
		{"HC-2 empty value", "Subject:", "subject:\r\n"},
		{"HC-2 value of blanks", "Subject: \t \r\n ", "subject:\r\n"},
		{"HC-2 value begins with a fold", "Subject:\r\n x", "subject:x\r\n"},
		{"HC-2 many folds", "S: a\r\n \r\n\tb\r\n c", "s:a b c\r\n"},
		{"HC-2 colons in the value", "S: a : b:c", "s:a : b:c\r\n"},
		{"HC-3 other white space is data", "S: \va\f\u00a0\u2028 ", "s:\va\f\u00a0\u2028\r\n"},
		{"HC-7 8-bit and invalid UTF-8", "S: \xff\xc3\x28 \x80", "s:\xff\xc3\x28 \x80\r\n"},
		{"HC-7 only ASCII letters are lowered", "X-\xc3\x84: a", "x-\xc3\x84:a\r\n"},
		{"bare CR and LF are data", "S: a\rb\n c\r", "s:a\rb\n c\r\r\n"},
		{"a CRLF that is no fold is data", "S: a\r\nb", "s:a\r\nb\r\n"},
		{"no colon", " Name ", "name\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := AppendHeader([]byte("before|"), Relaxed, []byte(tt.field)); string(got) != "before|"+tt.relaxed {
				t.Errorf("relaxed: %q, want %q", got, tt.relaxed)
			}
			// HC-1: simple adds the CRLF and nothing else.
			if got := AppendHeader(nil, Simple, []byte(tt.field)); string(got) != tt.field+"\r\n" {
				t.Errorf("simple: %q", got)
			}
		})
	}
}

func FuzzAppendHeader(f *testing.F) {
	f.Add([]byte("B : Y\t\r\n\tZ  "))
	f.Add([]byte("S: a\r\n \r\n\tb\r\n c"))
	f.Add([]byte("a:\r\n\r\n "))
	f.Fuzz(func(t *testing.T, field []byte) {
		if got, want := AppendHeader(nil, Relaxed, field), referenceField(field); !bytes.Equal(got, want) {
			t.Fatalf("%q became %q, want %q", field, got, want)
		}
	})
}
