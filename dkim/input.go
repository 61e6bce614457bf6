package dkim

import (
	"bytes"

	"github.com/postseal/postseal/dkim/canon"
)

// What b= signs (RFC 6376 section 3.7) is AppendFields of the covered fields, followed by AppendSignatureField.

// AppendFields appends the canonical forms of the given fields, in the given order, each with its CRLF.
func AppendFields(dst []byte, k canon.Kind, f *Fields, instances []int) []byte {
	for _, i := range instances {
		dst = canon.AppendHeader(dst, k, f.Raw(i))
	}
	return dst
}

// AppendSignatureField appends the canonical form of a signature's own field with the value of b= taken out and without the final
// CRLF. field is raw, "DKIM-Signature: …", with or without a value in b=.
func AppendSignatureField(dst []byte, k canon.Kind, field []byte) []byte {
	if from, to, ok := valueOfB(field); ok && from < to {
		emptied := make([]byte, 0, len(field))
		field = append(append(emptied, field[:from]...), field[to:]...)
	}
	dst = canon.AppendHeader(dst, k, field)
	return dst[:len(dst)-len("\r\n")]
}

// valueOfB finds the value of the tag named exactly "b", with the white space around it (RFC 6376 section 3.5). A tag ends at the next
// semicolon whatever it holds, so neither a "b=" inside another tag's value nor the end of a longer name is taken for it.
func valueOfB(field []byte) (from, to int, ok bool) {
	at := bytes.IndexByte(field, ':') + 1
	for at < len(field) {
		end := len(field)
		if i := bytes.IndexByte(field[at:], ';'); i >= 0 {
			end = at + i
		}
		name, value, found := bytes.Cut(field[at:end], []byte("="))
		if found && string(bytes.Trim(name, " \t\r\n")) == "b" {
			return end - len(value), end, true
		}
		at = end + 1
	}
	return 0, 0, false
}
