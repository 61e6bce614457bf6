package canon

import (
	"bytes"
	"encoding/binary"
)

// relaxed passes p on as RFC 6376 section 3.4.4 wants it. It does not look for lines: between two places where a blank needs
// work everything goes through as it is, line ends included.
func (b *Body) relaxed(p []byte) {
	for i := 0; i < len(p); {
		if b.blank {
			if i = b.afterBlank(p, i); !b.blank || i == len(p) {
				continue
			}
		}
		end := nextBlank(p, i)
		b.run(p[i:end], end == len(p))
		if end == len(p) {
			return
		}
		b.blank = true
		i = end + 1
	}
}

// afterBlank reads on behind a blank: over the rest of its run and, if a line end follows, over that. It returns where to go on;
// b.blank still holds if data follows or p ended.
func (b *Body) afterBlank(p []byte, i int) int {
	for i < len(p) && isBlank(p[i]) {
		i++
	}
	if i == len(p) || p[i] != '\r' {
		return i
	}
	if i+1 == len(p) {
		b.cr = true
		return i + 1
	}
	if p[i+1] == '\n' {
		b.lineEnd()
		return i + 2
	}
	return i
}

// The first near octets behind a blank are scanned, since in text the next one is close. From there on a search for a rare octet is
// worth its start, and window bounds each, so that a body with many of the one kind and none of the other costs linear time.
const (
	near   = 64
	window = 512
)

// nextBlank returns the index of the first blank at or after i that needs work: an HTAB, or a SP before another blank, before a
// CR or at the end of p. It returns len(p) if there is none. Windows without any blank, as in base64, are hopped over.
func nextBlank(p []byte, i int) int {
	for size := near; len(p)-i > size; size = window {
		end := i + size
		w := p[i:end]
		if size == near || bytes.IndexByte(w, ' ') >= 0 || bytes.IndexByte(w, '\t') >= 0 {
			if j := scanBlank(p, i, end); j < end {
				return j
			}
		}
		i = end
	}
	return scanBlank(p, i, len(p))
}

// scanBlank is nextBlank in p[i:end], and returns end if there is none. It looks one octet beyond end where p has one.
func scanBlank(p []byte, i, end int) int {
	const step = 16
	for q := p[i:min(end+1, len(p))]; len(q) > step; q, i = q[step:], i+step {
		if mayNeedWork(word(q), word(q[1:]))|mayNeedWork(word(q[8:]), word(q[9:])) == 0 {
			continue
		}
		for j := i; j < i+step; j++ {
			if needsWork(p, j) {
				return j
			}
		}
	}
	for ; i < end; i++ {
		if needsWork(p, i) {
			return i
		}
	}
	return end
}

func word(p []byte) uint64 { return binary.LittleEndian.Uint64(p) }

// Eight octets are looked at in one word. For a word w, (w-ones*c) &^ w & highs has a bit for each octet below c, c <= 128; a
// borrow can set more bits, but only above a true one.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// mayNeedWork is needsWork for the eight octets of w at once; next is the word one octet further on. Zero means that none of
// them needs work, all else that one may.
func mayNeedWork(w, next uint64) uint64 {
	sp := w ^ ones*' '
	sp = (sp - ones) &^ sp
	below := (next - ones*(' '+1)) &^ next // SP, HTAB, CR and other controls
	tab := (w - ones*('\t'+1)) &^ w        // HTAB and controls below it
	return (sp&below | tab) & highs
}

// needsWork reports whether p[i] is a blank that relaxed does not simply pass on.
func needsWork(p []byte, i int) bool {
	if p[i] != ' ' {
		return p[i] == '\t'
	}
	return i+1 == len(p) || isBlank(p[i+1]) || p[i+1] == '\r'
}
