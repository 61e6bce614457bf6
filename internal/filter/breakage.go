package filter

import (
	"bytes"
	"encoding/binary"

	"github.com/postseal/postseal/dkim"
)

// maxLine is the longest line that SMTP promises to carry, without its CRLF
// (RFC 5321 4.5.3.1.6). Postfix breaks longer ones when it delivers, Sendmail
// those over 990.
const maxLine = 998

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
		room := maxLine + 2 - w.line // with the CRLF
		if len(chunk) <= room {
			if lf := bytes.LastIndexByte(chunk, '\n'); lf >= 0 {
				w.line, chunk = 0, chunk[lf+1:]
			}
			w.line += len(chunk)
			w.longLine = w.line > maxLine+1 // a CR may still belong to the line end
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
	if w.longLine || w.line > maxLine {
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
