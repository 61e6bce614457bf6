package sink

import (
	"net/smtp"
	"testing"

	"github.com/postseal/postseal/test/internal/sandbox"
)

func TestMain(m *testing.M) { sandbox.Main(m) }

func TestSinkKeepsMessagesByteByByte(t *testing.T) {
	const address = "127.7.0.9:25"
	s, err := Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	const msg = "Subject: x\r\n\r\n.dot\r\n..dots\r\n.\r\n \t\r\n\xe9\r\n\r\n"
	if err := smtp.SendMail(address, nil, "a@lab.test", []string{"b@in.test", "c@in.test"}, []byte(msg)); err != nil {
		t.Fatal(err)
	}
	m, err := s.Wait("the message", func(m *Message) bool { return m.From == "a@lab.test" })
	if err != nil {
		t.Fatal(err)
	}
	if string(m.Data) != msg || len(m.To) != 2 || m.To[1] != "c@in.test" {
		t.Errorf("to %v\n%q\nwant\n%q", m.To, m.Data, msg)
	}
	if n := s.Count(func(m *Message) bool { return m.From == "a@lab.test" }); n != 1 {
		t.Errorf("kept %d messages, want 1", n)
	}
	if err := smtp.SendMail(address, nil, "a@lab.test", []string{"reject@in.test"}, []byte(msg)); err == nil {
		t.Error("reject@in.test was accepted")
	}
}

func TestSevenBitListenerDoesNotAnnounceMore(t *testing.T) {
	const modern, old = "127.7.0.11:25", "127.7.0.12:25"
	s, err := Listen(modern)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ListenSevenBit(old); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{modern: true, old: false} {
		c, err := smtp.Dial(address)
		if err != nil {
			t.Fatal(err)
		}
		for _, extension := range []string{"8BITMIME", "SMTPUTF8"} {
			if have, _ := c.Extension(extension); have != want {
				t.Errorf("%s announces %s: %t, want %t", address, extension, have, want)
			}
		}
		c.Close()
	}
}
