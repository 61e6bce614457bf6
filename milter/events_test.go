package milter

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func TestParseClient(t *testing.T) {
	for _, test := range []struct {
		name, data string
		want       Client
	}{
		{"IPv4", "mail.example\x004\x9c\x40192.0.2.1\x00", Client{Host: "mail.example", Family: '4', Port: 40000, Addr: netip.MustParseAddr("192.0.2.1")}},
		{"IPv6, Postfix", "[2001:db8::9]\x006\x00\x192001:db8::9\x00", Client{Host: "[2001:db8::9]", Family: '6', Port: 25, Addr: netip.MustParseAddr("2001:db8::9")}},
		{"IPv6, Sendmail", "h\x006\x00\x19IPv6:0:0:0:0:0:0:0:1\x00", Client{Host: "h", Family: '6', Port: 25, Addr: netip.MustParseAddr("::1")}},
		{"IPv4 in IPv6", "h\x006\x00\x19IPv6:::ffff:192.0.2.1\x00", Client{Host: "h", Family: '6', Port: 25, Addr: netip.MustParseAddr("192.0.2.1")}},
		{"zone", "h\x006\x00\x19fe80::1%eth0\x00", Client{Host: "h", Family: '6', Port: 25, Addr: netip.MustParseAddr("fe80::1")}},
		{"XCLIENT unavailable", "unknown\x004\x00\x00unknown\x00", Client{Host: "unknown", Family: '4'}},
		{"unix", "localhost\x00L\x00\x00/run/x\x00", Client{Host: "localhost", Family: 'L', Path: "/run/x"}},
		{"unix without port", "localhost\x00L/run/x\x00", Client{Host: "localhost", Family: 'L', Path: "/run/x"}},
		{"unknown", "localhost\x00U", Client{Host: "localhost", Family: 'U'}},
		{"unknown with more", "localhost\x00U\x00\x00x\x00", Client{Host: "localhost", Family: 'U'}},
		{"no host", "\x00U", Client{Family: 'U'}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseClient([]byte(test.data))
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v, want %+v", got, err, test.want)
			}
		})
	}
	for _, data := range []string{"", "host", "host\x00", "host\x00X\x00\x00a\x00", "host\x004", "host\x004\x00", "host\x004\x00\x19192.0.2.1", "host\x004\x00\x19192.0.2.1\x00more", "h\x00L"} {
		if c, err := parseClient([]byte(data)); err == nil {
			t.Errorf("%q: got %+v, want an error", data, c)
		}
	}
}

func TestHeaderValue(t *testing.T) {
	for _, test := range []struct {
		name, wire     string // value as it comes
		stripped, kept string // what the Session gets without and with StepLeadingSpace
	}{
		{"plain", "hello", " hello", "hello"},
		{"two blanks", " hello", "  hello", " hello"},
		{"tab", "\thello", "\thello", "\thello"},
		{"fold first", "\n\thello", "\n\thello", "\n\thello"},
		{"fold later", "first\n\tsecond", " first\n\tsecond", "first\n\tsecond"},
		{"empty", "", "", ""},
		{"8 bit", "\xff\xc3", " \xff\xc3", "\xff\xc3"},
		{"one blank", " ", "  ", " "},
		{"NUL", "va\x00lue", " va\x00lue", "va\x00lue"},
		{"NUL last", "value\x00", " value\x00", "value\x00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for verbatim, want := range map[bool]string{false: test.stripped, true: test.kept} {
				name, value, err := field([]byte("Subject\x00"+test.wire+"\x00"), verbatim)
				if err != nil || string(name) != "Subject" || string(value) != want {
					t.Errorf("verbatim %v: got %q %q %v, want %q", verbatim, name, value, err, want)
				}
				if cap(value) != len(value) || cap(name) != len(name) {
					t.Errorf("verbatim %v: appending to name or value would write into the buffer", verbatim)
				}
			}
		})
	}
	for _, data := range []string{"", "name", "name\x00", "name\x00value", "name\x00va\x00lue", "\x00value\x00", "\x00"} {
		if name, value, err := field([]byte(data), false); err == nil {
			t.Errorf("%q: got %q %q, want an error", data, name, value)
		}
	}
}

func TestEventData(t *testing.T) {
	for _, test := range []struct {
		name, prologue string
		p              packet
		want           string // what the Session hears; "" for a violation
	}{
		{"helo", "OC", packet{cmd: 'H', data: []byte("name\x00")}, "H name"},
		{"helo without its NUL", "OC", packet{cmd: 'H', data: []byte("name")}, "H name"},
		{"helo with two strings", "OC", packet{cmd: 'H', data: []byte("a\x00b\x00")}, ""},
		{"empty helo", "OC", packet{cmd: 'H'}, "H "},
		{"mail", "OC", packet{cmd: 'M', data: []byte("<a@b>\x00")}, "M <a@b>"},
		{"mail with parameters", "OC", packet{cmd: 'M', data: []byte("<a@b>\x00SIZE=1\x00BODY=8BITMIME\x00")}, "M <a@b>|SIZE=1|BODY=8BITMIME"},
		{"null sender", "OC", packet{cmd: 'M', data: []byte("<>\x00")}, "M <>"},
		{"null sender of a bounce", "OC", packet{cmd: 'M', data: []byte("\x00")}, "M "},
		{"mail without a string", "OC", packet{cmd: 'M'}, ""},
		{"mail not terminated", "OC", packet{cmd: 'M', data: []byte("<a@b>")}, ""},
		{"mail with very many parameters", "OC", packet{cmd: 'M', data: make([]byte, 257)}, ""},
		{"rcpt", "OCM", packet{cmd: 'R', data: []byte("<\"a b\"@x>\x00NOTIFY=NEVER\x00")}, "R <\"a b\"@x>|NOTIFY=NEVER"},
		{"unknown, Postfix", "OC", packet{cmd: 'U', data: []byte("FOO\x00")}, "U FOO"},
		{"unknown, Sendmail", "OC", packet{cmd: 'U', data: []byte("FOO bar baz\x00")}, "U FOO bar baz"},
		{"body with NUL", "OCMN", packet{cmd: 'B', data: []byte("a\x00b")}, "B a\x00b"},
		{"empty body chunk", "OCMN", packet{cmd: 'B'}, "B "},
		{"end with the last of the body", "OCMN", packet{cmd: 'E', data: []byte("last")}, "B last"},
		{"header", "OCM", packet{cmd: 'L', data: []byte("A\x00b\x00")}, "L A| b"},
		{"header with NUL", "OCM", packet{cmd: 'L', data: []byte("A\x00b\x00c\x00")}, "L A| b\x00c"},
		{"broken header", "OCM", packet{cmd: 'L', data: []byte("A\x00b")}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &tracer{}
			d, _ := newDialog(s, wish{})
			for _, letter := range []byte(test.prologue) {
				if err := d.handle(packet{cmd: Command(letter), data: []byte(sample[letter])}); err != nil {
					t.Fatal(err)
				}
			}
			s.texts = nil
			err := d.handle(test.p)
			switch {
			case test.want == "":
				if _, ok := err.(*protocolError); !ok || len(s.texts) > 0 {
					t.Errorf("got %q and error %v, want a violation", s.texts, err)
				}
			case err != nil || !reflect.DeepEqual(s.texts, []string{test.want}):
				t.Errorf("got %q, %v, want %q", s.texts, err, test.want)
			}
		})
	}
}

func TestMacros(t *testing.T) {
	type set struct {
		cmd   Command
		pairs string // a=1 b=2
	}
	d, sent := newDialog(&tracer{}, wish{})
	send := func(commands string) {
		t.Helper()
		for _, c := range []byte(commands) {
			if err := d.handle(packet{cmd: Command(c), data: []byte(sample[c])}); err != nil {
				t.Fatal(err)
			}
		}
	}
	give := func(s set) {
		t.Helper()
		data := []byte{byte(s.cmd)}
		for _, pair := range strings.Fields(s.pairs) {
			name, value, _ := strings.Cut(pair, "=")
			data = append(data, name+"\x00"+value+"\x00"...)
		}
		if err := d.handle(packet{cmd: CmdMacro, data: data}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(pairs string) {
		t.Helper()
		for _, pair := range strings.Fields(pairs) {
			name, value, _ := strings.Cut(pair, "=")
			if got := d.Macro(name); got != value {
				t.Errorf("%s is %q, want %q", name, got, value)
			}
		}
	}
	send("O")
	give(set{'C', "j=mx {daemon_name}=smtp i=none"})
	send("C")
	give(set{'H', "{tls_version}=TLSv1.3"})
	send("H")

	// Postfix: macros before every packet, ABORT in the end.
	give(set{'M', "{auth_authen}=alice"})
	send("M")
	want("auth_authen=alice {auth_authen}=alice {j}=mx j=mx i=none tls_version=TLSv1.3")
	give(set{'R', "{rcpt_addr}=one"})
	send("R")
	give(set{'R', "{rcpt_addr}=two i=Q1"})
	send("R")
	want("rcpt_addr=two {i}=Q1")
	give(set{'T', "i=Q1"})
	send("T")
	give(set{'L', "i=Q2 {new}=1"})
	send("L")
	want("i=Q2 new=1")
	give(set{'L', "i=Q2"})
	send("L")
	want("new=")
	give(set{'L', ""})
	want("i=Q1")
	give(set{'N', "i=Q3"})
	send("N")
	give(set{'E', "i=Q4"})
	send("E")
	want("i=none auth_authen= rcpt_addr= j=mx tls_version=TLSv1.3")
	send("A")

	// Nobody is authenticated: nothing of alice is left.
	give(set{'M', ""})
	send("M")
	want("auth_authen= i=none")
	give(set{'R', "i=Q5"})
	send("R")

	// Sendmail: the next message follows directly, its macros came before its MAIL.
	give(set{'M', "i=S1 {auth_authen}=bob"})
	send("M")
	want("i=S1 auth_authen=bob rcpt_addr=")
	send("RTLNE")
	want("i=none")
	give(set{'M', "i=S2"})
	send("MRTLN")
	want("i=S2 auth_authen=")
	// MAIL without macros in the middle of that: S2 is not its.
	send("M")
	want("i=none")

	// An unknown command has its macros while it lasts.
	give(set{'U', "i=U1"})
	want("i=U1")
	send("U")
	want("i=none")

	// EHLO again, after STARTTLS.
	give(set{'M', "{auth_authen}=carol"})
	send("M")
	give(set{'H', "{tls_version}=TLSv1.2"})
	send("H")
	want("tls_version=TLSv1.2 auth_authen= j=mx")

	send("K")
	want("j= tls_version= daemon_name= i=")
	if v, set := d.LookupMacro("j"); set {
		t.Errorf("j is set to %q after QUIT_NC", v)
	}
	give(set{'C', "{empty}="})
	if v, set := d.LookupMacro("empty"); !set || v != "" {
		t.Errorf("empty macro: %q, set %v", v, set)
	}
	_ = sent
}

func TestMacroErrors(t *testing.T) {
	for _, data := range []string{"", "Xa\x00b\x00", "Ma\x00b", "Ma\x00", "Ma\x00b\x00c\x00", "Oa\x00b\x00", "Dx\x00y\x00"} {
		d, _ := newDialog(&tracer{}, wish{})
		if err := d.handle(packet{cmd: 'O', data: []byte(sample['O'])}); err != nil {
			t.Fatal(err)
		}
		if err := d.handle(packet{cmd: 'D', data: []byte(data)}); err == nil {
			t.Errorf("macros %q: want an error", data)
		}
	}
}

func TestMacroMemory(t *testing.T) {
	var m macros
	if err := m.set('M', []byte("a\x00"+strings.Repeat("x", 60000)+"\x00")); err != nil {
		t.Fatal(err)
	}
	m.endMessage()
	for _, p := range m.stage {
		if cap(p) > keptMacroBytes {
			t.Errorf("%d bytes kept for no macros", cap(p))
		}
	}
	d, _ := newDialog(&tracer{}, wish{})
	d.handle(packet{cmd: 'O', data: []byte(sample['O'])})
	d.handle(packet{cmd: 'C', data: []byte(sample['C'])})
	d.handle(packet{cmd: 'M', data: []byte(sample['M'])})
	large := append([]byte("R"), strings.Repeat("x", 70000)+"\x00y\x00"...)
	d.handle(packet{cmd: 'D', data: large})
	if v, set := d.LookupMacro(strings.Repeat("x", 70000)); set || d.settled != Continue {
		t.Errorf("macros over the limit were kept (%q), or did not ask Fault", v)
	}
	if s := d.session.(*tracer); len(s.faults) != 1 {
		t.Errorf("faults %v, want one", s.faults)
	}
}
