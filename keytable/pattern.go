package keytable

import (
	"errors"
	"strconv"
	"strings"

	"github.com/postseal/postseal/internal/mailaddr"
)

// Scope tells how much a line of the SigningTable covers.
type Scope uint8

// The scopes, from the narrowest.
const (
	ScopeAddress Scope = iota + 1 // one address: alice@example.com
	ScopeDomain                   // addresses of one domain: *@example.com, example.com
	ScopeSeveral                  // several domains: *, *@*.example.com, .example.com, alice@*
)

func (s Scope) String() string {
	switch s {
	case ScopeAddress:
		return "one address"
	case ScopeDomain:
		return "one domain"
	}
	return "several domains"
}

// indexPlain prepares a pattern of a "file:" table, which is looked up as it
// stands: user@domain, domain, user@.domain, .domain, user@* or *. key is what
// Tables.Find looks for.
func indexPlain(pattern string) (key string, scope Scope, fault *keyFault) {
	at := strings.LastIndexByte(pattern, '@')
	local, domain := lower(pattern[:at+1]), pattern[at+1:]
	bare := strings.TrimPrefix(domain, ".")
	switch {
	case domain == "*" && local != "@":
		return local + "*", ScopeSeveral, nil
	case local == "@":
		return "", 0, neverMatches(pattern, "nothing stands before the @", "write the domain alone for all its addresses")
	case strings.Contains(pattern, "*"):
		return "", 0, neverMatches(pattern, "this lookup knows no wildcards", plainHint(pattern))
	}
	ascii, err := mailaddr.ALabels(bare)
	if err != nil {
		return "", 0, neverMatches(pattern, err.Error(), "")
	}
	switch {
	case bare != domain:
		return local + "." + ascii, ScopeSeveral, nil
	case local == "":
		return ascii, ScopeDomain, nil
	}
	return local + ascii, ScopeAddress, nil
}

// plainHint says how a wildcard is written for the plain lookup, if it can be.
func plainHint(pattern string) string {
	hint := `name the SigningTable as "refile:PATH"`
	plain := strings.TrimPrefix(strings.TrimPrefix(pattern, "*@"), "*")
	if strings.Contains(plain, "*") {
		return hint
	}
	return hint + " or write " + quote(plain)
}

// indexWild prepares a pattern of a "refile:" table, which is matched as a whole
// with "*" for any text. A pattern of one of the three usual forms gets a key of
// the index; any other has an empty key and must be tried:
//
//	alice@example.com                    alice@example.com
//	*@example.com                        @example.com
//	*@*.example.com, *.example.com       .example.com
//
// glob is the pattern with its domain in A-labels, in lower case.
func indexWild(pattern string) (glob, key string, scope Scope, fault *keyFault) {
	at := strings.LastIndexByte(pattern, '@')
	star := strings.LastIndexByte(pattern, '*')
	switch {
	case at < 0 && star < 0:
		return "", "", 0, neverMatches(pattern, "it has no @", "write *@"+pattern+" for all addresses of the domain")
	case star <= at:
		return indexOneDomain(pattern, lower(pattern[:at+1]), pattern[at+1:])
	case at < 0:
		at = star - 1 // what follows the last "*" is the end of a domain
	}
	local := lower(pattern[:at+1])
	domain, err := wildALabels(pattern[at+1:])
	if err != nil {
		return "", "", 0, neverMatches(pattern, err.Error(), "")
	}
	parent, ok := strings.CutPrefix(domain, "*.")
	if ok && (local == "" || local == "*@") && !strings.Contains(parent, "*") {
		key = "." + parent
	}
	return local + domain, key, ScopeSeveral, nil
}

// indexOneDomain is indexWild for a pattern whose domain has no "*". local ends
// in "@".
func indexOneDomain(pattern, local, domain string) (glob, key string, scope Scope, fault *keyFault) {
	if strings.HasPrefix(domain, ".") {
		return "", "", 0, neverMatches(pattern, "no domain begins with a dot", "write "+local+"*"+domain)
	}
	ascii, err := mailaddr.ALabels(domain)
	switch {
	case err != nil:
		return "", "", 0, neverMatches(pattern, err.Error(), "")
	case local == "*@":
		glob = join(pattern, local, ascii)
		return glob, glob[1:], ScopeDomain, nil
	case local == "@", strings.Contains(local, "*"):
		return local + ascii, "", ScopeDomain, nil
	}
	glob = join(pattern, local, ascii)
	return glob, glob, ScopeAddress, nil
}

// join puts a pattern together again, in its own memory if it was in lower case
// and in A-labels already: most of 100,000 are.
func join(pattern, local, domain string) string {
	if strings.HasPrefix(pattern, local) && pattern[len(local):] == domain {
		return pattern
	}
	return local + domain
}

func neverMatches(pattern, why, hint string) *keyFault {
	return &keyFault{message: "pattern " + quote(pattern) + " never matches: " + why, hint: hint}
}

// wildALabels brings those labels of a domain to A-labels that have no "*".
func wildALabels(domain string) (string, error) {
	labels := strings.Split(domain, ".")
	for i, label := range labels {
		literal := strings.ReplaceAll(label, "*", "")
		if literal == "" && label != "" {
			continue
		}
		ascii, err := mailaddr.ALabels(literal)
		switch {
		case err != nil:
			return "", err
		case literal == label:
			labels[i] = ascii
		case ascii != lower(literal):
			return "", errors.New("part of an internationalized label says nothing about its A-label")
		default:
			labels[i] = lower(label)
		}
	}
	return strings.Join(labels, "."), nil
}

// match reports whether s is pattern with some text for each "*". Both are in
// lower case. Each literal part is searched for once, from left to right: the
// leftmost place is as good as any, as nothing but "*" can follow it.
func match(pattern, s string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, head)
	if !ok {
		return false
	}
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], after
	}
}

// lower folds ASCII only, as OpenDKIM does; octets above it may be in any
// encoding.
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return string(appendLower(nil, s))
		}
	}
	return s
}

func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// quote puts text of a table into a message, not too much of it.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strconv.Quote(s)
}
