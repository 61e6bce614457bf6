package authres

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// IsOurs tells whether a field claims the authserv-id id, or could be taken to by a reader who is less strict than RFC 8601 section 2.2.
// Letter case, a version, folds, blanks, comments, quotes, quoted pairs, a final dot and the choice of A-labels or U-labels make no
// difference. A field whose authserv-id cannot be parsed, or is no host name beyond ASCII, is ours if it holds id, be it in pieces; and an
// encoded word in its place or before it may say anything. No field has an empty id.
func IsOurs(value []byte, id string) bool { return claims(string(value), []string{printable(id)}) }

// claims tells whether a field's value has, or could be read to have, one of ids. An id ".example.net" is any name below example.net.
func claims(value string, ids []string) bool {
	var names []string
	for _, id := range ids {
		if name := plainName(id); name != "" {
			names = append(names, name)
		}
	}
	p := scanner{s: value}
	found, ok := p.head()
	if !ok {
		return mentions(value, names) || len(names) > 0 && hasEncoded(value)
	}
	if len(names) > 0 && hasEncoded(value[:p.pos]) {
		return true
	}
	found = plainName(found)
	for _, name := range names {
		if found == name || isBelow(found, name) {
			return true
		}
	}
	// Readers differ about whether comments nest, what is white space beyond ASCII, and what becomes of octets that are no UTF-8.
	return (p.intricate || !isPrintable(found)) && mentions(value[:p.pos], names)
}

// mentions tells whether a careless reader, with comments or without them, may find one of names in text.
func mentions(text string, names []string) bool {
	for _, reading := range []string{squeeze(text), squeeze(dropComments(text))} {
		for _, name := range names {
			if name = squeeze(name); name != "" && strings.Contains(reading, name) {
				return true
			}
		}
	}
	return false
}

// hasEncoded tells whether there may be an encoded word (RFC 2047) in text. It must not stand where an authserv-id does, but some libraries
// decode it in every field, in quotes and comments too, in more character sets and with less care than is good to know.
func hasEncoded(text string) bool { return strings.Contains(text, "=?") }

// isBelow tells whether name is a name below the domain of an id ".example.net".
func isBelow(name, id string) bool {
	return strings.HasPrefix(id, ".") && strings.HasSuffix(name, id)
}

// plainName is an authserv-id as it is compared: in A-labels and lower case, without blanks and a final dot.
func plainName(id string) string {
	id = strings.TrimRight(lowerWithout(id, " \t"), ".")
	if isASCII(id) || len(id) > 4*maxIdentity || !utf8.ValidString(id) {
		return id
	}
	// What UTS 46 cannot map is no spelling of a host name.
	ascii, err := idna.New(idna.MapForLookup(), idna.StrictDomainName(false)).ToASCII(id)
	if err != nil {
		return id
	}
	return strings.TrimRight(ascii, ".")
}

// squeeze leaves of a text what names are made of.
func squeeze(s string) string { return lowerWithout(s, " \t\"\\") }

// lowerWithout lowers the case of ASCII letters and drops controls and the given octets.
func lowerWithout(s, drop string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case isControl(c) || strings.IndexByte(drop, c) >= 0:
		case 'A' <= c && c <= 'Z':
			b = append(b, c+'a'-'A')
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// dropComments drops what stands in comments; one that does not end goes to the end of the text.
func dropComments(s string) string {
	var b strings.Builder
	p := scanner{s: s}
	for !p.atEnd() {
		b.WriteString(p.run(func(c byte) bool { return c != '(' }))
		p.comment()
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isPrintable is ASCII without blanks and controls.
func isPrintable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
