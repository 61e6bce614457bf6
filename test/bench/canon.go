package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/postseal/postseal/dkim/canon"
)

const (
	rounds   = 15
	bodySize = 8 << 20
	chunk    = 65535 // as both MTAs cut bodies
)

// canonicalization compares canonicalizing and hashing with hashing alone.
func (r *report) canonicalization() {
	for _, c := range []struct {
		what   string
		kind   canon.Kind
		body   []byte
		target float64
	}{
		{"simple body, base64-like lines", canon.Simple, base64Body(), 0.90},
		{"simple body, text", canon.Simple, textBody(), 0.90},
		{"relaxed body, base64-like lines", canon.Relaxed, base64Body(), 0.85},
		{"relaxed body, text with a double or trailing blank each 150 bytes", canon.Relaxed, textBody(), 0.28},
	} {
		var ratios, speeds []float64
		for range rounds {
			plain := timed(func() { sha256.Sum256(c.body) })
			ours := timed(func() { hashBody(c.kind, c.body) })
			ratios = append(ratios, plain/ours)
			speeds = append(speeds, float64(len(c.body))/ours/1e6)
		}
		got := median(ratios)
		r.line(c.what+", of plain SHA-256", fmt.Sprintf("≥ %.2f", c.target),
			fmt.Sprintf("%.2f (%.0f MB/s)", got, median(speeds)), got >= c.target)
	}
}

func hashBody(kind canon.Kind, body []byte) {
	h := sha256.New()
	b := canon.NewBody(kind, h)
	for len(body) > 0 {
		n := min(chunk, len(body))
		b.Write(body[:n])
		body = body[n:]
	}
	b.Close()
	h.Sum(nil)
}

// timed gives seconds.
func timed(f func()) float64 {
	start := time.Now()
	f()
	return time.Since(start).Seconds()
}

func base64Body() []byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	rng := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < bodySize {
		for range 76 {
			b.WriteByte(alphabet[rng.IntN(64)])
		}
		b.WriteString("\r\n")
	}
	return b.Bytes()
}

// textBody has words of 1 to 10 letters in lines of about 72, and about every
// 150 bytes a double blank or one at the end of a line.
func textBody() []byte {
	rng := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	for b.Len() < bodySize {
		for line := 0; line < 72; {
			n := 1 + rng.IntN(10)
			for range n {
				b.WriteByte(byte('a' + rng.IntN(26)))
			}
			b.WriteByte(' ')
			line += n + 1
			if rng.IntN(26) == 0 {
				b.WriteByte(' ')
			}
		}
		if rng.IntN(4) != 0 {
			b.Truncate(b.Len() - 1)
		}
		b.WriteString("\r\n")
	}
	return b.Bytes()
}
