package e2e

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/submit"
)

// mail is a message to be sent.
type mail struct {
	from  string // address in From and in the envelope
	token string // of the Message-ID, to find it by
	data  []byte
}

var mails atomic.Int64

// compose writes a small message.
func compose(from string) mail {
	return composeWith(from, "Subject: A letter\r\n", "Dear reader,\r\n.\r\nall is well.\r\n")
}

// composeWith writes a message with further header fields and a body, both of CRLF lines.
func composeWith(from, fields, body string) mail {
	m := mail{from: from, token: fmt.Sprintf("letter-%d-", mails.Add(1))}
	m.data = fmt.Appendf(nil, "From: %s\r\nTo: reader@in.test\r\nDate: Sat, 21 Nov 2026 21:00:00 +0000\r\nMessage-ID: <%s@lab.test>\r\n%s\r\n%s",
		from, m.token, fields, body)
	return m
}

// lines is the message with LF line ends, as sendmail(1) reads it.
func (m mail) lines() []byte { return bytes.ReplaceAll(m.data, []byte("\r\n"), []byte("\n")) }

// delivery is a message that arrived, and what the daemon's log says about it.
type delivery struct {
	*sink.Message
	author  string // address in From
	sent    []byte // as the client sent it; nil if postseal explain is to hear of the author only
	queueID string
	line    daemon.Line
}

// send transmits m over session and waits until it has arrived.
func (s *story) send(session *submit.Session, m mail, to ...string) delivery {
	s.Helper()
	if len(to) == 0 {
		to = []string{"reader@in.test"}
	}
	s.Must(session.Send(m.from, to, m.data))
	return s.arrived(m)
}

// arrived waits for m at the next hop and for its line in the daemon's log.
func (s *story) arrived(m mail) delivery {
	s.Helper()
	d := s.delivered(m)
	var err error
	d.line, err = s.daemon.Message(d.queueID)
	s.Must(err)
	return d
}

// delivered waits for m at the next hop.
func (s *story) delivered(m mail) delivery {
	s.Helper()
	got, err := nextHop.Wait(m.token+" from "+m.from, func(got *sink.Message) bool { return bytes.Contains(got.Data, []byte(m.token)) })
	s.Must(err)
	d := delivery{Message: got, author: m.from, sent: m.data}
	s.got = append(s.got, d)
	d.queueID, err = postfix.QueueID(got.Header())
	s.Must(err)
	return d
}

// signatures counts the DKIM-Signature fields.
func (d delivery) signatures() int {
	n := 0
	for line := range strings.SplitSeq(string(d.Header()), "\r\n") {
		if strings.HasPrefix(strings.ToLower(line), "dkim-signature:") {
			n++
		}
	}
	return n
}
