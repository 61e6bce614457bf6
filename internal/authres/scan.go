package authres

import "strings"

// scanner reads a field's value from left to right, once. Folds may be CRLF or LF, as milters see them.
type scanner struct {
	s         string
	pos       int
	intricate bool // a comment had a comment or a quoted pair in it
}

func (p *scanner) atEnd() bool { return p.pos == len(p.s) }

// peek is the next octet, 0 at the end; a NUL in the text is no octet of anything.
func (p *scanner) peek() byte {
	if p.atEnd() {
		return 0
	}
	return p.s[p.pos]
}

// take consumes c if it is next.
func (p *scanner) take(c byte) bool {
	if p.atEnd() || p.s[p.pos] != c {
		return false
	}
	p.pos++
	return true
}

// skip passes comments and white space (RFC 5322 section 3.2.2, CFWS). It is not ok if a comment does not end.
func (p *scanner) skip() (ok bool) {
	for !p.atEnd() {
		switch {
		case isBlank(p.s[p.pos]):
			p.pos++
		case p.s[p.pos] == '(':
			if !p.comment() {
				return false
			}
		default:
			return true
		}
	}
	return true
}

// comment passes a comment with the comments in it. They are counted, not recursed into.
func (p *scanner) comment() (ok bool) {
	for depth := 0; !p.atEnd(); p.pos++ {
		switch p.s[p.pos] {
		case '(':
			depth++
			p.intricate = p.intricate || depth > 1
		case ')':
			if depth--; depth == 0 {
				p.pos++
				return true
			}
		case '\\':
			p.intricate = true
			if p.pos+1 < len(p.s) {
				p.pos++
			}
		case 0:
			return false
		}
	}
	return false
}

// run passes octets of a kind and returns them.
func (p *scanner) run(kind func(byte) bool) string {
	start := p.pos
	for !p.atEnd() && kind(p.s[p.pos]) {
		p.pos++
	}
	return p.s[start:p.pos]
}

// value reads a token or a quoted-string (RFC 2045 section 5.1), with UTF-8 as RFC 6532 has it.
func (p *scanner) value() (text string, ok bool) {
	if p.peek() == '"' {
		return p.quoted()
	}
	text = p.run(func(c byte) bool { return isTokenOctet(c) || c >= 0x80 })
	return text, text != ""
}

// quoted reads a quoted-string (RFC 5322 section 3.2.4). Line ends in it are folds, other controls an error.
func (p *scanner) quoted() (text string, ok bool) {
	var b strings.Builder
	for p.pos++; !p.atEnd(); p.pos++ {
		c := p.s[p.pos]
		switch {
		case c == '"':
			p.pos++
			return b.String(), true
		case c == '\r' || c == '\n':
			continue
		case c == '\\':
			if p.pos++; p.atEnd() {
				return "", false
			}
			c = p.s[p.pos]
		}
		if isControl(c) {
			return "", false
		}
		b.WriteByte(c)
	}
	return "", false
}

// keyword reads a name. "_" is no part of one, but is seen.
func (p *scanner) keyword() string {
	return p.run(func(c byte) bool { return isLetterOrDigit(c) || c == '-' || c == '_' })
}

// head reads what stands before the first result: the authserv-id and the version (RFC 8601 section 2.2), up to a ";" or the end, where
// it stops.
func (p *scanner) head() (id string, ok bool) {
	if !p.skip() {
		return "", false
	}
	if id, ok = p.value(); !ok || !p.skip() {
		return "", false
	}
	p.run(func(c byte) bool { return '0' <= c && c <= '9' })
	return id, p.skip() && (p.atEnd() || p.peek() == ';')
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func isControl(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }
