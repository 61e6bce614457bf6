package filter

import (
	"time"

	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/verifier"
)

// Event is a message that has ended, for counters. It says what the log line says,
// before any of it is text. Slices are good until the observer returns.
type Event struct {
	Decision string
	Reason   policy.Reason
	Sender   string            // domain of the sender; "" if it could not be told
	Keys     []string          // DOMAIN/SELECTOR of each signature
	Verdicts []verifier.Result // on incoming mail
	Elapsed  time.Duration     // from MAIL
	Fault    bool              // our own code failed it
}

// observe tells the listener's observer, if it has one.
func (s *session) observe(o *outcome) {
	if s.handler.Observe == nil {
		return
	}
	m := s.message
	s.handler.Observe(Event{
		Decision: o.decision, Reason: o.reason, Sender: m.decision.Sender.Domain, Keys: o.keys, Verdicts: o.verdicts,
		Elapsed: time.Since(m.start), Fault: m.fault != "",
	})
}
