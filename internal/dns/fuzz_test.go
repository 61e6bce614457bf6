package dns

import (
	"errors"
	"testing"

	wire "github.com/miekg/dns"
)

// FuzzAnswer reads any packet as the answer to a question: it is a stray, an error, or one of what a link can be.
func FuzzAnswer(f *testing.F) {
	q := question(key)
	q.Id = 0x1234
	seed := func(change func(*wire.Msg)) {
		reply := new(wire.Msg).SetReply(q)
		change(reply)
		packet, err := reply.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet)
	}
	txt := &wire.TXT{Hdr: wire.RR_Header{Name: "a.example.", Rrtype: wire.TypeTXT, Class: wire.ClassINET, Ttl: 60}, Txt: []string{`v=DKIM1; n=\255\"; p=`, "AA"}}
	seed(func(m *wire.Msg) { m.Answer = []wire.RR{cname(key+".", "a.example."), txt} })
	seed(func(m *wire.Msg) { m.Answer = []wire.RR{cname(key+".", "a.example."), cname("a.example.", key+".")} })
	seed(func(m *wire.Msg) { m.Answer = []wire.RR{cname(key+".", ".")} })
	seed(func(m *wire.Msg) { m.Rcode = wire.RcodeNameError })
	seed(func(m *wire.Msg) { m.Rcode = wire.RcodeRefused })
	seed(func(m *wire.Msg) { m.Truncated = true })
	seed(func(m *wire.Msg) {
		m.Ns = []wire.RR{&wire.SOA{Hdr: wire.RR_Header{Name: ".", Rrtype: wire.TypeSOA, Class: wire.ClassINET, Ttl: 1 << 31}, Ns: ".", Mbox: ".", Minttl: 9}}
	})
	f.Fuzz(func(t *testing.T, packet []byte) {
		reply, err := readAnswer(packet, q)
		if err != nil {
			if reply != nil {
				t.Fatalf("an answer with %v", err)
			}
			return
		}
		from := link{name: key, hops: 2, ttl: maxPositive, secure: true}
		l, err := from.read(reply)
		var code RcodeError
		var bad answerError
		switch {
		case errors.As(err, &code), errors.As(err, &bad), err == ErrLoop:
			return
		case err != nil:
			t.Fatal(err)
		}
		found, missing, onward := l.txt != nil, l.missing, l.txt == nil && !l.missing
		if found && (missing || len(l.txt) == 0) || onward && l.hops == from.hops {
			t.Fatalf("neither found nor missing nor gone on: %+v", l)
		}
		if l.ttl < 0 || l.ttl > maxPositive || l.hops < from.hops || l.hops > maxHops || l.secure && !reply.AuthenticatedData {
			t.Fatalf("out of bounds: %+v", l)
		}
	})
}
