// Package milter serves the milter protocol, by which Sendmail and Postfix let another process look at and change the mail that they receive.
//
// A [Server] accepts connections of an MTA and gives each SMTP session to a [Session] that its [Handler] makes. The Session is told of every step
// (CONNECT, HELO, MAIL, RCPT, DATA, header fields, body, end of message), one call at a time, always in legal order, whatever the peer sends.
//
//	server := &milter.Server{
//		Handler: milter.HandlerFunc(func(c *milter.Conn) milter.Session { return &session{conn: c} }),
//		Actions: milter.ActAddHeader,
//		Steps:   milter.StepNoReplyHeader | milter.StepLeadingSpace,
//	}
//	err := server.Serve(listener)
//
// # On the wire
//
// A packet is a big-endian uint32 length, one command byte, and length-1 bytes of data. The MTA speaks first (OPTNEG: its version, the actions that it
// would carry out, the steps that it could leave out or send without awaiting a reply); this side answers with what it takes of that offer. Then each
// command of the MTA gets one reply, or none where that was negotiated. Macro packets precede the command that they belong to and get no reply. The end
// of a message may be answered with modifications before the reply.
//
// There is no RFC. The sources are Sendmail's libmilter (include/libmilter/mfdef.h, libmilter/engine.c, comm.c), Postfix's milter8.c, and captures of both.
//
// The package knows nothing of DKIM. It runs on Unix.
package milter
