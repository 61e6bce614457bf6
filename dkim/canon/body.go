package canon

import (
	"bytes"
	"io"
)

// Body canonicalizes a body that arrives in chunks of any size and passes it on to a writer, usually a hash. The result does
// not depend on where the chunks end, and memory does not depend on what they hold: line ends and blanks whose fate is open
// are kept as counts. After Close the Body may be Reset and used again.
type Body struct {
	w    io.Writer
	kind Kind
	err  error // the first error of w; nothing is written after it
	n    int64

	// What was read and not yet passed on, in this order; whatever comes next decides whether it counts.
	crlfs int64 // line ends that fall away if nothing follows them
	blank bool  // relaxed: a run of blanks since then
	cr    bool  // a CR at the end of the last chunk, perhaps half of a CRLF

	gathered int // octets in use of gather
	gather   [gatherSize]byte
}

const (
	gatherSize = 4096 // short runs are collected here, so that the hash sees few long writes
	directSize = 1024 // a run this long is not worth the copy
)

// crlfBlock holds line ends in bulk, for bodies with thousands of empty lines.
var (
	crlfBlock = bytes.Repeat([]byte("\r\n"), gatherSize/8)
	space     = []byte{' '}
	loneCR    = []byte{'\r'}
)

// NewBody returns a Body of kind k that writes to w.
func NewBody(k Kind, w io.Writer) *Body {
	b := new(Body)
	b.Reset(k, w)
	return b
}

// Reset makes b as good as new.
func (b *Body) Reset(k Kind, w io.Writer) {
	b.w, b.kind, b.err, b.n = w, k, nil, 0
	b.crlfs, b.blank, b.cr, b.gathered = 0, false, false, 0
}

// Len is the number of canonical octets so far; after Close, of the whole body. It is what l= counts.
func (b *Body) Len() int64 { return b.n }

// Write takes the next chunk; it keeps no reference to it. The error is the writer's.
func (b *Body) Write(chunk []byte) (int, error) {
	if len(chunk) == 0 { // says nothing about what an open CR is
		return 0, b.err
	}
	p := chunk
	if b.cr {
		p = b.resolveCR(p)
	}
	if b.kind == Relaxed {
		b.relaxed(p)
	} else {
		b.run(p, true)
	}
	if b.err != nil {
		return 0, b.err
	}
	return len(chunk), nil
}

// Close ends the body and passes on all that counts. The underlying writer stays open.
func (b *Body) Close() error {
	if b.cr { // a CR alone at the very end is data
		b.cr = false
		b.pass(loneCR)
	}
	// What is still pending does not count: blanks at the end of a line (section 3.4.4), empty lines at the end of the body. Section
	// 3.4.3 wants a CRLF after any body, the empty one too; section 3.4.4 only after one that has a line left.
	if b.kind == Simple || b.n > 0 {
		b.put(crlfBlock[:2])
	}
	b.flush()
	return b.err
}

// resolveCR settles what the CR at the end of the last chunk was, now that the next octet is known. It returns the rest of p.
func (b *Body) resolveCR(p []byte) []byte {
	b.cr = false
	if p[0] == '\n' {
		b.lineEnd()
		return p[1:]
	}
	b.pass(loneCR)
	return p
}

// lineEnd counts a CRLF; the blanks before it do not count.
func (b *Body) lineEnd() {
	b.blank = false
	b.crlfs++
}

// run passes p on except for the line ends at its end, which it counts. last says that the chunk ends with p, so that a
// final CR is open too.
func (b *Body) run(p []byte, last bool) {
	end := len(p)
	cr := last && end > 0 && p[end-1] == '\r'
	if cr {
		end--
	}
	data := end
	for data >= 2 && p[data-1] == '\n' && p[data-2] == '\r' {
		data -= 2
	}
	if data > 0 {
		b.pass(p[:data])
	}
	b.crlfs += int64(end-data) / 2
	b.cr = cr
}

// pass writes p, of which every octet counts, after what was pending.
func (b *Body) pass(p []byte) {
	for b.crlfs > 0 {
		n := min(2*b.crlfs, int64(len(crlfBlock)))
		b.put(crlfBlock[:n])
		b.crlfs -= n / 2
	}
	if b.blank {
		b.blank = false
		b.put(space)
	}
	b.put(p)
}

// put gathers p, or hands it to the writer when it is long.
func (b *Body) put(p []byte) {
	b.n += int64(len(p))
	if len(p) >= directSize {
		b.flush()
		b.write(p)
		return
	}
	if len(p) > gatherSize-b.gathered {
		b.flush()
	}
	b.gathered += copy(b.gather[b.gathered:], p)
}

// flush writes what is gathered.
func (b *Body) flush() {
	b.write(b.gather[:b.gathered])
	b.gathered = 0
}

func (b *Body) write(p []byte) {
	if b.err == nil && len(p) > 0 {
		_, b.err = b.w.Write(p)
	}
}
