package milter

import (
	"context"
	"net"
)

// Conn is one SMTP session as far as the MTA tells of it. Its methods may be called while a method of the Session runs.
type Conn struct {
	id     uint64
	ctx    context.Context
	local  net.Addr
	remote net.Addr
	agreed Negotiation
	macros macros
}

// ID numbers the connections of a Server, from 1. After QUIT_NC the next SMTP session has the same number.
func (c *Conn) ID() uint64 { return c.id }

// Context is cancelled when the connection ends or the Server is closed: whatever a Session waits for should give up then.
func (c *Conn) Context() context.Context { return c.ctx }

// LocalAddr is the address of the listener that the MTA came to.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the address of the MTA, not of its client.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// Negotiated is what was agreed with the MTA.
func (c *Conn) Negotiated() Negotiation { return c.agreed }

// CanSkip tells whether the MTA stops to send the body when Body answers Skip.
func (c *Conn) CanSkip() bool {
	return c.agreed.Steps&(StepSkip|StepNoReplyBody) == StepSkip
}

// Macro is the value of one of the MTA's macros, "" when it is not set. The name may stand in braces or not: "{auth_authen}", "auth_authen", "i", "{i}".
// A macro that several stages have set has its latest value. Those of CONNECT and HELO last as long as the SMTP session, the others as long as the message.
func (c *Conn) Macro(name string) string {
	value, _ := c.macros.get(name)
	return value
}

// LookupMacro is Macro that also tells an empty value from a macro that is not set.
func (c *Conn) LookupMacro(name string) (value string, set bool) { return c.macros.get(name) }
