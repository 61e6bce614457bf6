package verifier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/postseal/postseal/dkim"
)

// verify gives the verdict on a signature that takes a key, in the order of RFC 6376 section 6.1: the key, the body, the header. It
// returns nil for pass.
func (m *Message) verify(c *check) *dkim.Fault {
	keys, fault := m.keys(c)
	if fault != nil {
		return fault
	}
	s := c.signature
	sum, wholeBody, ok := m.bodies[s.Canonicalization.Body].result(s.BodyLength)
	if !ok { // section 3.5, l=
		return &dkim.Fault{Status: dkim.PermError, Reason: dkim.ReasonBodyLength, Detail: fmt.Sprintf("l=%d", s.BodyLength)}
	}
	if !bytes.Equal(sum, s.BodyHash) {
		return &dkim.Fault{Status: dkim.Fail, Reason: dkim.ReasonBodyHash}
	}
	digest := sha256.Sum256(m.headerInput(c))
	for _, key := range keys {
		if key.Public.Verify(digest[:], s.B) == nil {
			c.result.describeKey(key)
			return m.postcheck(s, wholeBody)
		}
	}
	return &dkim.Fault{Status: dkim.Fail, Reason: dkim.ReasonSignature}
}

// headerInput is what b= signs. It is valid until the next call.
func (m *Message) headerInput(c *check) []byte {
	k := c.signature.Canonicalization.Header
	m.instances = m.index.Instances(m.instances[:0], c.signature.HeaderNames, c.field)
	m.input = dkim.AppendFields(m.input[:0], k, m.fields, m.instances)
	m.input = dkim.AppendSignatureField(m.input, k, m.fields.Raw(c.field))
	return m.input
}

// Several records at one name are undefined (section 3.6.2.2). The first three that are key records get a chance, among so many.
const (
	maxRecords    = 20
	maxKeyRecords = 3
)

// keys returns the key records that may verify c, at least one, or what is wrong with the first record that comes closest: one
// that is a key record, else any.
func (m *Message) keys(c *check) ([]*dkim.KeyRecord, *dkim.Fault) {
	answer, err := c.key.wait(m.ctx)
	if err != nil {
		return nil, lookupFault(err)
	}
	c.result.Secure = answer.Secure
	var usable []*dkim.KeyRecord
	var refused, broken error
	parsed := 0
	for _, txt := range answer.TXT[:min(len(answer.TXT), maxRecords)] {
		if most := m.v.options.MaxRecordBytes; len(txt) > most {
			broken = firstOf(broken, &dkim.Fault{
				Status: dkim.PermError, Reason: dkim.ReasonKeySyntax, Detail: fmt.Sprintf("a record of %d octets, want at most %d", len(txt), most),
			})
			continue
		}
		record, err := m.v.records.parse(txt)
		if err != nil {
			broken = firstOf(broken, err)
			continue
		}
		if parsed++; parsed == 1 {
			c.result.describeKey(record)
		}
		if err := m.permits(record, c.signature); err != nil {
			refused = firstOf(refused, err)
		} else {
			usable = append(usable, record)
		}
		if parsed == maxKeyRecords {
			break
		}
	}
	if len(usable) > 0 {
		c.result.describeKey(usable[0])
		return usable, nil
	}
	var fault *dkim.Fault
	errors.As(firstOf(refused, broken), &fault)
	return nil, fault
}

// permits holds a key to its own tags and to our bounds on its size.
func (m *Message) permits(r *dkim.KeyRecord, s *dkim.Signature) error {
	if err := r.Permits(s); err != nil || s.Algorithm != dkim.RSASHA256 {
		return err
	}
	switch bits := r.Public.Bits(); {
	case bits < m.v.options.MinKeyBits:
		return &dkim.Fault{Status: dkim.PermError, Reason: dkim.ReasonKeyTooSmall, Detail: fmt.Sprintf("%d bits", bits)}
	case bits > m.v.options.MaxKeyBits:
		return &dkim.Fault{Status: dkim.Policy, Reason: dkim.ReasonKeyTooLarge, Detail: fmt.Sprintf("%d bits", bits)}
	}
	return nil
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// lookupFault keeps apart what is so and what may pass (sections 6.1.2.2 and 6.1.2.3).
func lookupFault(err error) *dkim.Fault {
	switch {
	case errors.Is(err, ErrNotFound):
		return &dkim.Fault{Status: dkim.PermError, Reason: dkim.ReasonNoKey}
	case errors.Is(err, context.DeadlineExceeded):
		return &dkim.Fault{Status: dkim.TempError, Reason: dkim.ReasonDNSTimeout}
	}
	return &dkim.Fault{Status: dkim.TempError, Reason: dkim.ReasonDNS, Detail: err.Error()}
}

// describeKey fills in what the record says of the key.
func (r *Result) describeKey(record *dkim.KeyRecord) {
	r.Testing, r.Bits = record.Testing(), 0
	if record.Public != nil {
		r.Bits = record.Public.Bits()
	}
}
