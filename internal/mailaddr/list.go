package mailaddr

import "strings"

// List is what a From, Sender or To field holds.
type List struct {
	// Mailboxes in the order of the field, members of groups included. Never
	// empty.
	Mailboxes []Address
	// Groups is set if any mailbox stands in a group ("friends: a@d, b@d;",
	// RFC 6854), whose name is then the only author shown to a reader.
	Groups bool
}

// ParseList reads the value of an address field, folded or not, with at most
// limit mailboxes. It accepts RFC 5322's obsolete forms and three that it does
// not know but that real mail has, none of which leaves a doubt about the
// domain: dots anywhere in a local part, specials within an encoded word, and an
// unquoted address as display name if it has the very domain of the address.
//
// The error is a *ParseError.
func ParseList(value []byte, limit int) (List, error) {
	p := parser{s: string(value)}
	var l List
	if err := p.list(&l, limit, false); err != nil {
		return List{}, err
	}
	if len(l.Mailboxes) == 0 {
		return List{}, p.fail(ErrNoMailbox, "")
	}
	return l, nil
}

// list reads addresses up to the end of the text, or of the group: elements may
// be empty (RFC 5322 4.4, obs-addr-list and obs-mbox-list).
func (p *parser) list(l *List, limit int, inGroup bool) error {
	for {
		if err := p.skip(); err != nil {
			return err
		}
		switch {
		case p.atEnd() && inGroup:
			return p.fail(ErrSyntax, "group without end")
		case p.atEnd():
			return nil
		case inGroup && p.take(';'):
			return nil
		case p.take(','):
			continue
		}
		if err := p.address(l, limit, inGroup); err != nil {
			return err
		}
		if err := p.skip(); err != nil {
			return err
		}
		if c := p.peek(); !p.atEnd() && c != ',' && (c != ';' || !inGroup) {
			return p.fail(ErrSyntax, "text after the address")
		}
	}
}

// address reads one mailbox or, outside a group, one group. What stands first
// may turn out to be a display name, a local part or a group's name.
func (p *parser) address(l *List, limit int, inGroup bool) error {
	first, err := p.words()
	if err != nil {
		return err
	}
	var a Address
	switch p.peek() {
	case '<':
		a, err = p.angle()
	case '@':
		a, err = p.bareMailbox(first)
	case ':':
		if inGroup || first.count == 0 {
			return p.fail(ErrSyntax, "colon out of place")
		}
		p.pos++
		l.Groups = true
		return p.list(l, limit, true)
	default:
		if first.count > 0 && (p.atEnd() || p.peek() == ',' || p.peek() == ';') {
			return p.fail(ErrNoDomain, "")
		}
		return p.fail(ErrSyntax, "unexpected character")
	}
	if err != nil {
		return err
	}
	if len(l.Mailboxes) >= limit {
		return p.fail(ErrTooMany, "")
	}
	l.Mailboxes = append(l.Mailboxes, a)
	return nil
}

// bareMailbox reads "@domain" behind a local part and, should an angle address
// follow ("alice@d <alice@d>"), that one too: it then was a display name.
func (p *parser) bareMailbox(local words) (Address, error) {
	a, err := p.atDomain(local)
	if err != nil {
		return Address{}, err
	}
	if err := p.skip(); err != nil {
		return Address{}, err
	}
	if p.peek() != '<' {
		return a, nil
	}
	mailbox, err := p.angle()
	if err != nil {
		return Address{}, err
	}
	if mailbox.Domain != a.Domain {
		return Address{}, p.fail(ErrSyntax, "two addresses of different domains")
	}
	return mailbox, nil
}

// angle reads "<" [route ":"] addr-spec ">" (RFC 5322 3.4 and 4.4).
func (p *parser) angle() (Address, error) {
	p.pos++
	if err := p.skip(); err != nil {
		return Address{}, err
	}
	if p.peek() == '>' {
		return Address{}, p.fail(ErrNoMailbox, "empty angle brackets")
	}
	if err := p.route(); err != nil {
		return Address{}, err
	}
	a, err := p.addrSpec()
	if err != nil {
		return Address{}, err
	}
	return a, p.closeAngle()
}

func (p *parser) closeAngle() error {
	if err := p.skip(); err != nil {
		return err
	}
	if !p.take('>') {
		return p.fail(ErrSyntax, "angle bracket without end")
	}
	return nil
}

// route skips an obs-route, "@relay.example,@b:": it names relays, no author.
func (p *parser) route() error {
	if c := p.peek(); c != '@' && c != ',' {
		return nil
	}
	for !p.take(':') {
		if !p.take(',') {
			if !p.take('@') {
				return p.fail(ErrSyntax, "bad route")
			}
			if _, err := p.domain(); err != nil {
				return err
			}
		}
		if err := p.skip(); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) addrSpec() (Address, error) {
	local, err := p.words()
	if err != nil {
		return Address{}, err
	}
	if p.peek() != '@' {
		if local.count > 0 {
			return Address{}, p.fail(ErrNoDomain, "")
		}
		return Address{}, p.fail(ErrSyntax, "no address")
	}
	return p.atDomain(local)
}

// atDomain reads "@" domain and puts it behind a local part.
func (p *parser) atDomain(local words) (Address, error) {
	if err := p.checkLocal(local); err != nil {
		return Address{}, err
	}
	p.pos++
	domain, err := p.domain()
	if err != nil {
		return Address{}, err
	}
	return Address{Local: local.text, Domain: domain}, nil
}

func (p *parser) checkLocal(local words) error {
	switch {
	case local.count == 0 || local.phrase:
		return p.fail(ErrSyntax, "no local part")
	case len(local.text) > maxLocal:
		return p.fail(ErrSyntax, "local part too long")
	case strings.ContainsFunc(local.text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return p.fail(ErrSyntax, "control character in the local part")
	}
	return nil
}
