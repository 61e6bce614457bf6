package filter

import "bytes"

// rewriting says how Sendmail will write an address list anew, beyond what relaxed
// canonicalization forgives.
type rewriting struct {
	respaced    bool // blanks inside an address or around a comma, an empty member
	rewritten   bool // a name that it quotes, a source route, a dot at the end
	unqualified bool // an address without a domain, or with half of one
	long        bool // an address that does not fit on a line
}

func (r rewriting) or(o rewriting) rewriting {
	return rewriting{r.respaced || o.respaced, r.rewritten || o.rewritten, r.unqualified || o.unqualified, r.long || o.long}
}

// listReader reads an address list (RFC 5322 3.4) as Sendmail does: it looks for
// what is written differently, not for errors. What it minds was found by showing
// lists to Sendmail 8.17 (test/sendmail/rewriting_test.go).
type listReader struct {
	rewriting
	limit int // octets of a line

	last      byte // kind of the token before
	separator byte // that ended the member before; 0 at the beginning

	// of the member that is being read
	begun   bool // it is not empty
	text    bool // of its address
	at      bool // it has one
	domain  []byte
	apart   bool // blanks or a comment inside, harmless only in a name before <address>
	special bool // unquoted text that a name has to be quoted for
	angle   bool // it has a <
	inside  bool // of < >
	length  int
}

// sendmailRewrites looks at the value of a field. limit is the longest line that is
// not broken.
func sendmailRewrites(value []byte, limit int) rewriting {
	l := listReader{limit: limit}
	for len(value) > 0 {
		kind, n := nextToken(value)
		l.read(kind, value[:n])
		l.last, value = kind, value[n:]
	}
	if l.separator == ',' && !l.begun {
		l.respaced = true
	}
	l.endMember()
	return l.rewriting
}

// Kinds of tokens; a special character is its own kind.
const (
	blankToken   = ' '
	textToken    = 'a'
	commentToken = '('
	quotedToken  = '"'
	literalToken = '['
)

// nextToken finds the kind and the length of the first token.
func nextToken(p []byte) (kind byte, n int) {
	switch c := p[0]; {
	case isBlank(c):
		for n < len(p) && isBlank(p[n]) {
			n++
		}
		return blankToken, n
	case c == '"':
		return quotedToken, delimited(p, 0, '"')
	case c == '(':
		return commentToken, delimited(p, '(', ')')
	case c == '[':
		return literalToken, delimited(p, 0, ']')
	case c == '\\':
		return c, min(2, len(p))
	case bytes.IndexByte(specials, c) >= 0:
		return c, 1
	}
	for n < len(p) && !isBlank(p[n]) && bytes.IndexByte(textEnds, p[n]) < 0 {
		n++
	}
	return textToken, n
}

var (
	specials = []byte(",;:<>@])")
	textEnds = []byte(",;:<>@])\"([\\")
)

// delimited is the length of a token that begins with one octet and goes on to the
// closing one, or to the end. With an opening octet it nests.
func delimited(p []byte, opening, closing byte) int {
	depth := 1
	for i := 1; i < len(p); i++ {
		switch p[i] {
		case '\\':
			i++
		case closing:
			if depth--; depth == 0 {
				return i + 1
			}
		case opening:
			if opening != 0 {
				depth++
			}
		}
	}
	return len(p)
}

func (l *listReader) read(kind byte, token []byte) {
	if l.last == ',' && kind != blankToken && !l.inside {
		l.respaced = true // it writes a blank behind each comma
	}
	l.length += len(token)
	switch kind {
	case blankToken:
		l.respaced = l.respaced || l.inside
	case commentToken:
		l.begun = true
		l.apart = l.apart || l.text && l.last != blankToken
		l.rewritten = l.rewritten || l.inside
	case '<':
		l.open()
	case '>':
		l.rewritten = l.rewritten || !l.inside
		l.inside = false
	case ':':
		l.rewritten = l.rewritten || l.special || l.inside // of a group's name; a source route
		l.resetMember()
		l.begun = true
	case ',', ';':
		if l.inside {
			l.rewritten = true
			return
		}
		l.separate(kind)
	default:
		l.readText(kind, token)
	}
}

// open begins an <address>; what came before was a name.
func (l *listReader) open() {
	l.rewritten = l.rewritten || l.special || l.angle
	l.begun, l.angle, l.inside = true, true, true
	l.text, l.at, l.domain = false, false, nil
}

func (l *listReader) separate(kind byte) {
	blankBefore := l.last == blankToken && (kind == ',' || l.text || l.angle)
	emptyMember := kind == ',' && !l.begun && l.separator != ';'
	behindComma := kind == ';' && !l.begun && l.separator == ','
	l.respaced = l.respaced || blankBefore || emptyMember || behindComma
	l.endMember()
	l.resetMember()
	l.separator = kind
}

func (l *listReader) readText(kind byte, token []byte) {
	l.respaced = l.respaced || !l.begun && l.separator == ';' // it writes a comma there
	l.begun = true
	if l.angle && !l.inside {
		return // text behind <address> stays as it is
	}
	if l.text && (l.last == blankToken || l.last == commentToken) || l.last == commentToken {
		l.apart = true
	}
	l.text = true
	switch kind {
	case '@':
		l.at, l.special, l.domain = true, true, nil
	case textToken:
		l.special = l.special || bytes.ContainsAny(token, ".'")
		l.domain = token
	case literalToken:
		l.special, l.domain = true, token
	case quotedToken:
		l.domain = nil
	default: // \ ] )
		l.special = true
		l.rewritten = l.rewritten || len(token) == 1 && kind == '\\'
	}
}

func (l *listReader) endMember() {
	l.rewritten = l.rewritten || l.inside
	l.respaced = l.respaced || l.apart && !l.angle
	l.long = l.long || l.length > l.limit
	switch {
	case !l.text || l.angle && l.inside:
	case !l.at:
		l.unqualified = true
	case len(l.domain) == 0:
		l.rewritten = true
	case l.domain[0] == '[':
	case l.domain[len(l.domain)-1] == '.':
		l.rewritten = true
	default:
		l.unqualified = l.unqualified || bytes.IndexByte(l.domain, '.') < 0
	}
}

func (l *listReader) resetMember() {
	l.begun, l.text, l.at, l.domain = false, false, false, nil
	l.apart, l.special, l.angle, l.inside = false, false, false, false
	l.length = 0
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
