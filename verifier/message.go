package verifier

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/dkim/canon"
)

// Message is the state of verifying one message. It is for one goroutine.
type Message struct {
	v      *Verifier
	ctx    context.Context // of the look-ups
	cancel context.CancelFunc
	now    time.Time
	fields *dkim.Fields
	index  dkim.Index

	checks  []check // one for each signature, the top one first
	lookups []*lookup
	bodies  [2]bodyHash // by canon.Kind

	found     []int // the fields that are signatures
	instances []int // those that a signature covers
	input     []byte
}

// check is the work on one signature.
type check struct {
	field     int
	signature *dkim.Signature
	key       *lookup // nil if the verdict needs no key
	result    Result
}

var pool = sync.Pool{New: func() any { return new(Message) }}

func (m *Message) begin(ctx context.Context, v *Verifier, fields *dkim.Fields) {
	m.v, m.fields, m.now = v, fields, v.options.Now()
	m.found = slices.AppendSeq(m.found[:0], fields.FromBottom("DKIM-Signature"))
	if len(m.found) == 0 {
		return
	}
	m.ctx, m.cancel = context.WithTimeout(ctx, v.options.Timeout)
	m.index.Reset(fields)
	slices.Reverse(m.found)
	for _, field := range m.found[:min(len(m.found), maxSeen)] {
		m.admit(field)
	}
}

// admit reads one signature and, unless that gives the verdict, starts the look-up of its key and asks for its body hash.
func (m *Message) admit(field int) {
	s, err := dkim.ParseSignature(m.fields.Value(field))
	c := check{field: field, signature: s}
	c.result.describe(s)
	if fault := m.precheck(s, err); fault != nil {
		c.result.decide(fault)
	} else {
		c.key = m.lookUp(dkim.RecordName(s.Selector, s.Domain))
		m.bodies[s.Canonicalization.Body].want(s.Canonicalization.Body, s.BodyLength)
	}
	m.checks = append(m.checks, c)
}

// lookUp asks for each name once (DN-3).
func (m *Message) lookUp(name string) *lookup {
	for _, l := range m.lookups {
		if l.name == name {
			return l
		}
	}
	l := startLookup(m.ctx, m.v.lookup, name)
	m.lookups = append(m.lookups, l)
	return l
}

// Signatures is the number of DKIM-Signature fields of the message, those included that Finish does not report.
func (m *Message) Signatures() int { return len(m.found) }

// Write takes the next chunk of the body as it arrives; it keeps nothing of it. It does not fail.
func (m *Message) Write(chunk []byte) (int, error) {
	for i := range m.bodies {
		if m.bodies[i].wanted() {
			m.bodies[i].canon.Write(chunk)
		}
	}
	return len(chunk), nil
}

// Done tells that the rest of the body changes nothing: no signature covers it.
func (m *Message) Done() bool {
	return m.bodies[canon.Simple].satisfied() && m.bodies[canon.Relaxed].satisfied()
}

// Finish ends the body, waits for the look-ups and gives the verdicts, one for each signature in the order of the header, at most
// 50. It is called once.
func (m *Message) Finish() []Result {
	if len(m.checks) == 0 {
		return []Result{{Status: dkim.None}}
	}
	for i := range m.bodies {
		if m.bodies[i].wanted() {
			m.bodies[i].close()
		}
	}
	b := make([]string, len(m.checks))
	for i := range m.checks {
		b[i] = m.checks[i].signature.BText
	}
	results := make([]Result, len(m.checks))
	for i := range m.checks {
		c := &m.checks[i]
		if c.key != nil {
			c.result.decide(m.verify(c))
		}
		c.result.BPrefix = bPrefix(b, i)
		results[i] = c.result
	}
	return results
}

// Bounds on what a pooled Message may remember; an ordinary header has a few KB and some 30 fields.
const (
	maxPooledInput  = 64 << 10
	maxPooledFields = 500
)

// Release ends look-ups that nobody waits for and gives the memory back. m is of no use afterwards.
func (m *Message) Release() {
	if m.cancel != nil {
		m.cancel()
	}
	clear(m.checks)
	clear(m.lookups)
	kept := Message{checks: m.checks[:0], lookups: m.lookups[:0], bodies: m.bodies}
	for i := range kept.bodies {
		kept.bodies[i].reset()
	}
	if cap(m.input) <= maxPooledInput && m.fields.Len() <= maxPooledFields {
		kept.index, kept.found, kept.instances, kept.input = m.index, m.found, m.instances, m.input
	}
	*m = kept
	pool.Put(m)
}
