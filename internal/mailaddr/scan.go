package mailaddr

import "strings"

// parser reads s from left to right and never goes back over more than one
// token, so its time is linear. Comments are counted, not recursed into.
type parser struct {
	s   string
	pos int
}

func (p *parser) fail(kind error, reason string) error {
	return &ParseError{Err: kind, Offset: p.pos, Reason: reason}
}

// peek returns the next octet, 0 at the end. A NUL in the text is no token, so
// the two cannot be confused with effect.
func (p *parser) peek() byte {
	if p.pos < len(p.s) {
		return p.s[p.pos]
	}
	return 0
}

func (p *parser) atEnd() bool { return p.pos == len(p.s) }

// take consumes c if it is next.
func (p *parser) take(c byte) bool {
	if p.pos < len(p.s) && p.s[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// end wants nothing but comments and white space up to the end of the text.
func (p *parser) end() error {
	if err := p.skip(); err != nil {
		return err
	}
	if !p.atEnd() {
		return p.fail(ErrSyntax, "text after the address")
	}
	return nil
}

// skip passes comments and folding white space (RFC 5322 3.2.2, CFWS). Folds may
// be written LF, as milters see them, or CRLF.
func (p *parser) skip() error {
	for !p.atEnd() {
		switch p.s[p.pos] {
		case ' ', '\t':
			p.pos++
		case '\r', '\n':
			if err := p.fold(); err != nil {
				return err
			}
		case '(':
			if err := p.comment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

// fold passes a line end that white space or the end of the text follows.
func (p *parser) fold() error {
	rest := strings.TrimPrefix(p.s[p.pos:], "\r")
	rest, isLF := strings.CutPrefix(rest, "\n")
	if !isLF || rest != "" && rest[0] != ' ' && rest[0] != '\t' && rest[0] != '\r' && rest[0] != '\n' {
		return p.fail(ErrSyntax, "line end without a fold")
	}
	p.pos = len(p.s) - len(rest)
	return nil
}

func (p *parser) comment() error {
	start := p.pos
	depth := 0
	for ; p.pos < len(p.s); p.pos++ {
		switch p.s[p.pos] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				p.pos++
				return nil
			}
		case '\\':
			p.pos++ // quoted-pair: whatever follows is text
		}
	}
	p.pos = start
	return p.fail(ErrSyntax, "comment without end")
}

// atom returns the atext at the cursor, "" if there is none. Octets of 8 bits
// are atext (RFC 6532 3.2, and raw Latin-1 in the wild).
func (p *parser) atom() string {
	start := p.pos
	for p.pos < len(p.s) && isAtext(p.s[p.pos]) {
		p.pos++
	}
	return p.s[start:p.pos]
}

// quoted returns the content of the quoted-string at the cursor, unquoted and
// unfolded (RFC 5322 3.2.4).
func (p *parser) quoted() (string, error) {
	start := p.pos
	var b strings.Builder
	for p.pos++; p.pos < len(p.s); p.pos++ {
		c := p.s[p.pos]
		switch c {
		case '"':
			p.pos++
			return b.String(), nil
		case '\r', '\n':
			if err := p.fold(); err != nil {
				return "", err
			}
			p.pos--
			continue
		case '\\':
			if p.pos++; p.atEnd() {
				p.pos = start
				return "", p.fail(ErrSyntax, "quoted string without end")
			}
			c = p.s[p.pos]
		}
		b.WriteByte(c)
	}
	p.pos = start
	return "", p.fail(ErrSyntax, "quoted string without end")
}

// encodedWord passes an RFC 2047 encoded word as one opaque token. By the rules
// it is an atom; in the wild it holds commas, colons and at-signs too, and they
// must not be taken for the structure of the list.
func (p *parser) encodedWord() bool {
	rest, ok := strings.CutPrefix(p.s[p.pos:], "=?")
	if !ok {
		return false
	}
	marks := 0
	for i := range len(rest) {
		switch c := rest[i]; {
		case c == '?' && marks == 2:
			if i+1 < len(rest) && rest[i+1] == '=' {
				p.pos += len("=?") + i + len("?=")
				return true
			}
			return false
		case c == '?':
			marks++
		case c <= ' ' || c == '<' || c == '>' || c == '"' || c == '(' || c == ')':
			return false
		}
	}
	return false
}

func isAtext(c byte) bool {
	return c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0 && c != 0
}
