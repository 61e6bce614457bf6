package milter

import (
	"fmt"
	"strings"
)

// Versions of the protocol that the server speaks: 2 is Sendmail 8.10's, 6 that of Sendmail 8.14 and Postfix 2.6 and all later ones.
const (
	minVersion = 2
	maxVersion = 6
)

// Command is the command byte of a packet from the MTA (SMFIC_*).
type Command byte

// The commands of an MTA.
const (
	CmdNegotiate Command = 'O' // SMFIC_OPTNEG: version, actions, steps
	CmdMacro     Command = 'D' // SMFIC_MACRO: a command byte, then names and values
	CmdConnect   Command = 'C' // SMFIC_CONNECT: host name, family, port, address
	CmdHelo      Command = 'H' // SMFIC_HELO
	CmdMail      Command = 'M' // SMFIC_MAIL: address and ESMTP parameters
	CmdRcpt      Command = 'R' // SMFIC_RCPT: address and ESMTP parameters
	CmdData      Command = 'T' // SMFIC_DATA
	CmdHeader    Command = 'L' // SMFIC_HEADER: name and value of one field
	CmdEOH       Command = 'N' // SMFIC_EOH: end of header
	CmdBody      Command = 'B' // SMFIC_BODY: a chunk of the body
	CmdEOM       Command = 'E' // SMFIC_BODYEOB: end of message
	CmdAbort     Command = 'A' // SMFIC_ABORT: the message ends here, the SMTP session goes on
	CmdUnknown   Command = 'U' // SMFIC_UNKNOWN: an SMTP command that the MTA does not know
	CmdQuit      Command = 'Q' // SMFIC_QUIT
	CmdQuitNC    Command = 'K' // SMFIC_QUIT_NC: the SMTP session ends, another one follows on this connection
)

var commandNames = map[Command]string{
	CmdNegotiate: "OPTNEG", CmdMacro: "MACRO", CmdConnect: "CONNECT", CmdHelo: "HELO", CmdMail: "MAIL", CmdRcpt: "RCPT", CmdData: "DATA",
	CmdHeader: "HEADER", CmdEOH: "EOH", CmdBody: "BODY", CmdEOM: "EOM", CmdAbort: "ABORT", CmdUnknown: "UNKNOWN", CmdQuit: "QUIT", CmdQuitNC: "QUIT_NC",
}

func (c Command) String() string {
	if name, ok := commandNames[c]; ok {
		return name
	}
	return fmt.Sprintf("command %#02x", byte(c))
}

// Action is a set of things that a filter may do to a message (SMFIF_*).
type Action uint32

// The actions. Those that this package has no method for are there to be read in logs.
const (
	ActAddHeader     Action = 1 << iota // SMFIF_ADDHDRS: add and insert header fields
	ActChangeBody                       // SMFIF_CHGBODY
	ActAddRcpt                          // SMFIF_ADDRCPT
	ActDeleteRcpt                       // SMFIF_DELRCPT
	ActChangeHeader                     // SMFIF_CHGHDRS: change and delete header fields
	ActQuarantine                       // SMFIF_QUARANTINE
	ActChangeFrom                       // SMFIF_CHGFROM
	ActAddRcptParams                    // SMFIF_ADDRCPT_PAR
	ActSetMacros                        // SMFIF_SETSYMLIST: choose the macros of each stage
)

var actionNames = []string{
	"add-header", "change-body", "add-rcpt", "delete-rcpt", "change-header", "quarantine", "change-from", "add-rcpt-params", "set-macros",
}

func (a Action) String() string { return bitNames(uint32(a), actionNames) }

// Step is a set of choices about the steps of the conversation (SMFIP_*): what the MTA leaves out, what it awaits no reply to, what it adds.
type Step uint32

// The steps.
const (
	StepNoConnect      Step = 1 << iota // SMFIP_NOCONNECT
	StepNoHelo                          // SMFIP_NOHELO
	StepNoMail                          // SMFIP_NOMAIL; the server never asks for it: a message begins with MAIL
	StepNoRcpt                          // SMFIP_NORCPT
	StepNoBody                          // SMFIP_NOBODY
	StepNoHeaders                       // SMFIP_NOHDRS
	StepNoEOH                           // SMFIP_NOEOH
	StepNoReplyHeader                   // SMFIP_NR_HDR
	StepNoUnknown                       // SMFIP_NOUNKNOWN
	StepNoData                          // SMFIP_NODATA
	StepSkip                            // SMFIP_SKIP: the MTA understands Skip as a reply to a body chunk
	StepRejectedRcpt                    // SMFIP_RCPT_REJ: recipients that the MTA refused are shown too
	StepNoReplyConnect                  // SMFIP_NR_CONN
	StepNoReplyHelo                     // SMFIP_NR_HELO
	StepNoReplyMail                     // SMFIP_NR_MAIL
	StepNoReplyRcpt                     // SMFIP_NR_RCPT
	StepNoReplyData                     // SMFIP_NR_DATA
	StepNoReplyUnknown                  // SMFIP_NR_UNKN
	StepNoReplyEOH                      // SMFIP_NR_EOH
	StepNoReplyBody                     // SMFIP_NR_BODY
	StepLeadingSpace                    // SMFIP_HDR_LEADSPC: header values keep the blank after the colon, both ways
)

var stepNames = []string{
	"no-connect", "no-helo", "no-mail", "no-rcpt", "no-body", "no-headers", "no-eoh", "no-reply-header", "no-unknown", "no-data", "skip", "rejected-rcpt",
	"no-reply-connect", "no-reply-helo", "no-reply-mail", "no-reply-rcpt", "no-reply-data", "no-reply-unknown", "no-reply-eoh", "no-reply-body", "leading-space",
}

func (s Step) String() string { return bitNames(uint32(s), stepNames) }

// noReply is the step that, once negotiated, means that the MTA awaits no reply to the command. End of message always has one.
func (c Command) noReply() Step {
	switch c {
	case CmdConnect:
		return StepNoReplyConnect
	case CmdHelo:
		return StepNoReplyHelo
	case CmdMail:
		return StepNoReplyMail
	case CmdRcpt:
		return StepNoReplyRcpt
	case CmdData:
		return StepNoReplyData
	case CmdHeader:
		return StepNoReplyHeader
	case CmdEOH:
		return StepNoReplyEOH
	case CmdBody:
		return StepNoReplyBody
	case CmdUnknown:
		return StepNoReplyUnknown
	}
	return 0
}

// Stage is a stage of the SMTP session that has a macro list of its own (SMFIM_*).
type Stage uint32

// The stages, numbered as they are in a negotiation.
const (
	StageConnect Stage = iota // SMFIM_CONNECT
	StageHelo                 // SMFIM_HELO
	StageMail                 // SMFIM_ENVFROM
	StageRcpt                 // SMFIM_ENVRCPT
	StageData                 // SMFIM_DATA
	StageEOM                  // SMFIM_EOM
	StageEOH                  // SMFIM_EOH
	stages
)

// bitNames lists the names of the bits that are set, and in hexadecimal those that have none.
func bitNames(bits uint32, names []string) string {
	var set []string
	for i, name := range names {
		if bits&(1<<i) != 0 {
			set = append(set, name)
			bits &^= 1 << i
		}
	}
	if bits != 0 {
		set = append(set, fmt.Sprintf("%#x", bits))
	}
	if len(set) == 0 {
		return "none"
	}
	return strings.Join(set, " ")
}
