package milter

import (
	"strings"
	"testing"
)

// quiet is a Session that allocates nothing.
type quiet struct {
	NopSession
	bytes int
}

func (q *quiet) Header(n, v []byte) Response { q.bytes += len(n) + len(v); return Continue }
func (q *quiet) Body(chunk []byte) Response  { q.bytes += len(chunk); return Continue }

// TestAllocations sees that a header field, a chunk of the body and the macros before them cost no memory, with and without replies, from the socket's bytes to the Session.
func TestAllocations(t *testing.T) {
	for _, steps := range []Step{0, StepNoReplyHeader | StepNoReplyBody, StepLeadingSpace} {
		q := &quiet{}
		d, _ := newDialog(HandlerFunc(func(*Conn) Session { return q }), newWish(&Server{Steps: steps}))
		d.send = func([]byte) error { return nil }
		for _, letter := range []byte("OCHMR") {
			if err := d.handle(packet{cmd: Command(letter), data: []byte(sample[letter])}); err != nil {
				t.Fatal(err)
			}
		}
		header := frame('D', "Li\x004XyZ\x00{auth_authen}\x00alice\x00") + frame('L', "Subject\x00 hello\n\tworld\x00")
		body := frame('D', "Bi\x004XyZ\x00") + frame('B', strings.Repeat("x", 65535))
		for _, part := range []struct{ name, stream string }{{"header", header}, {"EOH", frame('N', "")}, {"body", body}} {
			pristine := []byte(part.stream)
			stream := make([]byte, len(pristine))
			source := &pieces{}
			r := &reader{source: source, limits: DefaultLimits}
			allocs := testing.AllocsPerRun(100, func() {
				copy(stream, pristine)
				source.rest = stream
				for len(source.rest) > 0 || r.start != r.end {
					p, err := r.next()
					if err == nil && (part.name != "EOH" || d.phase != phaseBody) {
						err = d.handle(p)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			})
			if allocs != 0 {
				t.Errorf("steps %v, %s: %v allocations", steps, part.name, allocs)
			}
		}
		if q.bytes == 0 {
			t.Error("nothing reached the Session")
		}
	}
}
