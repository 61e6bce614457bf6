package milter

// phase is how far a connection has come.
type phase uint8

const (
	phaseStart   phase = iota // nothing is negotiated yet
	phaseOpen                 // negotiated: CONNECT comes next
	phaseAgain                // after QUIT_NC: CONNECT, or another negotiation
	phaseReady                // between messages
	phaseMail                 // MAIL came, perhaps RCPT
	phaseData                 // DATA came
	phaseHeaders              // fields of the header
	phaseBody                 // the header is complete
	phaseSettled              // the message was answered for good; what still comes of it gets the same answer
)

type phaseSet uint16

func in(list ...phase) (set phaseSet) {
	for _, p := range list {
		set |= 1 << p
	}
	return set
}

func (s phaseSet) has(p phase) bool { return s&(1<<p) != 0 }

var (
	inMessage  = in(phaseMail, phaseData, phaseHeaders, phaseBody, phaseSettled)
	inSession  = inMessage | in(phaseReady)
	negotiated = inSession | in(phaseOpen, phaseAgain)
)

// rule says in which phases a command is legal, and to which it leads.
type rule struct {
	legal phaseSet
	next  phase
	stays bool // the phase does not change
	drops bool // a message under way is dropped first, as by ABORT
}

// order has the rule of every command. A command out of its place ends the connection: there is no telling what reply the peer awaits.
//
// It is as lenient as libmilter (engine.c, trans_ok) where an MTA needs that:
//   - HELO or MAIL within a message drop it: Sendmail sends no ABORT after a message that was refused at MAIL, Postfix tells HELO before the ABORT that it causes;
//   - RCPT and DATA may follow DATA: the MTA refused that itself, and its client goes on;
//   - DATA is left out by protocol versions under 4, RCPT by a bounce without recipients that an MTA accepts, HELO by clients;
//   - ABORT needs no message: Postfix sends it after each, and once more at QUIT;
//   - after an answer that settles a message its other commands are still taken, since where that was not awaited they may be on their way.
//
// It is stricter in one thing: libmilter takes BODY or end of message directly after RCPT. Here the end of the header must have come, if the MTA sends it at all.
var order = [256]rule{
	CmdNegotiate: {legal: in(phaseStart, phaseAgain), next: phaseOpen},
	CmdMacro:     {legal: negotiated, stays: true},
	CmdConnect:   {legal: in(phaseOpen, phaseAgain), next: phaseReady},
	CmdHelo:      {legal: inSession, next: phaseReady, drops: true},
	CmdMail:      {legal: inSession, next: phaseMail, drops: true},
	CmdRcpt:      {legal: in(phaseMail, phaseData, phaseSettled), next: phaseMail},
	CmdData:      {legal: in(phaseMail, phaseData, phaseSettled), next: phaseData},
	CmdHeader:    {legal: in(phaseMail, phaseData, phaseHeaders, phaseSettled), next: phaseHeaders},
	CmdEOH:       {legal: in(phaseMail, phaseData, phaseHeaders, phaseSettled), next: phaseBody},
	CmdBody:      {legal: in(phaseBody, phaseSettled), next: phaseBody},
	CmdEOM:       {legal: in(phaseBody, phaseSettled), next: phaseReady},
	CmdUnknown:   {legal: inSession, stays: true},
	CmdAbort:     {legal: negotiated, next: phaseReady, drops: true},
	CmdQuitNC:    {legal: negotiated, next: phaseAgain},
	CmdQuit:      {legal: negotiated | in(phaseStart), stays: true},
}

// legal tells where a command may come, given the steps that the MTA leaves out.
func legal(cmd Command, steps Step) phaseSet {
	set := order[cmd].legal
	if (cmd == CmdBody || cmd == CmdEOM) && steps&StepNoEOH != 0 {
		set |= in(phaseMail, phaseData, phaseHeaders)
	}
	if steps&StepNoConnect != 0 && set.has(phaseReady) {
		set |= in(phaseOpen, phaseAgain)
	}
	return set
}

// after tells the phase that a legal command leads to.
func after(cmd Command, now phase) phase {
	rule := order[cmd]
	switch {
	case cmd == CmdUnknown && !inSession.has(now):
		return phaseReady // without CONNECT the SMTP session begins with its first event
	case rule.stays, cmd == CmdAbort && !inSession.has(now):
		return now
	case now == phaseSettled && inMessage.has(rule.next) && cmd != CmdMail:
		return phaseSettled // until the message ends
	}
	return rule.next
}

// where says in words where a command came, for the log.
func (p phase) where() string {
	return [...]string{
		phaseStart:   "before the negotiation",
		phaseOpen:    "before CONNECT",
		phaseAgain:   "after QUIT_NC",
		phaseReady:   "outside of a message",
		phaseMail:    "after MAIL or RCPT",
		phaseData:    "after DATA",
		phaseHeaders: "within the header",
		phaseBody:    "within the body",
		phaseSettled: "after the message was answered",
	}[p]
}
