package filter

import (
	"errors"

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
	s.message = newMessage(s.handler.Current())
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

// EndOfHeaders decides. A message that is left alone is accepted here, which
// spares the MTA sending its body.
func (s *session) EndOfHeaders() milter.Response {
	m := s.message
	if m == nil {
		return milter.Accept
	}
	m.queueID = s.conn.Macro("i")
	if m.overLimit != "" {
		return s.finish(outcome{decision: unsigned, reason: Limit, detail: m.overLimit})
	}
	facts := s.facts(m)
	m.decision = m.snapshot.Decide(&facts, nil)
	m.user = facts.User
	if m.decision.Sign {
		m.loadKeys()
	}
	if d := m.decision; !d.Sign {
		return s.finish(outcome{decision: unsigned, reason: d.Reason, detail: d.Detail, tempfail: d.Tempfail})
	}
	m.begin(s.conn.Macro("v"))
	return milter.Continue
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
		Fields:          &m.fields,
	}
}

// Body feeds the hashes; nothing of it is kept.
func (s *session) Body(chunk []byte) milter.Response {
	if s.message != nil {
		s.message.write(chunk)
	}
	return milter.Continue
}

// EndOfMessage signs and puts the signatures at the very top (RFC 6376 5.6).
func (s *session) EndOfMessage(mods *milter.Modifications) milter.Response {
	m := s.message
	if m == nil {
		return milter.Accept
	}
	o := outcome{decision: signed, reason: m.decision.Reason, detail: m.decision.Detail}
	s.handler.Gate.do(func() { m.sign(&o) })
	for i := len(o.values) - 1; i >= 0; i-- { // the first key's ends on top
		if err := mods.InsertHeader(0, "DKIM-Signature", o.values[i]); err != nil {
			return s.finish(outcome{decision: unsigned, reason: InternalError, detail: err.Error(), tempfail: m.snapshot.FaultDefers})
		}
	}
	return s.finish(o)
}

// Abort forgets the message, not the connection.
func (s *session) Abort() {
	if m := s.message; m != nil && m.decision.Sign {
		s.finish(outcome{decision: aborted, reason: MTAAbort})
	}
	s.drop()
}

// Fault answers for a message of which an event was lost: it leaves as it is,
// or is deferred. One whose connection's facts were lost stays untrusted.
func (s *session) Fault(err error) milter.Response {
	if s.message == nil {
		return milter.Continue
	}
	s.message.queueID = s.conn.Macro("i")
	var tooLarge *milter.TooLargeError
	if errors.As(err, &tooLarge) {
		return s.finish(outcome{decision: unsigned, reason: Limit, detail: err.Error()})
	}
	return s.finish(outcome{decision: unsigned, reason: InternalError, detail: err.Error(), tempfail: s.message.snapshot.FaultDefers})
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
	s.drop()
	if o.tempfail {
		return deferred
	}
	return milter.Accept
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
