package e2e

import (
	"bytes"
	"errors"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/submit"
)

// What Postfix says for a milter that is not there, and what postseal says for a key that is not.
const (
	noMilter = "451 4.7.1"
	noKey    = "451 4.7.5 Message could not be signed; please try again later"
)

// half opens a message on session and leaves it half said: all of the header and the first line of the body.
func (s *story) half(session *submit.Session, m mail) (rest []byte) {
	s.Helper()
	s.Must(session.Begin(m.from, []string{"reader@in.test"}))
	cut := bytes.Index(m.data, []byte("\r\n\r\n")) + len("\r\n\r\n")
	cut += bytes.Index(m.data[cut:], []byte("\r\n")) + len("\r\n")
	s.Must(session.Write(m.data[:cut]))
	return m.data[cut:]
}

// finish says the rest of a message and returns the server's refusal, if it is one.
func (s *story) finish(session *submit.Session, rest []byte) error {
	s.Helper()
	s.Must(session.Write(rest))
	return session.End()
}

// deferred checks that err is an SMTP reply that begins with reply, which asks the client to try again.
func (s *story) deferred(err error, reply string) {
	s.Helper()
	said := (*textproto.Error)(nil)
	if !errors.As(err, &said) {
		s.Errorf("the client heard %v, want %s", err, reply)
	} else if have := strconv.Itoa(said.Code) + " " + said.Msg; !strings.HasPrefix(have, reply) {
		s.Errorf("the client heard %s, want %s", have, reply)
	}
}

// passedBy checks that d left unsigned without a line in the log: the milter never saw its end.
func (s *story) passedBy(d delivery) {
	s.Helper()
	if n := d.signatures(); n != 0 {
		s.Errorf("%d DKIM-Signature fields, want none", n)
	}
	for _, l := range s.daemon.Messages() {
		if l.QueueID == d.queueID {
			s.Errorf("the log knows it: %s", l.Text)
		}
	}
}

// balances checks, once pf has nothing left to do, that each of once arrived once, and none of never.
func (s *story) balances(pf *postfix.Postfix, once, never []mail) {
	s.Helper()
	s.Must(pf.Emptied())
	count := func(m mail) int {
		return nextHop.Count(func(got *sink.Message) bool { return bytes.Contains(got.Data, []byte(m.token)) })
	}
	for _, m := range once {
		if n := count(m); n != 1 {
			s.Errorf("%s arrived %d times, want once", m.token, n)
		}
	}
	for _, m := range never {
		if n := count(m); n != 0 {
			s.Errorf("%s arrived %d times after the client was told to try again", m.token, n)
		}
	}
}
