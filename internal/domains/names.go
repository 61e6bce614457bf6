package domains

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/mailaddr"
)

// ParseDomain reads a domain as somebody typed it into a field for domains:
// `Example.COM.` and `bücher.example` are taken, whatever else stands in it is
// refused with the part to remove (KAR-11). The error is an *Invalid.
func ParseDomain(text string, allowWWW bool) (string, error) {
	s := strings.TrimSuffix(strings.TrimSpace(text), ".")
	if err := leftovers(s); err != nil {
		return "", err
	}
	domain, err := mailaddr.ALabels(s)
	if err != nil {
		return "", invalid(text, "is not a domain name: "+err.Error(), "write it like example.com")
	}
	if err := dkim.ValidDomain(domain); err != nil {
		return "", invalid(text, "is not a domain name: "+err.Error(), "write it like example.com")
	}
	if rest, ok := strings.CutPrefix(domain, "www."); ok && !allowWWW {
		return "", invalid(text, `begins with "www."`, "leave out \"www.\": "+rest+"; or say --allow-www if mail really comes from "+domain)
	}
	return domain, nil
}

// leftovers finds what people paste along with a domain.
func leftovers(s string) error {
	switch scheme, rest, isURL := strings.Cut(s, "://"); {
	case s == "":
		return invalid(s, "is empty", "write a domain like example.com")
	case len(s) > 1000:
		return invalid(s[:40]+"…", "is too long", "write a domain like example.com")
	case isURL:
		return invalid(s, "is a URL", fmt.Sprintf("leave out %q and what follows the domain: %s", scheme+"://", host(rest)))
	}
	if _, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return invalid(s, "is an IP address", "write a domain like example.com")
	}
	for _, part := range []struct{ cut, what string }{{"/", "a path"}, {"@", "an address"}, {":", "a port"}, {" ", "a blank"}, {"*", "a wildcard"}} {
		at := strings.Index(s, part.cut)
		switch {
		case at < 0:
		case part.cut == "@":
			return invalid(s, "has an address's \"@\"", fmt.Sprintf("leave out %q: %s", s[:at+1], s[at+1:]))
		case part.cut == "*":
			return invalid(s, "has a wildcard", "add the domain itself; --subdomains signs for what is below it")
		default:
			return invalid(s, "has "+part.what, fmt.Sprintf("leave out %q: %s", s[at:], s[:at]))
		}
	}
	if last := s[strings.LastIndexByte(s, '.')+1:]; last != "" && strings.Trim(last, "0123456789") == "" {
		return invalid(s, "ends in a number", "write a domain like example.com")
	}
	return nil
}

func host(s string) string {
	if i := strings.IndexAny(s, "/:?#"); i >= 0 {
		s = s[:i]
	}
	return s
}

// ParseName reads what a row may be for: a domain, or one address (TST-5). It
// gives Domain.Name and the domain of d=.
func ParseName(text string, allowWWW bool) (name, domain string, err error) {
	s := strings.TrimSpace(text)
	if !strings.Contains(s, "@") || strings.Contains(s, "://") {
		domain, err = ParseDomain(s, allowWWW)
		return domain, domain, err
	}
	if !isLine(s) {
		return "", "", invalid(text, "has characters that no address has", "write it like sales@example.com")
	}
	address, err := mailaddr.Parse(s)
	if err != nil {
		return "", "", invalid(text, "is not an address: "+err.Error(), "write it like sales@example.com")
	}
	if domain, err = ParseDomain(address.Domain, true); err != nil {
		return "", "", err
	}
	address.Local = strings.ToLower(address.Local)
	return address.String(), domain, nil
}

// isLine: the text has no control characters and is UTF-8, which not every store keeps otherwise.
func isLine(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
