package panel

import (
	"bytes"
	"fmt"
	"sync/atomic"

	"github.com/postseal/postseal/test/internal/await"
	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/judge"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/submit"
)

// delivery is a message that arrived, and what the daemon's log says about it.
type delivery struct {
	*sink.Message
	line daemon.Line
}

var mails atomic.Int64

// sends a small message through Postfix, as a user who logs in or, if user is empty, from a trusted address; it is delivered when sends
// returns.
func (s *story) sends(user, from string) delivery {
	s.Helper()
	o := submit.Options{Address: s.mta + ":25"}
	if user != "" {
		o = submit.Options{Address: s.mta + ":587", Source: sandbox.ClientIPv4, User: user, Password: postfix.Password, Roots: mta.Roots}
	}
	session, err := submit.Open(o)
	s.must(err)
	token := fmt.Sprintf("letter-%d-", mails.Add(1))
	const letter = "From: %s\r\nTo: reader@in.test\r\nSubject: A letter\r\nDate: Sat, 21 Nov 2026 21:00:00 +0000\r\nMessage-ID: <%s@mx.lab.test>\r\n\r\nDear reader,\r\nall is well.\r\n"
	s.must(session.Send(from, []string{"reader@in.test"}, fmt.Appendf(nil, letter, from, token)))
	s.must(session.Quit())

	got, err := nextHop.Wait(token, func(m *sink.Message) bool { return bytes.Contains(m.Data, []byte(token)) })
	s.must(err)
	id, err := postfix.QueueID(got.Header())
	s.must(err)
	d := delivery{Message: got}
	s.got = append(s.got, d)
	d.line, err = s.daemon.Message(id)
	s.must(err)
	return d
}

// isSigned sends mail until it is signed with key ("example.com/s1"): the milter hears of changes a little later than the page. dkimpy
// has to accept the signature.
func (s *story) isSigned(user, from, key string) {
	s.Helper()
	if verdict := s.verdict(user, from, key); !verdict {
		s.Fatalf("the signature with %s does not verify", key)
	}
}

// isSignedInVain is isSigned with a key that DNS does not have.
func (s *story) isSignedInVain(from, key string) {
	s.Helper()
	if s.verdict("", from, key) {
		s.Fatalf("the signature with %s verifies", key)
	}
}

// verdict is whether dkimpy accepts the only signature of the first message that is signed with key.
func (s *story) verdict(user, from, key string) bool {
	s.Helper()
	var last delivery
	s.must(await.That("mail from "+from+" is signed with "+key, func() bool {
		last = s.sends(user, from)
		return last.line.Keys == key
	}))
	verdicts, err := judge.DKIMPy(last.Data)
	s.must(err)
	return len(verdicts) == 1 && verdicts[0].Pass
}

// isLeftAlone sends mail until it is unsigned for reason.
func (s *story) isLeftAlone(user, from, reason string) {
	s.Helper()
	s.must(await.That("mail from "+from+" is left alone: "+reason, func() bool {
		d := s.sends(user, from)
		return d.line.Decision == "unsigned" && d.line.Reason == reason && !bytes.Contains(d.Header(), []byte("DKIM-Signature"))
	}))
}
