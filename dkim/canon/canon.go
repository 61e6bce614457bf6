// Package canon brings header fields and bodies into the canonical forms of RFC 6376 section 3.4.
//
// There are two forms, simple and relaxed, and a signature names one for the header and one for the body ("c=relaxed/simple"):
//
//	simple   octets as they are; of the body's final CRLFs exactly one counts
//	relaxed  runs of blanks count as one SP, blanks at the end of a line do not count, folds and the case of names do not count
//
// White space is SP and HTAB, nothing else; a CR or an LF that stands alone is data (RFC 6376 sections 2.8 and 5.3).
package canon

import (
	"fmt"
	"strings"
)

// Kind is one of the two canonical forms. The zero value is Simple, as in RFC 6376.
type Kind uint8

// The two forms of RFC 6376 section 3.4.
const (
	Simple Kind = iota
	Relaxed
)

// String gives the name that stands in c=.
func (k Kind) String() string {
	if k == Relaxed {
		return "relaxed"
	}
	return "simple"
}

// ParseKind reads "simple" or "relaxed" in any case: an ABNF literal has none (RFC 5234 section 2.3).
func ParseKind(s string) (Kind, error) {
	switch {
	case strings.EqualFold(s, "simple"):
		return Simple, nil
	case strings.EqualFold(s, "relaxed"):
		return Relaxed, nil
	}
	return Simple, fmt.Errorf("canonicalization %q: want simple or relaxed", s)
}

// Pair is the value of a c= tag. The zero value is simple/simple, which is what a missing c= means (RFC 6376 section 3.5).
type Pair struct{ Header, Body Kind }

// String gives the value in full, "relaxed/simple", never the short form.
func (p Pair) String() string { return p.Header.String() + "/" + p.Body.String() }

// ParsePair reads "header/body". One name alone is the header's; the body is simple then (RFC 6376 section 3.5, c=).
func ParsePair(s string) (Pair, error) {
	header, body, both := strings.Cut(s, "/")
	var p Pair
	var err error
	if p.Header, err = ParseKind(header); err != nil {
		return Pair{}, err
	}
	if !both {
		return p, nil
	}
	if p.Body, err = ParseKind(body); err != nil {
		return Pair{}, err
	}
	return p, nil
}
