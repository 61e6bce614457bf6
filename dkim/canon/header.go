package canon

import "bytes"

// AppendHeader appends the canonical form of one header field to dst, with its CRLF, and returns the longer slice.
// field is the raw "Name: value" with CRLF folds and without the final CRLF. The signature's own field is hashed without the
// CRLF: its caller cuts the last two octets off (RFC 6376 section 3.7).
func AppendHeader(dst []byte, k Kind, field []byte) []byte {
	if k == Relaxed {
		dst = appendRelaxedField(dst, field)
	} else {
		dst = append(dst, field...) // section 3.4.1: not one octet changes
	}
	return append(dst, '\r', '\n')
}

// appendRelaxedField follows the steps of RFC 6376 section 3.4.2. Without a colon everything is the name.
func appendRelaxedField(dst, field []byte) []byte {
	colon := bytes.IndexByte(field, ':')
	if colon < 0 {
		colon = len(field)
	}
	for _, c := range trimBlanks(field[:colon]) {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A' // ASCII only: a name has no other letters
		}
		dst = append(dst, c)
	}
	if colon == len(field) {
		return dst
	}
	return appendUnfolded(append(dst, ':'), field[colon+1:])
}

// appendUnfolded appends value with its folds undone, each run of blanks as one SP, and no blank at either end.
func appendUnfolded(dst, value []byte) []byte {
	first := len(dst)
	blank := false
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case isBlank(c):
			blank = true
			continue
		case c == '\r' && isFold(value[i:]):
			i++ // the CRLF of a fold; the blank behind it joins the run
			continue
		}
		if blank && len(dst) > first {
			dst = append(dst, ' ')
		}
		blank = false
		dst = append(dst, c)
	}
	return dst
}

// isFold reports whether s begins with CRLF and a blank.
func isFold(s []byte) bool { return len(s) > 2 && s[1] == '\n' && isBlank(s[2]) }

// isBlank reports whether c is WSP (RFC 5234): SP or HTAB, neither VT, FF nor NBSP.
func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func trimBlanks(s []byte) []byte {
	for len(s) > 0 && isBlank(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}
