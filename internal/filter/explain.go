package filter

import (
	"context"
	"time"

	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/signer"
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
	Trail    []string      `json:"trail"`
}

// Explain decides as a session does at the end of a header, tries the keys, and
// looks at the body, which may be nil, for what will not survive delivery.
// Incoming mail it verifies.
func Explain(ctx context.Context, s *Snapshot, f *policy.Facts, body []byte) Explanation {
	e, _ := explain(ctx, s, f, body)
	return e
}

// SignFile signs a whole message as a session would. The values are those of
// the DKIM-Signature fields, the first to stand on top; none where the
// explanation says that the message is left alone.
func SignFile(s *Snapshot, f *policy.Facts, body []byte, now time.Time) (values []string, e Explanation) {
	outgoing := *f
	outgoing.Mode = policy.SignOnly // a file that is to be signed is not verified
	e, keys := explain(context.Background(), s, &outgoing, body)
	if e.Decision != signed {
		return nil, e
	}
	signing := signer.Begin(f.Fields, keys, s.Signing)
	defer signing.Release()
	signing.Write(body)
	for _, made := range signing.Sign(now) {
		if made.Err != nil {
			e.Failures = append(e.Failures, keyName(made.Key)+": "+made.Err.Error())
			continue
		}
		values = append(values, made.Value)
	}
	if len(values) == 0 {
		e.Decision, e.Reason = unsigned, SigningFailed
	}
	return values, e
}

// verify fills in what happens to incoming mail.
func (e *Explanation) verify(ctx context.Context, s *Snapshot, f *policy.Facts, body []byte) {
	checking := s.Verifying.Verifier.Begin(ctx, f.Fields)
	defer checking.Release()
	checking.Write(body)
	results := checking.Finish()
	action, _ := s.Verifying.judge(e.From, results)
	e.Decision, e.Reason, e.Results = decisions[action], summary(results), resultWords(results)
}

// explain also gives the keys that sign.
func explain(ctx context.Context, s *Snapshot, f *policy.Facts, body []byte) (Explanation, []signer.Key) {
	trail := new(policy.Trail)
	m := &message{snapshot: s, user: f.User, decision: s.Decide(f, trail)}
	if m.decision.Sign {
		m.loadKeys()
	}
	e := Explanation{
		Decision: unsigned, Reason: m.decision.Reason, Detail: m.decision.Detail,
		From: m.decision.Sender.Domain, User: f.User, Keys: []string{}, Failures: m.failures,
		Deferred: m.decision.Tempfail, Trail: trail.Lines,
	}
	switch {
	case m.decision.Verify:
		e.verify(ctx, s, f, body)
		return e, nil
	case !m.decision.Sign:
		return e, nil
	}
	if earlier := beginReinjected(f.Fields, m.keys); earlier != nil {
		defer earlier.Release()
		earlier.Write(body)
		m.keys = notYetSigned(m.keys, earlier.Finish())
	}
	if len(m.keys) == 0 {
		e.Reason, e.Detail = AlreadySigned, ""
		return e, nil
	}
	e.Decision = signed
	for _, k := range m.keys {
		e.Keys = append(e.Keys, keyName(k))
	}
	m.watch.write(body)
	e.Warnings = append(headerWarnings(f.Fields, s.Dropped, f.MTAMacro("v")), m.watch.warnings()...)
	return e, m.keys
}
