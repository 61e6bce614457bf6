package milter

import (
	"errors"
	"strings"
	"testing"
)

func TestModifications(t *testing.T) {
	const all = ActAddHeader | ActChangeHeader | ActQuarantine
	for _, test := range []struct {
		name    string
		actions Action
		steps   Step
		do      func(*Modifications) error
		wire    string // packets; "" for an error
		is      error
	}{
		{"add", all, 0, func(m *Modifications) error { return m.AddHeader("A", "b") }, "\x00\x00\x00\x05hA\x00b\x00", nil},
		{"add, leading space", all, StepLeadingSpace, func(m *Modifications) error { return m.AddHeader("A", "b") }, "\x00\x00\x00\x06hA\x00 b\x00", nil},
		{"insert", all, 0, func(m *Modifications) error { return m.InsertHeader(1, "A", "b") }, "\x00\x00\x00\x09i\x00\x00\x00\x01A\x00b\x00", nil},
		{"insert, leading space", all, StepLeadingSpace, func(m *Modifications) error { return m.InsertHeader(0, "A", "b") }, "\x00\x00\x00\x0ai\x00\x00\x00\x00A\x00 b\x00", nil},
		{"change", all, StepLeadingSpace, func(m *Modifications) error { return m.ChangeHeader(2, "A", "b") }, "\x00\x00\x00\x0am\x00\x00\x00\x02A\x00 b\x00", nil},
		{"delete", all, StepLeadingSpace, func(m *Modifications) error { return m.DeleteHeader(3, "A") }, "\x00\x00\x00\x08m\x00\x00\x00\x03A\x00\x00", nil},
		{"quarantine", all, 0, func(m *Modifications) error { return m.Quarantine("why") }, "\x00\x00\x00\x05qwhy\x00", nil},
		{"fold", all, 0, func(m *Modifications) error { return m.AddHeader("A", "b\r\n\tc\n d") }, "\x00\x00\x00\x0bhA\x00b\n\tc\n d\x00", nil},
		{"8 bit", all, 0, func(m *Modifications) error { return m.AddHeader("A", "\xc3\xa9") }, "\x00\x00\x00\x06hA\x00\xc3\xa9\x00", nil},

		{"add not agreed", ActChangeHeader, 0, func(m *Modifications) error { return m.AddHeader("A", "b") }, "", ErrNotNegotiated},
		{"insert not agreed", ActChangeHeader, 0, func(m *Modifications) error { return m.InsertHeader(0, "A", "b") }, "", ErrNotNegotiated},
		{"change not agreed", ActAddHeader, 0, func(m *Modifications) error { return m.ChangeHeader(1, "A", "b") }, "", ErrNotNegotiated},
		{"delete not agreed", ActAddHeader, 0, func(m *Modifications) error { return m.DeleteHeader(1, "A") }, "", ErrNotNegotiated},
		{"quarantine not agreed", ActAddHeader, 0, func(m *Modifications) error { return m.Quarantine("x") }, "", ErrNotNegotiated},
		{"another field after the value", all, 0, func(m *Modifications) error { return m.AddHeader("A", "b\r\nBcc: c") }, "", nil},
		{"line end last", all, 0, func(m *Modifications) error { return m.AddHeader("A", "b\n") }, "", nil},
		{"empty line within", all, 0, func(m *Modifications) error { return m.AddHeader("A", "b\n\n c") }, "", nil},
		{"bare CR", all, 0, func(m *Modifications) error { return m.AddHeader("A", "b\rc") }, "", nil},
		{"CR CR LF", all, 0, func(m *Modifications) error { return m.AddHeader("A", "b\r\r\n c") }, "", nil},
		{"NUL", all, 0, func(m *Modifications) error { return m.AddHeader("A", "b\x00c") }, "", nil},
		{"no name", all, 0, func(m *Modifications) error { return m.AddHeader("", "b") }, "", nil},
		{"colon in the name", all, 0, func(m *Modifications) error { return m.AddHeader("A:", "b") }, "", nil},
		{"blank in the name", all, 0, func(m *Modifications) error { return m.AddHeader("A ", "b") }, "", nil},
		{"line end in the name", all, 0, func(m *Modifications) error { return m.AddHeader("A\n", "b") }, "", nil},
		{"negative index", all, 0, func(m *Modifications) error { return m.InsertHeader(-1, "A", "b") }, "", nil},
		{"ordinal 0", all, 0, func(m *Modifications) error { return m.ChangeHeader(0, "A", "b") }, "", nil},
		{"delete ordinal 0", all, 0, func(m *Modifications) error { return m.DeleteHeader(0, "A") }, "", nil},
		{"change to nothing", all, 0, func(m *Modifications) error { return m.ChangeHeader(1, "A", "") }, "", nil},
		{"too long for Sendmail", all, 0, func(m *Modifications) error { return m.AddHeader("A", strings.Repeat("x", 65532)) }, "", nil},
		{"two lines of quarantine", all, 0, func(m *Modifications) error { return m.Quarantine("a\nb") }, "", nil},
		{"quarantine without reason", all, 0, func(m *Modifications) error { return m.Quarantine("") }, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := Modifications{open: true, agreed: Negotiation{Actions: test.actions, Steps: test.steps}}
			err := test.do(&m)
			if string(m.packets) != test.wire || (err == nil) != (test.wire != "") || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("got %q and error %v, want %q", m.packets, err, test.wire)
			}
			m.open = false
			m.packets = nil
			if err := test.do(&m); err == nil || len(m.packets) > 0 {
				t.Errorf("taken after the message: %q, %v", m.packets, err)
			}
		})
	}
	t.Run("longest", func(t *testing.T) {
		m := Modifications{open: true, agreed: Negotiation{Actions: all}}
		if err := m.AddHeader("A", strings.Repeat("x", 65531)); err != nil || len(m.packets) != 4+65535 {
			t.Errorf("%v, %d bytes", err, len(m.packets))
		}
	})
	t.Run("progress after the message", func(t *testing.T) {
		if err := new(Modifications).Progress(); !errors.Is(err, ErrMessageEnded) {
			t.Errorf("got %v", err)
		}
	})
}

// TestEndOfMessage tells what goes out in the end, and in how many writes.
func TestEndOfMessage(t *testing.T) {
	sign := func(m *Modifications) {
		m.InsertHeader(0, "A", "1")
		m.DeleteHeader(1, "B")
	}
	const one = "\x00\x00\x00\x09i\x00\x00\x00\x00A\x001\x00"
	const two = "\x00\x00\x00\x08m\x00\x00\x00\x01B\x00\x00"
	for _, test := range []struct {
		name   string
		answer Response
		panics string
		atEnd  func(*Modifications)
		want   []string // writes
	}{
		{name: "changes and reply", atEnd: sign, want: []string{one + two + "\x00\x00\x00\x01c"}},
		{name: "accept", answer: Accept, atEnd: sign, want: []string{one + two + "\x00\x00\x00\x01a"}},
		{name: "changes to what is refused", answer: Tempfail, atEnd: sign, want: []string{"\x00\x00\x00\x01t"}},
		{name: "changes to what is discarded", answer: Discard, atEnd: sign, want: []string{"\x00\x00\x00\x01d"}},
		{name: "changes before a panic", panics: "E", answer: Accept, atEnd: sign, want: []string{"\x00\x00\x00\x01c"}},
		{name: "progress", atEnd: func(m *Modifications) { sign(m); m.Progress(); m.Progress() }, want: []string{"\x00\x00\x00\x01p", "\x00\x00\x00\x01p", one + two + "\x00\x00\x00\x01c"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &tracer{answers: map[byte]Response{'E': test.answer}, panics: test.panics, atEnd: test.atEnd}
			d, _ := newDialog(s, newWish(&Server{Actions: ActAddHeader | ActChangeHeader}))
			var writes []string
			for _, letter := range []byte("OCMNE") {
				writes = nil
				d.send = func(p []byte) error { writes = append(writes, string(p)); return nil }
				if err := d.handle(packet{cmd: Command(letter), data: []byte(sample[letter])}); err != nil {
					t.Fatal(err)
				}
			}
			if strings.Join(writes, "/") != strings.Join(test.want, "/") {
				t.Errorf("writes %q, want %q", writes, test.want)
			}
		})
	}
}

func TestModificationsEnd(t *testing.T) {
	var kept *Modifications
	d, sent := newDialog(&tracer{atEnd: func(m *Modifications) { kept = m }}, newWish(&Server{Actions: ActAddHeader}))
	play(t, d, sent, "OCMNE")
	if err := kept.AddHeader("A", "b"); !errors.Is(err, ErrMessageEnded) {
		t.Errorf("a change after the end of the message: %v", err)
	}
}
