package miltertest

import (
	"fmt"

	"github.com/postseal/postseal/milter"
)

// Style is whose habits Send has.
type Style int

// The styles. They differ in when macros are sent and in whether ABORT follows a message.
const (
	Postfix  Style = iota // macros before every header and body packet; ABORT after every message
	Sendmail              // macros at CONNECT, HELO, MAIL, RCPT, end of message; no ABORT
)

// maxChunk is the longest body chunk of both MTAs.
const maxChunk = 65535

// Message is a message for Send.
type Message struct {
	From   string // with angle brackets, as over SMTP
	Params []string
	To     []string
	Raw    []byte            // RFC 5322, lines ended by CRLF or LF; what a milter is shown: without the MTA's own Received
	Macros map[string]string // on top of MTA.Macros
}

// Result is what came of a message.
type Result struct {
	Reply         Reply          // that decided
	At            milter.Command // the command that it answered
	Refused       []string       // recipients that were refused
	Modifications []Modification
	Skipped       bool   // the filter asked for no more of the body, and got no more
	Delivered     []byte // what is delivered, CRLF line ends; nil if the message was refused or discarded
}

// Send plays a message from MAIL to the end, with CONNECT and HELO before the first one. An error means that the filter broke the connection or the protocol.
func (m *MTA) Send(msg Message) (Result, error) {
	s := sender{MTA: m, msg: msg}
	err := s.play()
	if err == nil && m.Style == Postfix {
		err = m.Abort()
	}
	if err != nil {
		return s.result, fmt.Errorf("miltertest: %v: %w", s.at, err)
	}
	return s.result, nil
}

// sender is one Send.
type sender struct {
	*MTA
	msg    Message
	at     milter.Command
	result Result
}

// play sends command after command until one of them decides.
func (s *sender) play() error {
	fields, body := split(s.msg.Raw)
	for _, part := range []func() (done bool, err error){
		s.greet,
		s.envelope,
		func() (bool, error) { return s.header(fields) },
		func() (bool, error) { return s.body(body) },
	} {
		if done, err := part(); done || err != nil {
			return err
		}
	}
	if err := s.macrosFor(milter.CmdEOM); err != nil {
		return err
	}
	mods, reply, err := s.EOM()
	s.result.Modifications = mods
	if err == nil {
		s.decide(reply)
	}
	return err
}

func (s *sender) greet() (bool, error) {
	if s.greeted {
		return false, nil
	}
	s.greeted = true
	if done, err := s.do(milter.CmdConnect, func() (Reply, error) { return s.Connect(s.Client) }); done || err != nil {
		return done, err
	}
	return s.do(milter.CmdHelo, func() (Reply, error) { return s.Helo(s.HeloName) })
}

func (s *sender) envelope() (bool, error) {
	done, err := s.do(milter.CmdMail, func() (Reply, error) { return s.Mail(s.msg.From, s.msg.Params...) })
	if done || err != nil {
		return done, err
	}
	for _, to := range s.msg.To {
		s.result.Reply = Reply{}
		done, err := s.do(milter.CmdRcpt, func() (Reply, error) { return s.Rcpt(to) })
		if err != nil || done && !s.result.Reply.Refuses() {
			return done, err
		}
		if done {
			s.result.Refused = append(s.result.Refused, to)
		}
	}
	if len(s.msg.To) > 0 && len(s.result.Refused) == len(s.msg.To) {
		return true, nil
	}
	s.result.Reply, s.result.At = Reply{}, 0
	return s.do(milter.CmdData, s.Data)
}

func (s *sender) header(fields []headerField) (bool, error) {
	for _, f := range fields {
		if done, err := s.do(milter.CmdHeader, func() (Reply, error) { return s.Header(f.name, f.value) }); done || err != nil {
			return done, err
		}
	}
	return s.do(milter.CmdEOH, s.EOH)
}

func (s *sender) body(body []byte) (bool, error) {
	for len(body) > 0 && !s.result.Skipped {
		n := min(len(body), maxChunk)
		chunk := body[:n]
		body = body[n:]
		done, err := s.do(milter.CmdBody, func() (Reply, error) {
			reply, err := s.Body(chunk)
			s.result.Skipped = reply.Code == 's'
			return reply, err
		})
		if done || err != nil {
			return done, err
		}
	}
	return false, nil
}

// do sends the macros of a command and the command. done means that the reply decided.
func (s *sender) do(cmd milter.Command, send func() (Reply, error)) (done bool, err error) {
	s.at = cmd
	if err := s.macrosFor(cmd); err != nil {
		return false, err
	}
	reply, err := send()
	if err != nil || reply.Continues() {
		return false, err
	}
	s.decide(reply)
	return true, nil
}

// decide keeps the reply that decided and what follows from it.
func (s *sender) decide(reply Reply) {
	s.result.Reply, s.result.At = reply, s.at
	if !reply.Refuses() && reply.Code != 'd' {
		s.result.Delivered = Apply(s.msg.Raw, s.result.Modifications)
	}
}
