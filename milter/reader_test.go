package milter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// pieces is a source that gives a stream in pieces of given sizes, the last size over and over. Between two packets it gives the memory back.
type pieces struct {
	rest  []byte
	sizes []int
}

func (s *pieces) fill(b *buffer, within waiting) error {
	b.release()
	if len(s.rest) == 0 {
		return io.EOF
	}
	b.hold()
	n := len(s.rest)
	if len(s.sizes) > 0 {
		n = min(n, max(1, s.sizes[0]))
		if len(s.sizes) > 1 {
			s.sizes = s.sizes[1:]
		}
	}
	n = copy(b.free(), s.rest[:n])
	if n == 0 {
		return errors.New("no room in the buffer")
	}
	b.end += n
	s.rest = s.rest[n:]
	return nil
}

// frame is the wire form of a packet.
func frame(cmd byte, data string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(data)+1))) + string(cmd) + data
}

func readAll(r *reader) (packets []string, err error) {
	for {
		p, err := r.next()
		if err != nil {
			return packets, err
		}
		packets = append(packets, fmt.Sprintf("%c %q %d", p.cmd, p.data, p.lost))
		if r.end-r.start == 0 && r.pooled == nil && r.bytes != nil {
			return packets, errors.New("memory that is not the pool's is kept")
		}
	}
}

func TestReader(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	limits := Limits{FrameBytes: 200 << 10, DrainBytes: 1 << 20}
	for _, test := range []struct {
		name, stream string
		packets      []string
		err          error
	}{
		{"nothing", "", nil, io.EOF},
		{"one", frame('H', "x"), []string{`H "x" 0`}, io.EOF},
		{"no data", frame('N', ""), []string{`N "" 0`}, io.EOF},
		{"several", frame('A', "") + frame('B', "b") + frame('C', "cc"), []string{`A "" 0`, `B "b" 0`, `C "cc" 0`}, io.EOF},
		{"full body packets", strings.Repeat(frame('B', long(65535)), 3), []string{`B "` + long(65535) + `" 0`, `B "` + long(65535) + `" 0`, `B "` + long(65535) + `" 0`}, io.EOF},
		{"larger than the buffer", frame('B', long(150<<10)) + frame('N', ""), []string{`B "` + long(150<<10) + `" 0`, `N "" 0`}, io.EOF},
		{"largest", frame('B', long(200<<10-1)), []string{`B "` + long(200<<10-1) + `" 0`}, io.EOF},
		{"thrown away", frame('B', long(200<<10)) + frame('N', "n"), []string{`B "` + long(64) + `" 204801`, `N "n" 0`}, io.EOF},
		{"largest thrown away", frame('L', "y"+long(1<<20-2)) + frame('N', "n"), []string{`L "y` + long(63) + `" 1048576`, `N "n" 0`}, io.EOF},
		{"too large", frame('H', "") + frame('L', long(1<<20)), []string{`H "" 0`}, errFraming},
		{"length zero", "\x00\x00\x00\x00" + frame('H', ""), nil, errFraming},
		{"length all ones", "\xff\xff\xff\xffH", nil, errFraming},
		{"an HTTP request", "GET / HTTP/1.1\r\n\r\n", nil, errFraming},
		{"cut in the length", frame('H', "") + "\x00\x00", []string{`H "" 0`}, io.ErrUnexpectedEOF},
		{"cut before the command", "\x00\x00\x00\x01", nil, io.ErrUnexpectedEOF},
		{"cut in the data", "\x00\x00\x00\x05Habc", nil, io.ErrUnexpectedEOF},
		{"cut while thrown away", frame('B', long(200<<10))[:9000], nil, io.ErrUnexpectedEOF},
		{"cut before that", "\x00\x0a\x00\x00B", nil, io.ErrUnexpectedEOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, sizes := range [][]int{nil, {1}, {4}, {5}, {7, 4096}, {65540}, {65536}, {bufferSize - 1, 3}} {
				if len(test.stream) > 64<<10 && len(sizes) == 1 && sizes[0] < 10 {
					sizes = []int{sizes[0] * 1000}
				}
				r := &reader{source: &pieces{[]byte(test.stream), sizes}, limits: limits}
				packets, err := readAll(r)
				if !errors.Is(err, test.err) {
					t.Errorf("pieces %v: error %v, want %v", sizes, err, test.err)
				}
				if strings.Join(packets, "/") != strings.Join(test.packets, "/") {
					t.Errorf("pieces %v: got %.80q, want %.80q", sizes, packets, test.packets)
				}
			}
		})
	}
}

// TestReaderMemory sees that a peer gets memory as it sends, not as it announces.
func TestReaderMemory(t *testing.T) {
	r := &reader{source: &pieces{[]byte("\x00\x0f\x00\x00Bxxxx"), []int{5, 1}}, limits: DefaultLimits}
	if _, err := r.next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	if len(r.bytes) > bufferSize {
		t.Errorf("%d bytes of memory for 9 bytes sent", len(r.bytes))
	}
	r.drop()
	if r.bytes != nil || r.pooled != nil {
		t.Error("memory is kept after the end")
	}
}

// session is the bytes of a session with two messages, and the calls and the output that it must lead to.
func session(t *testing.T, w wish) (stream []byte, calls string, sent string) {
	var b bytes.Buffer
	for _, letter := range []byte("ODCDHDMDRDTDLDLDNDBDBDEADMRTLNBEUAQ") {
		b.WriteString(frame(letter, sample[letter]))
	}
	s := &tracer{}
	d, out := newDialog(s, w)
	if err := converse(d, &pieces{rest: b.Bytes()}); !errors.Is(err, errQuit) {
		t.Fatal(err)
	}
	d.end()
	return b.Bytes(), s.calls.String() + strings.Join(s.texts, "\n"), out.String()
}

// converse is connection.run without a connection.
func converse(d *dialog, s source) error {
	r := reader{source: s, limits: DefaultLimits}
	for {
		p, err := r.next()
		if err == nil {
			err = d.handle(p)
		}
		if err != nil {
			return err
		}
	}
}

// TestSplits cuts a session at each byte, and into single bytes: the Session hears the same, the MTA gets the same.
func TestSplits(t *testing.T) {
	w := newWish(&Server{Steps: StepNoReplyHeader | StepNoReplyMail, Actions: ActAddHeader})
	stream, calls, sent := session(t, w)
	splits := [][]int{{1}, {2}, {3}, {11}}
	for at := range stream {
		splits = append(splits, []int{at, len(stream)})
	}
	for _, sizes := range splits {
		s := &tracer{}
		d, out := newDialog(s, w)
		if err := converse(d, &pieces{bytes.Clone(stream), sizes}); !errors.Is(err, errQuit) {
			t.Fatalf("split %v: %v", sizes, err)
		}
		d.end()
		if got := s.calls.String() + strings.Join(s.texts, "\n"); got != calls || out.String() != sent {
			t.Fatalf("split %v: calls %q and output %q, want %q and %q", sizes, got, out, calls, sent)
		}
	}
}

// TestVanish ends the stream at each byte: every message that began ends, and the Session is closed once.
func TestVanish(t *testing.T) {
	stream, _, _ := session(t, wish{})
	for at := range stream {
		s := &tracer{}
		d, _ := newDialog(s, wish{})
		err := converse(d, &pieces{rest: bytes.Clone(stream[:at])})
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("at %d: %v", at, err)
		}
		d.end()
		calls := s.calls.String()
		if strings.Count(calls, "M") != strings.Count(calls, "E")+strings.Count(calls, "A") || calls != "" && strings.Index(calls, "Z") != len(calls)-1 {
			t.Fatalf("at %d: calls %s", at, calls)
		}
	}
}

// FuzzReader compares the reader with a plain reading of the whole stream.
func FuzzReader(f *testing.F) {
	f.Add([]byte(frame('H', "x")+frame('N', "")), uint64(1))
	f.Add([]byte(frame('B', strings.Repeat("x", 40))+frame('B', strings.Repeat("y", 90))+"\x00\x00"), uint64(2))
	f.Add([]byte("\x00\x00\x00\x00"), uint64(3))
	f.Add([]byte("\xff\xff\xff\xffO"), uint64(4))
	limits := Limits{FrameBytes: 32, DrainBytes: 64}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 1))
		sizes := make([]int, 1+rng.IntN(20))
		for i := range sizes {
			sizes[i] = 1 + rng.IntN(40)
		}
		got, err := readAll(&reader{source: &pieces{bytes.Clone(stream), sizes}, limits: limits})
		want, wantErr := readPlainly(stream, limits)
		if !errors.Is(err, wantErr) || strings.Join(got, "/") != strings.Join(want, "/") {
			t.Errorf("pieces %v of %q: got %q and %v, want %q and %v", sizes, stream, got, err, want, wantErr)
		}
	})
}

func readPlainly(stream []byte, limits Limits) (packets []string, err error) {
	for len(stream) > 0 {
		if len(stream) < 4 {
			return packets, io.ErrUnexpectedEOF
		}
		size := int64(binary.BigEndian.Uint32(stream))
		if size == 0 || size > int64(limits.DrainBytes) {
			return packets, errFraming
		}
		if int64(len(stream)) < 4+size {
			return packets, io.ErrUnexpectedEOF
		}
		data, lost := stream[5:4+size], int64(0)
		if size > int64(limits.FrameBytes) {
			data, lost = data[:min(headSize, len(data))], size
		}
		packets = append(packets, fmt.Sprintf("%c %q %d", stream[4], data, lost))
		stream = stream[4+size:]
	}
	return packets, io.EOF
}
