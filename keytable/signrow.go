package keytable

import (
	"strings"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/mailaddr"
)

// signRow is one line of a SigningTable.
type signRow struct {
	pattern  string // as written
	names    string // NAME[,NAME...], each a name or senderDomain
	identity string // with "%" for the sender's domain; "" if there is none
	user     string // login pattern in lower case; "" if the line is for all
	line     int32
	next     int32 // row of the same index key, or none
	scope    Scope
}

// parseSignRow reads PATTERN NAME[,NAME...][:IDENTITY] [user=LOGIN-PATTERN]. The
// one error (syntax) is that there is no row, the other (fault) that it cannot
// sign.
func parseSignRow(text string) (r signRow, syntax, fault *keyFault) {
	const form = "want PATTERN NAME[,NAME...][:IDENTITY] [user=LOGIN-PATTERN]"
	pattern, rest := cutField(text)
	value, rest := cutField(rest)
	names, identity, _ := strings.Cut(value, ":")
	user, rest := cutField(rest)
	login, isUser := strings.CutPrefix(user, "user=")
	r = signRow{pattern: pattern, names: names, identity: identity, user: lower(login), next: none}
	switch {
	case value == "":
		return r, &keyFault{message: "only one word in the line", hint: form}, nil
	case user != "" && !isUser, rest != "":
		return r, &keyFault{message: "too many words in the line", hint: form}, nil
	case isUser && login == "":
		return r, &keyFault{message: "user= without a login pattern", hint: "user=* is every authenticated user; a line without user= is for all mail"}, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		if name == "" {
			return r, &keyFault{message: "empty key name", hint: form}, nil
		}
	}
	return r, nil, r.setIdentity()
}

// setIdentity checks what can be known before a sender is: that there is an "@"
// and a domain behind it (RFC 6376 3.5, i=).
func (r *signRow) setIdentity() *keyFault {
	if r.identity == "" {
		return nil
	}
	if !strings.Contains(r.identity, "@") {
		return &keyFault{
			message: "the identity " + quote(r.identity) + " has no @",
			hint:    "write " + quote("@"+r.identity) + " for the whole domain, or user@domain",
		}
	}
	local, domain := splitAddress(r.identity)
	if strings.Contains(domain, "%") {
		return nil
	}
	ascii, err := validDomain(domain)
	if err != nil {
		return &keyFault{message: "the identity " + quote(r.identity) + ": " + err.Error()}
	}
	r.identity = local + "@" + ascii
	return nil
}

// expandIdentity returns i= for a sender's domain, in A-labels.
func (r *signRow) expandIdentity(sender string) (string, error) {
	if !strings.Contains(r.identity, "%") {
		return r.identity, nil
	}
	local, domain := splitAddress(strings.ReplaceAll(r.identity, "%", sender))
	ascii, err := validDomain(domain)
	if err != nil {
		return "", err
	}
	return local + "@" + ascii, nil
}

// checkIdentity compares i= and d= where neither depends on the sender.
func (r *signRow) checkIdentity(key *keyRow) *keyFault {
	if r.identity == "" || key.domain == senderDomain || strings.Contains(r.identity, "%") {
		return nil
	}
	return checkWithin(r.identity, key.domain)
}

// checkWithin wants the domain of i= to be d= or below it (RFC 6376 3.5, i=).
func checkWithin(identity, d string) *keyFault {
	_, domain := splitAddress(identity)
	if rest, ok := strings.CutSuffix(domain, d); ok && (rest == "" || strings.HasSuffix(rest, ".")) {
		return nil
	}
	return &keyFault{message: "the identity " + quote(identity) + " is not in " + d + ", the domain of its key"}
}

func splitAddress(identity string) (local, domain string) {
	at := strings.LastIndexByte(identity, '@')
	return identity[:at], identity[at+1:]
}

// validDomain brings a domain to A-labels and checks that it can stand in d=.
func validDomain(domain string) (string, error) {
	ascii, err := mailaddr.ALabels(domain)
	if err != nil {
		return "", err
	}
	return ascii, dkim.ValidDomain(ascii)
}
