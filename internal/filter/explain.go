package filter

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/postseal/postseal/internal/policy"
)

// Explanation is what the log line of a message would say, and how it came to
// that.
type Explanation struct {
	Decision string        `json:"decision"`
	Reason   policy.Reason `json:"reason"`
	Detail   string        `json:"detail,omitempty"`
	From     string        `json:"from"`
	User     string        `json:"user"`
	Keys     []string      `json:"keys"`
	Results  []string      `json:"results,omitempty"`
	Failures []string      `json:"failures,omitempty"`
	Warnings []string      `json:"warnings,omitempty"`
	Deferred bool          `json:"deferred,omitempty"`
	Removed  int           `json:"removed,omitempty"` // Authentication-Results fields in our name
	Trail    []string      `json:"trail"`
}

// Explain takes a message the way that a session takes it, without an MTA: body may
// be nil. The MTA's macros v and j tell which one it is and what it calls itself. The values are those of the DKIM-Signature
// fields that it would get, the first to stand on top.
func Explain(ctx context.Context, s *Snapshot, f policy.Facts, body []byte, now time.Time) (e Explanation, values []string) {
	e, values, _ = ExplainFrom(ctx, s, f, bytes.NewReader(body), now) // memory can always be read
	return e, values
}

// ExplainFrom is Explain for a body that is not in memory. The error is body's.
func ExplainFrom(ctx context.Context, s *Snapshot, f policy.Facts, body io.Reader, now time.Time) (e Explanation, values []string, err error) {
	m := newMessage(s, f.MTAMacro("j"))
	defer m.release()
	m.trail = new(policy.Trail)
	for i := range f.Fields.Len() {
		m.addField(f.Fields.Name(i), f.Fields.Value(i))
	}
	f.Fields = &m.fields
	m.user, m.exemptRecipient = f.User, f.ExemptRecipient
	m.decide(&f)
	o, err := m.explained(ctx, f.MTAMacro("v"), body, now)
	return Explanation{
		Decision: o.decision, Reason: o.reason, Detail: o.detail, From: m.decision.Sender.Domain, User: m.user,
		Keys: append([]string{}, o.keys...), Results: o.results, Failures: o.failures, Warnings: o.warnings,
		Deferred: o.tempfail, Removed: len(m.forged), Trail: m.trail.Lines,
	}, o.values, err
}

// explained runs a decided message to its end.
func (m *message) explained(ctx context.Context, mta string, body io.Reader, now time.Time) (o outcome, err error) {
	switch d := m.decision; {
	case d.Sign:
		m.begin(mta)
		_, err = io.Copy(chunks{m}, body)
		o = outcome{decision: signed, reason: d.Reason, detail: d.Detail}
		m.sign(now, &o)
		return o, err
	case d.Verify:
		m.verify(ctx)
		_, err = io.Copy(chunks{m}, body)
		results := m.results()
		action, _ := m.snapshot.Verifying.judge(d.Authors, results)
		return outcome{decision: decisions[action], reason: summary(results), detail: m.overLimit, results: resultWords(results)}, err
	}
	return m.unsigned(), nil
}

// chunks makes a message an io.Writer of its body.
type chunks struct{ *message }

func (c chunks) Write(p []byte) (int, error) {
	c.write(p)
	return len(p), nil
}
