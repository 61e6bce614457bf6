// Package filter is the milter that postseal is: it gathers the facts of each
// message, asks internal/policy, feeds the signer, writes the header fields
// and the one log line.
package filter

import (
	"log/slog"
	"runtime"
	"time"

	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/signer"
)

// Snapshot is everything that a message needs from the configuration. A
// message takes one at MAIL and keeps it to its end, however often the daemon
// reloads meanwhile.
type Snapshot struct {
	*policy.Snapshot
	Signing signer.Options
	Limits  Limits

	// Fragile are the fields that Signing covers and Sendmail changes.
	Fragile Fragile

	// Verifying is how incoming mail is verified.
	Verifying Verifying

	// Outages are what the configuration names and cannot be had, beside the rows of
	// the tables.
	Outages []error

	// FaultDefers is on_internal_error = "tempfail".
	FaultDefers bool
}

// Limits bounds the header that is kept of one message. What is over them
// leaves unsigned with reason "limit".
type Limits struct {
	HeaderBytes  int
	HeaderFields int
}

// Handler makes a session for each connection of one listener.
type Handler struct {
	Current func() *Snapshot
	Mode    policy.Mode
	Log     *slog.Logger
	Gate    Gate
	Observe func(Event) // told of each message when it ends; may be nil
}

// NewSession implements milter.Handler.
func (h *Handler) NewSession(c *milter.Conn) milter.Session {
	return &session{handler: h, conn: c}
}

// Gate caps concurrent private-key operations: more of them than cores only
// make every message wait longer.
type Gate chan struct{}

// NewGate makes a gate for n operations at a time; 0 is the number of cores.
func NewGate(n int) Gate {
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return make(Gate, n)
}

// do runs one operation when its turn comes.
func (g Gate) do(operation func()) {
	g <- struct{}{}
	defer func() { <-g }()
	operation()
}

// Negotiation is what a listener of this mode asks of the MTA. One that only signs
// hears everything without answering until the end of the message: a round trip
// less, and nearly all of its mail is signed. One that verifies answers at the end of
// the header, where it says whether it wants the body at all, and to chunks of the
// body, to say that it wants no more (SKIP).
func Negotiation(mode policy.Mode) (actions, required milter.Action, steps milter.Step) {
	steps = milter.StepNoUnknown | milter.StepNoData | milter.StepLeadingSpace | milter.StepSkip |
		milter.StepNoReplyConnect | milter.StepNoReplyHelo | milter.StepNoReplyMail | milter.StepNoReplyRcpt | milter.StepNoReplyHeader
	actions, required = milter.ActAddHeader|milter.ActChangeHeader|milter.ActQuarantine, milter.ActAddHeader
	if mode == policy.SignOnly {
		return actions, required, steps | milter.StepNoReplyEOH | milter.StepNoReplyBody
	}
	return actions, required | milter.ActChangeHeader, steps
}

// Macros is what to ask the MTA for at the end of the header, where the decision
// is made: its own default there, and the macros that make a message trusted.
// Such a list replaces the administrator's, so none is asked for without need.
func Macros(trust *policy.Trust) map[milter.Stage][]string {
	if len(trust.Macros) == 0 {
		return nil
	}
	names := []string{"i"}
	for _, rule := range trust.Macros {
		names = append(names, rule.MTAName())
	}
	return map[milter.Stage][]string{milter.StageEOH: names}
}

// since is the duration that the log shows.
func since(start time.Time) time.Duration { return time.Since(start).Round(time.Microsecond) }
