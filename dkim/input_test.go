package dkim

import (
	"testing"

	"github.com/postseal/postseal/dkim/canon"
)

// HC-4, HC-5: the field loses the value of the tag named exactly b, and its CRLF.
func TestAppendSignatureField(t *testing.T) {
	tests := []struct{ name, field, simple string }{
		{"at the end", "DKIM-Signature: v=1; b=abc", "DKIM-Signature: v=1; b="},
		{"empty already", "DKIM-Signature: v=1; b=", "DKIM-Signature: v=1; b="},
		{"folded", "DKIM-Signature: v=1; b= ab\r\n\tc ; d=x", "DKIM-Signature: v=1; b=; d=x"},
		{"blanks around the name", "DKIM-Signature: v=1;\r\n b \t= abc;", "DKIM-Signature: v=1;\r\n b \t=;"},
		{"first", "DKIM-Signature:b=abc;v=1", "DKIM-Signature:b=;v=1"},
		{"bh stays", "DKIM-Signature: bh=abc; b=def", "DKIM-Signature: bh=abc; b="},
		{"zb, x-b stay", "DKIM-Signature: zb=1; x-b=2; b=3", "DKIM-Signature: zb=1; x-b=2; b="},
		{"b= in a value stays", "DKIM-Signature: n=a b=c; z=From:b=3D; b=3", "DKIM-Signature: n=a b=c; z=From:b=3D; b="},
		{"B is another tag", "DKIM-Signature: B=1; b=2", "DKIM-Signature: B=1; b="},
		{"no b=", "DKIM-Signature: v=1; n", "DKIM-Signature: v=1; n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := AppendSignatureField([]byte("x|"), canon.Simple, []byte(tt.field)); string(got) != "x|"+tt.simple {
				t.Errorf("%q, want %q", got, tt.simple)
			}
		})
	}
	// HC-6: the field is canonicalized like any other.
	got := AppendSignatureField(nil, canon.Relaxed, []byte("DKIM-Signature: v=1;\r\n\tb=a\r\n b;  d=x \t"))
	if want := "dkim-signature:v=1; b=; d=x"; string(got) != want {
		t.Errorf("relaxed: %q, want %q", got, want)
	}
}

func FuzzAppendSignatureField(f *testing.F) {
	f.Add([]byte("DKIM-Signature: v=1; b= ab\r\n\tc ; d=x"))
	f.Add([]byte("b=;b"))
	f.Fuzz(func(t *testing.T, field []byte) {
		once := AppendSignatureField(nil, canon.Simple, field)
		if twice := AppendSignatureField(nil, canon.Simple, once); string(twice) != string(once) {
			t.Errorf("%q, and again %q", once, twice)
		}
	})
}
