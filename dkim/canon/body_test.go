package canon

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// feed canonicalizes the chunks and checks Len on the way.
func feed(t testing.TB, k Kind, chunks ...[]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	b := NewBody(k, &out)
	for _, c := range chunks {
		if n, err := b.Write(c); n != len(c) || err != nil {
			t.Fatalf("Write = %d, %v; want %d, nil", n, err, len(c))
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Len() != int64(out.Len()) {
		t.Fatalf("Len = %d, but %d octets were written", b.Len(), out.Len())
	}
	return out.Bytes()
}

func TestBody(t *testing.T) {
	tests := []struct{ name, body, simple, relaxed string }{
		{"BC-1 empty", "", "\r\n", ""},
		{"BC-1 one CRLF", "\r\n", "\r\n", ""},
		{"BC-1 many CRLF", "\r\n\r\n\r\n", "\r\n", ""},
		{"BC-1 text and many CRLF", "a\r\n\r\n\r\n", "a\r\n", "a\r\n"},
		{"BC-2 RFC 6376 3.4.5", " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"},
		{"BC-2 blanks only", " \t ", " \t \r\n", ""},
		{"BC-2 lines of blanks only", " \t\r\n\t\r\n  ", " \t\r\n\t\r\n  \r\n", ""},
		{"BC-2 lines of blanks at the end", "a\r\n \t\r\n  \r\n", "a\r\n \t\r\n  \r\n", "a\r\n"},
		{"BC-2 lines of blanks in between", "a\r\n \t\r\n  \r\nb", "a\r\n \t\r\n  \r\nb\r\n", "a\r\n\r\n\r\nb\r\n"},
		{"BC-3 leading blanks", "\t  a", "\t  a\r\n", " a\r\n"},
		{"BC-4 no final CRLF", "a", "a\r\n", "a\r\n"},
		{"BC-4 blanks and no final CRLF", "a \t", "a \t\r\n", "a\r\n"},
		{"BC-5 dots", "..\r\n.\r\n", "..\r\n.\r\n", "..\r\n.\r\n"},
		{"BC-6 bare LF", "a \n\nb\n", "a \n\nb\n\r\n", "a \n\nb\n\r\n"},
		{"BC-6 bare CR", "a \rb\r", "a \rb\r\r\n", "a \rb\r\r\n"},
		{"BC-6 CR CR LF", "a\r\r\n\r\n", "a\r\r\n", "a\r\r\n"},
		{"BC-6 blank before CR CR LF", "a \r\r\n", "a \r\r\n", "a \r\r\n"},
		{"BC-6 LF CR", "\n\r", "\n\r\r\n", "\n\r\r\n"},
		{"HC-3 other white space is data", "a\v\v\f\u00a0\u0085\u2028\r\n", "a\v\v\f\u00a0\u0085\u2028\r\n", "a\v\v\f\u00a0\u0085\u2028\r\n"},
		{"a mark right above SP", " ! !\x00\x80 \xa0", " ! !\x00\x80 \xa0\r\n", " ! !\x00\x80 \xa0\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, k := range []Kind{Simple, Relaxed} {
				want := tt.simple
				if k == Relaxed {
					want = tt.relaxed
				}
				if got := feed(t, k, []byte(tt.body)); string(got) != want {
					t.Errorf("%v: %q became %q, want %q", k, tt.body, got, want)
				}
				if ref := reference(k, []byte(tt.body)); string(ref) != want {
					t.Errorf("%v: the reference itself makes %q of %q, want %q", k, ref, tt.body, want)
				}
			}
		})
	}
}

// BC-7: an empty chunk between CR and LF changes nothing.
func TestEmptyChunks(t *testing.T) {
	for _, k := range []Kind{Simple, Relaxed} {
		got := feed(t, k, nil, []byte("a \r"), nil, []byte("\n\r"), []byte{}, []byte("b"), nil)
		if want := feed(t, k, []byte("a \r\n\rb")); !bytes.Equal(got, want) {
			t.Errorf("%v: %q, want %q", k, got, want)
		}
	}
}

// The hashes that RFC 6376 sections 3.4.3 and 3.4.4 print for the empty body.
func TestEmptyBodyHash(t *testing.T) {
	for k, want := range map[Kind]string{
		Simple:  "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=",
		Relaxed: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
	} {
		h := sha256.New()
		if err := NewBody(k, h).Close(); err != nil {
			t.Fatal(err)
		}
		if got := base64.StdEncoding.EncodeToString(h.Sum(nil)); got != want {
			t.Errorf("%v: %s, want %s", k, got, want)
		}
	}
}

// Every body of up to six octets of the alphabet that matters, in every split into chunks.
func TestEverySplitOfShortBodies(t *testing.T) {
	const alphabet = "\r\n \ta"
	var out bytes.Buffer
	b := NewBody(Simple, &out)
	var grow func(body []byte)
	grow = func(body []byte) {
		for _, k := range []Kind{Simple, Relaxed} {
			want := reference(k, body)
			for cuts := 0; cuts < 1<<max(len(body)-1, 0); cuts++ {
				out.Reset()
				b.Reset(k, &out)
				writeCut(b, body, cuts)
				if !bytes.Equal(out.Bytes(), want) {
					t.Fatalf("%v: %q cut as %b became %q, want %q", k, body, cuts, &out, want)
				}
			}
		}
		if len(body) < 6 {
			for i := range len(alphabet) {
				grow(append(body[:len(body):len(body)], alphabet[i]))
			}
		}
	}
	grow(nil)
}

// writeCut writes and closes body, with a new chunk behind octet i where bit i of cuts is set.
func writeCut(b *Body, body []byte, cuts int) {
	start := 0
	for i := range body {
		if cuts>>i&1 == 1 {
			b.Write(body[start : i+1])
			start = i + 1
		}
	}
	b.Write(body[start:])
	b.Close()
}

// Long random bodies, in which long and short runs meet windows, the gathering buffer and chunk ends.
func TestRandomSplitsOfLongBodies(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		body := randomBody(r)
		for _, k := range []Kind{Simple, Relaxed} {
			want := reference(k, body)
			if got := feed(t, k, randomSplit(r, body)...); !bytes.Equal(got, want) {
				t.Fatalf("%v: a body of %d octets: first difference at %d", k, len(body), firstDifference(got, want))
			}
		}
	}
}

func randomBody(r *rand.Rand) []byte {
	pieces := []string{
		"\r\n", "\r\n", "\r", "\n", " ", "  ", "\t", " \r\n", "word", "x ", "!", "\x00", "\xc3\xa9",
		strings.Repeat("\r\n", 3000), strings.Repeat(" \t", 700), strings.Repeat("Zm9v", 19) + "\r\n",
		strings.Repeat("base64", 400), strings.Repeat("two  words ", 100), strings.Repeat("a\tb", 300),
	}
	var body []byte
	for range r.IntN(60) {
		p := pieces[r.IntN(len(pieces))]
		body = append(body, strings.Repeat(p, 1+r.IntN(3))...)
	}
	return body
}

func randomSplit(r *rand.Rand, body []byte) [][]byte {
	var chunks [][]byte
	for len(body) > 0 {
		n := min(1+r.IntN(1<<r.IntN(14)), len(body))
		chunks = append(chunks, body[:n])
		body = body[n:]
	}
	return chunks
}

func firstDifference(a, b []byte) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i
}

// BC-8: empty lines and blanks without end are counted, not kept.
func TestBodyMemoryIsBounded(t *testing.T) {
	for _, k := range []Kind{Simple, Relaxed} {
		for name, piece := range map[string]string{"empty lines": "\r\n", "blanks": " \t", "lines of blanks": " \r\n"} {
			t.Run(fmt.Sprintf("%v %s", k, name), func(t *testing.T) {
				chunk, end := []byte(strings.Repeat(piece, 20000)), []byte("end")
				b := NewBody(k, new(discard))
				allocs := testing.AllocsPerRun(5, func() {
					for range 4 {
						b.Write(chunk)
					}
					b.Write(end)
				})
				if allocs != 0 {
					t.Errorf("%v allocations", allocs)
				}
			})
		}
	}
}

type discard struct{}

func (*discard) Write(p []byte) (int, error) { return len(p), nil }

func TestBodyReset(t *testing.T) {
	var out bytes.Buffer
	b := NewBody(Relaxed, &discard{})
	b.Write([]byte("left over \r\n\r\n \r"))
	b.Reset(Simple, &out)
	b.Write([]byte(" a"))
	b.Close()
	if out.String() != " a\r\n" || b.Len() != 4 {
		t.Errorf("after Reset: %q, Len %d", &out, b.Len())
	}
}

type failing struct{ after int }

var errDisk = errors.New("disk full")

func (f *failing) Write(p []byte) (int, error) {
	if f.after--; f.after < 0 {
		return 0, errDisk
	}
	return len(p), nil
}

func TestBodyReportsTheWritersError(t *testing.T) {
	line := []byte(strings.Repeat("a", directSize))
	for _, k := range []Kind{Simple, Relaxed} {
		b := NewBody(k, &failing{after: 1})
		if _, err := b.Write(line); err != nil {
			t.Fatal(err)
		}
		if n, err := b.Write(line); n != 0 || !errors.Is(err, errDisk) {
			t.Errorf("%v: Write = %d, %v", k, n, err)
		}
		if err := b.Close(); !errors.Is(err, errDisk) {
			t.Errorf("%v: Close = %v", k, err)
		}
	}
}

func FuzzBody(f *testing.F) {
	f.Add([]byte(" C \r\nD \t E\r\n\r\n\r\n"), uint64(1))
	f.Add([]byte("a \r\r\n \n\t\r"), uint64(2))
	f.Add([]byte(strings.Repeat("base64==", 100)+" \r\n"), uint64(3))
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		for _, k := range []Kind{Simple, Relaxed} {
			want := reference(k, body)
			if got := feed(t, k, randomSplit(r, body)...); !bytes.Equal(got, want) {
				t.Fatalf("%v: %q became %q, want %q", k, body, got, want)
			}
		}
	})
}
