package signer

import (
	"strconv"
	"time"

	"github.com/postseal/postseal/dkim/canon"
)

// fieldName is the field with the blank that follows its colon: with c=simple for the header it counts.
const fieldName = "DKIM-Signature: "

// maxLine is the longest line that a field takes where it may be folded at all: below 78 octets (RFC 5322 section 2.1.1).
const maxLine = 77

// field is a DKIM-Signature field in the making. Its lines are folded between tags, between the names of h= and inside b=, which are
// places where RFC 6376 allows white space, and never inside another value. No line ends in a blank.
type field struct {
	text []byte // from "DKIM-Signature: " on
	line int    // where the last line begins
}

// layout writes everything up to and with "b=". The order and the blanks are the same for every message.
func (f *field) layout(k Key, c canon.Pair, now time.Time, expire time.Duration, names [][]byte, bodyHash []byte) {
	f.text, f.line = append(f.text[:0], fieldName...), 0
	f.text = append(f.text, "v=1;"...)
	f.tag("a", k.Private.Algorithm().String())
	f.tag("c", c.String())
	f.tag("d", k.Domain)
	f.tag("s", k.Selector)
	if k.Identity != "" {
		local, host, _ := cutLast(k.Identity)
		f.tag("i", quotedPrintable(local)+"@"+host)
	}
	f.tag("q", "dns/txt")
	f.tag("t", strconv.FormatInt(now.Unix(), 10))
	if expire >= time.Second { // x= MUST be greater than t= (section 3.5)
		f.tag("x", strconv.FormatInt(now.Unix()+int64(expire/time.Second), 10))
	}
	f.names(names)
	f.tag("bh", string(bodyHash))
	f.fold()
	f.text = append(f.text, "b="...)
}

// tag appends one tag on the same line if it fits, else on the next one.
func (f *field) tag(name, value string) {
	at := len(f.text)
	f.text = append(f.text, ' ')
	f.text = append(f.text, name...)
	f.text = append(f.text, '=')
	f.text = append(f.text, value...)
	f.text = append(f.text, ';')
	f.wrap(at, "\r\n") // the blank is there
}

// names appends h=, folded behind its colons (RFC 6376 section 3.5, sig-h-tag).
func (f *field) names(names [][]byte) {
	at, fold := len(f.text), "\r\n"
	f.text = append(f.text, " h="...)
	for i, name := range names {
		f.text = append(f.text, name...)
		if i+1 < len(names) {
			f.text = append(f.text, ':')
		} else {
			f.text = append(f.text, ';')
		}
		f.wrap(at, fold)
		at, fold = len(f.text), "\r\n "
	}
}

// wrap puts fold before text[at:] if that reaches beyond the line.
func (f *field) wrap(at int, fold string) {
	if len(f.text)-f.line <= maxLine {
		return
	}
	f.text = append(f.text, fold...)
	copy(f.text[at+len(fold):], f.text[at:])
	copy(f.text[at:], fold)
	f.line = at + len("\r\n")
}

// fold begins a new line.
func (f *field) fold() {
	f.text = append(f.text, "\r\n "...)
	f.line = len(f.text) - 1
}

// signature appends the value of b= and fills each line (RFC 6376 section 3.5: white space inside b= is ignored).
func (f *field) signature(b string) {
	for {
		room := maxLine - (len(f.text) - f.line)
		if room >= len(b) {
			f.text = append(f.text, b...)
			return
		}
		f.text = append(f.text, b[:room]...)
		b = b[room:]
		f.fold()
	}
}

// quotedPrintable encodes the local part of i= as DKIM-Quoted-Printable (RFC 6376 section 2.11), which leaves no blank, semicolon,
// control or 8-bit octet in the tag.
func quotedPrintable(local string) string {
	const hex = "0123456789ABCDEF"
	var out []byte
	for i := range len(local) {
		c := local[i]
		if c > ' ' && c < 0x7f && c != ';' && c != '=' {
			out = append(out, c)
		} else {
			out = append(out, '=', hex[c>>4], hex[c&15])
		}
	}
	return string(out)
}
