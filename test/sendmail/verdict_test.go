package sendmail

import (
	"bytes"
	"errors"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/judge"
	"github.com/postseal/postseal/test/internal/sink"
)

var (
	judges = []judge.Judge{{Name: "dkimpy", Verdict: judge.DKIMPy}, {Name: "go-msgauth", Verdict: judge.MsgAuth}}
	keys   = []string{"lab.test/r1", "lab.test/e1"} // both sign all that is signed
)

// isSigned checks that d has one signature with each key, that both judges accept both, and that log and explain say so.
// daemon is {daemon_name}.
func (s *story) isSigned(d delivery, daemon string) {
	s.Helper()
	s.agree(d, daemon, "signed", strings.Join(keys, ","))
	s.verifies(d)
}

// verifies checks that d has one signature with each key, and that both judges accept both.
func (s *story) verifies(d delivery) {
	s.Helper()
	for _, j := range judges {
		for _, v := range s.verdicts(j, d.Data) {
			if !v.Pass {
				s.Errorf("%s: %v", j.Name, v)
			}
			if name := v.Domain + "/" + v.Selector; v.Selector != "" && !slices.Contains(keys, name) {
				s.Errorf("%s: signed with %s", j.Name, name)
			}
		}
	}
}

// breaks checks that no judge accepts any signature of msg.
func (s *story) breaks(msg []byte) {
	s.Helper()
	for _, j := range judges {
		for _, v := range s.verdicts(j, msg) {
			if v.Pass {
				s.Errorf("%s accepts a changed message: %v", j.Name, v)
			}
		}
	}
}

func (s *story) verdicts(j judge.Judge, msg []byte) []judge.Verdict {
	s.Helper()
	verdicts, err := j.Verdict(msg)
	s.Must(err)
	if len(verdicts) != len(keys) {
		s.Errorf("%s judged %d signatures, want %d: %v", j.Name, len(verdicts), len(keys), verdicts)
	}
	return verdicts
}

// isLeftAlone checks that d has no signature, and that log and explain give reason.
func (s *story) isLeftAlone(d delivery, daemon, reason string) {
	s.Helper()
	s.agree(d, daemon, "unsigned", "")
	if d.line.Reason != reason {
		s.Errorf("want unsigned for %s, the log said %s", reason, d.line.Text)
	}
	s.isUnsigned(d)
}

func (s *story) isUnsigned(d delivery) {
	s.Helper()
	if all := sink.Values(d.Data, "DKIM-Signature"); len(all) != 0 {
		s.Errorf("%d DKIM-Signature fields, want none", len(all))
	}
}

// passedBy checks that d left unsigned without a line in the log: the milter never saw its end.
func (s *story) passedBy(d delivery) {
	s.Helper()
	s.isUnsigned(d)
	for _, l := range s.daemon.Messages() {
		if l.QueueID == d.queueID {
			s.Errorf("the log knows it: %s", l.Text)
		}
	}
}

// agree checks the log line's decision and keys, and that postseal explain, a process of its own, says the same.
func (s *story) agree(d delivery, daemonName, decision, keys string) {
	s.Helper()
	if d.line.Decision != decision || d.line.Keys != keys {
		s.Errorf("log: decision=%s keys=%s, want %s %s", d.line.Decision, d.line.Keys, decision, keys)
	}
	e, err := s.daemon.Explain(daemon.Facts{
		User: d.line.User, Client: d.line.Client, DaemonName: daemonName, MTA: "sendmail", Message: d.data,
	})
	s.Must(err)
	if told := d.line.Explanation(); !e.Equal(told) {
		s.Errorf("explain says %+v\nthe log said %+v", e, told)
	}
}

// refused checks that err is an SMTP reply that begins with reply.
func (s *story) refused(err error, reply string) {
	s.Helper()
	said := (*textproto.Error)(nil)
	if !errors.As(err, &said) {
		s.Errorf("the client heard %v, want %s", err, reply)
	} else if have := strconv.Itoa(said.Code) + " " + said.Msg; !strings.HasPrefix(have, reply) {
		s.Errorf("the client heard %s, want %s", have, reply)
	}
}

// balances checks, once Sendmail has nothing left to do, that each of once arrived once, and none of never.
func (s *story) balances(once, never []mail) {
	s.Helper()
	s.Must(mta.Emptied())
	count := func(m mail) int {
		return nextHop.Count(func(got *sink.Message) bool { return got.From == m.envelope })
	}
	for _, m := range once {
		if n := count(m); n != 1 {
			s.Errorf("%s arrived %d times, want once", m.envelope, n)
		}
	}
	for _, m := range never {
		if n := count(m); n != 0 {
			s.Errorf("%s arrived %d times after the client was told that it will not", m.envelope, n)
		}
	}
}

// changed is msg with the first letter behind what has been flipped.
func changed(msg []byte, behind string) []byte {
	out := bytes.Clone(msg)
	at := bytes.Index(out, []byte(behind)) + len(behind)
	at += bytes.IndexFunc(out[at:], func(r rune) bool { return !strings.ContainsRune(" \t\r\n", r) })
	out[at] ^= 1
	return out
}
