package authres

import "fmt"

// Bounds of what is written. Ten signatures with the longest names that DNS has take 16 KiB.
const (
	maxSize       = 24 << 10
	maxValue      = 512
	maxText       = 128
	maxProperties = 16
)

// String returns the field's value, see AppendTo.
func (h Header) String() string { return string(h.AppendTo(nil)) }

// AppendTo appends the field's value: without the blank behind the colon and without the final line end, folded by CRLF and HTAB into lines
// of at most 78 octets, a longer word having a line of its own (RFC 5322 section 2.1.1; no line reaches 998).
func (h Header) AppendTo(dst []byte) []byte {
	f := folder{dst: dst, column: len(FieldName + ": ")}
	f.dst = append(f.dst, identity(h.ID)...)
	f.column += len(f.dst) - len(dst)
	f.put(';')
	written, omitted := 0, 0
	for _, r := range h.Results {
		words, ok := r.words()
		if !ok || len(f.dst)-len(dst)+size(words) > maxSize {
			omitted++
			continue
		}
		if written > 0 {
			f.put(';')
		}
		written++
		f.fold()
		for i, w := range words {
			f.word(w, i == 0)
		}
	}
	if written == 0 {
		f.word("none", false) // RFC 8601 section 2.2, no-result
	}
	if omitted > 0 {
		f.word(fmt.Sprintf("(results left out: %d)", omitted), false)
	}
	return f.dst
}

// words are the parts of a result between which a line may end. It is not ok if the result cannot be named.
func (r Result) words() (words []string, ok bool) {
	if !isKeyword(r.Method) || !isKeyword(r.Value) {
		return nil, false
	}
	words = append(words, r.Method+"="+r.Value)
	if r.Comment != "" {
		words = append(words, "("+escapeText(r.Comment)+")")
	}
	if r.Reason != "" {
		words = append(words, "reason="+quoteUnlessToken(escapeText(r.Reason)))
	}
	for _, p := range r.Properties[:min(len(r.Properties), maxProperties)] {
		if value, ok := formatValue(p.Value); ok && isKeyword(p.Type) && isKeyword(p.Name) {
			words = append(words, p.Type+"."+p.Name+"="+value)
		}
	}
	return words, true
}

// size is what words take with the most folding: ";", CRLF, HTAB.
func size(words []string) int {
	n := 1
	for _, w := range words {
		n += len(w) + len("\r\n\t")
	}
	return n
}

const lineLength = 78

// folder writes words into lines. The column is that of a line which began behind the field's name.
type folder struct {
	dst    []byte
	column int
}

// put appends an octet to the word before; word has left room for it.
func (f *folder) put(c byte) {
	f.dst = append(f.dst, c)
	f.column++
}

// word appends a word behind a blank or a fold, or, as the first of its line, behind nothing.
func (f *folder) word(w string, first bool) {
	const before, behind = 1, 1 // a blank, a semicolon
	switch {
	case first:
	case f.column+before+len(w)+behind > lineLength:
		f.fold()
	default:
		f.put(' ')
	}
	f.dst = append(f.dst, w...)
	f.column += len(w)
}

func (f *folder) fold() {
	f.dst = append(f.dst, "\r\n\t"...)
	f.column = 1
}
