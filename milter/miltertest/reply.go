package miltertest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/postseal/postseal/milter"
)

// Reply is what the filter answers to a command. The zero Reply stands for none, where none was agreed on.
type Reply struct {
	Code byte   // 'c' continue, 'a' accept, 'r' reject, 't' tempfail, 'd' discard, 's' skip, 'y' with SMTP and Text
	SMTP int    // code of a 'y'
	Text string // of a 'y', with the enhanced status, percent signs as the client sees them
}

// Continues tells whether the message, or the session, goes on and the filter wants to hear of it.
func (r Reply) Continues() bool { return r.Code == 0 || r.Code == 'c' || r.Code == 's' }

// Refuses tells whether the MTA says no.
func (r Reply) Refuses() bool { return r.Code == 'r' || r.Code == 't' || r.Code == 'y' }

func (r Reply) String() string {
	names := map[byte]string{0: "none", 'c': "continue", 'a': "accept", 'r': "reject", 't': "tempfail", 'd': "discard", 's': "skip"}
	if name, ok := names[r.Code]; ok {
		return name
	}
	return fmt.Sprintf("%d %s", r.SMTP, r.Text)
}

// Modification is a change that the filter asks for at the end of a message.
type Modification struct {
	Kind     byte   // 'h' add, 'i' insert, 'm' change (or with an empty Value delete), 'q' quarantine, '+' '-' recipients, 'b' body, 'e' sender
	Index    int    // of 'i' and 'm'
	Name     string // of a header field
	Value    string // of a header field as it came, or the data of the other kinds
	Verbatim bool   // StepLeadingSpace was agreed on: Value stands right behind the colon
}

// readReply reads the reply to a command, past signs of progress.
func (m *MTA) readReply(cmd milter.Command) (Reply, error) {
	if !m.replies(cmd) {
		return Reply{}, nil
	}
	_, reply, err := m.readUntilReply()
	return reply, err
}

func (m *MTA) readUntilReply() (mods []Modification, reply Reply, err error) {
	for {
		code, data, err := m.ReadPacket()
		if err != nil {
			return mods, Reply{}, err
		}
		switch code {
		case 'p':
		case 'h', 'i', 'm', 'q', '+', '-', 'b', 'e':
			mod, err := m.parseModification(code, data)
			if err != nil {
				return mods, Reply{}, err
			}
			mods = append(mods, mod)
		default:
			reply, err = parseReply(code, data)
			return mods, reply, err
		}
	}
}

func parseReply(code byte, data []byte) (Reply, error) {
	switch code {
	case 'c', 'a', 'r', 't', 'd', 's':
		if len(data) != 0 {
			return Reply{}, fmt.Errorf("miltertest: reply %q with %d bytes of data", code, len(data))
		}
		return Reply{Code: code}, nil
	case 'y':
		text, rest, found := strings.Cut(string(data), "\x00")
		smtp, err := strconv.Atoi(text[:min(3, len(text))])
		if !found || rest != "" || err != nil || smtp < 400 || smtp > 599 || len(text) < 5 || text[3] != ' ' {
			return Reply{}, fmt.Errorf("miltertest: malformed reply text %q", data)
		}
		if strings.Contains(strings.ReplaceAll(text, "%%", ""), "%") {
			return Reply{}, fmt.Errorf("miltertest: percent sign in %q would be taken for a format", text)
		}
		return Reply{Code: code, SMTP: smtp, Text: strings.ReplaceAll(text[4:], "%%", "%")}, nil
	}
	return Reply{}, fmt.Errorf("miltertest: %q is no reply", code)
}

func (m *MTA) parseModification(code byte, data []byte) (Modification, error) {
	mod := Modification{Kind: code, Verbatim: m.answer.Steps&milter.StepLeadingSpace != 0}
	need := map[byte]milter.Action{
		'h': milter.ActAddHeader, 'i': milter.ActAddHeader, 'm': milter.ActChangeHeader, 'q': milter.ActQuarantine,
		'+': milter.ActAddRcpt, '-': milter.ActDeleteRcpt, 'b': milter.ActChangeBody, 'e': milter.ActChangeFrom,
	}[code]
	if m.answer.Actions&need == 0 {
		return mod, fmt.Errorf("miltertest: modification %q without the action %v", code, need)
	}
	if code == 'i' || code == 'm' {
		if len(data) < 4 {
			return mod, fmt.Errorf("miltertest: modification %q without an index", code)
		}
		mod.Index = int(binary.BigEndian.Uint32(data))
		data = data[4:]
	}
	if code != 'h' && code != 'i' && code != 'm' {
		mod.Value = strings.TrimSuffix(string(data), "\x00")
		return mod, nil
	}
	parts := bytes.Split(data, []byte{0})
	if len(parts) != 3 || len(parts[2]) != 0 || bytes.ContainsRune(parts[1], '\r') {
		return mod, fmt.Errorf("miltertest: malformed modification %q %q", code, data)
	}
	mod.Name, mod.Value = string(parts[0]), string(parts[1])
	return mod, nil
}
