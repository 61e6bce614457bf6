package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/quotedprintable"
	"net"
	"net/smtp"
	"strings"

	"github.com/postseal/postseal/internal/domains"
	"github.com/postseal/postseal/internal/mailaddr"
)

// Mail sends notifications by SMTP to a server on this machine or nearby, without
// TLS and password.
type Mail struct {
	server string
	from   string
	to     []string
}

// NewMail checks the addresses. server is host:port.
func NewMail(server, from string, to []string) (*Mail, error) {
	if _, _, err := net.SplitHostPort(server); err != nil {
		return nil, fmt.Errorf("mail server %q: %w", server, err)
	}
	if len(to) == 0 {
		return nil, errors.New("no recipient")
	}
	m := &Mail{server: server}
	for i, text := range append([]string{from}, to...) {
		a, err := mailaddr.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("address %q: %w", text, err)
		}
		if i == 0 {
			m.from = a.String()
		} else {
			m.to = append(m.to, a.String())
		}
	}
	return m, nil
}

// Notify sends one message.
func (m *Mail) Notify(ctx context.Context, n domains.Notice) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", m.server)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", m.server, err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	host, _, _ := net.SplitHostPort(m.server)
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", m.server, err)
	}
	if err := m.send(client, n); err != nil {
		return fmt.Errorf("mail server %s: %w", m.server, err)
	}
	return nil
}

func (m *Mail) send(client *smtp.Client, n domains.Notice) error {
	if err := client.Mail(m.from); err != nil {
		return err
	}
	for _, to := range m.to {
		if err := client.Rcpt(to); err != nil {
			return err
		}
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(m.message(n)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	client.Quit() // the message is accepted already
	return nil
}

// message writes the mail. Its Message-ID is the same at every attempt.
func (m *Mail) message(n domains.Notice) []byte {
	var b bytes.Buffer
	field := func(name, value string) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, strings.ReplaceAll(clean(value), "\n", " "))
	}
	field("From", m.from)
	field("To", strings.Join(m.to, ", "))
	field("Subject", fmt.Sprintf("[postseal] %s %s", n.Event, n.Domain))
	field("Date", n.At.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	field("Message-ID", fmt.Sprintf("<notice.%d.%d@%s>", n.ID, n.At.UnixMicro(), m.from[strings.LastIndexByte(m.from, '@')+1:]))
	field("Auto-Submitted", "auto-generated") // RFC 3834: nobody answers
	field("MIME-Version", "1.0")
	field("Content-Type", "text/plain; charset=utf-8")
	field("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&b)
	fmt.Fprintf(q, "%s\r\n\r\nevent     %s\r\n", strings.ReplaceAll(clean(n.Text), "\n", "\r\n"), n.Event)
	for _, line := range []struct{ name, value string }{{"domain", n.Domain}, {"selector", n.Selector}, {"contact", n.Contact}, {"finding", n.Code}} {
		if line.value != "" {
			fmt.Fprintf(q, "%-9s %s\r\n", line.name, clean(line.value))
		}
	}
	q.Close() // a bytes.Buffer takes everything
	return b.Bytes()
}
