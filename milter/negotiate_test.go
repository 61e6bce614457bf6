package milter

import (
	"encoding/binary"
	"strings"
	"testing"
)

func TestNegotiate(t *testing.T) {
	server := &Server{
		Actions: ActAddHeader | ActChangeHeader | ActQuarantine, Required: ActAddHeader,
		Steps: StepNoReplyHeader | StepLeadingSpace | StepSkip | StepNoUnknown | StepNoMail,
		Macros: func() map[Stage][]string {
			return map[Stage][]string{StageMail: {"i", "{auth_authen}"}, StageConnect: {"j"}, StageEOM: {}}
		},
	}
	const lists = "\x00\x00\x00\x00j\x00" + "\x00\x00\x00\x02i {auth_authen}\x00"
	for _, test := range []struct {
		name    string
		version uint32
		actions Action
		steps   Step
		want    Negotiation
		macros  string
		err     string
	}{
		{"Postfix and Sendmail", 6, 0x1ff, everything, Negotiation{6, ActAddHeader | ActChangeHeader | ActQuarantine | ActSetMacros, StepNoReplyHeader | StepLeadingSpace | StepSkip | StepNoUnknown}, lists, ""},
		{"newer MTA", 9, 0xffffffff, 0xffffffff, Negotiation{6, ActAddHeader | ActChangeHeader | ActQuarantine | ActSetMacros, StepNoReplyHeader | StepLeadingSpace | StepSkip | StepNoUnknown}, lists, ""},
		{"version 2", 2, 0x3f, 0x7f, Negotiation{2, ActAddHeader | ActChangeHeader | ActQuarantine, 0}, "", ""},
		{"version 3", 3, 0x3f, 0x1ff, Negotiation{3, ActAddHeader | ActChangeHeader | ActQuarantine, StepNoReplyHeader | StepNoUnknown}, "", ""},
		{"version 4", 4, 0x3f, 0x3ff, Negotiation{4, ActAddHeader | ActChangeHeader | ActQuarantine, StepNoReplyHeader | StepNoUnknown}, "", ""},
		{"version 5", 5, 0x7f, 0x7ff, Negotiation{5, ActAddHeader | ActChangeHeader | ActQuarantine, StepNoReplyHeader | StepNoUnknown | StepSkip}, "", ""},
		{"no macro lists", 6, 0xff, everything, Negotiation{6, ActAddHeader | ActChangeHeader | ActQuarantine, StepNoReplyHeader | StepLeadingSpace | StepSkip | StepNoUnknown}, "", ""},
		{"only the required", 6, ActAddHeader, 0, Negotiation{6, ActAddHeader, 0}, "", ""},
		{"version 1", 1, 0x1ff, everything, Negotiation{}, "", "version 1"},
		{"version 0", 0, 0x1ff, everything, Negotiation{}, "", "version 0"},
		{"required is missing", 6, ActChangeHeader | ActQuarantine, everything, Negotiation{}, "", "required: add-header"},
		{"nothing offered", 6, 0, 0, Negotiation{}, "", "offers none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, sent := newDialog(&tracer{}, newWish(server))
			err := d.handle(packet{cmd: CmdNegotiate, data: offer(test.version, test.actions, test.steps)})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || sent.Len() > 0 {
					t.Errorf("got %v and an answer of %d bytes, want an error with %q", err, sent.Len(), test.err)
				}
				return
			}
			if err != nil || d.Negotiated() != test.want {
				t.Errorf("agreed %+v, %v, want %+v", d.Negotiated(), err, test.want)
			}
			data := string(offer(test.want.Version, test.want.Actions, test.want.Steps)) + test.macros
			wire := string(binary.BigEndian.AppendUint32(nil, uint32(len(data)+1))) + "O" + data
			if sent.String() != wire {
				t.Errorf("answer %q, want %q", sent, wire)
			}
		})
	}
	t.Run("nothing wanted", func(t *testing.T) {
		d, _ := newDialog(&tracer{}, newWish(&Server{}))
		if err := d.handle(packet{cmd: CmdNegotiate, data: offer(6, 0x1ff, everything)}); err != nil || d.Negotiated() != (Negotiation{Version: 6}) {
			t.Errorf("agreed %+v, %v", d.Negotiated(), err)
		}
	})
	t.Run("short", func(t *testing.T) {
		d, _ := newDialog(&tracer{}, wish{})
		if err := d.handle(packet{cmd: CmdNegotiate, data: offer(6, 0, 0)[:11]}); err == nil {
			t.Error("an offer of 11 bytes was taken")
		}
	})
}

func TestCanSkip(t *testing.T) {
	for steps, want := range map[Step]bool{0: false, StepSkip: true, StepSkip | StepNoReplyBody: false, StepNoReplyBody: false} {
		c := Conn{agreed: Negotiation{Steps: steps}}
		if c.CanSkip() != want {
			t.Errorf("%v: CanSkip %v, want %v", steps, !want, want)
		}
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		(ActAddHeader | ActChangeHeader).String():      "add-header change-header",
		Action(0).String():                             "none",
		(StepSkip | StepLeadingSpace | 1<<28).String(): "skip leading-space 0x10000000",
		CmdEOH.String():                                "EOH",
		Command(0).String():                            "command 0x00",
		Tempfail.String():                              "tempfail",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
