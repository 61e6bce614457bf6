package filter

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/dkim/canon"
	"github.com/postseal/postseal/internal/authres"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/signer"
	"github.com/postseal/postseal/verifier"
)

// message is the state between MAIL and the end of one message.
type message struct {
	snapshot *Snapshot
	start    time.Time
	size     int64 // bytes of header and body, as they came

	fields          dkim.Fields
	authservID      string // our name
	results8601     int    // Authentication-Results fields so far
	forged          []int  // ordinals of those that claim to be ours, from the top
	froms           int    // From fields among fields
	lostFrom        bool   // a From field is not among them
	overLimit       string // why we do not have all of the message
	fault           string // what went wrong in our own code
	complete        bool   // the header is
	removed         int    // of forged
	reported        bool   // our verdict is written
	exemptRecipient string

	queueID  string        // macro i; late at Postfix, so taken at the end of the header, or of the message
	trail    *policy.Trail // of explain
	decision policy.Decision
	user     string
	keys     []signer.Key // loaded, of a decision to sign
	signing  *signer.Message
	earlier  *verifier.Message // of signatures that may be ours; nil without any
	warnings []string          // about the header
	watch    bodyWatch
	checking *verifier.Message // of incoming mail
	failures []string          // keys that were out of service, beside those that sign
}

var messages = sync.Pool{New: func() any { return new(message) }}

// maxPooledHeader is the header memory that a pooled message may keep.
const maxPooledHeader = 64 << 10

// newMessage begins a message for an MTA that calls itself j.
func newMessage(snapshot *Snapshot, j string) *message {
	m := messages.Get().(*message)
	m.snapshot, m.start = snapshot, time.Now()
	m.authservID = snapshot.Verifying.authservID(j)
	return m
}

func (m *message) release() {
	if m.signing != nil {
		m.signing.Release()
	}
	if m.earlier != nil {
		m.earlier.Release()
	}
	if m.checking != nil {
		m.checking.Release()
	}
	fields := m.fields
	if fields.Bytes() > maxPooledHeader {
		fields = dkim.Fields{}
	}
	fields.Reset()
	clear(m.keys)
	*m = message{fields: fields, keys: m.keys[:0], forged: m.forged[:0]}
	messages.Put(m)
}

// addField keeps a field, unless the header has outgrown its limits. What is
// written in our name is noted in any case.
func (m *message) addField(name, value []byte) {
	if authres.IsFieldName(string(name)) {
		m.results8601++
		m.forged = append(m.forged, m.results8601) // taken back if it is not: a fault must not save it
		if !m.snapshot.Verifying.forged(m.authservID, value) {
			m.forged = m.forged[:len(m.forged)-1]
		}
	}
	m.size += int64(len(name) + 1 + len(value) + 2)
	limits := m.snapshot.Limits
	switch {
	case m.overLimit != "":
	case m.fields.Len() >= limits.HeaderFields:
		m.overLimit = fmt.Sprintf("more than %d header fields (limits.header_fields)", limits.HeaderFields)
	case m.size > int64(limits.HeaderBytes):
		m.overLimit = fmt.Sprintf("more than %d bytes of header (limits.header_bytes)", limits.HeaderBytes)
	}
	from := bytes.EqualFold(name, []byte("From"))
	switch {
	case m.overLimit == "" || from && m.froms < maxFrom:
		m.fields.Add(name, value) // the rules for its authors hold over the limit too
		if from {
			m.froms++
		}
	case from:
		m.lostFrom = true
	}
}

// maxFrom is how many From fields are kept of a header that is over its limits: a
// second one is one too many already.
const maxFrom = 2

// lose notes that a packet was too large. A field that has the name of a verdict is
// taken for one of ours: nobody could read it, and it counts.
func (m *message) lose(e *milter.TooLargeError) {
	m.overLimit = e.Error()
	m.lostFrom = m.lostFrom || strings.EqualFold(e.FieldName(), "From")
	if authres.IsFieldName(e.FieldName()) {
		m.results8601++
		m.forged = append(m.forged, m.results8601)
	}
}

// decide asks policy. What we do not have whole is not signed.
func (m *message) decide(f *policy.Facts) {
	if m.fault != "" {
		return
	}
	m.decision = m.snapshot.Decide(f, m.trail)
	switch {
	case m.decision.Verify:
	case !m.whole():
		m.decision = policy.Decision{Sender: m.decision.Sender}
	case m.decision.Sign:
		m.loadKeys()
	}
}

// whole tells whether nothing of the message was lost.
func (m *message) whole() bool { return m.fault == "" && m.overLimit == "" }

// unsigned is the outcome of a message that is left alone.
func (m *message) unsigned() outcome {
	switch d := m.decision; {
	case m.fault != "":
		return outcome{decision: unsigned, reason: InternalError, detail: m.fault, tempfail: m.snapshot.FaultDefers}
	case m.overLimit != "":
		return outcome{decision: unsigned, reason: Limit, detail: m.overLimit}
	default:
		return outcome{decision: unsigned, reason: d.Reason, detail: d.Detail, tempfail: d.Tempfail}
	}
}

// loadKeys gets the private keys of a decision to sign. Those that cannot be
// had are left out; when none can, the decision turns to leaving the message
// alone.
func (m *message) loadKeys() {
	d := &m.decision
	for _, k := range d.Keys {
		private, err := k.Private()
		if err != nil {
			m.failures = append(m.failures, err.Error())
			continue
		}
		m.keys = append(m.keys, signer.Key{Domain: k.Domain, Selector: k.Selector, Identity: k.Identity, Private: private})
	}
	if len(m.keys) == 0 {
		*d = policy.Decision{
			Reason: policy.KeyUnavailable, Detail: m.failures[0],
			Tempfail: m.snapshot.KeyErrorDefers, Sender: d.Sender,
		}
	}
}

func (m *message) write(chunk []byte) {
	m.size += int64(len(chunk))
	if !m.whole() {
		return
	}
	if m.signing != nil {
		m.signing.Write(chunk)
		m.watch.write(chunk)
	}
	if m.earlier != nil {
		m.earlier.Write(chunk)
	}
	if m.checking != nil {
		m.checking.Write(chunk)
	}
}

// listens tells whether anything more of the body is of use.
func (m *message) listens() bool {
	return m.whole() && (m.signing != nil || m.checking != nil && !m.checking.Done())
}

// verify starts on the signatures of incoming mail.
func (m *message) verify(ctx context.Context) {
	if m.overLimit == "" {
		m.checking = m.snapshot.Verifying.Verifier.Begin(ctx, &m.fields)
	}
}

// results are the verdicts on incoming mail, once its body is complete.
func (m *message) results() []verifier.Result {
	switch {
	case m.fault != "":
		return internalError
	case m.overLimit != "" || m.checking == nil:
		return overLimit
	}
	return m.checking.Finish()
}

// begin starts the hashes of a message that is to be signed.
func (m *message) begin(mta string) {
	m.watch.limit = longestLine(mta)
	m.watch.eightBit = saysEightBit(&m.fields)
	var folded []string
	if !isPostfix(mta) {
		folded = m.snapshot.Fragile.Addresses
		m.warnings, m.watch.longLine = headerWarnings(&m.fields, m.snapshot.Fragile, m.snapshot.Signing.Canonicalization.Header == canon.Simple)
	}
	m.watch.longLine = m.watch.longLine || hasLongLine(&m.fields, m.snapshot.Signing.Headers, m.watch.limit, folded)
	m.earlier = beginReinjected(&m.fields, m.keys)
	m.signing = signer.Begin(&m.fields, m.keys, m.snapshot.Signing)
}

// maxSignature bounds a signature's field: an MTA takes less than 64 KB from a
// milter, and a receiver less than that.
const maxSignature = 16 << 10

// sign makes the signatures and tells the outcome. It is called at the end of
// a message that was decided to be signed.
func (m *message) sign(now time.Time, o *outcome) {
	if m.earlier != nil {
		m.keys = notYetSigned(m.keys, m.earlier.Finish())
		m.signing.Use(m.keys)
	}
	if len(m.keys) == 0 {
		*o = outcome{decision: unsigned, reason: AlreadySigned}
		return
	}
	o.failures, o.warnings = m.failures, append(m.warnings, m.watch.warnings()...)
	for _, s := range m.signing.Sign(now) {
		if s.Err != nil {
			o.failures = append(o.failures, keyName(s.Key)+": "+s.Err.Error())
			continue
		}
		if len(s.Value) > maxSignature {
			*o = outcome{decision: unsigned, reason: Limit, detail: fmt.Sprintf("a signature of %d bytes: too many fields to sign", len(s.Value))}
			return
		}
		o.keys = append(o.keys, keyName(s.Key))
		o.values = append(o.values, s.Value)
	}
	if len(o.values) == 0 {
		*o = outcome{
			decision: unsigned, reason: SigningFailed, failures: o.failures,
			tempfail: m.snapshot.KeyErrorDefers,
		}
	}
}

// keyName is how log and explain name a key.
func keyName(k signer.Key) string { return k.Domain + "/" + k.Selector }
