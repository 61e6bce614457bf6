package dkim

import (
	"errors"
	"fmt"
	"strings"
)

// Selection says which header fields a signature covers. Names are taken without case. From is always signed (RFC 6376
// section 5.4).
type Selection struct {
	Sign           []string // each instance that the message has
	Oversign       []string // and, if it has any, one more that it has not: adding one later breaks the signature
	OversignAbsent []string // as Oversign, and also when the message has none
}

// Compile checks all names and makes the form that Choose works with. The error lists every bad entry.
func (s Selection) Compile() (*HeaderSet, error) {
	set := &HeaderSet{index: make(map[string]int)}
	var errs []error
	for _, list := range []struct {
		key   string
		names []string
		mode  mode
	}{
		{"headers", append([]string{"From"}, s.Sign...), sign},
		{"oversign", s.Oversign, oversign},
		{"oversign_absent", s.OversignAbsent, oversignAbsent},
	} {
		for _, name := range list.names {
			if err := checkEntry(name, list.mode); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", list.key, err))
				continue
			}
			set.add(name, list.mode)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return set, nil
}

// Omit returns the selection without the given names. From stays in any case.
func (s Selection) Omit(names ...string) Selection {
	return Selection{
		Sign:           without(s.Sign, names),
		Oversign:       without(s.Oversign, names),
		OversignAbsent: without(s.OversignAbsent, names),
	}
}

func without(list, names []string) []string {
	var kept []string
	for _, entry := range list {
		if !strings.EqualFold(entry, "From") && containsFold(names, entry) {
			continue
		}
		kept = append(kept, entry)
	}
	return kept
}

func containsFold(list []string, name string) bool {
	for _, entry := range list {
		if strings.EqualFold(entry, name) {
			return true
		}
	}
	return false
}

// maxNameLen bounds a name in a selection: longer than any in use, short enough for one folded line of h=.
const maxNameLen = 70

func checkEntry(name string, m mode) error {
	switch {
	case !validName(name):
		return fmt.Errorf("%q is no name of a header field: want printable ASCII without colons and blanks", name)
	case strings.ContainsRune(name, ';'):
		return fmt.Errorf("%q: a semicolon cannot stand in h=", name) // it would end the tag (RFC 6376 section 3.2)
	case len(name) > maxNameLen:
		return fmt.Errorf("%.20q… is longer than %d octets", name, maxNameLen)
	case m == oversignAbsent && addedLater(name):
		return fmt.Errorf("%q is rightly added after signing by MTAs and mailing lists; put it into oversign instead", name)
	}
	return nil
}

// addedLater tells the fields that, when absent, must stay free to be added: an MTA adds Date, Message-ID and MIME fields, a list
// its List fields.
func addedLater(name string) bool {
	name = strings.ToLower(name)
	return name == "date" || name == "message-id" || name == "mime-version" ||
		strings.HasPrefix(name, "content-") || strings.HasPrefix(name, "list-")
}
