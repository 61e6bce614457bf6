package milter

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
)

// tracer is a Session that writes one letter per call: the command's, A for Abort, F for Fault, Z for Close.
type tracer struct {
	calls   strings.Builder
	answers map[byte]Response // by letter; else Continue
	panics  string            // letters of the calls that panic
	faults  []error
	client  Client
	texts   []string // of Helo, Mail, Rcpt, Header, Unknown
	atEnd   func(*Modifications)
}

func (t *tracer) call(letter byte) Response {
	t.calls.WriteByte(letter)
	if strings.IndexByte(t.panics, letter) >= 0 {
		panic(fmt.Errorf("panic at %c", letter))
	}
	return t.answers[letter]
}

func (t *tracer) text(letter byte, parts ...string) Response {
	t.texts = append(t.texts, string(letter)+" "+strings.Join(parts, "|"))
	return t.call(letter)
}

func (t *tracer) NewSession(*Conn) Session  { return t }
func (t *tracer) Connect(c Client) Response { t.client = c; return t.call('C') }
func (t *tracer) Helo(name string) Response { return t.text('H', name) }
func (t *tracer) Mail(from string, params []string) Response {
	return t.text('M', append([]string{from}, params...)...)
}

func (t *tracer) Rcpt(to string, params []string) Response {
	return t.text('R', append([]string{to}, params...)...)
}
func (t *tracer) Data() Response                  { return t.call('T') }
func (t *tracer) Header(n, v []byte) Response     { return t.text('L', string(n), string(v)) }
func (t *tracer) EndOfHeaders() Response          { return t.call('N') }
func (t *tracer) Body(chunk []byte) Response      { return t.text('B', string(chunk)) }
func (t *tracer) Unknown(command string) Response { return t.text('U', command) }
func (t *tracer) Abort()                          { t.call('A') }
func (t *tracer) Close()                          { t.call('Z') }

func (t *tracer) Fault(err error) Response {
	t.faults = append(t.faults, err)
	return t.call('F')
}

func (t *tracer) EndOfMessage(m *Modifications) Response {
	if t.atEnd != nil {
		t.atEnd(m)
	}
	return t.call('E')
}

// newDialog gives a dialog that writes what it sends to the returned builder.
func newDialog(h Handler, w wish) (*dialog, *strings.Builder) {
	var sent strings.Builder
	d := &dialog{
		Conn:    &Conn{ctx: context.Background(), local: &net.UnixAddr{}, remote: &net.UnixAddr{}},
		handler: h,
		wish:    w,
		log:     slog.New(slog.DiscardHandler),
		send:    func(p []byte) error { sent.Write(p); return nil },
	}
	return d, &sent
}

// offer is the data of an OPTNEG.
func offer(version uint32, actions Action, steps Step) []byte {
	p := binary.BigEndian.AppendUint32(nil, version)
	p = binary.BigEndian.AppendUint32(p, uint32(actions))
	return binary.BigEndian.AppendUint32(p, uint32(steps))
}

const everything = 1<<21 - 1

// sample is the data that a command has in the tests here.
var sample = map[byte]string{
	'O': string(offer(6, 0x1ff, everything)),
	'D': "M{auth_authen}\x00alice\x00",
	'C': "client.example\x004\x9c\x40192.0.2.1\x00",
	'H': "client.example\x00",
	'M': "<a@example.org>\x00SIZE=10\x00",
	'R': "<b@example.net>\x00",
	'L': "Subject\x00 hello\x00",
	'B': "body\r\n",
	'U': "FOOBAR\x00",
}

// play feeds commands, one letter each, and gives one letter per reply: its code, - for none, a digit n and a code for n modifications, ! for the end of the connection.
// A lower-case letter is that command in a packet too large to be read.
func play(t *testing.T, d *dialog, sent *strings.Builder, script string) string {
	t.Helper()
	var replies strings.Builder
	for _, letter := range []byte(script) {
		sent.Reset()
		p := packet{cmd: Command(letter), data: []byte(sample[letter])}
		if letter >= 'a' {
			p = packet{cmd: Command(letter - 32), data: []byte{'M'}, lost: 2 << 20}
		}
		err := d.handle(p)
		replies.WriteString(codes(t, sent.String()))
		if errors.Is(err, errQuit) {
			replies.WriteString("q")
			break
		}
		if err != nil {
			replies.WriteString("!")
			break
		}
	}
	d.end()
	return replies.String()
}

// codes gives the codes of packets as play has them.
func codes(t *testing.T, p string) string {
	t.Helper()
	if p == "" {
		return "-"
	}
	mods := 0
	for {
		size := int(binary.BigEndian.Uint32([]byte(p)))
		code := p[4]
		p = p[4+size:]
		if strings.IndexByte("himq", code) >= 0 {
			mods++
			continue
		}
		if p != "" {
			t.Errorf("more than one reply: %q after %q", p, code)
		}
		if mods > 0 {
			return fmt.Sprint(mods, string(code))
		}
		return string(code)
	}
}

func TestOrder(t *testing.T) {
	const silent = StepNoReplyConnect | StepNoReplyHelo | StepNoReplyMail | StepNoReplyRcpt | StepNoReplyData | StepNoReplyHeader | StepNoReplyEOH | StepNoReplyBody | StepNoReplyUnknown
	for _, test := range []struct {
		name, script string
		steps        Step
		calls        string
		replies      string
	}{
		{name: "one message", script: "OCHMRRTLLNBBEQ", calls: "CHMRRTLLNBBEZ", replies: "Occcccccccccc-q"},
		{name: "no reply but to the end", script: "OCHMRTLNBEUQ", steps: silent, calls: "CHMRTLNBEUZ", replies: "O--------c--q"},
		{name: "Postfix aborts after each message and at quit", script: "OCHMRTLNBEAMRTLNBEAAQ", calls: "CHMRTLNBEMRTLNBEZ", replies: "Occccccccc-ccccccc---q"},
		{name: "Sendmail does not", script: "OCHMRTLNBEMRTLNBEQ", calls: "CHMRTLNBEMRTLNBEZ", replies: ""},
		{name: "sendmail(1): no HELO needed", script: "OCMRTLNBE", calls: "CMRTLNBEZ"},
		{name: "empty body", script: "OCHMRTLNEQ", calls: "CHMRTLNEZ"},
		{name: "no header", script: "OCHMRTNEQ", calls: "CHMRTNEZ"},
		{name: "no recipient", script: "OCHMTLNE", calls: "CHMTLNEZ"},
		{name: "old MTA without DATA", script: "OCHMRLNBE", calls: "CHMRLNBEZ"},
		{name: "macros anywhere", script: "ODCDHDMDRDTDLDNDBDEDA", calls: "CHMRTLNBEZ"},
		{name: "RSET", script: "OCHMRAMRA", calls: "CHMRAMRAZ"},
		{name: "RSET with nothing to reset", script: "OCAHAAM", calls: "CHMAZ"},
		{name: "ABORT before CONNECT", script: "OACHMAKACHM", calls: "CHMAZCHMAZ"},
		{name: "EHLO within a message", script: "OCHMRHAMRTLNE", calls: "CHMRAHMRTLNEZ"},
		{name: "STARTTLS", script: "OCHAHMRTLNE", calls: "CHHMRTLNEZ"},
		{name: "MAIL within a message", script: "OCHMRMRTLNE", calls: "CHMRAMRTLNEZ"},
		{name: "MAIL after end of message", script: "OCHMRTLNEMRTLNE", calls: "CHMRTLNEMRTLNEZ"},
		{name: "DATA refused by the MTA, another recipient", script: "OCHMRTRTTLNE", calls: "CHMRTRTTLNEZ"},
		{name: "unknown commands", script: "OCUHUMURUTLNBUEU", calls: "CUHUMURUTLNBUEUZ"},
		{name: "vanishes after CONNECT", script: "OC", calls: "CZ"},
		{name: "vanishes after MAIL", script: "OCHM", calls: "CHMAZ"},
		{name: "vanishes in the header", script: "OCHMRTL", calls: "CHMRTLAZ"},
		{name: "vanishes in the body", script: "OCHMRTLNB", calls: "CHMRTLNBAZ"},
		{name: "quits within a message", script: "OCHMRTLNBQ", calls: "CHMRTLNBAZ"},
		{name: "vanishes after the negotiation", script: "O", calls: ""},
		{name: "quits at once", script: "Q", calls: "", replies: "-q"},
		{name: "next SMTP session", script: "OCHMRTLNEKCHMRTLNEQ", calls: "CHMRTLNEZ" + "CHMRTLNEZ"},
		{name: "next SMTP session within a message", script: "OCHMRKCHM", calls: "CHMRAZCHMAZ"},
		{name: "next SMTP session negotiates", script: "OCHKOCH", calls: "CHZCHZ"},
		{name: "CONNECT left out", script: "OHMRTLNE", steps: StepNoConnect, calls: "HMRTLNEZ"},
		{name: "CONNECT and HELO left out", script: "OMRTLNEKMRTLNE", steps: StepNoConnect | StepNoHelo, calls: "MRTLNEZ" + "MRTLNEZ"},
		{name: "EOH left out", script: "OCHMRTLBE", steps: StepNoEOH, calls: "CHMRTLBEZ"},
		{name: "header left out", script: "OCHMRTBE", steps: StepNoEOH | StepNoHeaders, calls: "CHMRTBEZ"},
		{name: "StepNoMail is not asked for", script: "OCHMRTLNE", steps: StepNoMail, calls: "CHMRTLNEZ"},

		{name: "command before the negotiation", script: "C", calls: "", replies: "-!"},
		{name: "macros before the negotiation", script: "D", calls: "", replies: "-!"},
		{name: "MAIL before CONNECT", script: "OM", calls: "", replies: "O-!"},
		{name: "second negotiation", script: "OCO", calls: "CZ", replies: "Oc-!"},
		{name: "second CONNECT", script: "OCC", calls: "CZ", replies: "Oc-!"},
		{name: "CONNECT within a message", script: "OCHMC", calls: "CHMAZ", replies: "Occc-!"},
		{name: "RCPT without MAIL", script: "OCHR", calls: "CHZ", replies: "Occ-!"},
		{name: "DATA without MAIL", script: "OCHT", calls: "CHZ", replies: "Occ-!"},
		{name: "HEADER without MAIL", script: "OCHL", calls: "CHZ", replies: "Occ-!"},
		{name: "EOH without MAIL", script: "OCHN", calls: "CHZ", replies: "Occ-!"},
		{name: "BODY without MAIL", script: "OCHB", calls: "CHZ", replies: "Occ-!"},
		{name: "end without MAIL", script: "OCHE", calls: "CHZ", replies: "Occ-!"},
		{name: "end twice", script: "OCHMRTLNEE", calls: "CHMRTLNEZ", replies: "Occcccccc-!"},
		{name: "BODY before EOH", script: "OCHMRTLB", calls: "CHMRTLAZ", replies: "Occcccc-!"},
		{name: "end before EOH", script: "OCHMRE", calls: "CHMRAZ", replies: "Occcc-!"},
		{name: "HEADER after EOH", script: "OCHMRTLNL", calls: "CHMRTLNAZ", replies: "Occccccc-!"},
		{name: "HEADER in the body", script: "OCHMRTLNBL", calls: "CHMRTLNBAZ", replies: "Occcccccc-!"},
		{name: "RCPT in the header", script: "OCHMRLR", calls: "CHMRLAZ", replies: "Occccc-!"},
		{name: "EOH twice", script: "OCHMRNN", calls: "CHMRNAZ", replies: "Occccc-!"},
		{name: "RCPT after ABORT", script: "OCHMAR", calls: "CHMAZ", replies: "Occc--!"},
		{name: "no such command", script: "OCHX", calls: "CHZ", replies: "Occ-!"},
		{name: "MAIL after QUIT_NC", script: "OCHKM", calls: "CHZ", replies: "Occ--!"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &tracer{}
			d, sent := newDialog(s, newWish(&Server{Steps: test.steps}))
			replies := play(t, d, sent, test.script)
			if got := s.calls.String(); got != test.calls {
				t.Errorf("calls %s, want %s", got, test.calls)
			}
			if test.replies != "" && replies != test.replies {
				t.Errorf("replies %s, want %s", replies, test.replies)
			}
			if test.replies == "" && strings.Contains(replies, "!") {
				t.Errorf("connection closed: replies %s", replies)
			}
		})
	}
}

func TestResponses(t *testing.T) {
	reply, err := Reply(550, "5.7.1", "no")
	if err != nil {
		t.Fatal(err)
	}
	const quietHead = StepNoReplyMail | StepNoReplyRcpt | StepNoReplyData | StepNoReplyHeader
	for _, test := range []struct {
		name, script string
		steps        Step
		answers      map[byte]Response
		calls        string
		replies      string
	}{
		{name: "accept the session at CONNECT", script: "OCHMRTLNBEMUK" + "C", answers: map[byte]Response{'C': Accept}, calls: "CZCZ", replies: "Oaaaaaaaaaa" + "c" + "-a"},
		{name: "reject the session at HELO", script: "OCHM", answers: map[byte]Response{'H': Reject}, calls: "CHZ", replies: "Ocrr"},
		{name: "accept at CONNECT without reply", script: "OCHMRTLNBEMR", steps: StepNoReplyConnect, answers: map[byte]Response{'C': Accept}, calls: "CZ", replies: "O-aaaaaaaaaa"},
		{name: "discard at CONNECT is an error", script: "OCHMRTLNE", answers: map[byte]Response{'C': Discard}, calls: "CHMRTLNEZ", replies: "Occcccccc"},
		{name: "reject at MAIL", script: "OCHMMRTLNE", answers: map[byte]Response{'M': Reject}, calls: "CHMAMAZ", replies: "Occrrrrrrr"},
		{name: "reply at MAIL", script: "OCHM", answers: map[byte]Response{'M': reply}, calls: "CHMAZ", replies: "Occy"},
		{name: "reject one recipient", script: "OCHMRRTLNE", answers: map[byte]Response{'R': Reject}, calls: "CHMRRTLNEZ", replies: "Occcrrcccc"},
		{name: "tempfail one recipient without reply refuses the message", script: "OCHMRTLNE", steps: StepNoReplyRcpt, answers: map[byte]Response{'R': Tempfail}, calls: "CHMRAZ", replies: "Occc-tttt"},
		{name: "accept at RCPT", script: "OCHMRRTLNE", answers: map[byte]Response{'R': Accept}, calls: "CHMRAZ", replies: "Occcaaaaaa"},
		{name: "discard at RCPT", script: "OCHMRA", answers: map[byte]Response{'R': Discard}, calls: "CHMRAZ", replies: "Occcd-"},
		{name: "refused at DATA, goes on, then RSET", script: "OCHMRTRTAM", answers: map[byte]Response{'T': Tempfail}, calls: "CHMRTAMAZ", replies: "Occcctt" + "t-c"},
		{name: "accept in the header", script: "OCHMRTLANMR", answers: map[byte]Response{'L': Accept}, calls: "CHMRTLAZ", replies: "Occccca--!"},
		{name: "accept in the header without reply", script: "OCHMRTLLNBEM", steps: quietHead, answers: map[byte]Response{'L': Accept}, calls: "CHMRTLAMAZ", replies: "Occ-----aaa-"},
		{name: "reject at MAIL without reply", script: "OCHMRTLNE", steps: StepNoReplyMail, answers: map[byte]Response{'M': Reject}, calls: "CHMAZ", replies: "Occ-rrrrr"},
		{name: "accept at EOH", script: "OCHMRTLNAM", answers: map[byte]Response{'N': Accept}, calls: "CHMRTLNAMAZ", replies: "Occcccca-c"},
		{name: "accept at EOH, Sendmail", script: "OCHMRTLNMRTL", answers: map[byte]Response{'N': Accept}, calls: "CHMRTLNAMRTLAZ", replies: "Occcccca" + "cccc"},
		{name: "accept at EOH without reply", script: "OCHMRTLNBBEM", steps: StepNoReplyEOH | StepNoReplyBody, answers: map[byte]Response{'N': Accept}, calls: "CHMRTLNAMAZ", replies: "Occcccc---ac"},
		{name: "tempfail in the body", script: "OCHMRTLNBBE", answers: map[byte]Response{'B': Tempfail}, calls: "CHMRTLNBAZ", replies: "Occccccc" + "ttt"},
		{name: "skip", script: "OCHMRTLNBBBEMRTLNBE", steps: StepSkip, answers: map[byte]Response{'B': Skip}, calls: "CHMRTLNBEMRTLNBEZ", replies: "Occcccccs" + "ccc" + "ccccc" + "sc"},
		{name: "skip that the MTA does not know", script: "OCHMRTLNBBBE", answers: map[byte]Response{'B': Skip}, calls: "CHMRTLNBEZ", replies: "Occccccccccc"},
		{name: "skip without reply", script: "OCHMRTLNBBBE", steps: StepSkip | StepNoReplyBody, answers: map[byte]Response{'B': Skip}, calls: "CHMRTLNBEZ", replies: "Occ" + "ccccc" + "---c"},
		{name: "skip anywhere else", script: "OCHMRTLNBE", answers: map[byte]Response{'L': Skip, 'N': Skip, 'E': Skip, 'M': Skip}, calls: "CHMRTLNBEZ", replies: "Occcccccc" + "c"},
		{name: "accept at the end", script: "OCHMRTLNBE", answers: map[byte]Response{'E': Accept}, calls: "CHMRTLNBEZ", replies: "Occcccccca"},
		{name: "discard at the end", script: "OCHMRTLNBEM", answers: map[byte]Response{'E': Discard}, calls: "CHMRTLNBEMAZ", replies: "Occcccccc" + "dc"},
		{name: "an unknown command is refused alone", script: "OCHUMUR", answers: map[byte]Response{'U': Reject}, calls: "CHUMURAZ", replies: "Occrcrc"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &tracer{answers: test.answers}
			d, sent := newDialog(s, newWish(&Server{Steps: test.steps}))
			replies := play(t, d, sent, test.script)
			if got := s.calls.String(); got != test.calls {
				t.Errorf("calls %s, want %s", got, test.calls)
			}
			if replies != test.replies {
				t.Errorf("replies %s, want %s", replies, test.replies)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	const quiet = StepNoReplyMail | StepNoReplyRcpt | StepNoReplyData | StepNoReplyHeader | StepNoReplyEOH | StepNoReplyBody
	for _, test := range []struct {
		name, script string
		steps        Step
		panics       string
		fault        Response
		calls        string
		replies      string
		faults       int
	}{
		{name: "panic in the header", script: "OCHMRTLLNBEM", panics: "L", fault: Tempfail, calls: "CHMRTLFAMAZ", replies: "Occccccct" + "tt" + "c", faults: 1},
		{name: "panic at MAIL refuses no sender", script: "OCHMRTLNE", panics: "M", fault: Tempfail, calls: "CHMFAZ", replies: "Occccc" + "ctt", faults: 1},
		{name: "panic at RCPT refuses no recipient", script: "OCHMRRTLNE", panics: "R", fault: Reject, calls: "CHMRFAZ", replies: "Occcccc" + "crr", faults: 1},
		{name: "panic at DATA", script: "OCHMRTLNE", panics: "T", fault: Accept, calls: "CHMRTFAZ", replies: "Occcccc" + "aa", faults: 1},
		{name: "panic at EOH", script: "OCHMRTLNE", panics: "N", fault: Accept, calls: "CHMRTLNFAZ", replies: "Occcccc" + "aa", faults: 1},
		{name: "panic in the body", script: "OCHMRTLNBBE", panics: "B", fault: Accept, calls: "CHMRTLNBFAZ", replies: "Occccccc" + "aaa", faults: 1},
		{name: "panic at the end", script: "OCHMRTLNBEM", panics: "E", fault: Tempfail, calls: "CHMRTLNBEFMAZ", replies: "Occcccccc" + "tc", faults: 1},
		{name: "panic at the end, taken up", script: "OCHMRTLNBE", panics: "E", fault: Continue, calls: "CHMRTLNBEFZ", replies: "Occccccccc", faults: 1},
		{name: "panic in the header without replies", script: "OCHMRTLLNBBE", panics: "L", steps: quiet, fault: Tempfail, calls: "CHMRTLFAZ", replies: "Occ--------t", faults: 1},
		{name: "panic taken up", script: "OCHMRTLLNBE", panics: "L", fault: Continue, calls: "CHMRTLFLFNBEZ", replies: "Occccccc" + "ccc", faults: 2},
		{name: "panic at CONNECT concerns every message", script: "OCHMRTLNEMRTLNE", panics: "C", fault: Tempfail, calls: "CHMFAMFAZ", replies: "Occcccc" + "tt" + "cccctt", faults: 2},
		{name: "panic at HELO concerns every message", script: "OCHMRTLNEMRTLNE", panics: "H", fault: Continue, calls: "CHMFRTLNEMFRTLNEZ", replies: "Occ" + "cccccc" + "cccccc", faults: 2},
		{name: "next SMTP session is free of it", script: "OCHMRTLNEKCHMA", panics: "H", fault: Accept, calls: "CHMFAZ" + "CHMFAZ", faults: 2},
		{name: "panic at an unknown command between messages", script: "OCUHMRTLNE", panics: "U", fault: Tempfail, calls: "CUHMRTLNEZ", replies: "Occcccccc" + "c"},
		{name: "panic at an unknown command in a message", script: "OCHMURTLNE", panics: "U", fault: Tempfail, calls: "CHMUFAZ", replies: "Occccccc" + "tt", faults: 1},
		{name: "panic in Abort", script: "OCHMAMRTLNE", panics: "A", calls: "CHMAMRTLNEZ", replies: "Occc-cccccc"},
		{name: "panic in Close", script: "OCHQ", panics: "Z", calls: "CHZ", replies: "Occ-q"},
		{name: "panic in Fault lets the message pass", script: "OCHMRTLNE", panics: "LF", calls: "CHMRTLFAZ", replies: "Occcccc" + "aa", faults: 1},

		{name: "large HEADER", script: "OCHMRTlLNBEM", fault: Accept, calls: "CHMRTFAMAZ", replies: "Occccccca" + "aa" + "c", faults: 1},
		{name: "large HEADER, taken up", script: "OCHMRTLlLNBE", fault: Continue, calls: "CHMRTLFLNBEZ", replies: "Occcccccc" + "ccc", faults: 1},
		{name: "large BODY, taken up", script: "OCHMRTLNBbBE", fault: Continue, calls: "CHMRTLNBFBEZ", replies: "Occccccccccc", faults: 1},
		{name: "large MAIL", script: "OCHmRTLNE", fault: Tempfail, calls: "CHMFAZ", replies: "Occcccc" + "tt", faults: 1},
		{name: "large RCPT", script: "OCHMrTLNE", fault: Tempfail, calls: "CHMFAZ", replies: "Occcccc" + "tt", faults: 1},
		{name: "large CONNECT", script: "OcHMRTLNE", fault: Accept, calls: "HMFAZ", replies: "Occcccc" + "aa", faults: 1},
		{name: "large macros of MAIL", script: "OCHdMRTLNEM", fault: Accept, calls: "CHMFAMAZ", replies: "Occ-cccc" + "aac", faults: 1},
		{name: "large macros of a MAIL that panics concern no other", script: "OCHdMAMRTLNE", panics: "M", fault: Continue, calls: "CHMFFAMFRTLNEZ", faults: 3},
		{name: "large end with the last of the body, taken up", script: "OCHMRTLNe", fault: Continue, calls: "CHMRTLNFEZ", replies: "Occccccc" + "c", faults: 1},
		{name: "large EOH has nothing to lose", script: "OCHMRTLnE", calls: "CHMRTLNEZ", replies: "Occcccccc"},
		{name: "large ABORT has nothing to lose", script: "OCHMaM", calls: "CHMAMAZ", replies: "Occc-c"},
		{name: "large negotiation", script: "o", calls: "", replies: "-!"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &tracer{panics: test.panics, answers: map[byte]Response{'F': test.fault}}
			d, sent := newDialog(s, newWish(&Server{Steps: test.steps}))
			replies := play(t, d, sent, test.script)
			if got := s.calls.String(); got != test.calls {
				t.Errorf("calls %s, want %s", got, test.calls)
			}
			if test.replies != "" && replies != test.replies {
				t.Errorf("replies %s, want %s", replies, test.replies)
			}
			if len(s.faults) != test.faults {
				t.Errorf("faults %v, want %d", s.faults, test.faults)
			}
			for _, err := range s.faults {
				var panicked *PanicError
				var large *TooLargeError
				switch {
				case errors.As(err, &panicked):
					if len(panicked.Stack) == 0 || errors.Unwrap(panicked) == nil || test.panics == "" {
						t.Errorf("fault %v without its stack or value", err)
					}
				case errors.As(err, &large):
					if large.Size != 2<<20 {
						t.Errorf("fault %v, want a size of %d", err, 2<<20)
					}
				default:
					t.Errorf("fault of type %T", err)
				}
			}
		})
	}
}

func TestBusy(t *testing.T) {
	for _, test := range []struct {
		name, script string
		steps        Step
		answers      map[byte]Response
		want         bool
	}{
		{name: "before a message", script: "OCH"},
		{name: "in a message", script: "OCHM", want: true},
		{name: "in the body", script: "OCHMRTLNB", want: true},
		{name: "after a message", script: "OCHMRTLNE"},
		{name: "aborted", script: "OCHMRA"},
		{name: "settled and told", script: "OCHMRTLN", answers: map[byte]Response{'N': Accept}},
		{name: "settled, not told yet", script: "OCHMRTLN", steps: StepNoReplyEOH, answers: map[byte]Response{'N': Accept}, want: true},
		{name: "session settled, message not told yet", script: "OCM", steps: StepNoReplyConnect | StepNoReplyMail, answers: map[byte]Response{'C': Accept}, want: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, _ := newDialog(&tracer{answers: test.answers}, newWish(&Server{Steps: test.steps}))
			for _, letter := range []byte(test.script) {
				if err := d.handle(packet{cmd: Command(letter), data: []byte(sample[letter])}); err != nil {
					t.Fatal(err)
				}
			}
			if got := d.busy(); got != test.want {
				t.Errorf("busy %v, want %v", got, test.want)
			}
		})
	}
}
