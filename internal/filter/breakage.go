package filter

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/postseal/postseal/dkim"
)

// The longest lines that are not broken when mail is delivered, without their CRLF.
const (
	postfixLine  = 998 // smtp_line_length_limit; what SMTP promises to carry (RFC 5321 4.5.3.1.6)
	sendmailLine = 990 // SMTP_MAILER_LL
)

// longestLine is that of the MTA with the macro v.
func longestLine(v string) int {
	if isPostfix(v) {
		return postfixLine
	}
	return sendmailLine
}

// hasLongLine tells whether a signed field has a line that will be broken. Those in
// folded do not: the MTA folds them anew.
func hasLongLine(fields *dkim.Fields, headers *dkim.HeaderSet, limit int, folded []string) bool {
	for i := range fields.Len() {
		raw := fields.Raw(i)
		if len(raw) <= limit || headers == nil {
			continue
		}
		name := string(fields.Name(i))
		isName := func(n string) bool { return strings.EqualFold(n, name) }
		if !headers.Covers(name) || slices.ContainsFunc(folded, isName) {
			continue
		}
		for line := range bytes.Lines(raw) {
			if len(bytes.TrimRight(line, "\r\n")) > limit {
				return true
			}
		}
	}
	return false
}

// saysEightBit tells whether the header declares an 8-bit body, which Postfix goes by
// when it converts, whatever the body holds.
func saysEightBit(fields *dkim.Fields) bool {
	for i := range fields.FromBottom("Content-Transfer-Encoding") {
		switch string(bytes.ToLower(bytes.TrimSpace(fields.Value(i)))) {
		case "8bit", "binary":
			return true
		}
	}
	return false
}

// Warnings name what MTAs change after the milter, which breaks a signature.
const (
	warnEightBit = "eight-bit-body" // converted where the next hop does not take 8BITMIME
	warnLongLine = "long-line"      // broken by the MTA's SMTP client
)

// bodyWatch looks in a body for what will not survive delivery.
type bodyWatch struct {
	eightBit bool
	longLine bool
	limit    int // octets that a line may have
	line     int // octets of the line that the last chunk left open
}

func (w *bodyWatch) write(chunk []byte) {
	w.eightBit = w.eightBit || hasEightBit(chunk)
	if !w.longLine {
		w.lines(chunk)
	}
}

// lines looks for one LF in each window that a line may fill, not for every
// line: it hops to the last LF of the window.
func (w *bodyWatch) lines(chunk []byte) {
	for {
		room := w.limit + 2 - w.line // with the CRLF
		if len(chunk) <= room {
			if lf := bytes.LastIndexByte(chunk, '\n'); lf >= 0 {
				w.line, chunk = 0, chunk[lf+1:]
			}
			w.line += len(chunk)
			w.longLine = w.line > w.limit+1 // a CR may still belong to the line end
			return
		}
		lf := bytes.LastIndexByte(chunk[:room], '\n')
		if lf < 0 {
			w.longLine = true
			return
		}
		w.line, chunk = 0, chunk[lf+1:]
	}
}

// warnings lists what was seen, at the end of the body.
func (w *bodyWatch) warnings() []string {
	var all []string
	if w.eightBit {
		all = append(all, warnEightBit)
	}
	if w.longLine || w.line > w.limit {
		all = append(all, warnLongLine)
	}
	return all
}

// hasEightBit looks at eight octets at a time.
func hasEightBit(p []byte) bool {
	const high = 0x8080808080808080
	for ; len(p) >= 32; p = p[32:] {
		all := binary.LittleEndian.Uint64(p) | binary.LittleEndian.Uint64(p[8:]) |
			binary.LittleEndian.Uint64(p[16:]) | binary.LittleEndian.Uint64(p[24:])
		if all&high != 0 {
			return true
		}
	}
	for _, c := range p {
		if c >= 0x80 {
			return true
		}
	}
	return false
}
