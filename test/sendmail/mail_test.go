package sendmail

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/submit"
)

// mail is a message to be sent. It is found again by its envelope sender, which no other message has.
type mail struct {
	author   string // address in From
	envelope string
	data     []byte
}

// letter is a small message with all that a good client writes.
func letter(author string) mail {
	return compose(author, "To: reader@in.test\r\nSubject: A letter\r\n", "Dear reader,\r\n.\r\nall is well.\r\n")
}

// compose writes a message with further header fields and a body, both of CRLF lines.
func compose(author, fields, body string) mail {
	n := count.Add(1)
	return raw(author, fmt.Sprintf("From: %s\r\nDate: Sat, 21 Nov 2026 21:00:00 +0000\r\nMessage-ID: <%d@lab.test>\r\n%s\r\n%s", author, n, fields, body))
}

// raw is a message of which the test writes every octet.
func raw(author, data string) mail {
	return mail{author: author, envelope: fmt.Sprintf("ticket-%d@lab.test", count.Add(1)), data: []byte(data)}
}

// lines is the message with LF line ends, as sendmail(1) reads it.
func (m mail) lines() []byte { return bytes.ReplaceAll(m.data, []byte("\r\n"), []byte("\n")) }

// delivery is a message that arrived, and what the daemon's log says about it.
type delivery struct {
	*sink.Message
	mail
	queueID string
	line    daemon.Line
}

// offer sends m over session and returns the server's refusal, if it is one.
func (s *story) offer(session *submit.Session, m mail, to ...string) error {
	s.Helper()
	if len(to) == 0 {
		to = []string{"reader@in.test"}
	}
	return session.Send(m.envelope, to, m.data)
}

// send transmits m over session and waits until it has arrived.
func (s *story) send(session *submit.Session, m mail, to ...string) delivery {
	s.Helper()
	s.Must(s.offer(session, m, to...))
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
	got, err := nextHop.Wait(m.envelope, func(got *sink.Message) bool { return got.From == m.envelope })
	s.Must(err)
	d := delivery{Message: got, mail: m}
	s.got = append(s.got, d)
	received := queueID.FindSubmatch(got.Header())
	if received == nil {
		s.Fatalf("the delivered message has no Received field of Sendmail:\n%s", got.Data)
	}
	d.queueID = string(received[1])
	return d
}

// queueID finds the id in the first Received field, which is that of our MTA.
var queueID = regexp.MustCompile(`(?s)by mx\.lab\.test \([^)]*\) with E?SMTPS?A? id ([0-9A-Za-z]+)`)

// covers tells whether all signatures of msg name a field in h=.
func covers(msg []byte, name string) bool {
	signatures := sink.Values(msg, "DKIM-Signature")
	for _, signature := range signatures {
		_, list, _ := strings.Cut(strings.Join(strings.Fields(signature), ""), ";h=")
		list, _, _ = strings.Cut(list, ";")
		if !strings.Contains(":"+strings.ToLower(list)+":", ":"+strings.ToLower(name)+":") {
			return false
		}
	}
	return len(signatures) > 0
}
