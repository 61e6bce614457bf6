package miltertest

import (
	"encoding/binary"
	"strings"

	"github.com/postseal/postseal/milter"
)

// Client is who speaks to the MTA. Addr is text, as an MTA writes it ("IPv6:0:0:0:0:0:0:0:1" from Sendmail), or the path of a Unix socket.
type Client struct {
	Host   string
	Family milter.Family
	Port   uint16
	Addr   string
}

// Macro sends the macros of a command: name, value, name, value.
func (m *MTA) Macro(cmd milter.Command, pairs ...string) error {
	return m.Command(milter.CmdMacro, append([]byte{byte(cmd)}, strs(pairs...)...)...)
}

// Connect sends CONNECT.
func (m *MTA) Connect(c Client) (Reply, error) {
	data := append(strs(c.Host), byte(c.Family))
	if c.Family != milter.FamilyUnknown {
		data = binary.BigEndian.AppendUint16(data, c.Port)
		data = append(data, strs(c.Addr)...)
	}
	return m.ask(milter.CmdConnect, data)
}

// Helo sends HELO.
func (m *MTA) Helo(name string) (Reply, error) { return m.ask(milter.CmdHelo, strs(name)) }

// Mail sends MAIL. from is sent as it is: an MTA sends the angle brackets too.
func (m *MTA) Mail(from string, params ...string) (Reply, error) {
	return m.ask(milter.CmdMail, strs(append([]string{from}, params...)...))
}

// Rcpt sends RCPT.
func (m *MTA) Rcpt(to string, params ...string) (Reply, error) {
	return m.ask(milter.CmdRcpt, strs(append([]string{to}, params...)...))
}

// Data sends DATA.
func (m *MTA) Data() (Reply, error) { return m.ask(milter.CmdData, nil) }

// Header sends a field of the header. value is all that follows the colon, folds as LF; without StepLeadingSpace one space is taken off, as MTAs do.
func (m *MTA) Header(name, value string) (Reply, error) {
	if m.answer.Steps&milter.StepLeadingSpace == 0 {
		value = strings.TrimPrefix(value, " ")
	}
	return m.ask(milter.CmdHeader, strs(name, value))
}

// EOH sends the end of the header.
func (m *MTA) EOH() (Reply, error) { return m.ask(milter.CmdEOH, nil) }

// Body sends a chunk of the body.
func (m *MTA) Body(chunk []byte) (Reply, error) { return m.ask(milter.CmdBody, chunk) }

// EOM sends the end of the message and reads what is to be done to it.
func (m *MTA) EOM() ([]Modification, Reply, error) {
	if err := m.Command(milter.CmdEOM); err != nil {
		return nil, Reply{}, err
	}
	return m.readUntilReply()
}

// Unknown sends an SMTP command that the MTA does not know.
func (m *MTA) Unknown(command string) (Reply, error) { return m.ask(milter.CmdUnknown, strs(command)) }

// Abort sends ABORT, which has no reply.
func (m *MTA) Abort() error { return m.Command(milter.CmdAbort) }

// Quit sends QUIT and closes the connection.
func (m *MTA) Quit() error {
	if err := m.Command(milter.CmdQuit); err != nil {
		return err
	}
	return m.Close()
}

// QuitNC sends QUIT_NC: the next SMTP session may begin, with Connect.
func (m *MTA) QuitNC() error {
	m.greeted = false
	return m.Command(milter.CmdQuitNC)
}

// ask sends a command, unless the filter wants it left out, and reads the reply.
func (m *MTA) ask(cmd milter.Command, data []byte) (Reply, error) {
	if m.left(cmd) {
		return Reply{}, nil
	}
	if err := m.Command(cmd, data...); err != nil {
		return Reply{}, err
	}
	return m.readReply(cmd)
}

// strs is the wire form of strings, each with a NUL behind it.
func strs(list ...string) []byte {
	var p []byte
	for _, s := range list {
		p = append(append(p, s...), 0)
	}
	return p
}
