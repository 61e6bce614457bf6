package verifier

import (
	"bytes"

	"github.com/postseal/postseal/dkim"
)

// Explanation is what a verdict rests on.
type Explanation struct {
	Signature   *dkim.Signature
	Instances   []int    // the covered fields, as indexes into the header, in the order in which they are hashed
	HeaderInput []byte   // the octets that b= signs: the canonical fields, then the signature's own without the value of b=
	BodyHash    []byte   // what bh= should be; nil if the body is shorter than l=, or was not hashed
	BodyOctets  int64    // length of the canonical body, as far as it was hashed
	KeyName     string   // where the key was looked for; empty if the verdict needed none
	Records     []string // the TXT records there
}

// Explain makes out again what result i of Finish rests on. It is called between Finish and Release.
func (m *Message) Explain(i int) Explanation {
	if i >= len(m.checks) { // the one Result of a message without signatures
		return Explanation{}
	}
	c := &m.checks[i]
	e := Explanation{Signature: c.signature}
	e.HeaderInput = bytes.Clone(m.headerInput(c))
	e.Instances = append(e.Instances, m.instances...)
	if c.key == nil {
		return e
	}
	body := &m.bodies[c.signature.Canonicalization.Body]
	if sum, _, ok := body.result(c.signature.BodyLength); ok {
		e.BodyHash = bytes.Clone(sum)
	}
	e.BodyOctets, e.KeyName = body.n, c.key.name
	if answer, err := c.key.wait(m.ctx); err == nil {
		e.Records = answer.TXT
	}
	return e
}
