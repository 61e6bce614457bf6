package filter

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/postseal/postseal/internal/authres"
	"github.com/postseal/postseal/internal/policy"
	"github.com/postseal/postseal/milter"
)

// session is one connection of the MTA: the client's facts, which last, and
// at most one message, which does not.
type session struct {
	handler *Handler
	conn    *milter.Conn
	client  policy.Client
	message *message // nil between messages and after its decision
}

// Connect keeps who the client is. A peer's connection is none of our
// business: the MTA asks no more about it.
func (s *session) Connect(c milter.Client) milter.Response {
	s.client = policy.Client{Host: c.Host, Addr: c.Addr}
	if ok, entry := s.handler.Current().Peers.Contains(c.Host, c.Addr); ok {
		s.handler.Log.Info("peer accepted", "client", s.clientText(), "entry", entry)
		return milter.Accept
	}
	return milter.Continue
}

func (s *session) Helo(string) milter.Response    { return milter.Continue }
func (s *session) Data() milter.Response          { return milter.Continue }
func (s *session) Unknown(string) milter.Response { return milter.Continue }

// Mail begins a message on the snapshot of this moment.
func (s *session) Mail(string, []string) milter.Response {
	s.drop()
	s.message = newMessage(s.handler.Current(), s.conn.Macro("j"))
	return milter.Continue
}

// Rcpt looks for a recipient whose mail is not to be signed.
func (s *session) Rcpt(to string, _ []string) milter.Response {
	if m := s.message; m != nil && m.exemptRecipient == "" && m.snapshot.DontSignTo(to) {
		m.exemptRecipient = to
	}
	return milter.Continue
}

// Header keeps one field as it came.
func (s *session) Header(name, value []byte) milter.Response {
	if s.message != nil {
		s.message.addField(name, value)
	}
	return milter.Continue
}

// EndOfHeaders decides. A message that nothing is to be done to is accepted
// here, which spares the MTA sending its body.
func (s *session) EndOfHeaders() milter.Response {
	m := s.message
	if m == nil {
		return milter.Accept
	}
	m.queueID, m.complete = s.conn.Macro("i"), true
	facts := s.facts(m)
	m.user = facts.User
	m.decide(&facts)
	switch d := m.decision; {
	case len(m.forged) > maxForged:
		return s.finish(outcome{decision: "rejected", reason: Limit, detail: "too many Authentication-Results in our name", reply: refusedForgeries})
	case d.Sign:
		m.begin(s.conn.Macro("v"))
	case d.Verify:
		m.verify(s.conn.Context())
	case len(m.forged) == 0 || d.Tempfail || !s.mayRemove():
		return s.finish(m.unsigned())
	}
	return milter.Continue // where nothing but forged fields is left to do: to the end
}

// facts is what policy is asked about.
func (s *session) facts(m *message) policy.Facts {
	return policy.Facts{
		Mode:            s.handler.Mode,
		Client:          s.client,
		AuthType:        s.conn.Macro("auth_type"),
		User:            s.conn.Macro("auth_authen"),
		Daemon:          s.conn.Macro("daemon_name"),
		Macro:           s.conn.Macro,
		ExemptRecipient: m.exemptRecipient,
		LostFrom:        m.lostFrom,
		Fields:          &m.fields,
	}
}

// Body feeds the hashes; nothing of it is kept, and no more of it is wanted once
// nobody listens.
func (s *session) Body(chunk []byte) milter.Response {
	if s.message == nil {
		return milter.Continue
	}
	s.message.write(chunk)
	if s.conn.CanSkip() && !s.message.listens() {
		return milter.Skip
	}
	return milter.Continue
}

// EndOfMessage removes what others wrote in our name, and writes what was found. A
// fault in the second must not undo the first.
func (s *session) EndOfMessage(mods *milter.Modifications) (response milter.Response) {
	m := s.message
	if m == nil {
		return milter.Accept
	}
	defer func() {
		if fault := recover(); fault != nil {
			response = s.endFaulty(mods, fault)
		}
	}()
	if m.queueID == "" {
		m.queueID = s.conn.Macro("i")
	}
	if err := s.removeForged(mods); err != nil {
		m.fault = err.Error()
	}
	switch {
	case m.decision.Verify:
		return s.endVerified(mods)
	case m.decision.Sign && m.whole():
		return s.endSigned(mods)
	}
	return s.finish(m.unsigned())
}

// endFaulty ends a message whose end met a fault: no more is done than to say so.
func (s *session) endFaulty(mods *milter.Modifications, fault any) (response milter.Response) {
	defer func() {
		if recover() != nil { // nothing is left that could be relied on
			s.message, response = nil, milter.Accept
		}
	}()
	m := s.message
	if m == nil {
		return milter.Accept // it had its line and its reply before the fault
	}
	m.fault = fmt.Sprint(fault)
	s.handler.Log.Error("panic", "queue_id", m.queueID, "error", m.fault, "stack", string(debug.Stack()))
	if !m.decision.Verify {
		return s.finish(m.unsigned())
	}
	return s.endVerified(mods)
}

// removeForged deletes the Authentication-Results fields that claim to be ours,
// from the last one up: each deletion moves those below it. An MTA that does not
// let us change header fields is told of at negotiation, where we verify.
func (s *session) removeForged(mods *milter.Modifications) error {
	if !s.mayRemove() {
		return nil
	}
	m := s.message
	for _, ordinal := range slices.Backward(m.forged) {
		if err := mods.DeleteHeader(ordinal, authres.FieldName); err != nil {
			return err
		}
		m.removed++
	}
	return nil
}

// mayRemove tells whether the MTA lets us delete header fields.
func (s *session) mayRemove() bool {
	return s.conn.Negotiated().Actions&milter.ActChangeHeader != 0
}

// endSigned puts the signatures at the very top (RFC 6376 5.6).
func (s *session) endSigned(mods *milter.Modifications) milter.Response {
	m := s.message
	o := outcome{decision: signed, reason: m.decision.Reason, detail: m.decision.Detail}
	s.handler.Gate.do(func() { m.sign(time.Now(), &o) })
	for _, value := range slices.Backward(o.values) { // the first key's ends on top
		if err := mods.InsertHeader(0, "DKIM-Signature", value); err != nil {
			m.fault = err.Error()
			return s.finish(m.unsigned())
		}
	}
	return s.finish(o)
}

// endVerified writes the verdicts at the very top and does what they lead to.
func (s *session) endVerified(mods *milter.Modifications) milter.Response {
	m := s.message
	v := &m.snapshot.Verifying
	results := awaitResults(m, mods)
	action, situation := v.judge(m.decision.Authors, results)
	if value := v.Report(m.authservID, results); value != "" && !m.reported {
		m.reported = true
		if err := mods.InsertHeader(0, authres.FieldName, value); err != nil {
			m.fault = err.Error()
		}
	}
	if m.fault != "" {
		action, situation = v.Rules.FaultAction(m.decision.Authors), policy.VerifierFault
	}
	o := outcome{decision: decisions[action], reason: summary(results), detail: m.fault, results: resultWords(results), verdicts: results, reply: reply(action, situation)}
	if m.overLimit != "" {
		o.detail = m.overLimit
	}
	if action == policy.QuarantineMail {
		if err := mods.Quarantine("DKIM: " + string(o.reason)); err != nil {
			o.decision, o.detail = verified, err.Error()
		}
	}
	return s.finish(o)
}

// Abort forgets the message, not the connection. One whose header we have has its
// line: the MTA gave it up, or we cut it off because the time to stop is over.
func (s *session) Abort() {
	if m := s.message; m != nil && (m.complete || !m.whole()) {
		reason := MTAAbort
		if s.conn.Context().Err() != nil {
			reason = Stopped
		}
		s.finish(outcome{decision: aborted, reason: reason})
	}
	s.drop()
}

// Fault notes that an event of a message was lost. It is not signed; it goes on to
// its end all the same, so that the verdict is told and nobody profits who wrote
// in our name. Only where faults defer outgoing mail it ends here.
func (s *session) Fault(err error) milter.Response {
	m := s.message
	if m == nil {
		return milter.Continue
	}
	m.queueID = s.conn.Macro("i")
	var tooLarge *milter.TooLargeError
	if errors.As(err, &tooLarge) {
		m.lose(tooLarge)
		return milter.Continue
	}
	m.fault = err.Error()
	if !m.decision.Verify {
		m.decision = policy.Decision{Verify: s.incoming(), Sender: m.decision.Sender}
	}
	if m.snapshot.FaultDefers && !m.decision.Verify {
		return s.finish(m.unsigned())
	}
	return milter.Continue
}

// incoming tells, after a fault, whether the message would have been verified. What
// made the fault may do so again: then it is incoming wherever we verify at all.
func (s *session) incoming() (yes bool) {
	yes = s.handler.Mode != policy.SignOnly
	defer func() { _ = recover() }()
	facts := s.facts(s.message)
	return s.message.snapshot.Incoming(&facts)
}

// Close ends the session with its connection.
func (s *session) Close() { s.Abort() }

// drop gives the message's memory back.
func (s *session) drop() {
	if s.message != nil {
		s.message.release()
		s.message = nil
	}
}

// finish logs the message's one line, ends it and gives the reply.
func (s *session) finish(o outcome) milter.Response {
	s.log(o)
	s.observe(&o)
	s.drop()
	if o.tempfail {
		return deferred
	}
	if o.reply == milter.Continue {
		return milter.Accept
	}
	return o.reply
}

// deferred is the reply for trouble of ours that another try may not meet.
var deferred = mustReply(451, "4.7.5", "Message could not be signed; please try again later")

func mustReply(code int, enhanced, text string) milter.Response {
	r, err := milter.Reply(code, enhanced, text)
	if err != nil {
		panic(err) // a constant of ours
	}
	return r
}
