package canon

import (
	"bytes"
	"regexp"
)

// reference is sections 3.4.3 and 3.4.4 of RFC 6376 said as plainly as possible, over the whole body and with no regard to speed.
func reference(k Kind, body []byte) []byte {
	lines := bytes.Split(body, []byte("\r\n"))
	if k == Relaxed {
		for i, line := range lines {
			line = bytes.TrimRight(line, " \t")               // "ignore all whitespace at the end of lines"
			lines[i] = blankRun.ReplaceAll(line, []byte{' '}) // "reduce all sequences of WSP within a line to a single SP"
		}
	}
	for len(lines) > 0 && len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1] // "ignore all empty lines at the end of the message body"
	}
	if len(lines) == 0 && k == Relaxed {
		return nil
	}
	return append(bytes.Join(lines, []byte("\r\n")), "\r\n"...)
}

// referenceField is section 3.4.2 for one header field without its final CRLF.
func referenceField(field []byte) []byte {
	name, value, found := bytes.Cut(field, []byte(":"))
	out := asciiLower(bytes.Trim(name, " \t"))
	if found {
		value = fold.ReplaceAll(value, []byte("$1"))
		value = blankRun.ReplaceAll(value, []byte{' '})
		out = append(append(out, ':'), bytes.Trim(value, " \t")...)
	}
	return append(out, "\r\n"...)
}

var (
	blankRun = regexp.MustCompile(`[ \t]+`)
	fold     = regexp.MustCompile(`\r\n([ \t])`)
)

func asciiLower(name []byte) []byte {
	out := []byte{}
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		out = append(out, c)
	}
	return out
}
