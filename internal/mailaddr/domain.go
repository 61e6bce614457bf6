package mailaddr

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Limits of RFC 1035 2.3.4 and, for a local part, RFC 5321's whole path
// (4.5.3.1.3): its own 64 octets are overrun by real variable envelope senders.
const (
	maxDomain = 253
	maxLabel  = 63
	maxLocal  = 256
)

// lookup is UTS 46 for looking names up, without the transitional mappings that
// would turn "faß" into "fass" (RFC 8616, RFC 5891).
var lookup = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.BidiRule(),
	idna.StrictDomainName(true),
)

// ALabels returns the lower-case A-label form of a domain name, the form in
// which domains are compared and looked up:
//
//	Bücher.Example -> xn--bcher-kva.example
//
// It never turns one name into another: of UTS 46's mappings only those to lower
// case and to composed letters are taken. Look-alikes of a dot (U+2024, U+FF0E,
// U+3002), full-width letters, soft hyphens and the Kelvin sign are refused, and
// so is a final dot. The error wraps ErrDomain.
func ALabels(domain string) (string, error) {
	ascii, err := toASCII(domain)
	if err != nil {
		return "", err
	}
	if len(ascii) > maxDomain {
		return "", fmt.Errorf("%w: over %d octets", ErrDomain, maxDomain)
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" {
			return "", fmt.Errorf("%w: empty label", ErrDomain)
		}
		if len(label) > maxLabel {
			return "", fmt.Errorf("%w: label over %d octets", ErrDomain, maxLabel)
		}
		for i := range len(label) {
			if !isHostOctet(label[i]) {
				return "", fmt.Errorf("%w: only letters, digits, hyphen and underscore", ErrDomain)
			}
		}
	}
	return ascii, nil
}

func toASCII(domain string) (string, error) {
	if isASCII(domain) {
		return strings.ToLower(domain), nil
	}
	// A U-label is at most 63 octets as an A-label; nothing this long can fit.
	if len(domain) > 4*maxDomain || !utf8.ValidString(domain) {
		return "", fmt.Errorf("%w: not UTF-8 or too long", ErrDomain)
	}
	ascii, err := lookup.ToASCII(domain)
	if err != nil {
		return "", fmt.Errorf("%w: no internationalized domain name", ErrDomain)
	}
	written, mapped := strings.Split(domain, "."), strings.Split(ascii, ".")
	if len(written) != len(mapped) {
		return "", fmt.Errorf("%w: look-alike of a dot", ErrDomain)
	}
	for i, label := range written {
		if !isASCII(label) && !isULabel(label, mapped[i]) {
			return "", fmt.Errorf("%w: look-alike of another name", ErrDomain)
		}
	}
	return ascii, nil
}

// isULabel reports whether label, but for case and composed letters, is the very
// label that aLabel encodes (RFC 5890 2.3.2.1).
func isULabel(label, aLabel string) bool {
	u, err := lookup.ToUnicode(aLabel)
	return err == nil && u != aLabel && u == norm.NFC.String(strings.ToLower(label))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isHostOctet is LDH and the underscore, which names in use do hold.
func isHostOctet(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}
