// Package mailaddr reads RFC 5322 addresses to learn whose domain a message
// comes from.
//
// It is a real parser, not a search for an "@": comments nest, local parts may
// be quoted, obsolete routes are skipped, and an encoded word is never decoded,
// so nothing hidden in a display name can pass for the address:
//
//	"ceo@bank.example" <alice@example.com>   ->  alice@example.com
//	alice (who?) @ (b) Example.COM           ->  alice@example.com
//	<@relay.example:alice@bücher.example>    ->  alice@xn--bcher-kva.example
//
// Whatever is not clear is an error. Which of several authors counts is for the
// caller to decide.
package mailaddr

import "strings"

// Address is one mailbox, or the zero Address for SMTP's null path "<>".
type Address struct {
	// Local is the part before the "@" without its quotes, in the writer's
	// spelling. It may hold any octet but controls; it may hold an "@".
	Local string
	// Domain is in lower-case A-labels ("xn--bcher-kva.example") without a
	// final dot, or a domain literal ("[192.0.2.1]"). It is empty only in what
	// ParsePath returns.
	Domain string
}

// Parse reads a single addr-spec such as `alice@example.com` or
// `"a b"@example.com`. It takes no display name and no angle brackets.
func Parse(s string) (Address, error) {
	p := parser{s: s}
	a, err := p.addrSpec()
	if err != nil {
		return Address{}, err
	}
	if err := p.end(); err != nil {
		return Address{}, err
	}
	return a, nil
}

// String writes the address as an addr-spec that Parse reads back, with the
// local part quoted where RFC 5322 wants it. The null path is "".
func (a Address) String() string {
	if a.Domain == "" {
		return quoteLocal(a.Local)
	}
	if a.Local == "" {
		return `""@` + a.Domain
	}
	return quoteLocal(a.Local) + "@" + a.Domain
}

// IsNull tells SMTP's null path from an address.
func (a Address) IsNull() bool { return a == Address{} }

// quoteLocal writes a local part as a dot-atom or, failing that, as a
// quoted-string (RFC 5322 3.2.3 and 3.2.4).
func quoteLocal(local string) string {
	if isDotAtom(local) || local == "" {
		return local
	}
	var b strings.Builder
	b.Grow(len(local) + 2)
	b.WriteByte('"')
	for i := range len(local) {
		if c := local[i]; c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(local[i])
	}
	b.WriteByte('"')
	return b.String()
}

func isDotAtom(s string) bool {
	dot := true // as if a dot came before, so that none may come first
	for i := range len(s) {
		switch {
		case s[i] == '.' && !dot:
			dot = true
		case isAtext(s[i]):
			dot = false
		default:
			return false
		}
	}
	return !dot
}
