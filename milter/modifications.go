package milter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Errors of Modifications.
var (
	ErrNotNegotiated = errors.New("milter: the MTA did not agree to this action")
	ErrMessageEnded  = errors.New("milter: the message has ended")
)

// maxModification is the most data that one modification may have: Sendmail reads no longer packet from a milter.
const maxModification = 65535 - 1

// Modifications are the changes to a message, gathered while Session.EndOfMessage runs. They are made in the order of the calls. A call that returns an error
// has changed nothing.
//
// Values of header fields are given without the blank that follows the colon; a line end within them (a fold) is LF or CRLF, and a space or tab must follow it.
type Modifications struct {
	agreed  Negotiation
	packets []byte // complete, as they go out
	open    bool
	send    func([]byte) error // writes to the MTA at once
}

// reset makes m ready for the end of a message.
func (m *Modifications) reset(agreed Negotiation, send func([]byte) error) {
	m.agreed, m.send, m.packets = agreed, send, m.packets[:0]
}

// AddHeader adds a field below all others.
func (m *Modifications) AddHeader(name, value string) error {
	return m.header('h', ActAddHeader, nil, name, value)
}

// InsertHeader adds a field at a place counted from the top: 0 is above the Received field of the MTA itself, which a Session is not shown, 1 is below that.
func (m *Modifications) InsertHeader(index int, name, value string) error {
	if index < 0 {
		return fmt.Errorf("milter: insert %s at %d: an index counts from 0", name, index)
	}
	return m.header('i', ActAddHeader, &index, name, value)
}

// ChangeHeader replaces the value of the index-th field of that name, counted from 1 at the top, among those that are not deleted yet.
// Where there is no such field the MTA adds one.
func (m *Modifications) ChangeHeader(index int, name, value string) error {
	if value == "" {
		return fmt.Errorf("milter: change %s to nothing: that is DeleteHeader", name)
	}
	return m.change(index, name, value)
}

// DeleteHeader deletes the index-th field of that name, counted from 1 at the top. Deleting moves the ordinals of the fields below: delete from the last one up.
func (m *Modifications) DeleteHeader(index int, name string) error {
	return m.change(index, name, "")
}

func (m *Modifications) change(index int, name, value string) error {
	if index < 1 {
		return fmt.Errorf("milter: change %s number %d: ordinals count from 1", name, index)
	}
	return m.header('m', ActChangeHeader, &index, name, value)
}

// Quarantine makes the MTA hold the message. reason is one line.
func (m *Modifications) Quarantine(reason string) error {
	if err := m.allowed(ActQuarantine); err != nil {
		return err
	}
	if reason == "" || strings.ContainsAny(reason, "\x00\r\n") || len(reason) > maxReplyLine {
		return fmt.Errorf("milter: quarantine reason %.80q: want one line of 1 to %d bytes", reason, maxReplyLine)
	}
	m.packets = beginPacket(m.packets, 'q', len(reason)+1)
	m.packets = append(append(m.packets, reason...), 0)
	return nil
}

// Progress tells the MTA at once that the work goes on, so that it starts to wait anew.
func (m *Modifications) Progress() error {
	if !m.open {
		return ErrMessageEnded
	}
	return m.send([]byte{0, 0, 0, 1, 'p'})
}

// header adds a packet with an optional index, a name and a value.
func (m *Modifications) header(code byte, action Action, index *int, name, value string) error {
	if err := m.allowed(action); err != nil {
		return err
	}
	if !validFieldName(name) {
		return fmt.Errorf("milter: header name %.80q: want printable ASCII without colon (RFC 5322, section 3.6.8)", name)
	}
	value = strings.ReplaceAll(value, "\r\n", "\n")
	if err := checkFieldValue(value); err != nil {
		return fmt.Errorf("milter: header %s: %w", name, err)
	}
	// With the leading space negotiated the MTA writes the value right behind the colon. An empty value deletes and stays empty.
	if m.agreed.Steps&StepLeadingSpace != 0 && value != "" {
		value = " " + value
	}
	size := len(name) + len(value) + 2
	if index != nil {
		size += 4
	}
	if size > maxModification {
		return fmt.Errorf("milter: header %s: %d bytes, at most %d fit", name, size, maxModification)
	}
	m.packets = beginPacket(m.packets, code, size)
	if index != nil {
		m.packets = binary.BigEndian.AppendUint32(m.packets, uint32(*index))
	}
	m.packets = append(append(m.packets, name...), 0)
	m.packets = append(append(m.packets, value...), 0)
	return nil
}

// allowed tells whether a modification can be made now.
func (m *Modifications) allowed(action Action) error {
	if !m.open {
		return ErrMessageEnded
	}
	if m.agreed.Actions&action != action {
		return fmt.Errorf("%w: %v", ErrNotNegotiated, action)
	}
	return nil
}

// validFieldName follows RFC 5322, section 3.6.8 (ftext).
func validFieldName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || c == ':' {
			return false
		}
	}
	return name != ""
}

// checkFieldValue makes sure that a value stays one field when the MTA writes it: a line end must be a fold (RFC 5322, section 2.2.3).
func checkFieldValue(value string) error {
	if i := strings.IndexAny(value, "\x00\r"); i >= 0 {
		return fmt.Errorf("%q at byte %d of the value", value[i], i)
	}
	for rest := value; ; {
		_, after, found := strings.Cut(rest, "\n")
		if !found {
			return nil
		}
		if after == "" || after[0] != ' ' && after[0] != '\t' {
			return errors.New("a line end in the value is not followed by a space or tab: it would end the field")
		}
		rest = after
	}
}
