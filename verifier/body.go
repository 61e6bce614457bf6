package verifier

import (
	"cmp"
	"crypto/sha256"
	"hash"
	"slices"

	"github.com/postseal/postseal/dkim/canon"
)

// bodyHash hashes the body in one canonical form, once, whatever the number of signatures: the hash of each prefix that an l= asks
// for is read off on the way.
type bodyHash struct {
	canon *canon.Body // nil while nobody asks
	hash  hash.Hash
	n     int64  // canonical octets so far
	whole bool   // some signature covers all of the body
	marks []mark // by length
	at    int    // the first mark not reached
	sum   [sha256.Size]byte
}

// mark is a prefix of the canonical body.
type mark struct {
	length int64
	sum    [sha256.Size]byte
}

// want asks for the hash of the first length octets, or of all if length is negative.
func (b *bodyHash) want(k canon.Kind, length int64) {
	if b.hash == nil {
		b.hash, b.canon = sha256.New(), new(canon.Body)
	}
	if !b.wanted() {
		b.hash.Reset()
		b.canon.Reset(k, b)
	}
	if length < 0 {
		b.whole = true
		return
	}
	i, found := slices.BinarySearchFunc(b.marks, length, func(m mark, n int64) int { return cmp.Compare(m.length, n) })
	if !found {
		b.marks = slices.Insert(b.marks, i, mark{length: length})
	}
}

func (b *bodyHash) wanted() bool { return b.whole || len(b.marks) > 0 }

// satisfied tells that no further octet changes a result: each prefix is hashed. None of them is the whole, which has at least the
// octets that reached the last one, or a final CRLF.
func (b *bodyHash) satisfied() bool { return !b.whole && b.at == len(b.marks) }

// Write takes canonical octets. It does not fail.
func (b *bodyHash) Write(p []byte) (int, error) {
	rest := p
	for b.reach(); b.at < len(b.marks); b.reach() {
		n := min(int64(len(rest)), b.marks[b.at].length-b.n)
		if n == 0 {
			return len(p), nil
		}
		b.hash.Write(rest[:n])
		b.n += n
		rest = rest[n:]
	}
	if b.whole {
		b.hash.Write(rest)
	}
	b.n += int64(len(rest)) // it counts even if nobody wants its hash
	return len(p), nil
}

// reach reads off the prefix that ends here. No two marks have the same length.
func (b *bodyHash) reach() {
	if b.at < len(b.marks) && b.marks[b.at].length == b.n {
		b.hash.Sum(b.marks[b.at].sum[:0])
		b.at++
	}
}

// close ends the body.
func (b *bodyHash) close() {
	b.canon.Close() // a hash does not fail
	b.reach()
	b.hash.Sum(b.sum[:0])
}

// result returns the hash of the first length octets, or of all if length is negative. complete tells that these are all of the
// body; ok is false when the body is shorter.
func (b *bodyHash) result(length int64) (sum []byte, complete, ok bool) {
	if length < 0 {
		return b.sum[:], true, true
	}
	for i := range b.marks[:b.at] {
		if m := &b.marks[i]; m.length == length {
			return m.sum[:], m.length == b.n, true
		}
	}
	return nil, false, false
}

// reset forgets the message and keeps the memory.
func (b *bodyHash) reset() {
	b.n, b.whole, b.marks, b.at = 0, false, b.marks[:0], 0
}
