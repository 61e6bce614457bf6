package authres

import "strings"

// formatValue is a property's value as it is written. It is not ok if that would be too long.
func formatValue(value string) (text string, ok bool) {
	if len(value) > maxValue {
		return "", false
	}
	text = escape(value, false)
	if len(text) > maxValue {
		return "", false
	}
	if isAddress(text) {
		return text, true
	}
	return quoteUnlessToken(text), true
}

// escapeText is a reason or a comment as it is written, without its quotes or parentheses.
func escapeText(text string) string {
	text = escape(text[:min(len(text), maxText)], true)
	if len(text) <= maxText {
		return text
	}
	text = text[:maxText]
	if i := strings.LastIndexByte(text, '='); i > maxText-3 {
		text = text[:i] // no half of an escape
	}
	return text
}

// escape writes DKIM-quoted-printable (RFC 6376 section 2.11), with ( ) " \ escaped too and blanks if wanted left alone.
func escape(text string, blanks bool) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if isPlain(c) || c == ' ' && blanks {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'=', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// identity is an authserv-id as it is written. The administrator chose it, or the MTA: it is not encoded.
func identity(id string) string {
	id = printable(id)
	if isToken(id) {
		return id
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(id) + `"`
}

// printable drops what cannot be in an authserv-id and cuts one that is too long for a line.
func printable(id string) string {
	id = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, id)
	return id[:min(len(id), maxIdentity)]
}

// maxIdentity is more than a domain name has (RFC 1035 section 2.3.4).
const maxIdentity = 255

func quoteUnlessToken(text string) string {
	if isToken(text) {
		return text
	}
	return `"` + text + `"`
}

// isPlain is an octet that stands for itself in every place.
func isPlain(c byte) bool {
	return '!' <= c && c <= '~' && strings.IndexByte(`;=()"\`, c) < 0
}

// isToken is RFC 2045 section 5.1, token.
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenOctet(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenOctet(c byte) bool {
	return '!' <= c && c <= '~' && strings.IndexByte(`()<>@,;:\"/[]?=`, c) < 0
}

// isKeyword is RFC 5321 section 4.1.2, Ldh-str.
func isKeyword(s string) bool {
	for i := range len(s) {
		if !isLetterOrDigit(s[i]) && s[i] != '-' {
			return false
		}
	}
	return s != "" && s[len(s)-1] != '-' && len(s) <= maxKeyword
}

const maxKeyword = 64

// isAddress is the other half of RFC 8601 section 2.2, pvalue: [ [ local-part ] "@" ] domain-name. Local parts with "=", whether the
// message's own or from an escape, are better quoted: to many readers the last "=" is what ends a name.
func isAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return isDomain(s[at+1:]) && (at <= 0 || isDotString(s[:at]))
}

// isDomain is RFC 6376 section 3.5, domain-name.
func isDomain(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if !isKeyword(label) || label[0] == '-' {
			return false
		}
	}
	return true
}

// isDotString is RFC 5321 section 4.1.2, Dot-string.
func isDotString(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			if !isLetterOrDigit(atom[i]) && strings.IndexByte("!#$%&'*+-/?^_`{|}~", atom[i]) < 0 {
				return false
			}
		}
	}
	return true
}

func isLetterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
