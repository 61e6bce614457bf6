package dkim

import (
	"errors"
	"fmt"
	"strings"
)

// Tag is one "name=value" of a tag list. Value has no white space at its ends; what it has within, folds included, is still there.
type Tag struct{ Name, Value string }

// TagList is the tags of a signature or of a key record, in their order.
type TagList []Tag

// ErrTagListTooLong says that a tag list is over one of its bounds: 64 KiB, 100 tags. RFC 6376 and its updates define 15.
var ErrTagListTooLong = errors.New("tag list too long")

const (
	maxTagList = 64 << 10
	maxTags    = 100
)

// Get returns the value of the tag of that name, in exactly that case.
func (l TagList) Get(name string) (value string, ok bool) {
	for _, t := range l {
		if t.Name == name {
			return t.Value, true
		}
	}
	return "", false
}

// ParseTagList reads a tag list (RFC 6376 section 3.2). Octets beyond ASCII may stand in a value (RFC 8616 section 4; notes in any
// character set are no reason to lose a signature); what else a value may hold is the business of its tag.
func ParseTagList(s string) (TagList, error) {
	if len(s) > maxTagList {
		return nil, fmt.Errorf("%w: %d octets, want at most %d", ErrTagListTooLong, len(s), maxTagList)
	}
	if err := checkOctets(s); err != nil {
		return nil, err
	}
	list := make(TagList, 0, 16)
	for rest, more := s, true; more; {
		var spec string
		spec, rest, more = strings.Cut(rest, ";")
		if !more && len(list) > 0 && trimFWS(spec) == "" {
			break // behind the one semicolon that may end the list
		}
		tag, err := parseTag(spec)
		if err != nil {
			return nil, err
		}
		if _, twice := list.Get(tag.Name); twice { // MUST NOT, and then the whole list is invalid (section 3.2)
			return nil, fmt.Errorf("tag %s stands there twice", tag.Name)
		}
		if len(list) == maxTags {
			return nil, fmt.Errorf("%w: want at most %d tags", ErrTagListTooLong, maxTags)
		}
		list = append(list, tag)
	}
	return list, nil
}

func parseTag(spec string) (Tag, error) {
	name, value, ok := strings.Cut(spec, "=")
	if !ok {
		return Tag{}, fmt.Errorf("no = in %.40q, want name=value", trimFWS(spec))
	}
	name = trimFWS(name)
	if !validTagName(name) {
		return Tag{}, fmt.Errorf("%.40q is no name of a tag", name)
	}
	return Tag{name, trimFWS(value)}, nil
}

// validTagName wants a letter, then letters, digits and underscores (section 3.2). A hyphen is beyond the grammar, but such private
// tags (x-…) occur and common verifiers take them.
func validTagName(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case isAlnum(c) && (i > 0 || c > '9'):
		case (c == '_' || c == '-') && i > 0:
		default:
			return false
		}
	}
	return name != ""
}

// checkOctets refuses controls, and every CR and LF that is not part of a fold: CRLF with a blank behind it.
func checkOctets(s string) error {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\r' && i+2 < len(s) && s[i+1] == '\n' && (s[i+2] == ' ' || s[i+2] == '\t'):
			i += 2
		case c < ' ' && c != '\t', c == 0x7f:
			return fmt.Errorf("octet %#02x at %d is not allowed in a tag list", c, i)
		}
	}
	return nil
}

const fws = " \t\r\n"

// trimFWS takes the white space off both ends. In what checkOctets let pass, CR and LF are parts of folds.
func trimFWS(s string) string { return strings.Trim(s, fws) }

// removeFWS takes all white space out.
func removeFWS(s string) string {
	if !strings.ContainsAny(s, fws) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := s[i]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			out = append(out, c)
		}
	}
	return string(out)
}
