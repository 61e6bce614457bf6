package milter

import (
	"bytes"
	"runtime/debug"
)

// call tells the Session of one event: it takes the packet apart and calls the method. A panic of that method and an event that was lost come back as faults.
func (d *dialog) call(p packet) (r Response, err error) {
	defer d.rescue(p.cmd, &err)
	if d.session == nil {
		d.session = d.handler.NewSession(d.Conn)
	}
	if p.lost > 0 && p.cmd != CmdData && p.cmd != CmdEOH { // these two have no data to lose
		if p.cmd == CmdMail {
			d.open = true
			d.session.Mail("", nil) // a message must begin before Fault can tell what is wrong with it
		}
		return Continue, d.tooLarge(p.cmd, p.lost, p.data)
	}
	switch p.cmd {
	case CmdConnect:
		client, err := parseClient(p.data)
		if err != nil {
			return Continue, err
		}
		return d.session.Connect(client), nil
	case CmdHelo, CmdUnknown:
		text, err := oneString(p)
		if err != nil {
			return Continue, err
		}
		if p.cmd == CmdHelo {
			return d.session.Helo(text), nil
		}
		return d.session.Unknown(text), nil
	case CmdMail, CmdRcpt:
		args, err := stringList(p)
		if err != nil {
			return Continue, err
		}
		if p.cmd == CmdRcpt {
			return d.session.Rcpt(args[0], args[1:]), nil
		}
		d.open = true
		return d.session.Mail(args[0], args[1:]), nil
	case CmdData:
		return d.session.Data(), nil
	case CmdHeader:
		name, value, err := field(p.data, d.agreed.Steps&StepLeadingSpace != 0)
		if err != nil {
			return Continue, err
		}
		return d.session.Header(name, value), nil
	case CmdEOH:
		return d.session.EndOfHeaders(), nil
	case CmdBody:
		return d.session.Body(p.data), nil
	case CmdEOM:
		return d.session.EndOfMessage(&d.mods), nil
	}
	return Continue, violation("%v is no event", p.cmd)
}

// oneString is the data of a packet that has one string. Its NUL may be missing.
func oneString(p packet) (string, error) {
	text := bytes.TrimSuffix(p.data, nul)
	if bytes.IndexByte(text, 0) >= 0 {
		return "", violation("%v with more than one string", p.cmd)
	}
	return string(text), nil
}

// maxStrings bounds the strings of MAIL and RCPT: an address and its ESMTP parameters, of which some fifteen are registered.
const maxStrings = 256

// stringList is the data of a packet that has one or more strings, each with its NUL.
func stringList(p packet) ([]string, error) {
	if len(p.data) == 0 || p.data[len(p.data)-1] != 0 {
		return nil, violation("%v without a terminated string", p.cmd)
	}
	n := bytes.Count(p.data, nul)
	if n > maxStrings {
		return nil, violation("%v with %d strings", p.cmd, n)
	}
	list := make([]string, 0, n)
	for rest := p.data; len(rest) > 0; {
		var s []byte
		s, rest, _ = bytes.Cut(rest, nul)
		list = append(list, string(s))
	}
	return list, nil
}

// field takes HEADER's data apart: name NUL value NUL. A NUL within the value is part of it: a stranger's message is no reason to close a connection.
// An MTA without the leading space has taken one off the value (Postfix exactly one, never a tab or LF, which stay where they come first): it goes back
// where the name's NUL was.
func field(data []byte, verbatim bool) (name, value []byte, err error) {
	end := bytes.IndexByte(data, 0)
	if end < 1 {
		return nil, nil, violation("HEADER without a name")
	}
	last := len(data) - 1
	if last == end || data[last] != 0 {
		return nil, nil, violation("HEADER whose value does not end where the packet does")
	}
	name, value = data[:end:end], data[end+1:last:last]
	if !verbatim && len(value) > 0 && value[0] != '\t' && value[0] != '\n' {
		data[end] = ' '
		value = data[end:last:last]
	}
	return name, value, nil
}

// fault tells the Session that an event of its message is lost, and keeps what it answers. One that is lost before a message concerns all that follow.
func (d *dialog) fault(cmd Command, err error) {
	if cmd == CmdConnect || cmd == CmdHelo {
		d.broken = err
		return
	}
	if !d.open {
		return // an Unknown command between messages
	}
	if r := d.askFault(err); r.settles() {
		d.settled, d.held = r, true
	}
}

// earlierFaults tells the Session, when a message begins, what was lost before it did, unless the message is settled.
func (d *dialog) earlierFaults(settled bool) {
	early := d.early
	d.early = nil
	for _, err := range []error{d.broken, early} {
		if err != nil && !settled && !d.settled.settles() {
			d.fault(CmdMail, err)
		}
	}
}

// askFault asks the Session what is to become of its message. One that cannot say lets it pass: no message is held up by an error of ours.
func (d *dialog) askFault(err error) Response {
	r := Accept
	d.guard(CmdEOM, func(s Session) { r = s.Fault(err) })
	return r
}

// guard calls a method of the Session whose panic concerns nobody else.
func (d *dialog) guard(cmd Command, method func(Session)) {
	var err error
	defer d.rescue(cmd, &err)
	if d.session != nil {
		method(d.session)
	}
}

// rescue, deferred, turns a panic into a fault.
func (d *dialog) rescue(cmd Command, err *error) {
	value := recover()
	if value == nil {
		return
	}
	fault := &PanicError{Command: cmd, Value: value, Stack: debug.Stack()}
	d.log.Error("milter: the filter panicked", "command", cmd.String(), "queue_id", d.Macro("i"), "panic", fault.Error(), "stack", string(fault.Stack))
	*err = fault
}

// tooLarge is the fault of an event that was thrown away.
func (d *dialog) tooLarge(cmd Command, size int64, head []byte) error {
	fault := &TooLargeError{Command: cmd, Size: size, Head: bytes.Clone(head)}
	d.log.Warn("milter: a packet over the limit was thrown away", "command", cmd.String(), "queue_id", d.Macro("i"), "bytes", size)
	return fault
}

// isFault tells a lost event from an error of the protocol.
func isFault(err error) bool {
	switch err.(type) {
	case *PanicError, *TooLargeError:
		return true
	}
	return false
}
