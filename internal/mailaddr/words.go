package mailaddr

import "strings"

// words is a run of atoms, quoted strings and dots: a display name, a group's
// name or a local part (RFC 5322 3.2.5, 3.4.1, 4.1, 4.4).
type words struct {
	text   string // without quotes, comments and white space: the local part
	count  int    // of atoms and quoted strings
	phrase bool   // cannot be a local part: two words without a dot between
}

func (p *parser) words() (words, error) {
	var w words
	var text strings.Builder
	joined := true // a dot, or the start, stands before the next word
	for {
		if err := p.skip(); err != nil {
			return words{}, err
		}
		if p.take('.') {
			text.WriteByte('.')
			joined = true
			continue
		}
		word, opaque, ok, err := p.word()
		if err != nil {
			return words{}, err
		}
		if !ok {
			w.text = text.String()
			return w, nil
		}
		w.phrase = w.phrase || !joined || opaque
		w.count++
		joined = false
		if !w.phrase {
			text.WriteString(word)
		}
	}
}

// word reads an atom, a quoted string, or an encoded word that is no atom
// (opaque).
func (p *parser) word() (word string, opaque, ok bool, err error) {
	if p.peek() == '"' {
		word, err = p.quoted()
		return word, false, err == nil, err
	}
	start := p.pos
	if p.encodedWord() {
		end := p.pos
		p.pos = start
		if word = p.atom(); p.pos >= end {
			return word, false, true, nil
		}
		p.pos = end
		return "", true, true, nil
	}
	word = p.atom()
	return word, false, word != "", nil
}

// domain reads a dot-atom with comments and white space between its parts
// (obs-domain), or a domain literal, and returns its A-labels.
func (p *parser) domain() (string, error) {
	if err := p.skip(); err != nil {
		return "", err
	}
	if p.peek() == '[' {
		return p.literal()
	}
	var name strings.Builder
	for {
		label := p.atom()
		if label == "" {
			return "", p.fail(ErrSyntax, "no domain")
		}
		name.WriteString(label)
		if err := p.skip(); err != nil {
			return "", err
		}
		if !p.take('.') {
			break
		}
		name.WriteByte('.')
		if err := p.skip(); err != nil {
			return "", err
		}
	}
	ascii, err := ALabels(name.String())
	if err != nil {
		return "", p.fail(ErrDomain, strings.TrimPrefix(err.Error(), ErrDomain.Error()+": "))
	}
	return ascii, nil
}

// literal reads "[192.0.2.1]" (RFC 5322 3.4.1). No key can be published for it,
// but it is an address.
func (p *parser) literal() (string, error) {
	start := p.pos
	for p.pos++; !p.atEnd(); p.pos++ {
		switch c := p.s[p.pos]; {
		case c == ']' && p.pos-start <= maxDomain:
			p.pos++
			return strings.ToLower(p.s[start:p.pos]), nil
		case c <= ' ' || c >= 0x7f || c == '[' || c == ']' || c == '\\':
			return "", p.fail(ErrDomain, "bad domain literal")
		}
	}
	return "", p.fail(ErrSyntax, "domain literal without end")
}
