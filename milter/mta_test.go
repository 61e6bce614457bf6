package milter_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	emersion "github.com/emersion/go-milter"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/miltertest"
)

// reporter is a filter that adds to each message a field with all that it was told.
type reporter struct {
	milter.NopSession
	conn    *milter.Conn
	client  milter.Client
	message []string
}

func (r *reporter) Connect(c milter.Client) milter.Response {
	r.client = c
	return milter.Continue
}

func (r *reporter) Mail(from string, params []string) milter.Response {
	r.message = []string{"user=" + r.conn.Macro("{auth_authen}"), "from=" + from, "params=" + strings.Join(params, ",")}
	return milter.Continue
}

func (r *reporter) Rcpt(to string, _ []string) milter.Response {
	r.message = append(r.message, "to="+to)
	if strings.Contains(to, "nobody") {
		return milter.Reject
	}
	return milter.Continue
}

func (r *reporter) Header(name, value []byte) milter.Response {
	r.message = append(r.message, fmt.Sprintf("%s=%q", name, value))
	return milter.Continue
}

func (r *reporter) Body(chunk []byte) milter.Response {
	r.message = append(r.message, fmt.Sprintf("%d=%s", len(chunk), r.conn.Macro("i")))
	return milter.Continue
}

func (r *reporter) EndOfMessage(m *milter.Modifications) milter.Response {
	r.message = append(r.message, "i="+r.conn.Macro("i"), "j="+r.conn.Macro("j"), "client="+r.client.Addr.String(), "msgid="+r.conn.Macro("msg_id"))
	if err := m.InsertHeader(0, "X-Report", strings.Join(r.message, " ")); err != nil {
		return milter.Tempfail
	}
	return milter.Accept
}

func startReporter(t *testing.T, steps milter.Step, macros map[milter.Stage][]string) func() *miltertest.MTA {
	dial, _ := startUnix(t, &milter.Server{
		Handler: milter.HandlerFunc(func(c *milter.Conn) milter.Session { return &reporter{conn: c} }),
		Actions: milter.ActAddHeader, Required: milter.ActAddHeader, Steps: steps, Macros: func() map[milter.Stage][]string { return macros },
		Log: slog.New(slog.DiscardHandler),
	})
	return dial
}

// TestThreeMessages sends three messages on one connection as each MTA does. What was said of one is not said of the next.
func TestThreeMessages(t *testing.T) {
	const quiet = milter.StepNoReplyConnect | milter.StepNoReplyHelo | milter.StepNoReplyMail | milter.StepNoReplyRcpt | milter.StepNoReplyData |
		milter.StepNoReplyHeader | milter.StepNoReplyEOH | milter.StepNoReplyBody | milter.StepNoUnknown | milter.StepNoHelo
	messages := []miltertest.Message{
		{
			From: "<a@example.org>", Params: []string{"SIZE=100"}, To: []string{"<b@example.net>", "<c@example.net>"}, Raw: []byte("Subject: one\n two\nX:  y\n\nbody\n"),
			Macros: map[string]string{"i": "Q1", "{auth_authen}": "alice", "{msg_id}": "<1@x>"},
		},
		{From: "<>", To: []string{"<b@example.net>"}, Raw: []byte("A:\tb\n\n"), Macros: map[string]string{"i": "Q2"}},
		{From: "<a@example.org>", To: []string{"<b@example.net>"}, Raw: []byte("A:b\n\n" + strings.Repeat("0123456\n", 16384)), Macros: map[string]string{"i": "Q3"}},
	}
	for _, test := range []struct {
		name  string
		style miltertest.Style
		steps milter.Step
		want  []string
	}{
		{"Postfix", miltertest.Postfix, milter.StepLeadingSpace, []string{
			`user=alice from=<a@example.org> params=SIZE=100 to=<b@example.net> to=<c@example.net> Subject=" one\n two" X="  y" 6=Q1 i=Q1 j=mx.example.net client=192.0.2.1 msgid=`,
			`user= from=<> params= to=<b@example.net> A="\tb" i=Q2 j=mx.example.net client=192.0.2.1 msgid=`,
			`user= from=<a@example.org> params= to=<b@example.net> A="b" 65535=Q3 65535=Q3 16386=Q3 i=Q3 j=mx.example.net client=192.0.2.1 msgid=`,
		}},
		{"Postfix, no leading space, no replies", miltertest.Postfix, quiet, []string{
			`user=alice from=<a@example.org> params=SIZE=100 to=<b@example.net> to=<c@example.net> Subject=" one\n two" X="  y" 6=Q1 i=Q1 j=mx.example.net client=192.0.2.1 msgid=`,
			`user= from=<> params= to=<b@example.net> A="\tb" i=Q2 j=mx.example.net client=192.0.2.1 msgid=`,
			`user= from=<a@example.org> params= to=<b@example.net> A=" b" 65535=Q3 65535=Q3 16386=Q3 i=Q3 j=mx.example.net client=192.0.2.1 msgid=`,
		}},
		{"Sendmail", miltertest.Sendmail, milter.StepLeadingSpace, []string{
			`user=alice from=<a@example.org> params=SIZE=100 to=<b@example.net> to=<c@example.net> Subject=" one\n two" X="  y" 6=Q1 i=Q1 j=mx.example.net client=192.0.2.1 msgid=<1@x>`,
			`user= from=<> params= to=<b@example.net> A="\tb" i=Q2 j=mx.example.net client=192.0.2.1 msgid=`,
			`user= from=<a@example.org> params= to=<b@example.net> A="b" 65535=Q3 65535=Q3 16386=Q3 i=Q3 j=mx.example.net client=192.0.2.1 msgid=`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := startReporter(t, test.steps, nil)()
			m.Style = test.style
			if _, err := m.Negotiate(miltertest.PostfixOffer); err != nil {
				t.Fatal(err)
			}
			for i, msg := range messages {
				result, err := m.Send(msg)
				if err != nil {
					t.Fatal(err)
				}
				// One blank after the colon, whoever writes it.
				field, rest, _ := strings.Cut(string(result.Delivered), "\r\n")
				if field != "X-Report: "+test.want[i] {
					t.Errorf("message %d:\n%s\nwant\n%s", i+1, field, "X-Report: "+test.want[i])
				}
				if want := strings.ReplaceAll(string(msg.Raw), "\n", "\r\n"); rest != want {
					t.Errorf("message %d: the rest is %.80q, want %.80q", i+1, rest, want)
				}
			}
			if err := m.Quit(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestChosenMacros(t *testing.T) {
	m := startReporter(t, 0, map[milter.Stage][]string{milter.StageMail: {"i"}, milter.StageEOM: {"{msg_id}", "j"}})()
	m.Style = miltertest.Sendmail
	answer, err := m.Negotiate(miltertest.PostfixOffer)
	if err != nil || !slices.Equal(answer.Macros[milter.StageMail], []string{"i"}) || !slices.Equal(answer.Macros[milter.StageEOM], []string{"{msg_id}", "j"}) || len(answer.Macros) != 2 {
		t.Fatalf("answer %+v, %v", answer, err)
	}
	result, err := m.Send(miltertest.Message{From: "<a@example.org>", To: []string{"<b@example.net>"}, Raw: []byte("\n"), Macros: map[string]string{"{auth_authen}": "alice", "{msg_id}": "<1@x>"}})
	if err != nil || !strings.Contains(string(result.Delivered), "user= ") || !strings.Contains(string(result.Delivered), "msgid=<1@x>") {
		t.Errorf("the list of MAIL was not replaced: %s, %v", result.Delivered, err)
	}
}

func TestRecipients(t *testing.T) {
	m := startReporter(t, 0, nil)()
	if _, err := m.Negotiate(miltertest.PostfixOffer); err != nil {
		t.Fatal(err)
	}
	result, err := m.Send(miltertest.Message{From: "<a@example.org>", To: []string{"<nobody@x>", "<b@x>"}, Raw: []byte("A: b\n\n")})
	if err != nil || !slices.Equal(result.Refused, []string{"<nobody@x>"}) || result.Reply.String() != "accept" {
		t.Errorf("%+v, %v", result, err)
	}
	result, err = m.Send(miltertest.Message{From: "<a@example.org>", To: []string{"<nobody@x>"}, Raw: []byte("A: b\n\n")})
	if err != nil || result.Reply.String() != "reject" || result.At != milter.CmdRcpt || result.Delivered != nil {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestManyConnections runs messages on many connections at once, for the race detector.
func TestManyConnections(t *testing.T) {
	dial := startReporter(t, milter.StepLeadingSpace|milter.StepNoReplyHeader, nil)
	var all sync.WaitGroup
	for n := range 20 {
		m := dial()
		all.Go(func() {
			if _, err := m.Negotiate(miltertest.PostfixOffer); err != nil {
				t.Error(err)
				return
			}
			for k := range 5 {
				id := fmt.Sprintf("Q%dx%d", n, k)
				result, err := m.Send(miltertest.Message{
					From: "<a@example.org>", To: []string{"<b@example.net>"}, Raw: []byte("A: b\n\n" + strings.Repeat("line\n", 3000*k)),
					Macros: map[string]string{"i": id},
				})
				if err != nil || !strings.Contains(string(result.Delivered), " i="+id+" ") {
					t.Errorf("%s: %.200s, %v", id, result.Delivered, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// TestMisbehaviour sends what no MTA sends: the connection is closed without a word, the log says why, and the server serves others.
func TestMisbehaviour(t *testing.T) {
	log := &logBook{}
	dial, _ := startUnix(t, &milter.Server{Handler: nothing, Log: slog.New(log)})
	for _, test := range []struct {
		name  string
		bytes []byte
		cause string
	}{
		{"length 0", []byte{0, 0, 0, 0}, "framing lost: packet length 0"},
		{"length of all ones", []byte("\xff\xff\xff\xffB"), "framing lost: packet length 4294967295"},
		{"over 16 MiB", []byte("\x01\x00\x00\x01B"), "framing lost: packet length 16777217"},
		{"body first", miltertest.Packet(milter.CmdBody, 'x'), "BODY outside of a message"},
		{"no such command", miltertest.Packet('?'), "command 0x3f is not a command"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := dial()
			if _, err := m.Negotiate(miltertest.PostfixOffer); err != nil {
				t.Fatal(err)
			}
			expect(t, "continue")(m.Connect(m.Client))
			m.Write(test.bytes)
			gone(t, m)
			if log.count("WARN milter: connection closed") != 1 || log.count(test.cause) != 1 {
				t.Errorf("log %q, want one warning with %q", log.lines, test.cause)
			}
			log.clear()
		})
	}
	t.Run("required action missing", func(t *testing.T) {
		log.clear()
		dial, _ := startUnix(t, &milter.Server{Handler: nothing, Required: milter.ActAddHeader, Log: slog.New(log)})
		m := dial()
		if answer, err := m.Negotiate(miltertest.Offer{Version: 6, Actions: milter.ActQuarantine, Steps: 0}); err == nil {
			t.Errorf("agreed on %+v", answer)
		}
		if log.count("ERROR milter: connection closed") != 1 || log.count("does not offer what is required: add-header") != 1 {
			t.Errorf("log %q, want one error", log.lines)
		}
	})
}

// TestLargePacket throws away a packet of 2 MiB: its message gets what Fault says, the connection goes on.
func TestLargePacket(t *testing.T) {
	dial, _ := startUnix(t, &milter.Server{Handler: nothing, Log: slog.New(slog.DiscardHandler)})
	m := dial()
	begin(t, m)
	expect(t, "continue")(m.Header("X", strings.Repeat("x", 2<<20)))
	expect(t, "continue")(m.Header("Y", " y"))
	expect(t, "accept")(m.EOH()) // NopSession's Fault
	m.Abort()
	expect(t, "continue")(m.Mail("<a@example.org>"))
	finish(t, m)
	expect(t, "continue")(m.Mail("<a@example.org>"))
	expect(t, "continue")(m.EOH())
	expect(t, "continue")(m.Body(make([]byte, 900<<10))) // over 64 KiB, within the limit
	_, reply, err := m.EOM()
	expect(t, "continue")(reply, err)
}

// fragile is a Session that panics once, in the header of a message whose sender is told.
type fragile struct {
	milter.NopSession
	from string
}

func (f *fragile) Mail(from string, _ []string) milter.Response {
	f.from = from
	return milter.Continue
}

func (f *fragile) Header(_, _ []byte) milter.Response {
	if f.from == "<bad@example.org>" {
		panic("bad")
	}
	return milter.Continue
}

func (f *fragile) Fault(error) milter.Response { return milter.Tempfail }

func TestPanicConcernsOneMessage(t *testing.T) {
	log := &logBook{}
	dial, _ := startUnix(t, &milter.Server{Handler: milter.HandlerFunc(func(*milter.Conn) milter.Session { return &fragile{} }), Log: slog.New(log)})
	m := dial()
	if _, err := m.Negotiate(miltertest.PostfixOffer); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ from, want string }{{"<good@example.org>", "continue"}, {"<bad@example.org>", "tempfail"}, {"<good@example.org>", "continue"}} {
		result, err := m.Send(miltertest.Message{From: test.from, To: []string{"<b@example.net>"}, Raw: []byte("A: b\n\n")})
		if err != nil || result.Reply.String() != test.want {
			t.Errorf("%s: %+v, %v, want %s", test.from, result, err, test.want)
		}
	}
	if log.count("ERROR milter: the filter panicked command=HEADER queue_id=4XyZ1234") != 1 || log.count("fragile).Header") != 1 {
		t.Errorf("log %q, want one error with the queue id and the stack", log.lines)
	}
}

func TestQuitNC(t *testing.T) {
	m := startReporter(t, 0, nil)()
	if _, err := m.Negotiate(miltertest.PostfixOffer); err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{"192.0.2.7", "192.0.2.8"} {
		m.Client.Addr = addr
		result, err := m.Send(miltertest.Message{From: "<a@example.org>", To: []string{"<b@example.net>"}, Raw: []byte("A: b\n\n")})
		if err != nil || !strings.Contains(string(result.Delivered), "client="+addr+" ") {
			t.Errorf("%s: %s, %v", addr, result.Delivered, err)
		}
		if err := m.QuitNC(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOtherClient lets an MTA's end that others wrote drive the server.
func TestOtherClient(t *testing.T) {
	m := startReporter(t, milter.StepLeadingSpace|milter.StepNoReplyHeader|milter.StepNoReplyBody|milter.StepSkip|milter.StepNoUnknown, nil)()
	addr := m.Conn.RemoteAddr()
	for _, mask := range []emersion.OptProtocol{0, emersion.OptNoHeaderReply, 1<<21 - 1} {
		client := emersion.NewClientWithOptions(addr.Network(), addr.String(), emersion.ClientOptions{
			ActionMask: emersion.OptAddHeader | emersion.OptChangeHeader, ProtocolMask: mask, ReadTimeout: patience, WriteTimeout: patience,
		})
		s, err := client.Session()
		if err != nil {
			t.Fatal(err)
		}
		next := func(a *emersion.Action, err error) {
			t.Helper()
			if err != nil || a.Code != emersion.ActContinue {
				t.Fatalf("mask %x: %+v, %v", mask, a, err)
			}
		}
		s.Macros(emersion.CodeConn, "j", "mx.example.net")
		next(s.Conn("client.example", emersion.FamilyInet6, 40000, "2001:db8::1"))
		next(s.Helo("client.example"))
		for _, id := range []string{"Q1", "Q2"} {
			s.Macros(emersion.CodeMail, "i", id, "auth_authen", "alice")
			next(s.Mail("a@example.org", []string{"SIZE=1"}))
			next(s.Rcpt("b@example.net", nil))
			next(s.HeaderField("Subject", "x"))
			next(s.HeaderEnd())
			mods, reply, err := s.BodyReadFrom(strings.NewReader(strings.Repeat("x", 100000)))
			if err != nil || reply.Code != emersion.ActAccept || len(mods) != 1 || mods[0].Code != emersion.ActInsertHeader || mods[0].HeaderName != "X-Report" {
				t.Fatalf("mask %x: %+v, %+v, %v", mask, mods, reply, err)
			}
			value := ` x`
			if mask&emersion.OptHeaderLeadingSpace != 0 {
				value = `x` // this client strips no blank and adds none
			}
			want := fmt.Sprintf(`user=alice from=<a@example.org> params=SIZE=1 to=<b@example.net> Subject=%q 65535=%s 34465=%s i=%s j=mx.example.net client=2001:db8::1 msgid=`, value, id, id, id)
			if got := strings.TrimSpace(mods[0].HeaderValue); got != want {
				t.Errorf("mask %x:\n%s\nwant\n%s", mask, got, want)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
