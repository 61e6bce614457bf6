package authres

import (
	"fmt"
	"slices"
	"strings"
)

// maxResults is how many results Parse reads; no honest field has as many.
const maxResults = 100

// SyntaxError says where a field leaves the grammar. It quotes nothing of it.
type SyntaxError struct {
	Offset int    // in octets from the start of the value
	Reason string // what was expected
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s: %s expected at octet %d", FieldName, e.Reason, e.Offset)
}

// Parse reads a field's value, folded or not (RFC 8601 section 2.2). Comments are skipped, escapes in values are left as they stand, and of
// what is common against the grammar it takes an unquoted value of other octets than a token's ("header.b=ab/c="), a property without
// a type ("action=none"), which has an empty Type, and a ";" at the end.
//
// The error is a *SyntaxError.
func Parse(value []byte) (Header, error) {
	p := scanner{s: string(value)}
	id, ok := p.head()
	if !ok {
		return Header{}, p.expected("authserv-id and semicolon")
	}
	h := Header{ID: id}
	for p.take(';') {
		if !p.skip() {
			return Header{}, p.expected("end of comment")
		}
		if p.atEnd() && len(h.Results) > 0 {
			return h, nil
		}
		if len(h.Results) == 0 && p.none() {
			return h, nil
		}
		r, err := p.result()
		if err != nil {
			return Header{}, err
		}
		if h.Results = append(h.Results, r); len(h.Results) > maxResults {
			return Header{}, p.expected(fmt.Sprintf("at most %d results", maxResults))
		}
	}
	if len(h.Results) == 0 || !p.atEnd() {
		return Header{}, p.expected("result")
	}
	return h, nil
}

// Methods returns the methods of a field's results, each once, in lower case; none for "; none". It is not ok if the field cannot be parsed.
func Methods(value []byte) (methods []string, ok bool) {
	h, err := Parse(value)
	if err != nil {
		return nil, false
	}
	for _, r := range h.Results {
		if m := strings.ToLower(r.Method); !slices.Contains(methods, m) {
			methods = append(methods, m)
		}
	}
	return methods, true
}

func (p *scanner) expected(what string) error { return &SyntaxError{Offset: p.pos, Reason: what} }

// none takes the word "none" if nothing follows it (no-result).
func (p *scanner) none() bool {
	start := p.pos
	if strings.EqualFold(p.keyword(), "none") && p.skip() && p.atEnd() {
		return true
	}
	p.pos = start
	return false
}

// result reads methodspec [reasonspec] *propspec, up to a ";" or the end.
func (p *scanner) result() (Result, error) {
	var r Result
	if r.Method = p.keyword(); r.Method == "" || !p.skip() {
		return r, p.expected("method")
	}
	if p.take('/') { // method-version
		if !p.skip() || p.keyword() == "" || !p.skip() {
			return r, p.expected("version of the method")
		}
	}
	if !p.take('=') || !p.skip() {
		return r, p.expected(`"="`)
	}
	if r.Value = p.keyword(); r.Value == "" || !p.skip() {
		return r, p.expected("result")
	}
	for !p.atEnd() && p.peek() != ';' {
		property, err := p.property()
		if err != nil {
			return r, err
		}
		if property.Type == "" && strings.EqualFold(property.Name, "reason") && r.Reason == "" {
			r.Reason = property.Value
			continue
		}
		r.Properties = append(r.Properties, property)
	}
	return r, nil
}

// property reads [ptype "."] name "=" pvalue and what blanks follow.
func (p *scanner) property() (Property, error) {
	q := Property{Name: p.keyword()}
	if q.Name == "" || !p.skip() {
		return q, p.expected("property")
	}
	if p.take('.') {
		q.Type = q.Name
		if !p.skip() {
			return q, p.expected("property")
		}
		if q.Name = p.keyword(); q.Name == "" || !p.skip() {
			return q, p.expected("property")
		}
	}
	if !p.take('=') || !p.skip() {
		return q, p.expected(`"="`)
	}
	var ok bool
	if q.Value, ok = p.propertyValue(); !ok || !p.skip() {
		return q, p.expected("value")
	}
	return q, nil
}

// propertyValue reads pvalue: a quoted-string, perhaps with "@" and a domain behind it, or the octets up to a blank, a comment or a ";".
func (p *scanner) propertyValue() (text string, ok bool) {
	bare := func(c byte) bool { return !isBlank(c) && !isControl(c) && strings.IndexByte(`;()"\`, c) < 0 }
	if p.peek() != '"' {
		text = p.run(bare)
		return text, text != ""
	}
	if text, ok = p.quoted(); ok && p.peek() == '@' {
		text += p.run(bare)
	}
	return text, ok
}
