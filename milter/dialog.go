package milter

import (
	"bytes"
	"errors"
	"log/slog"
)

// errQuit ends a connection as it should end.
var errQuit = errors.New("milter: quit")

// dialog is the protocol's state machine: packets go in, calls on a Session and packets come out. It does no input; output goes through send.
type dialog struct {
	*Conn
	handler Handler
	wish    wish
	log     *slog.Logger
	send    func([]byte) error

	phase   phase
	session Session // nil until the SMTP session's first event
	open    bool    // Mail was delivered, but neither EndOfMessage nor Abort yet

	refused Response // what settled the whole SMTP session, or Continue
	settled Response // what settled the message, or Continue
	held    bool     // settled came from Fault: it is not given before the end of the header
	skip    bool     // no more of the body is wanted

	broken error // a fault at CONNECT or HELO: every message has it
	early  error // a fault in the macros of MAIL, before the message began

	mods Modifications
	out  []byte // the reply being built
}

// busy tells whether a message is under way that the MTA has no answer to yet, so that the connection must not end.
func (d *dialog) busy() bool {
	return d.open || d.refused.settles() && inMessage.has(d.phase)
}

// handle takes one packet. An error ends the connection; errQuit is the good one.
func (d *dialog) handle(p packet) error {
	rule := order[p.cmd]
	if rule.legal == 0 {
		// libmilter closes too: nobody can tell whether the peer awaits a reply.
		return violation("%v is not a command", p.cmd)
	}
	if !legal(p.cmd, d.agreed.Steps).has(d.phase) {
		return violation("%v %s", p.cmd, d.phase.where())
	}
	if rule.drops {
		d.drop()
	}
	d.phase = after(p.cmd, d.phase)
	switch p.cmd {
	case CmdNegotiate:
		return d.negotiate(p)
	case CmdMacro:
		return d.macro(p)
	case CmdAbort:
		d.macros.endMessage()
		return nil
	case CmdQuit:
		return errQuit
	case CmdQuitNC:
		d.end()
		return nil
	case CmdUnknown:
		return d.unknown(p)
	case CmdEOM:
		return d.endOfMessage(p)
	}
	return d.step(p)
}

// step is a command that is delivered as one event and answered by one reply.
func (d *dialog) step(p packet) error {
	switch p.cmd {
	case CmdMail:
		d.macros.beginMessage()
	case CmdHelo:
		d.macros.endMessage()
	}
	r, err := d.deliver(p)
	if err != nil {
		return err
	}
	return d.answer(p.cmd, r)
}

// deliver tells the Session of an event, unless all is said about it. The protocol's errors come back, faults do not.
func (d *dialog) deliver(p packet) (Response, error) {
	if d.refused.settles() || d.settled.settles() || p.cmd == CmdBody && d.skip {
		return Continue, nil
	}
	r, err := d.call(p)
	if isFault(err) {
		d.fault(p.cmd, err)
		err = nil
	}
	if p.cmd == CmdMail && err == nil {
		d.earlierFaults(r.settles())
	}
	return r, err
}

// answer keeps a response that settles something, and sends the reply if the MTA awaits one.
func (d *dialog) answer(cmd Command, r Response) error {
	switch {
	case cmd == CmdRcpt && r.refuses() && d.replies(cmd):
		return d.reply(r)
	case cmd == CmdConnect || cmd == CmdHelo:
		if r == Discard {
			d.log.Error("milter: Discard means nothing to this command, the session goes on", "command", cmd.String())
			r = Continue
		}
		if r.settles() {
			d.refused = r
		}
	case r == Skip:
		d.skip = cmd == CmdBody
		if !d.skip || !d.CanSkip() {
			r = Continue
		}
	case r.settles():
		d.settled, d.held = r, false
	}
	if !d.replies(cmd) {
		return nil
	}
	switch {
	case d.refused.settles():
		return d.reply(d.refused)
	case d.settled.settles() && !(d.held && inHead(cmd)):
		return d.settle(d.settled)
	}
	return d.reply(r)
}

// unknown is an SMTP command that the MTA does not know. It is part of no message; what the Session answers concerns it alone.
func (d *dialog) unknown(p packet) error {
	r, err := d.deliver(p)
	d.macros.unknown = shrink(d.macros.unknown)
	if err != nil || !d.replies(CmdUnknown) {
		return err
	}
	if r == Skip {
		r = Continue
	}
	return d.reply(r)
}

func (d *dialog) negotiate(p packet) error {
	agreed, answer, err := d.wish.negotiate(p.data)
	if err != nil {
		return err
	}
	d.agreed = agreed
	d.out = beginPacket(d.out[:0], byte(CmdNegotiate), len(answer))
	return d.send(append(d.out, answer...))
}

// macro keeps a packet of macros: the command that they belong to, then names and values.
func (d *dialog) macro(p packet) error {
	if len(p.data) == 0 {
		return violation("MACRO without a command")
	}
	cmd := Command(p.data[0])
	if p.lost == 0 && len(p.data) <= maxMacroBytes {
		return d.macros.set(cmd, p.data[1:])
	}
	if err := d.macros.set(cmd, nil); err != nil {
		return err
	}
	fault := d.tooLarge(CmdMacro, max(p.lost, int64(len(p.data))+1), nil)
	switch {
	case cmd == CmdConnect || cmd == CmdHelo:
		d.broken = fault
	case cmd == CmdMail:
		d.early = fault
	case d.open && cmd != CmdUnknown:
		d.fault(cmd, fault)
	}
	return nil
}

// replies tells whether the MTA awaits a reply.
func (d *dialog) replies(cmd Command) bool { return d.agreed.Steps&cmd.noReply() == 0 }

func (d *dialog) reply(r Response) error {
	d.out = r.appendTo(d.out[:0])
	return d.send(d.out)
}

// inHead tells whether a command comes before the end of the header.
func inHead(cmd Command) bool {
	return bytes.IndexByte([]byte("CHMRTL"), byte(cmd)) >= 0
}
