package config

import (
	"fmt"
	"strings"
)

// Problem is one mistake in the file: where, what, and what to do.
type Problem struct {
	Path string // file
	Line int    // 0 when the file does not say it (a default, a missing key)
	Key  string // key path such as sign.canonicalization; "" for syntax errors
	Text string
	Hint string
}

func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Path)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Text)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	return b.String()
}

// Problems is all that is wrong, in the order of the file.
type Problems []Problem

func (ps Problems) Error() string {
	text := make([]string, len(ps))
	for i, p := range ps {
		text[i] = p.Error()
	}
	return strings.Join(text, "\n")
}

// Problem makes a Problem about a key of this file, with its line where the
// file mentions it.
func (c *Config) Problem(key, hint, format string, args ...any) Problem {
	return Problem{Path: c.Path, Line: c.lines.of(key), Key: key, Text: fmt.Sprintf(format, args...), Hint: hint}
}
