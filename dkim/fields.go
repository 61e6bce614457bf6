package dkim

import (
	"bytes"
	"iter"
	"strings"
)

// Fields is the header of a message: its fields raw, in order, in one piece of memory that Reset keeps. The zero value is empty
// and ready. The slices it gives out are valid until the next Add or Reset.
type Fields struct {
	arena []byte // "Name:value" one after the other, folds as CRLF, without the final CRLF
	index []field
}

// field is a place in the arena: the name without blanks behind it, the colon, the end of the value.
type field struct{ start, nameEnd, colon, end int }

// Add appends a field as a milter gets it: value is everything behind the colon, and its folds may be LF alone, which becomes
// CRLF (that is what the MTA sends on).
func (f *Fields) Add(name, value []byte) {
	at := field{start: len(f.arena)}
	f.arena = append(f.arena, name...)
	at.nameEnd = at.start + len(trimBlanksRight(name))
	at.colon = len(f.arena)
	f.arena = append(f.arena, ':')
	f.arena = appendCRLF(f.arena, value)
	at.end = len(f.arena)
	f.index = append(f.index, at)
}

// appendCRLF appends value with each LF that has no CR as CRLF.
func appendCRLF(dst, value []byte) []byte {
	for {
		i := bytes.IndexByte(value, '\n')
		if i < 0 {
			return append(dst, value...)
		}
		dst = append(dst, value[:i]...)
		if i == 0 || value[i-1] != '\r' {
			dst = append(dst, '\r')
		}
		dst = append(dst, '\n')
		value = value[i+1:]
	}
}

// Reset forgets all fields and keeps the memory.
func (f *Fields) Reset() { f.arena, f.index = f.arena[:0], f.index[:0] }

// Len is the number of fields.
func (f *Fields) Len() int { return len(f.index) }

// Bytes is the size of the header in octets, with the CRLF of each field.
func (f *Fields) Bytes() int { return len(f.arena) + 2*len(f.index) }

// Name returns the name of field i in its own spelling.
func (f *Fields) Name(i int) []byte { return f.arena[f.index[i].start:f.index[i].nameEnd] }

// Value returns what stands behind the colon of field i, with its blanks and folds.
func (f *Fields) Value(i int) []byte { return f.arena[f.index[i].colon+1 : f.index[i].end] }

// Raw returns field i, "Name: value", with CRLF folds and without its final CRLF.
func (f *Fields) Raw(i int) []byte { return f.arena[f.index[i].start:f.index[i].end] }

// FromBottom yields the indexes of the fields called name, in any case, from the last one up: the order in which signatures take
// them (RFC 6376 section 5.4.2).
func (f *Fields) FromBottom(name string) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := f.above(name, len(f.index)); i >= 0 && yield(i); i = f.above(name, i) {
		}
	}
}

// above returns the lowest field called name above field i; negative if there is none.
func (f *Fields) above(name string, i int) int {
	for i--; i >= 0 && !equalFold(f.Name(i), name); i-- {
	}
	return i
}

// Instances appends to dst the fields that the names of an h= tag stand for, in hash order: each name takes the lowest field of
// that name that is not taken yet, and nothing when they have run out (RFC 6376 section 5.4.2). It takes time in proportion to
// the number of distinct names times Len; the caller bounds both.
func (f *Fields) Instances(dst []int, names []string) []int {
	taken := make(map[string]int) // lower-case name to the highest field taken
	for _, name := range names {
		key := strings.ToLower(name)
		from, seen := taken[key]
		if !seen {
			from = len(f.index)
		}
		i := f.above(name, from)
		taken[key] = i
		if i >= 0 {
			dst = append(dst, i)
		}
	}
	return dst
}

// Count is the number of fields called name, in any case.
func (f *Fields) Count(name string) int {
	n := 0
	for range f.FromBottom(name) {
		n++
	}
	return n
}

// equalFold compares names as RFC 5322 does: ASCII letters without case, all else octet by octet.
func equalFold(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if lower(c) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func trimBlanksRight(s []byte) []byte { return bytes.TrimRight(s, " \t") }
