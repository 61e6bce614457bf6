package verifier

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/dkim/canon"
)

// ordinary is a message of about 4 KB as it arrives.
var ordinary = crlf(`Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

` + strings.Repeat("We lost the game.  Are you hungry yet? Then come and have dinner with us.\n", 50))

const ordinaryNames = "h=From:To:Subject:Date:Message-ID:MIME-Version:Content-Type:From:Subject:Reply-To:Cc"

// BenchmarkVerify4K is a whole message with the key record in memory. The target is 1.6 times the CPU of "raw": the
// public-key operation, and SHA-256 of what is hashed.
func BenchmarkVerify4K(b *testing.B) {
	for _, a := range []dkim.Algorithm{dkim.RSASHA256, dkim.Ed25519SHA256} {
		private, err := dkim.Generate(a, 0)
		if err != nil {
			b.Fatal(err)
		}
		message := seal(b, ordinary, keyOf(private), ordinaryNames)
		fields, start, err := dkim.ParseFields([]byte(message))
		if err != nil {
			b.Fatal(err)
		}
		text := []byte(message[start:])
		v := newVerifier(publish(private.PublicRecord()), Options{})
		b.Run(a.String()+"/message", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m := v.Begin(b.Context(), fields)
				m.Write(text)
				if r := m.Finish(); r[0].Status != dkim.Pass {
					b.Fatal(r)
				}
				m.Release()
			}
		})
		m := v.Begin(b.Context(), fields)
		m.Write(text)
		m.Finish()
		e := m.Explain(0)
		m.Release()
		record, err := dkim.ParseKeyRecord(e.Records[0])
		if err != nil {
			b.Fatal(err)
		}
		b.Run(a.String()+"/raw", func(b *testing.B) {
			for b.Loop() {
				sha256.Sum256(text)
				digest := sha256.Sum256(e.HeaderInput)
				if err := record.Public.Verify(digest[:], e.Signature.B); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBody1M is 1 MB of relaxed text through a message with one signature and with three, next to the canonicalizer alone.
func BenchmarkBody1M(b *testing.B) {
	text := []byte(strings.Repeat(crlf("We lost the game after all and are on our way home to you; are you hungry yet,  Joe? \n"), 12_000))
	chunks := func(write func([]byte) (int, error)) {
		const size = 65535 // of a milter
		for i := 0; i < len(text); i += size {
			write(text[i:min(i+size, len(text))])
		}
	}
	b.Run("canonicalizer", func(b *testing.B) {
		h := sha256.New()
		c := canon.NewBody(canon.Relaxed, h)
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			h.Reset()
			c.Reset(canon.Relaxed, h)
			chunks(c.Write)
			c.Close()
		}
	})
	one := seal(b, ordinary, edKey())
	for name, message := range map[string]string{
		"one signature":    one,
		"three signatures": seal(b, seal(b, one, edKey(), "foo=2", "l=1000"), edKey(), "foo=3"),
	} {
		fields, _, err := dkim.ParseFields([]byte(message))
		if err != nil {
			b.Fatal(err)
		}
		v := newVerifier(publish(edKey().record), Options{})
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				m := v.Begin(b.Context(), fields)
				chunks(m.Write)
				m.Finish()
				m.Release()
			}
		})
	}
}
