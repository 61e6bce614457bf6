package authres

import (
	"mime"
	"strings"

	"golang.org/x/net/idna"
)

// IsOurs tells whether a field claims the authserv-id id, or could be taken to by a reader who is less strict than RFC 8601 section 2.2.
// Letter case, a version, folds, blanks, comments, quotes, quoted pairs, a final dot and the choice of A-labels or U-labels make no
// difference. A field whose authserv-id cannot be parsed is ours if it holds id anywhere, be it in pieces or in an encoded word. No field
// has an empty id.
func IsOurs(value []byte, id string) bool { return claims(string(value), []string{printable(id)}) }

// claims tells whether a field's value has, or could be read to have, one of ids. An id ".example.net" is any name below example.net.
func claims(value string, ids []string) bool {
	p := scanner{s: value}
	found, ok := p.head()
	if !ok {
		return mentions(value, ids)
	}
	found = plainName(found)
	for _, id := range ids {
		if id = plainName(id); id != "" && (found == id || isBelow(found, id)) {
			return true
		}
	}
	// A reader who does not know that comments nest may find the authserv-id within one.
	return p.intricate && mentions(value[:p.pos], ids)
}

// mentions tells whether a careless reader may find one of ids in text.
func mentions(text string, ids []string) bool {
	for _, reading := range looseReadings(text) {
		for _, id := range ids {
			if id = squeeze(plainName(id)); id != "" && strings.Contains(reading, id) {
				return true
			}
		}
	}
	return false
}

// isBelow tells whether name is a name below the domain of an id ".example.net".
func isBelow(name, id string) bool {
	return strings.HasPrefix(id, ".") && strings.HasSuffix(name, id)
}

// plainName is an authserv-id as it is compared: in A-labels and lower case, without blanks and a final dot.
func plainName(id string) string {
	id = strings.TrimRight(lowerWithout(id, " \t"), ".")
	if isASCII(id) || len(id) > 4*maxIdentity {
		return id
	}
	// What UTS 46 cannot map is no spelling of a host name.
	ascii, err := idna.New(idna.MapForLookup(), idna.StrictDomainName(false)).ToASCII(id)
	if err != nil {
		return id
	}
	return strings.TrimRight(ascii, ".")
}

// looseReadings are what careless readers may see in a field that has no parsable authserv-id: with comments, without them, and with
// encoded words decoded (RFC 2047), which some libraries do in every field.
func looseReadings(value string) []string {
	readings := []string{squeeze(value), squeeze(dropComments(value))}
	if strings.Contains(value, "=?") {
		if decoded, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
			readings = append(readings, squeeze(decoded))
		}
	}
	return readings
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
