package keytable

import (
	"fmt"
	"strings"
)

// Problem is something wrong with a table, one of its lines, or the key that a
// line names. It holds no part of a private key.
type Problem struct {
	Path    string // of the table
	Line    int    // counted from 1; 0 is the whole file
	Message string // what is wrong
	Hint    string // what to do; may be empty
	Warning bool   // the line works all the same
}

// String is "path:line: message (hint)".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Path)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": " + p.Message)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	return b.String()
}

// Error is String: a Problem is the error of the key that it took out of service.
func (p Problem) Error() string { return p.String() }

// Problems are all that Load found in files that cannot be used.
type Problems []Problem

// Error has one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}
