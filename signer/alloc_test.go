package signer

import (
	"bytes"
	"testing"

	"github.com/postseal/postseal/dkim"
)

// steady is a 4 KB message as a milter sees it, signed again and again.
type steady struct {
	message *Message // not from the pool, which drops things at random under the race detector
	fields  dkim.Fields
	body    []byte
	keys    []Key
	options Options
}

func newSteady(t testing.TB, keys ...Key) *steady {
	s := &steady{message: newMessage(), keys: keys, options: Options{Canonicalization: pair(t, "relaxed/relaxed")}}
	s.body = bytes.Repeat([]byte("We lost the game.  Are you hungry yet? Then come and have dinner with us.\r\n"), 50)
	return s
}

var steadyFields = [][2][]byte{
	{[]byte("Received"), []byte(" from client1.football.example.com  [192.0.2.1]\n      by submitserver.example.com with SUBMISSION;\n      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)")},
	{[]byte("From"), []byte(" Joe SixPack <joe@football.example.com>")},
	{[]byte("To"), []byte(" Suzie Q <suzie@shopping.example.net>")},
	{[]byte("Subject"), []byte(" Is dinner ready?")},
	{[]byte("Date"), []byte(" Fri, 11 Jul 2003 21:00:37 -0700 (PDT)")},
	{[]byte("Message-ID"), []byte(" <20030712040037.46341.5F8J@football.example.com>")},
	{[]byte("MIME-Version"), []byte(" 1.0")},
	{[]byte("Content-Type"), []byte(" text/plain; charset=utf-8")},
}

func (s *steady) sign() []Signature {
	s.fields.Reset()
	for _, f := range steadyFields {
		s.fields.Add(f[0], f[1])
	}
	s.message.begin(&s.fields, s.keys, s.options)
	s.message.Write(s.body)
	return s.message.Sign(epoch)
}

// The steady state allocates what it returns and a few small strings on the way; nothing in proportion to header or body.
func TestAllocations(t *testing.T) {
	s := newSteady(t, Key{Domain: "football.example.com", Selector: "mail", Private: generate(t, dkim.Ed25519SHA256, 0)})
	s.sign()
	allocs := testing.AllocsPerRun(200, func() { s.sign() })
	t.Logf("%v allocations for one signature", allocs)
	if allocs > 12 {
		t.Errorf("%v allocations, want at most 12", allocs)
	}
}

// BenchmarkSign4K is all the work on a 4 KB message but the private-key operation, which the sub-benchmark "key" shows alone.
func BenchmarkSign4K(b *testing.B) {
	ed := generate(b, dkim.Ed25519SHA256, 0)
	b.Run("message", func(b *testing.B) {
		s := newSteady(b) // no key: header and body only
		b.ReportAllocs()
		for b.Loop() {
			s.sign()
		}
	})
	b.Run("message, field and Ed25519 key", func(b *testing.B) {
		s := newSteady(b, Key{Domain: "football.example.com", Selector: "mail", Private: ed})
		b.ReportAllocs()
		for b.Loop() {
			s.sign()
		}
	})
	b.Run("Ed25519 key", func(b *testing.B) {
		digest := make([]byte, 32)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ed.Sign(digest); err != nil {
				b.Fatal(err)
			}
		}
	})
}
