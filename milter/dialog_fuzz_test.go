package milter

import (
	"encoding/binary"
	"regexp"
	"testing"
)

// What a Session may hear, as its documentation has it: messages between other commands, F only in a message, Z once and last.
var (
	legalCalls      = regexp.MustCompile(`^(C?([HU]|M([RTUF])*([LUF])*(N([BUF])*(EF?|A)|A))*Z)*$`)
	legalWithoutEOH = regexp.MustCompile(`^(C?([HU]|M([RTUF])*([LUF])*N?([BUF])*(EF?|A))*Z)*$`)
)

// FuzzDialog sends commands in any order, with any data, to a Session that answers and panics at will.
func FuzzDialog(f *testing.F) {
	f.Add([]byte("OCHMRTLNBE"), uint32(0), []byte{0, 0, 0, 0})
	f.Add([]byte("OCHMRTLNBEMRTLNBEAAQ"), uint32(StepNoReplyHeader|StepSkip), []byte{0, 1, 2, 3, 4, 5, 6})
	f.Add([]byte("OHMRLBEKMRBE"), uint32(StepNoConnect|StepNoEOH), []byte{0, 0, 7, 0, 7})
	f.Add([]byte("OCdMlLNbBeMRNE"), uint32(0), []byte{0})
	f.Fuzz(func(t *testing.T, script []byte, steps uint32, moods []byte) {
		s := &moody{moods: moods}
		d, sent := newDialog(s, newWish(&Server{Actions: ActAddHeader, Steps: Step(steps)}))
		for _, letter := range script {
			p := packet{cmd: Command(letter), data: []byte(sample[letter])}
			if letter >= 'a' && letter <= 'z' {
				p = packet{cmd: Command(letter - 32), data: []byte{letter}, lost: 2 << 20}
			}
			sent.Reset()
			err := d.handle(p)
			replies := countReplies(t, sent.String())
			if err != nil {
				if replies > 0 {
					t.Fatalf("%q: reply %q to %v, which ends the connection: %v", script, sent, p.cmd, err)
				}
				break
			}
			want := 1
			switch {
			case p.cmd == CmdMacro || p.cmd == CmdAbort || p.cmd == CmdQuitNC:
				want = 0
			case p.cmd.noReply() != 0 && d.agreed.Steps&p.cmd.noReply() != 0:
				want = 0
			}
			if replies != want {
				t.Fatalf("%q, steps %v: %d replies %q to %v, want %d", script, d.agreed.Steps, replies, sent, p.cmd, want)
			}
		}
		d.end()
		legal := legalCalls
		if d.agreed.Steps&StepNoEOH != 0 {
			legal = legalWithoutEOH
		}
		if calls := s.calls.String(); !legal.MatchString(calls) {
			t.Fatalf("%q, steps %v: calls %s", script, d.agreed.Steps, calls)
		}
	})
}

// moody is a tracer that takes its answers, and whether it panics, from a list.
type moody struct {
	tracer
	moods []byte
}

func (m *moody) NewSession(*Conn) Session { return m }

// mood is the next answer. It comes after the call was written down.
func (m *moody) mood(Response) Response {
	var mood byte
	if len(m.moods) > 0 {
		mood, m.moods = m.moods[0]&7, m.moods[1:]
	}
	if mood == 7 {
		panic("mood")
	}
	return []Response{Continue, Accept, Reject, Tempfail, Discard, Skip, {code: 'y', text: "550 x"}}[mood]
}

func (m *moody) Connect(c Client) Response            { return m.mood(m.tracer.Connect(c)) }
func (m *moody) Helo(s string) Response               { return m.mood(m.tracer.Helo(s)) }
func (m *moody) Mail(s string, p []string) Response   { return m.mood(m.tracer.Mail(s, p)) }
func (m *moody) Rcpt(s string, p []string) Response   { return m.mood(m.tracer.Rcpt(s, p)) }
func (m *moody) Data() Response                       { return m.mood(m.tracer.Data()) }
func (m *moody) Header(n, v []byte) Response          { return m.mood(m.tracer.Header(n, v)) }
func (m *moody) EndOfHeaders() Response               { return m.mood(m.tracer.EndOfHeaders()) }
func (m *moody) Body(p []byte) Response               { return m.mood(m.tracer.Body(p)) }
func (m *moody) Unknown(s string) Response            { return m.mood(m.tracer.Unknown(s)) }
func (m *moody) Fault(err error) Response             { return m.mood(m.tracer.Fault(err)) }
func (m *moody) EndOfMessage(*Modifications) Response { return m.mood(m.call('E')) }

func (m *moody) Abort() {
	m.tracer.Abort()
	m.mood(Continue)
}

// countReplies counts the packets in p.
func countReplies(t *testing.T, p string) (n int) {
	for ; p != ""; n++ {
		size := int(binary.BigEndian.Uint32([]byte(p)))
		if len(p) < 4+size || size < 1 {
			t.Fatalf("cut packet %q", p)
		}
		p = p[4+size:]
	}
	return n
}
