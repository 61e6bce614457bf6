package milter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// packet is one packet from the MTA. data is valid until the next one is read, and may be written to.
type packet struct {
	cmd  Command
	data []byte
	lost int64 // the packet's size, if it was too large and thrown away; data has its beginning then
}

// bufferSize holds a full body packet (4 + 1 + 65,535 bytes) and some of the packets around it.
const bufferSize = 72 << 10

// headSize is what is kept of a packet that is thrown away: the name of a field, the stage of macros.
const headSize = 64

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// errFraming says that it is unknown where the next packet begins.
var errFraming = errors.New("milter: framing lost")

// source gives the bytes of a connection. It may let go of the reader's buffer while it waits, when that is empty.
type source interface {
	// fill reads what there is behind buf.end, at least one byte, and moves that.
	fill(buf *buffer, within waiting) error
}

// waiting says what the reader waits for, which decides how long.
type waiting uint8

const (
	forMessage waiting = iota // between messages: this wait ends when the server stops
	forPacket                 // within a message
	forRest                   // within a packet
)

// buffer is the memory that packets are read into. It belongs to the pool while it is empty.
type buffer struct {
	pooled     *[bufferSize]byte
	bytes      []byte    // pooled, or larger for a packet that does not fit in it; nil when there is none
	start, end int       // of what is not yet taken
	until      time.Time // when the packet that has begun must be complete; set at the first wait for it
}

// hold makes sure that there is memory to read into.
func (b *buffer) hold() {
	if b.bytes == nil {
		b.pooled = buffers.Get().(*[bufferSize]byte)
		b.bytes = b.pooled[:]
	}
}

// release gives the memory back if nothing is in it.
func (b *buffer) release() {
	if b.start == b.end && b.bytes != nil {
		buffers.Put(b.pooled)
		b.pooled, b.bytes = nil, nil
		b.start, b.end = 0, 0
	}
}

// deadline is when the packet that has begun must be complete: at first, if this is the first wait for it.
func (b *buffer) deadline(first time.Time) time.Time {
	if b.until.IsZero() {
		b.until = first
	}
	return b.until
}

// free is the room to read into.
func (b *buffer) free() []byte { return b.bytes[b.end:] }

// room makes sure that need bytes fit from start on, or at least that there is room for more: a peer that announces much gets memory only as it sends.
func (b *buffer) room(need int) {
	if b.start+need <= len(b.bytes) {
		return
	}
	to := b.bytes
	if need > len(b.bytes) && b.end-b.start == len(b.bytes) {
		to = make([]byte, min(need, 2*len(b.bytes)))
	}
	b.end = copy(to, b.bytes[b.start:b.end])
	b.start = 0
	b.bytes = to
}

// reader cuts a connection's bytes into packets.
type reader struct {
	buffer
	source source
	limits Limits
	wait   waiting        // while no packet has begun
	head   [headSize]byte // of the data of a packet that is thrown away
}

// next reads a packet. io.EOF means that the peer closed between two packets.
func (r *reader) next() (packet, error) {
	r.until = time.Time{}
	if err := r.need(4); err != nil {
		return packet{}, err
	}
	size := int64(binary.BigEndian.Uint32(r.bytes[r.start:]))
	if size == 0 || size > int64(r.limits.DrainBytes) {
		return packet{}, fmt.Errorf("%w: packet length %d, want 1 to %d", errFraming, size, r.limits.DrainBytes)
	}
	if size > int64(r.limits.FrameBytes) {
		return r.drain(size)
	}
	total := 4 + int(size)
	if err := r.need(total); err != nil {
		return packet{}, err
	}
	frame := r.bytes[r.start : r.start+total : r.start+total]
	r.start += total
	return packet{cmd: Command(frame[4]), data: frame[5:]}, nil
}

// need waits until n bytes are there.
func (r *reader) need(n int) error {
	for r.end-r.start < n {
		within := forRest
		if r.start == r.end {
			r.start, r.end = 0, 0
			within = r.wait
		}
		if r.bytes != nil {
			r.room(n)
		}
		if err := r.source.fill(&r.buffer, within); err != nil {
			if errors.Is(err, io.EOF) && within == forRest {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// drain reads a packet and throws it away.
func (r *reader) drain(size int64) (packet, error) {
	kept := 4 + int(min(size, 1+headSize))
	if err := r.need(kept); err != nil {
		return packet{}, err
	}
	p := packet{cmd: Command(r.bytes[r.start+4]), lost: size}
	p.data = r.head[:copy(r.head[:], r.bytes[r.start+5:r.start+kept])]
	for left := 4 + size; ; {
		n := min(left, int64(r.end-r.start))
		r.start += int(n)
		left -= n
		if left == 0 {
			return p, nil
		}
		r.start, r.end = 0, 0
		if err := r.source.fill(&r.buffer, forRest); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return packet{}, err
		}
	}
}

// drop forgets what was read and gives the memory back.
func (r *reader) drop() {
	r.start = r.end
	r.release()
}
