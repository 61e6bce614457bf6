package milter

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Response is what a Session answers to a step. Responses can be compared with ==. The zero value is Continue.
type Response struct {
	code byte   // SMFIR_*; 0 stands for SMFIR_CONTINUE
	text string // of a Reply: the line as it goes to the MTA
}

// The fixed responses.
var (
	Continue = Response{}          // go on
	Accept   = Response{code: 'a'} // let it through, tell me no more of it
	Reject   = Response{code: 'r'} // refuse it for good (5xx)
	Tempfail = Response{code: 't'} // refuse it for now (4xx)
	Discard  = Response{code: 'd'} // take it and throw it away; means nothing to Connect and Helo
	Skip     = Response{code: 's'} // to Body only: no more of the body is needed
)

// maxReplyLine is the length of an SMTP reply line without its CRLF (RFC 5321, section 4.5.3.1.5).
const maxReplyLine = 510

// Reply makes a Response that refuses with a text of its own: code is the SMTP code, 4xx or 5xx; enhanced is the status code of RFC 3463 ("5.7.1"), of the same class, or
// empty; text is one line of printable text. A percent sign in text needs no care. Sendmail and Postfix take it as a format and get it doubled.
func Reply(code int, enhanced, text string) (Response, error) {
	if code < 400 || code > 599 {
		return Response{}, fmt.Errorf("milter: reply code %d: not 4xx or 5xx", code)
	}
	line := fmt.Sprintf("%d ", code)
	if enhanced != "" {
		if !validEnhanced(enhanced) {
			return Response{}, fmt.Errorf("milter: enhanced status %q: not of the form class.subject.detail (RFC 3463)", enhanced)
		}
		if enhanced[0] != line[0] {
			return Response{}, fmt.Errorf("milter: enhanced status %s does not go with reply code %d: the first digits differ", enhanced, code)
		}
		line += enhanced + " "
	}
	if text == "" {
		return Response{}, fmt.Errorf("milter: reply %d without a text", code)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }); i >= 0 {
		return Response{}, fmt.Errorf("milter: reply %d: control character %q in the text", code, text[i])
	}
	if len(line)+len(text) > maxReplyLine {
		return Response{}, fmt.Errorf("milter: reply %d: line of %d bytes, at most %d fit", code, len(line)+len(text), maxReplyLine)
	}
	return Response{code: 'y', text: line + strings.ReplaceAll(text, "%", "%%")}, nil
}

// validEnhanced tells whether s is class "." subject "." detail with one digit and twice one to three (RFC 3463, section 2).
func validEnhanced(s string) bool {
	parts := strings.Split(s, ".")
	if len(parts) != 3 || len(parts[0]) != 1 {
		return false
	}
	for _, part := range parts {
		if part == "" || len(part) > 3 || strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return true
}

// String is the name of the response, or the text of a Reply.
func (r Response) String() string {
	switch r {
	case Continue:
		return "continue"
	case Accept:
		return "accept"
	case Reject:
		return "reject"
	case Tempfail:
		return "tempfail"
	case Discard:
		return "discard"
	case Skip:
		return "skip"
	}
	return strings.ReplaceAll(r.text, "%%", "%")
}

// settles tells whether nothing more is to be said about what the response was given for.
func (r Response) settles() bool { return r != Continue && r != Skip }

// refuses tells whether the response makes the MTA say no.
func (r Response) refuses() bool { return r == Reject || r == Tempfail || r.code == 'y' }

// appendTo appends the response as a packet.
func (r Response) appendTo(p []byte) []byte {
	if r == Continue {
		return append(p, 0, 0, 0, 1, 'c')
	}
	if r.code != 'y' {
		return append(p, 0, 0, 0, 1, r.code)
	}
	p = beginPacket(p, r.code, len(r.text)+1)
	return append(append(p, r.text...), 0)
}

// beginPacket appends the length and the code of a packet whose data has size bytes.
func beginPacket(p []byte, code byte, size int) []byte {
	return append(binary.BigEndian.AppendUint32(p, uint32(size)+1), code)
}
