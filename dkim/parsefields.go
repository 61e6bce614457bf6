package dkim

import (
	"bytes"
	"fmt"
)

// ParseFields reads the header of a whole message with CRLF line ends and tells at which octet the body begins. The header ends at
// the first empty line, or with the message. A LF alone is data: turning a file into CRLF form is the caller's.
// An error names the line.
func ParseFields(message []byte) (fields *Fields, body int, err error) {
	fields = new(Fields)
	for line, at := 1, 0; ; line++ {
		rest := message[at:]
		end := bytes.Index(rest, []byte("\r\n"))
		next := at + end + 2
		if end < 0 {
			end, next = len(rest), len(message)
		}
		text := rest[:end]
		switch {
		case len(rest) == 0:
			return fields, len(message), nil
		case len(text) == 0:
			return fields, next, nil
		case text[0] == ' ' || text[0] == '\t':
			if fields.Len() == 0 {
				return nil, 0, fmt.Errorf("line 1 begins with a blank, but there is no header field for it to continue")
			}
			fields.fold(text)
		default:
			if err := fields.begin(text); err != nil {
				return nil, 0, fmt.Errorf("line %d: %w", line, err)
			}
		}
		at = next
	}
}

// begin appends a field from its first line.
func (f *Fields) begin(line []byte) error {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return fmt.Errorf("no colon: neither a header field nor the empty line that ends the header")
	}
	name := trimBlanksRight(line[:colon]) // obs-optional, RFC 5322 section 4.5.8
	if !validName(name) {
		return fmt.Errorf("%.40q is no name of a header field", name)
	}
	start := len(f.arena)
	f.arena = append(f.arena, line...)
	f.index = append(f.index, field{start, start + len(name), start + colon, len(f.arena)})
	return nil
}

// fold appends a continuation line to the last field.
func (f *Fields) fold(line []byte) {
	f.arena = append(append(f.arena, '\r', '\n'), line...)
	f.index[len(f.index)-1].end = len(f.arena)
}

// validName reports whether name is a field name: printable ASCII without a colon (ftext, RFC 5322 section 3.6.8).
func validName[S ~string | ~[]byte](name S) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c == ':' || c > '~' {
			return false
		}
	}
	return len(name) > 0
}
