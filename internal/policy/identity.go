package policy

import (
	"strings"

	"github.com/postseal/postseal/internal/mailaddr"
)

// IdentityRule says what i= is where the signing table's line names none.
type IdentityRule uint8

// The values of sign.identity.
const (
	NoIdentity     IdentityRule = iota // no i= tag
	DomainIdentity                     // i=@d
	SenderIdentity                     // i=local@domain of the sender, where that is d= or below it
)

// ParseIdentityRule reads none, domain or sender.
func ParseIdentityRule(s string) (IdentityRule, bool) {
	r, ok := map[string]IdentityRule{"none": NoIdentity, "domain": DomainIdentity, "sender": SenderIdentity}[s]
	return r, ok
}

// maxLocalPart is what RFC 5321 4.5.3.1.1 allows, and the signer too: a derived
// identity must not cost the signature.
const maxLocalPart = 64

// identity is the i= of one signature; the line's own wins.
func (s *Snapshot) identity(row, signingDomain string, sender mailaddr.Address) string {
	switch {
	case row != "" || s.Identity == NoIdentity:
		return row
	case s.Identity == DomainIdentity:
		return "@" + signingDomain
	case within(sender.Domain, signingDomain) && len(sender.Local) <= maxLocalPart:
		return sender.Local + "@" + sender.Domain
	}
	return ""
}

// within says whether name is domain or below it (RFC 6376 3.5, i=).
func within(name, domain string) bool {
	return name == domain || strings.HasSuffix(name, "."+domain)
}
