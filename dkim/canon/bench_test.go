package canon

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
)

// BenchmarkCanon tells what canonicalization costs over the hash alone: compare each figure with the sha256 line of the same run.
func BenchmarkCanon(b *testing.B) {
	bodies := map[string][]byte{
		"base64": bytes.Repeat([]byte(strings.Repeat("TWFuIGlz", 9)+"TWFu\r\n"), 14000),
		"text":   benchText(1 << 20),
	}
	const chunk = 65535 // of a milter
	for _, name := range []string{"base64", "text"} {
		body := bodies[name]
		h := sha256.New()
		b.Run("sha256/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				h.Reset()
				for i := 0; i < len(body); i += chunk {
					h.Write(body[i:min(i+chunk, len(body))])
				}
			}
		})
		for _, k := range []Kind{Simple, Relaxed} {
			c := NewBody(k, h)
			b.Run(k.String()+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					h.Reset()
					c.Reset(k, h)
					for i := 0; i < len(body); i += chunk {
						c.Write(body[i:min(i+chunk, len(body))])
					}
					c.Close()
				}
			})
		}
	}
}

// benchText is prose with a double or a trailing blank about every 150 octets.
func benchText(n int) []byte {
	const line = "We lost the game after all and are on our way home to you; are you hungry yet,"
	var text []byte
	for i := 0; len(text) < n; i++ {
		text = append(text, line...)
		switch i % 4 {
		case 0:
			text = append(text, ' ')
		case 2:
			text = append(text, "  Joe"...)
		}
		text = append(text, "\r\n"...)
	}
	return text
}
