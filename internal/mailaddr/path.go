package mailaddr

import "strings"

// ParsePath reads an envelope address as MAIL and RCPT give it to a milter,
// with or without angle brackets, with or without a source route (RFC 5321
// 4.1.2). The null path, "<>" or "", is the zero Address; a path without a
// domain ("<postmaster>") has an empty Domain.
func ParsePath(s string) (Address, error) {
	p := parser{s: strings.Trim(s, " \t")}
	if p.s == "" || p.s == "<>" {
		return Address{}, nil
	}
	inAngle := p.take('<')
	if inAngle {
		if err := p.route(); err != nil {
			return Address{}, err
		}
	}
	a, err := p.mailbox()
	if err != nil {
		return Address{}, err
	}
	if inAngle {
		if err := p.closeAngle(); err != nil {
			return Address{}, err
		}
	}
	if err := p.end(); err != nil {
		return Address{}, err
	}
	return a, nil
}

// mailbox reads local-part ["@" domain].
func (p *parser) mailbox() (Address, error) {
	local, err := p.words()
	if err != nil {
		return Address{}, err
	}
	if p.peek() == '@' {
		return p.atDomain(local)
	}
	if local.text == "" { // `""` alone would look like the null path
		return Address{}, p.fail(ErrSyntax, "no local part")
	}
	return Address{Local: local.text}, p.checkLocal(local)
}
