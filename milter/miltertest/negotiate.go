package miltertest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/postseal/postseal/milter"
)

// Offer is what an MTA offers.
type Offer struct {
	Version uint32
	Actions milter.Action
	Steps   milter.Step
}

// What the two MTAs offer (Postfix 3.7.11, Sendmail 8.17.1, captured): the same.
var (
	PostfixOffer  = Offer{Version: 6, Actions: 0x1ff, Steps: 0x1fffff}
	SendmailOffer = PostfixOffer
)

// Answer is what a filter answers to an Offer.
type Answer struct {
	Version uint32
	Actions milter.Action
	Steps   milter.Step
	Macros  map[milter.Stage][]string // lists that replace the MTA's own (SETSYMLIST)
}

// Negotiate sends an offer and reads the answer. As both MTAs do it refuses an answer that asks for what was not offered.
func (m *MTA) Negotiate(offer Offer) (Answer, error) {
	data := binary.BigEndian.AppendUint32(nil, offer.Version)
	data = binary.BigEndian.AppendUint32(data, uint32(offer.Actions))
	data = binary.BigEndian.AppendUint32(data, uint32(offer.Steps))
	if err := m.Command(milter.CmdNegotiate, data...); err != nil {
		return Answer{}, err
	}
	code, data, err := m.ReadPacket()
	if err != nil {
		return Answer{}, err
	}
	if milter.Command(code) != milter.CmdNegotiate || len(data) < 12 {
		return Answer{}, fmt.Errorf("miltertest: %q and %d bytes are no answer to OPTNEG", code, len(data))
	}
	a := Answer{
		Version: binary.BigEndian.Uint32(data),
		Actions: milter.Action(binary.BigEndian.Uint32(data[4:])),
		Steps:   milter.Step(binary.BigEndian.Uint32(data[8:])),
	}
	if a.Macros, err = macroLists(data[12:]); err != nil {
		return a, err
	}
	switch {
	case a.Version < 2 || a.Version > offer.Version:
		return a, fmt.Errorf("miltertest: the filter answers version %d to %d", a.Version, offer.Version)
	case a.Actions&^offer.Actions != 0:
		return a, fmt.Errorf("miltertest: the filter asks for actions that were not offered: %v", a.Actions&^offer.Actions)
	case a.Steps&^offer.Steps != 0:
		return a, fmt.Errorf("miltertest: the filter asks for steps that were not offered: %v", a.Steps&^offer.Steps)
	case len(a.Macros) > 0 && a.Actions&milter.ActSetMacros == 0:
		return a, fmt.Errorf("miltertest: the filter sends macro lists without asking to")
	}
	m.answer = a
	return a, nil
}

// macroLists reads the rest of an answer: stage (uint32), names with blanks between them, NUL.
func macroLists(data []byte) (map[milter.Stage][]string, error) {
	var lists map[milter.Stage][]string
	for len(data) > 0 {
		if len(data) < 5 {
			return nil, fmt.Errorf("miltertest: %d stray bytes after the answer to OPTNEG", len(data))
		}
		stage := milter.Stage(binary.BigEndian.Uint32(data))
		names, rest, found := bytes.Cut(data[4:], []byte{0})
		if !found || stage > milter.StageEOH {
			return nil, fmt.Errorf("miltertest: bad macro list for stage %d", stage)
		}
		if lists == nil {
			lists = map[milter.Stage][]string{}
		}
		lists[stage] = strings.Fields(string(names))
		data = rest
	}
	return lists, nil
}

// replies tells whether a reply to a command was agreed on.
func (m *MTA) replies(cmd milter.Command) bool {
	return m.answer.Steps&noReply[cmd] == 0
}

// left tells whether the filter wants a command left out.
func (m *MTA) left(cmd milter.Command) bool {
	return m.answer.Steps&leftOut[cmd] != 0
}

var noReply = map[milter.Command]milter.Step{
	milter.CmdConnect: milter.StepNoReplyConnect, milter.CmdHelo: milter.StepNoReplyHelo, milter.CmdMail: milter.StepNoReplyMail,
	milter.CmdRcpt: milter.StepNoReplyRcpt, milter.CmdData: milter.StepNoReplyData, milter.CmdHeader: milter.StepNoReplyHeader,
	milter.CmdEOH: milter.StepNoReplyEOH, milter.CmdBody: milter.StepNoReplyBody, milter.CmdUnknown: milter.StepNoReplyUnknown,
}

var leftOut = map[milter.Command]milter.Step{
	milter.CmdConnect: milter.StepNoConnect, milter.CmdHelo: milter.StepNoHelo, milter.CmdMail: milter.StepNoMail,
	milter.CmdRcpt: milter.StepNoRcpt, milter.CmdData: milter.StepNoData, milter.CmdHeader: milter.StepNoHeaders,
	milter.CmdEOH: milter.StepNoEOH, milter.CmdBody: milter.StepNoBody, milter.CmdUnknown: milter.StepNoUnknown,
}
