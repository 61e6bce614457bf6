package milter

// Handler makes a Session for each SMTP session that the MTA reports.
type Handler interface {
	// NewSession is called when the MTA has negotiated and names its client. The Conn belongs to this SMTP session; it is good until Session.Close returns.
	NewSession(c *Conn) Session
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(c *Conn) Session

// NewSession calls f(c).
func (f HandlerFunc) NewSession(c *Conn) Session { return f(c) }

// Session hears of one SMTP session. Its methods are called one at a time, in this order, whatever the peer sends:
//
//	Connect? (Helo | Unknown | message)* Close
//	message = Mail (Rcpt | Data)* Header* EndOfHeaders? Body* (EndOfMessage | Abort)
//
// Unknown may come anywhere after Connect. A message may end with Abort at any point after Mail. So each Mail is followed by exactly one EndOfMessage or one Abort, and
// Close comes once. Data comes twice, or Rcpt after it, when DATA was refused and the client goes on with the same message. Connect is left out when StepNoConnect was
// negotiated, EndOfHeaders when StepNoEOH was, and so on.
//
// A Response other than Continue (and Skip) settles what it was given for, and the Session hears no more of that:
//   - given to Connect or Helo it holds for the whole SMTP session (Accept: all its mail; Reject or Tempfail: the client is refused);
//   - given to Mail, Data, Header, EndOfHeaders or Body it holds for the message, which Abort then ends; Accept and Discard given to Rcpt do the same;
//   - Reject, Tempfail and Reply given to Rcpt refuse that recipient alone, and to Unknown that command alone.
//
// At a step where the MTA awaits no reply nothing is sent: the Response is kept and given at the next step that has a reply.
type Session interface {
	// Connect tells who the MTA's client is.
	Connect(client Client) Response

	// Helo gives the argument of HELO or EHLO. It may come several times (after STARTTLS), or not at all.
	Helo(name string) Response

	// Mail begins a message. from is the sender as the MTA sent it: with angle brackets over SMTP, without them from Postfix's sendmail(1). params are the ESMTP parameters.
	Mail(from string, params []string) Response

	// Rcpt names a recipient, in the same form.
	Rcpt(to string, params []string) Response

	// Data tells that the client sent DATA.
	Data() Response

	// Header gives one field of the header, in order. value is all that followed the colon, with the blank that comes first, continuation lines joined by LF alone, and no
	// line end. Where the MTA strips that blank (no StepLeadingSpace) one space is put in its place, unless the value is empty or begins with a tab or LF, which MTAs leave.
	// name and value are valid until Header returns.
	Header(name, value []byte) Response

	// EndOfHeaders tells that the header is complete.
	EndOfHeaders() Response

	// Body gives the next part of the body, CRLF line ends, cut anywhere. An empty body has no chunk. chunk is valid until Body returns. After Skip no more of the body is
	// delivered; the MTA stops sending it if it can (Conn.CanSkip).
	Body(chunk []byte) Response

	// EndOfMessage tells that the message is complete. This is the only place to change it and to wait for anything: for other steps Sendmail waits 10 seconds.
	// The modifications and the Response leave in one write. They are sent only when the Response is Continue or Accept, which mean the same here.
	EndOfMessage(m *Modifications) Response

	// Abort tells that the message ends without EndOfMessage: the client or the MTA gave it up, or it was settled earlier. What is known of the connection stays.
	// Macros may be those of the next message already: an MTA sends them before the MAIL that ends this one.
	Abort()

	// Unknown gives an SMTP command that the MTA does not know: the verb alone from Postfix, the whole line from Sendmail. The MTA refuses it whatever the Response.
	Unknown(command string) Response

	// Fault tells, within a message, that an event of it was lost: a method of this Session panicked (*PanicError) or a packet was too large (*TooLargeError). If that
	// happened at Connect or Helo, Fault is called after Mail in every message of the SMTP session. With Continue the Session takes up the message again: all later events
	// are delivered. Any other Response settles the message; it is given at the end of the header, or later, never to refuse a recipient or a client.
	// The server has logged the cause.
	Fault(err error) Response

	// Close tells that the SMTP session is over, however it ended.
	Close()
}

// NopSession has all methods of a Session and does nothing: embed it, and write those that matter. A message with a Fault is accepted as it is.
type NopSession struct{}

// Connect returns Continue.
func (NopSession) Connect(Client) Response { return Continue }

// Helo returns Continue.
func (NopSession) Helo(string) Response { return Continue }

// Mail returns Continue.
func (NopSession) Mail(string, []string) Response { return Continue }

// Rcpt returns Continue.
func (NopSession) Rcpt(string, []string) Response { return Continue }

// Data returns Continue.
func (NopSession) Data() Response { return Continue }

// Header returns Continue.
func (NopSession) Header(_, _ []byte) Response { return Continue }

// EndOfHeaders returns Continue.
func (NopSession) EndOfHeaders() Response { return Continue }

// Body returns Continue.
func (NopSession) Body([]byte) Response { return Continue }

// EndOfMessage returns Continue.
func (NopSession) EndOfMessage(*Modifications) Response { return Continue }

// Abort does nothing.
func (NopSession) Abort() {}

// Unknown returns Continue.
func (NopSession) Unknown(string) Response { return Continue }

// Fault returns Accept.
func (NopSession) Fault(error) Response { return Accept }

// Close does nothing.
func (NopSession) Close() {}
