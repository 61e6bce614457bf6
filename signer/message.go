// Package signer makes DKIM-Signature fields (RFC 6376 section 5) for one message with one key or several.
//
//	m := signer.Begin(fields, keys, options) // at the end of the header
//	m.Write(chunk)                           // for each chunk of the body, which is hashed and not kept
//	for _, s := range m.Sign(time.Now()) {
//		// s.Err, or s.Value to insert above all other fields
//	}
//	m.Release()
package signer

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"sync"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/dkim/canon"
)

// ErrNoFrom says that a message has no From field, which every signature must cover (RFC 6376 section 5.4).
var ErrNoFrom = errors.New("the message has no From field, which a signature must cover")

// Options are the same for all keys of a message.
type Options struct {
	Canonicalization canon.Pair      // c=
	Headers          *dkim.HeaderSet // what to cover; nil for dkim.Default
	Expire           time.Duration   // x= is t= plus this; below a second there is no x=
}

// Signature is the outcome for one key.
type Signature struct {
	Key   Key
	Value string // what follows "DKIM-Signature: ", folded with CRLF and a blank; empty if Err is set
	Err   error
}

// Message is the state of signing one message. It is for one goroutine.
type Message struct {
	fields  *dkim.Fields
	keys    []Key
	options Options

	hash hash.Hash
	body *canon.Body

	choice dkim.Choice
	input  []byte // what b= signs
	field  field
}

var pool = sync.Pool{New: func() any { return newMessage() }}

func newMessage() *Message {
	h := sha256.New()
	return &Message{hash: h, body: canon.NewBody(canon.Simple, h)}
}

// defaultHeaders is what a nil Options.Headers stands for.
var defaultHeaders = sync.OnceValue(func() *dkim.HeaderSet {
	set, err := dkim.Default().Compile()
	if err != nil {
		panic(err) // a constant of ours
	}
	return set
})

// Begin starts on a message whose header is complete. It keeps fields and keys until Sign, and takes its memory from a pool:
// Release gives it back.
func Begin(fields *dkim.Fields, keys []Key, options Options) *Message {
	m := pool.Get().(*Message)
	m.begin(fields, keys, options)
	return m
}

func (m *Message) begin(fields *dkim.Fields, keys []Key, options Options) {
	m.fields, m.keys, m.options = fields, keys, options
	if m.options.Headers == nil {
		m.options.Headers = defaultHeaders()
	}
	m.hash.Reset()
	m.body.Reset(options.Canonicalization.Body, m.hash)
}

// Write takes the next chunk of the body as it arrives; it keeps nothing of it. It does not fail.
func (m *Message) Write(chunk []byte) (int, error) { return m.body.Write(chunk) }

// maxPooled is how much header a pooled Message may remember; an ordinary one has a few KB.
const maxPooled = 64 << 10

// Use replaces the keys, until Sign.
func (m *Message) Use(keys []Key) { m.keys = keys }

// Release gives the memory back. m is of no use afterwards.
func (m *Message) Release() {
	m.fields, m.keys, m.options = nil, nil, Options{}
	if cap(m.input)+cap(m.field.text) > maxPooled {
		m.input, m.field.text, m.choice = nil, nil, dkim.Choice{}
	}
	pool.Put(m)
}

// Sign ends the body and makes a signature with each key, in the order of the keys. An error concerns its own key alone, except
// for ErrNoFrom. now becomes t=. It is called once.
func (m *Message) Sign(now time.Time) []Signature {
	out := make([]Signature, len(m.keys))
	m.body.Close() // a hash does not fail
	var sum [sha256.Size]byte
	var bodyHash [44]byte
	base64.StdEncoding.Encode(bodyHash[:], m.hash.Sum(sum[:0]))

	m.options.Headers.Choose(m.fields, &m.choice)
	m.input = dkim.AppendFields(m.input[:0], m.options.Canonicalization.Header, m.fields, m.choice.Instances)
	hasFrom := m.fields.Count("From") > 0
	for i, k := range m.keys {
		out[i].Key = k
		if !hasFrom {
			out[i].Err = ErrNoFrom
			continue
		}
		out[i].Value, out[i].Err = m.sign(k, now, bodyHash[:])
	}
	return out
}

// sign makes the signature of one key from the header input that all keys share.
func (m *Message) sign(k Key, now time.Time, bodyHash []byte) (string, error) {
	if err := k.Check(); err != nil {
		return "", err
	}
	o := m.options
	m.field.layout(k, o.Canonicalization, now, o.Expire, m.choice.Names, bodyHash)
	shared := len(m.input)
	m.input = dkim.AppendSignatureField(m.input, o.Canonicalization.Header, m.field.text)
	digest := sha256.Sum256(m.input)
	m.input = m.input[:shared]
	b, err := k.Private.Sign(digest[:])
	if err != nil {
		return "", err
	}
	m.field.signature(base64.StdEncoding.EncodeToString(b))
	return string(m.field.text[len(fieldName):]), nil
}
