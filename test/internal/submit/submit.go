// Package submit is a mail client: SMTP with AUTH and STARTTLS, from any of the sandbox's addresses, as many messages on one
// connection as a test wants.
package submit

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/smtp"
)

// Options of a connection.
type Options struct {
	Address  string         // of the server, with its port
	Source   string         // own IP address; empty: the system's choice
	User     string         // AUTH PLAIN after STARTTLS, if not empty
	Password string         //
	Roots    *x509.CertPool // for STARTTLS, used with User
}

// Session is an SMTP connection after EHLO, and after STARTTLS and AUTH when a user was given.
type Session struct {
	c    *smtp.Client
	body io.WriteCloser // of the message between Begin and End
}

// Open connects.
func Open(o Options) (*Session, error) {
	d := net.Dialer{}
	if o.Source != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(o.Source)}
	}
	conn, err := d.Dial("tcp", o.Address)
	if err != nil {
		return nil, err
	}
	const host = "mx.lab.test" // the name in the server's certificate
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		conn.Close()
		return nil, err
	}
	s := &Session{c: c}
	if err := s.greet(host, o); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *Session) greet(host string, o Options) error {
	if err := s.c.Hello("client.test"); err != nil || o.User == "" {
		return err
	}
	if err := s.c.StartTLS(&tls.Config{ServerName: host, RootCAs: o.Roots}); err != nil {
		return err
	}
	return s.c.Auth(smtp.PlainAuth("", o.User, o.Password, host))
}

// Envelope begins a message: MAIL FROM and RCPT TO.
func (s *Session) Envelope(from string, to ...string) error {
	if err := s.command(250, "MAIL FROM:<%s> BODY=8BITMIME", from); err != nil {
		return err
	}
	for _, rcpt := range to {
		if err := s.command(250, "RCPT TO:<%s>", rcpt); err != nil {
			return err
		}
	}
	return nil
}

// Send transmits one message. msg has CRLF lines.
func (s *Session) Send(from string, to []string, msg []byte) error {
	if err := s.Begin(from, to); err != nil {
		return err
	}
	if _, err := s.body.Write(msg); err != nil {
		return err
	}
	return s.End()
}

// Begin transmits a message up to the reply to DATA; Write and End do the rest.
func (s *Session) Begin(from string, to []string) error {
	if err := s.Envelope(from, to...); err != nil {
		return err
	}
	if err := s.command(354, "DATA"); err != nil {
		return err
	}
	s.body = s.c.Text.DotWriter()
	return nil
}

// Write transmits a part of the message, now. Lines end with CRLF.
func (s *Session) Write(part []byte) error {
	if _, err := s.body.Write(part); err != nil {
		return err
	}
	return s.c.Text.W.Flush()
}

// End transmits the lone dot. It returns the server's refusal, a wrapped *textproto.Error, if it does not take the message.
func (s *Session) End() error {
	if err := s.body.Close(); err != nil {
		return err
	}
	if _, _, err := s.c.Text.ReadResponse(250); err != nil {
		return fmt.Errorf("end of data: %w", err)
	}
	return nil
}

// Reset sends RSET.
func (s *Session) Reset() error { return s.c.Reset() }

// Drop closes the connection without a word.
func (s *Session) Drop() error { return s.c.Close() }

// Quit ends the session.
func (s *Session) Quit() error { return s.c.Quit() }

// command is written by hand because smtp.Client.Mail asks for SMTPUTF8 wherever it is offered.
func (s *Session) command(want int, format string, args ...any) error {
	if err := s.c.Text.PrintfLine(format, args...); err != nil {
		return err
	}
	_, _, err := s.c.Text.ReadResponse(want)
	if err != nil {
		return fmt.Errorf(format+": %w", append(args, err)...)
	}
	return nil
}
