package dkim

import (
	"slices"
	"strings"
	"testing"
)

func compile(t testing.TB, s Selection) *HeaderSet {
	t.Helper()
	set, err := s.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// choose returns h= and the values of the chosen fields.
func choose(t testing.TB, s Selection, f *Fields) (h string, values []string) {
	t.Helper()
	var c Choice
	compile(t, s).Choose(f, &c)
	var names []string
	for _, n := range c.Names {
		names = append(names, string(n))
	}
	for _, i := range c.Instances {
		values = append(values, strings.TrimSpace(string(f.Value(i))))
	}
	// What a verifier makes of this h= must be what was hashed.
	if back := f.Instances(nil, names); !slices.Equal(back, c.Instances) {
		t.Errorf("h=%s stands for %v, but %v was chosen", strings.Join(names, ":"), back, c.Instances)
	}
	return strings.Join(names, ":"), values
}

func TestChoose(t *testing.T) {
	tests := []struct {
		name      string
		selection Selection
		header    string
		h         string
		values    []string
	}{
		{
			"the message's order and spelling",
			Selection{Sign: []string{"from", "subject", "to"}},
			"SUBJECT: 1\nX-Other: 2\nto: 3\nFrom: 4\n", "SUBJECT:to:From",
			[]string{"1", "3", "4"},
		},
		{
			"From is always signed",
			Selection{Sign: []string{"Subject"}},
			"From: 1\nSubject: 2\n", "From:Subject",
			[]string{"1", "2"},
		},
		{
			"SG-6 repeated fields, bottom up",
			Selection{Sign: []string{"Received"}},
			"Received: 1\nFrom: 2\nreceived: 3\nRECEIVED: 4\n", "Received:From:received:RECEIVED",
			[]string{"4", "2", "3", "1"},
		},
		{
			"oversigned only if present, extras at the end",
			Selection{Oversign: []string{"To", "Cc"}},
			"To: 1\nFrom: 2\nTo: 3\n", "To:From:To:To",
			[]string{"3", "2", "1"},
		},
		{
			"oversigned also when absent",
			Selection{OversignAbsent: []string{"From", "Reply-To"}},
			"From: 1\n", "From:From:Reply-To",
			[]string{"1"},
		},
		{
			"in both lists counts once",
			Selection{Oversign: []string{"From"}, OversignAbsent: []string{"FROM"}},
			"From: 1\n", "From:From",
			[]string{"1"},
		},
		{
			"blank before the colon",
			Selection{Sign: []string{"Subject"}},
			"From : 1\nSubject\t: 2\n", "From:Subject",
			[]string{"1", "2"},
		},
		{
			"no From at all",
			Selection{Sign: []string{"Subject"}},
			"Subject: 1\n", "Subject",
			[]string{"1"},
		},
		{"empty header", Selection{Oversign: []string{"From"}}, "", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, values := choose(t, tt.selection, header(t, tt.header))
			if h != tt.h || !slices.Equal(values, tt.values) {
				t.Errorf("h=%s over %q\nwant h=%s over %q", h, values, tt.h, tt.values)
			}
		})
	}
}

const fourteen = "Date: 1\nFrom: 2\nSubject: 3\nReply-To: 4\nSender: 5\nTo: 6\nCc: 7\nBcc: 8\nMessage-ID: 9\n" +
	"In-Reply-To: 10\nReferences: 11\nContent-Type: 12\nMIME-Version: 13\nContent-Transfer-Encoding: 14\n"

func TestMailAssureNamesItsFourteen(t *testing.T) {
	const signed = "Date:From:Subject:Reply-To:Sender:To:Cc:Bcc:Message-ID:In-Reply-To:References:Content-Type:MIME-Version:Content-Transfer-Encoding"
	const extra = ":From:Subject:To:Cc:Reply-To:Date:Message-ID"
	t.Run("MA-8", func(t *testing.T) {
		h, _ := choose(t, MailAssure(), header(t, "Received: 0\nX-Mailer: 0\n"+fourteen+"List-Id: 0\n"))
		if h != signed+extra {
			t.Errorf("h=%s", h)
		}
		if n := len(MailAssure().Sign); n != 14 {
			t.Errorf("%d fields", n)
		}
	})
}

func TestDefault(t *testing.T) {
	t.Run("covers the fourteen but Bcc", func(t *testing.T) {
		for _, name := range MailAssure().Sign {
			if got := containsFold(Default().Sign, name); got != (name != "Bcc") {
				t.Errorf("%s signed: %v", name, got)
			}
		}
	})
	t.Run("SG-4 leaves out what transport touches", func(t *testing.T) {
		h, _ := choose(t, Default(), header(t, "Return-Path: x\nReceived: x\nComments: x\nKeywords: x\nBcc: x\nResent-Bcc: x\n"+
			"Authentication-Results: x\nARC-Seal: x\nDKIM-Signature: x\nX-Spam-Score: x\nDelivered-To: x\nFrom: x\n"))
		if h != "From:From:Subject:Cc:Reply-To" {
			t.Errorf("h=%s", h)
		}
	})
	t.Run("SG-4 covers lists, feedback and one-click", func(t *testing.T) {
		for _, name := range []string{"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Resent-From", "Autocrypt", "Feedback-ID", "Content-ID"} {
			if h, _ := choose(t, Default(), header(t, name+": x\nFrom: x\n")); !strings.HasPrefix(h, name+":From:") {
				t.Errorf("h=%s", h)
			}
		}
	})
	t.Run("TST-14", func(t *testing.T) { // what offers to unsubscribe is covered (RFC 8058 section 4)
		if h, _ := choose(t, Default(), header(t, "List-Unsubscribe-Post: x\nList-Unsubscribe: x\nFrom: x\n")); !strings.HasPrefix(h, "List-Unsubscribe-Post:List-Unsubscribe:From:") {
			t.Errorf("h=%s", h)
		}
	})
	t.Run("no absent Date, Message-ID, MIME or List field", func(t *testing.T) {
		h, _ := choose(t, Default(), header(t, "From: x\n"))
		if h != "From:From:Subject:Cc:Reply-To" {
			t.Errorf("h=%s", h)
		}
	})
}

func TestOmit(t *testing.T) {
	s := Default().Omit("subject", "FROM", "Date")
	if h, _ := choose(t, s, header(t, "From: 1\nSubject: 2\nDate: 3\nTo: 4\n")); h != "From:To:From:To:Cc:Reply-To" {
		t.Errorf("h=%s", h)
	}
	if !containsFold(Default().Sign, "Subject") {
		t.Error("Omit changed the preset itself")
	}
}

func TestPreset(t *testing.T) {
	for _, name := range []string{"default", "mail-assure"} {
		if s, ok := Preset(name); !ok || len(s.Sign) == 0 {
			t.Errorf("no preset %s", name)
		}
	}
	if _, ok := Preset("other"); ok {
		t.Error("an unknown preset was found")
	}
}

func TestCompileNamesEachBadEntry(t *testing.T) {
	s := Selection{
		Sign:           []string{"Sub ject", "X:Y", "", "X;Y", "Ünder", strings.Repeat("x", 71)},
		Oversign:       []string{"To\n"},
		OversignAbsent: []string{"Date", "message-id", "MIME-Version", "Content-Type", "List-Id"},
	}
	_, err := s.Compile()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, says := range []string{
		`headers: "Sub ject"`, `headers: "X:Y"`, `headers: ""`, `headers: "X;Y"`, `headers: "Ünder"`, `headers: "xxx`,
		`oversign: "To\n"`,
		`oversign_absent: "Date"`, `oversign_absent: "message-id"`, `oversign_absent: "MIME-Version"`,
		`oversign_absent: "Content-Type"`, `oversign_absent: "List-Id"`,
	} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("the error does not name %s:\n%v", says, err)
		}
	}
}

func TestChooseDoesNotAllocate(t *testing.T) {
	set, f := compile(t, Default()), header(t, "Received: 0\nX-Very-Long-Name-"+strings.Repeat("x", 100)+": 0\n"+fourteen)
	var c Choice
	if allocs := testing.AllocsPerRun(100, func() { set.Choose(f, &c) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// Whatever the header, a verifier that follows RFC 6376 section 5.4.2 takes the same fields.
func FuzzChoose(f *testing.F) {
	f.Add("Received: 1\r\nreceived: 2\r\nFrom: 3\r\nFrom: 4\r\nTo: 5\r\n")
	f.Fuzz(func(t *testing.T, head string) {
		fields, _, err := ParseFields([]byte(head))
		if err != nil {
			return
		}
		s := Default()
		s.Sign = append(s.Sign, "Received")
		choose(t, s, fields)
	})
}
