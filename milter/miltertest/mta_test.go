package miltertest

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter"
)

// answering is a filter that gives fixed bytes to each packet, one after another, and writes down what it got.
func answering(t *testing.T, answers ...[]byte) (m *MTA, got func() []string) {
	t.Helper()
	near, far := net.Pipe()
	log := make(chan []string, 1)
	go func() {
		var list []string
		for {
			var head [4]byte
			if _, err := io.ReadFull(far, head[:]); err != nil {
				break
			}
			data := make([]byte, binary.BigEndian.Uint32(head[:]))
			io.ReadFull(far, data)
			list = append(list, string(data))
			if len(answers) > 0 {
				if len(answers[0]) > 0 { // a net.Pipe waits for a reader even of nothing
					far.Write(answers[0])
				}
				answers = answers[1:]
			}
		}
		log <- list
	}()
	return New(near), func() []string { near.Close(); return <-log }
}

func optneg(version uint32, actions milter.Action, steps milter.Step, rest string) []byte {
	data := binary.BigEndian.AppendUint32(nil, version)
	data = binary.BigEndian.AppendUint32(data, uint32(actions))
	data = binary.BigEndian.AppendUint32(data, uint32(steps))
	return Packet(milter.CmdNegotiate, append(data, rest...)...)
}

func TestNegotiateRefuses(t *testing.T) {
	offer := Offer{Version: 6, Actions: milter.ActAddHeader | milter.ActSetMacros, Steps: milter.StepSkip}
	for _, test := range []struct {
		name   string
		answer []byte
		err    string // "" means that it is taken
	}{
		{"all of it", optneg(6, offer.Actions, offer.Steps, "\x00\x00\x00\x02i j\x00"), ""},
		{"none of it", optneg(2, 0, 0, ""), ""},
		{"newer version", optneg(7, 0, 0, ""), "version 7"},
		{"older than 2", optneg(1, 0, 0, ""), "version 1"},
		{"action not offered", optneg(6, milter.ActChangeHeader, 0, ""), "change-header"},
		{"step not offered", optneg(6, 0, milter.StepLeadingSpace, ""), "leading-space"},
		{"lists without asking", optneg(6, 0, 0, "\x00\x00\x00\x02i\x00"), "without asking"},
		{"list not terminated", optneg(6, milter.ActSetMacros, 0, "\x00\x00\x00\x02i"), "bad macro list"},
		{"no such stage", optneg(6, milter.ActSetMacros, 0, "\x00\x00\x00\x07i\x00"), "bad macro list"},
		{"stray bytes", optneg(6, milter.ActSetMacros, 0, "\x00\x00"), "stray"},
		{"too short", Packet(milter.CmdNegotiate, make([]byte, 11)...), "no answer"},
		{"something else", Packet('c'), "no answer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, _ := answering(t, test.answer)
			defer m.Close()
			answer, err := m.Negotiate(offer)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %+v, %v, want error %q", answer, err, test.err)
			}
		})
	}
}

func TestReplies(t *testing.T) {
	for _, test := range []struct {
		name  string
		reply []byte
		want  string // "" for an error
	}{
		{"continue", Packet('c'), "continue"},
		{"reply", Packet('y', []byte("550 5.7.1 100%% no\x00")...), "550 5.7.1 100% no"},
		{"progress first", append(Packet('p'), Packet('t')...), "tempfail"},
		{"data behind", Packet('c', 0), ""},
		{"percent sign", Packet('y', []byte("550 100% no\x00")...), ""},
		{"not terminated", Packet('y', []byte("550 no")...), ""},
		{"positive code", Packet('y', []byte("250 ok\x00")...), ""},
		{"no such code", Packet('?'), ""},
		{"length 0", []byte{0, 0, 0, 0, 'c'}, ""},
		{"modification without its action", append(Packet('h', []byte("A\x00b\x00")...), Packet('c')...), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, _ := answering(t, test.reply)
			defer m.Close()
			reply, err := m.Mail("<a@example.org>")
			if (err == nil) != (test.want != "") || err == nil && reply.String() != test.want {
				t.Errorf("got %v, %v, want %q", reply, err, test.want)
			}
		})
	}
}

// TestSendsWhatMTAsSend compares whole messages with the captured order of Postfix and Sendmail.
func TestSendsWhatMTAsSend(t *testing.T) {
	const quiet = milter.StepNoReplyConnect | milter.StepNoReplyHelo | milter.StepNoReplyMail | milter.StepNoReplyRcpt | milter.StepNoReplyData |
		milter.StepNoReplyHeader | milter.StepNoReplyEOH | milter.StepNoReplyBody
	for _, test := range []struct {
		name  string
		style Style
		steps milter.Step
		want  string
	}{
		{"Postfix", Postfix, quiet | milter.StepLeadingSpace, "O DC C DH H DM M DR R DT T DL L(A| b) DL L(C|  d) DN N DB B DE E A"},
		{"Postfix strips one blank", Postfix, quiet, "O DC C DH H DM M DR R DT T DL L(A|b) DL L(C| d) DN N DB B DE E A"},
		{"Sendmail", Sendmail, quiet, "O DC C DH H DM M DR R T L(A|b) L(C| d) N B DE E"},
		{"left out", Postfix, quiet | milter.StepNoHelo | milter.StepNoConnect | milter.StepNoRcpt | milter.StepNoBody | milter.StepNoHeaders | milter.StepNoEOH | milter.StepNoData, "O DM M DE E A"},
	} {
		t.Run(test.name, func(t *testing.T) {
			near, far := net.Pipe()
			log := make(chan string)
			go func() {
				var list []string
				for {
					var head [4]byte
					if _, err := io.ReadFull(far, head[:]); err != nil {
						break
					}
					data := make([]byte, binary.BigEndian.Uint32(head[:]))
					io.ReadFull(far, data)
					name := string(data[:1])
					switch data[0] {
					case 'O':
						far.Write(optneg(6, 0, test.steps, ""))
					case 'D':
						name = string(data[:2])
					case 'E':
						far.Write(Packet('c'))
					case 'L':
						name += "(" + strings.TrimSuffix(strings.Replace(string(data[1:]), "\x00", "|", 1), "\x00") + ")"
					}
					list = append(list, name)
				}
				log <- strings.Join(list, " ")
			}()
			m := New(near)
			m.Style = test.style
			if _, err := m.Negotiate(PostfixOffer); err != nil {
				t.Fatal(err)
			}
			if _, err := m.Send(Message{From: "<a@example.org>", To: []string{"<b@example.net>"}, Raw: []byte("A: b\nC:  d\n\nbody\n")}); err != nil {
				t.Fatal(err)
			}
			m.Close()
			if got := <-log; got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestSkipEndsTheBody(t *testing.T) {
	c := Packet('c')
	m, got := answering(t, optneg(6, 0, milter.StepSkip|milter.StepNoReplyHeader, ""), nil, c, nil, c, nil, c, nil, c, nil, c, nil, nil, nil, c, nil, Packet('s'), nil, c)
	if _, err := m.Negotiate(PostfixOffer); err != nil {
		t.Fatal(err)
	}
	result, err := m.Send(Message{From: "<a@example.org>", To: []string{"<b@example.net>"}, Raw: []byte("A: b\n\n" + strings.Repeat("0123456789012345\n", 10000))})
	if err != nil || !result.Skipped || result.Delivered == nil {
		t.Fatalf("skipped %v, %v, packets %.100q", result.Skipped, err, got())
	}
	chunks := 0
	for _, p := range got() {
		if p[0] == 'B' {
			chunks++
		}
	}
	if chunks != 1 {
		t.Errorf("%d chunks after Skip", chunks)
	}
}
