package receive

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/submit"
)

var count atomic.Int64

// letter is a small message without a signature.
func letter(from string) []byte {
	return fmt.Appendf(nil, "From: %s\r\nTo: reader@in.test\r\nSubject: A letter\r\nDate: Sat, 21 Nov 2026 21:00:00 +0000\r\n"+
		"Message-ID: <%d@client.test>\r\n\r\nDear reader,\r\n.\r\nall is well.\r\n", from, count.Add(1))
}

// ticket is an envelope sender that no other message has: by it a message is found again, whatever happens to its content.
type ticket string

func newTicket() ticket { return ticket(fmt.Sprintf("ticket-%d@client.test", count.Add(1))) }

// delivery is a message that arrived, and what the daemon's log says about it.
type delivery struct {
	*sink.Message
	sent    []byte // as the client sent it
	queueID string
}

// line is a message's line in the log.
type line struct {
	daemon.Line
	Results string `json:"results"`
}

// receive has a stranger send msg, and waits until it has arrived.
func (s *story) receive(msg []byte) delivery {
	s.Helper()
	return s.receiveAt(mxAddress, msg)
}

// receiveAt is receive where Postfix listens on address.
func (s *story) receiveAt(address string, msg []byte) delivery {
	s.Helper()
	t, err := s.offerAt(address, msg)
	s.Must(err)
	return s.delivered(t, msg)
}

// offer has a stranger send msg. The error is a *textproto.Error where it is refused.
func (s *story) offer(msg []byte) (ticket, error) {
	s.Helper()
	return s.offerAt(mxAddress, msg)
}

func (s *story) offerAt(address string, msg []byte) (ticket, error) {
	s.Helper()
	session := s.connect(address)
	t, err := send(session, msg)
	s.Must(session.Quit())
	return t, err
}

func send(session *submit.Session, msg []byte) (ticket, error) {
	t := newTicket()
	return t, session.Send(string(t), []string{"reader@in.test"}, msg)
}

// delivered waits for a message at the next hop.
func (s *story) delivered(t ticket, sent []byte) delivery {
	s.Helper()
	got, err := nextHop.Wait(string(t), func(m *sink.Message) bool { return m.From == string(t) })
	s.Must(err)
	d := delivery{Message: got, sent: sent}
	s.got = append(s.got, d)
	d.queueID, err = postfix.QueueID(got.Header())
	s.Must(err)
	return d
}

// isNotDelivered sees that a message has not come to the next hop.
func (s *story) isNotDelivered(t ticket) {
	s.Helper()
	if nextHop.Count(func(m *sink.Message) bool { return m.From == string(t) }) > 0 {
		s.Error("it was delivered")
	}
}

// logLine waits for a message's line in the daemon's log.
func (s *story) logLine(queueID string) (l line) {
	s.Helper()
	found, err := s.daemon.Message(queueID)
	s.Must(errors.Join(err, json.Unmarshal([]byte(found.Text), &l)))
	l.Text = found.Text
	return l
}

// named are the values of the fields with a name, unfolded.
func named(msg []byte, name string) (values []string) {
	for _, value := range sink.Values(msg, name) {
		values = append(values, strings.TrimSpace(strings.ReplaceAll(value, "\r\n", "")))
	}
	return values
}

// tag reads a tag of a signature, blanks removed.
func tag(signature, name string) string {
	for part := range strings.SplitSeq(signature, ";") {
		if n, value, _ := strings.Cut(part, "="); strings.TrimSpace(n) == name {
			return strings.Join(strings.Fields(value), "")
		}
	}
	return ""
}

// covers counts how often h= of a signature names a field.
func covers(signature, name string) (n int) {
	for covered := range strings.SplitSeq(tag(signature, "h"), ":") {
		if strings.EqualFold(covered, name) {
			n++
		}
	}
	return n
}
