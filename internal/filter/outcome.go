package filter

import (
	"context"
	"log/slog"
	"strings"

	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/verifier"
)

// The decisions that a log line can state.
const (
	signed   = "signed"
	unsigned = "unsigned"
	verified = "verified"
	aborted  = "aborted"
)

// Reasons that arise while a message runs, beside those of internal/policy.
const (
	Limit         policy.Reason = "limit"          // the message is over a limit of [limits]
	SigningFailed policy.Reason = "signing-failed" // no key could make its signature
	InternalError policy.Reason = "internal-error" // a fault in postseal; the log has it
	AlreadySigned policy.Reason = "already-signed" // it carries valid signatures of these keys: a content filter handed it back
	Stopped       policy.Reason = "stopped"        // we were told to stop, and the message did not end in time
	MTAAbort      policy.Reason = "mta-abort"      // the MTA dropped the message after the decision to sign it
)

// outcome is what became of a message.
type outcome struct {
	decision string
	reason   policy.Reason
	detail   string
	tempfail bool
	reply    milter.Response   // of incoming mail; the zero value lets it through
	results  []string          // verdicts on incoming mail
	verdicts []verifier.Result // the same, for counters
	values   []string          // DKIM-Signature values
	keys     []string          // domain/selector of each
	failures []string          // keys that could not sign beside those that did
	warnings []string          // what the MTA will change after us
}

// log writes the message's one line.
func (s *session) log(o outcome) {
	m := s.message
	level := slog.LevelInfo
	if o.reason == policy.KeyUnavailable || o.reason == SigningFailed || o.reason == InternalError || len(o.failures) > 0 {
		level = slog.LevelError
	}
	attrs := append(make([]slog.Attr, 0, 16),
		slog.String("queue_id", m.queueID),
		slog.String("decision", o.decision),
		slog.String("reason", string(o.reason)),
		slog.String("from", m.decision.Sender.Domain),
		slog.String("user", m.user),
		slog.String("client", s.clientText()),
		slog.String("keys", strings.Join(o.keys, ",")),
		slog.Int64("size", m.size),
		slog.Duration("duration", since(m.start)),
	)
	if len(o.results) > 0 {
		attrs = append(attrs, slog.String("results", strings.Join(o.results, ",")))
	}
	if o.detail != "" {
		attrs = append(attrs, slog.String("detail", o.detail))
	}
	if o.tempfail {
		attrs = append(attrs, slog.Bool("deferred", true))
	}
	if m.removed > 0 {
		attrs = append(attrs, slog.Int("removed", m.removed))
	}
	if kept := len(m.forged) - m.removed; kept > 0 {
		attrs = append(attrs, slog.Int("kept", kept))
	}
	if len(o.failures) > 0 {
		attrs = append(attrs, slog.String("failures", strings.Join(o.failures, "; ")))
	}
	if len(o.warnings) > 0 {
		attrs = append(attrs, slog.String("warnings", strings.Join(o.warnings, ",")))
	}
	s.handler.Log.LogAttrs(context.Background(), level, "message", attrs...)
}

func (s *session) clientText() string {
	if s.client.Addr.IsValid() {
		return s.client.Addr.String()
	}
	return "unknown"
}
