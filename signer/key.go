package signer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/postseal/postseal/dkim"
)

// Key says what to sign with and in whose name.
type Key struct {
	Domain   string // d=
	Selector string // s=
	Identity string // i=, an address or "@domain" within Domain; empty for no i= (SG-9)
	Private  *dkim.PrivateKey
}

// Check tells whether the key can sign: names that may stand in a signature and in DNS, an identity within the domain, a private
// half. Tables call it at load; Sign calls it again, so that no bad signature leaves.
func (k Key) Check() error {
	if k.Private == nil {
		return errors.New("no private key")
	}
	if err := dkim.ValidDomain(k.Domain); err != nil {
		return err
	}
	if err := dkim.ValidSelector(k.Selector); err != nil {
		return err
	}
	if err := dkim.ValidRecordName(k.Selector, k.Domain); err != nil {
		return err
	}
	if k.Identity == "" {
		return nil
	}
	return checkIdentity(k.Identity, k.Domain)
}

// maxLocalPart bounds the part before the @ (RFC 5321 section 4.5.3.1.1).
const maxLocalPart = 64

// checkIdentity holds i= to RFC 6376 section 3.5: its domain is d= or below it, compared at a label boundary and without case.
func checkIdentity(identity, domain string) error {
	local, host, ok := cutLast(identity)
	if !ok {
		return fmt.Errorf("identity %q: want local@domain or @domain", identity)
	}
	if len(local) > maxLocalPart {
		return fmt.Errorf("identity %q: more than %d octets before the @", identity, maxLocalPart)
	}
	if err := dkim.ValidDomain(host); err != nil {
		return fmt.Errorf("identity %q: %w", identity, err)
	}
	above := len(host) - len(domain)
	if above < 0 || !strings.EqualFold(host[above:], domain) || above > 0 && host[above-1] != '.' {
		return fmt.Errorf("identity %q is neither in the domain %s nor below it", identity, domain)
	}
	return nil
}

// cutLast splits an address at its last @; a quoted local part may hold more of them.
func cutLast(address string) (local, host string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return "", "", false
	}
	return address[:at], address[at+1:], true
}
