package life

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"sync/atomic"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/judge"
	"github.com/postseal/postseal/test/internal/postfix"
	"github.com/postseal/postseal/test/internal/sandbox"
	"github.com/postseal/postseal/test/internal/sink"
	"github.com/postseal/postseal/test/internal/submit"
)

// mail is a message to be sent.
type mail struct {
	from  string // address in From and in the envelope
	token string // of the Message-ID, to find it by
	data  []byte
}

// delivery is a message that arrived, and what the daemon's log says about it.
type delivery struct {
	*sink.Message
	author string
	line   daemon.Line
	where  string // {daemon_name}
}

var mails atomic.Int64

func compose(from string) mail {
	m := mail{from: from, token: fmt.Sprintf("letter-%d-", mails.Add(1))}
	m.data = fmt.Appendf(nil, "From: %s\r\nTo: reader@in.test\r\nSubject: A letter\r\nDate: Sat, 21 Nov 2026 21:00:00 +0000\r\nMessage-ID: <%s@mx.lab.test>\r\n\r\nDear reader,\r\nall is well.\r\n",
		from, m.token)
	return m
}

// send sends a small message from a trusted address and waits for it and its line in the log.
func (s *story) send(from string) delivery {
	s.Helper()
	return s.sendOn(s.session(), compose(from), sandbox.Hostname)
}

// sendAs logs in first.
func (s *story) sendAs(user, from string) delivery {
	s.Helper()
	session, err := submit.Open(submit.Options{
		Address: s.mta + ":587", Source: sandbox.ClientIPv4, User: user, Password: postfix.Password, Roots: mta.Roots,
	})
	s.Must(err)
	return s.sendOn(session, compose(from), "ORIGINATING")
}

func (s *story) session() *submit.Session {
	s.Helper()
	session, err := submit.Open(submit.Options{Address: s.mta + ":25"})
	s.Must(err)
	return session
}

func (s *story) sendOn(session *submit.Session, m mail, where string) delivery {
	s.Helper()
	s.Must(session.Send(m.from, []string{"reader@in.test"}, m.data))
	s.Must(session.Quit())
	d := s.arrived(m)
	d.where = where
	return d
}

// arrived waits for m at the next hop and for its line in the daemon's log.
func (s *story) arrived(m mail) delivery {
	s.Helper()
	got, err := nextHop.Wait(m.token+" from "+m.from, func(got *sink.Message) bool { return bytes.Contains(got.Data, []byte(m.token)) })
	s.Must(err)
	id, err := postfix.QueueID(got.Header())
	s.Must(err)
	d := delivery{Message: got, author: m.from}
	s.got = append(s.got, d)
	d.line, err = s.daemon.Message(id)
	s.Must(err)
	return d
}

// signature finds d= and s= of a DKIM-Signature field as postseal writes it.
var signature = regexp.MustCompile(`(?m)^DKIM-Signature: [^;]*;(?:[^;]*;){0,4}? d=([^;]+);\s+s=([^;]+);`)

// signedWith are the keys of the DKIM-Signature fields, as "example.com/s1".
func (d delivery) signedWith() (keys []string) {
	for _, field := range signature.FindAllSubmatch(d.Header(), -1) {
		keys = append(keys, string(field[1])+"/"+string(field[2]))
	}
	if all := bytes.Count(bytes.ToLower(d.Header()), []byte("dkim-signature:")); all != len(keys) {
		return append(keys, fmt.Sprintf("%d fields", all))
	}
	return keys
}

// isSigned wants just one signature with key ("example.com/s1"), which dkimpy accepts, for reason; log and explain agree.
func (s *story) isSigned(d delivery, reason, key string) {
	s.Helper()
	s.isSignedUnseen(d, reason, key)
	s.explained(d)
	s.passes(judge.DKIMPy, d, key)
}

// isSignedUnseen is isSigned by the field itself and the log, where there are too many messages to judge each.
func (s *story) isSignedUnseen(d delivery, reason, key string) {
	s.Helper()
	if d.line.Decision != "signed" || d.line.Reason != reason || d.line.Keys != key || !slices.Equal(d.signedWith(), []string{key}) {
		s.Fatalf("signed with %v, want %s for %s; the log said %s", d.signedWith(), key, reason, d.line.Text)
	}
}

// passes wants a judge to accept the only signature.
func (s *story) passes(verdict func([]byte) ([]judge.Verdict, error), d delivery, key string) {
	s.Helper()
	verdicts, err := verdict(d.Data)
	s.Must(err)
	if len(verdicts) != 1 || !verdicts[0].Pass {
		s.Fatalf("%v, want a pass with %s", verdicts, key)
	}
}

// isLeftAlone wants no signature, and log and explain to give reason.
func (s *story) isLeftAlone(d delivery, reason string) {
	s.Helper()
	if d.line.Decision != "unsigned" || d.line.Reason != reason || d.line.Keys != "" || len(d.signedWith()) != 0 {
		s.Fatalf("signed with %v, want nothing, for %s; the log said %s", d.signedWith(), reason, d.line.Text)
	}
	s.explained(d)
}

// explained wants postseal explain, a process of its own, to say what the log said.
func (s *story) explained(d delivery) {
	s.Helper()
	e, err := s.daemon.Explain(daemon.Facts{From: d.author, User: d.line.User, Client: d.line.Client, DaemonName: d.where})
	s.Must(err)
	if told := d.line.Explanation(); !e.Equal(told) {
		s.Errorf("explain says %+v\nthe log said %+v", e, told)
	}
}
