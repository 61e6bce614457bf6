package e2e

import (
	"bytes"
	"slices"
	"strings"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/judge"
)

// isSigned checks that d has exactly one signature with each of keys ("lab.test/r1"), in this order in log and explain;
// that all judges accept it and none accepts it with one byte changed. daemonName is {daemon_name}.
func (s *story) isSigned(d delivery, daemonName string, keys ...string) {
	s.Helper()
	s.agree(d, daemonName, "signed", strings.Join(keys, ","))
	s.verifies(d, keys...)
	s.breaks("body", changedBody(d.Data), len(keys))
	s.breaks("subject", changedSubject(d.Data), len(keys))
}

// agreesAndVerifies is isSigned with lab.test/r1, without the changed messages that it costs time to judge.
func (s *story) agreesAndVerifies(d delivery) {
	s.Helper()
	s.agree(d, plain, "signed", "lab.test/r1")
	s.verifies(d, "lab.test/r1")
}

// verifies checks that d has exactly one signature with each of keys, and that all judges accept all.
func (s *story) verifies(d delivery, keys ...string) {
	s.Helper()
	if n := d.signatures(); n != len(keys) {
		s.Errorf("%d DKIM-Signature fields, want %v", n, keys)
	}
	for _, j := range judge.All {
		s.acceptedBy(j, d, keys...)
	}
}

// acceptedBy checks that j accepts a signature with each of keys.
func (s *story) acceptedBy(j judge.Judge, d delivery, keys ...string) {
	s.Helper()
	for _, v := range s.verdicts(j, d.Data, len(keys)) {
		if !v.Pass {
			s.Errorf("%s: %v", j.Name, v)
		}
		if name := v.Domain + "/" + v.Selector; v.Selector != "" && !slices.Contains(keys, name) {
			s.Errorf("%s: signed with %s, want %v", j.Name, name, keys)
		}
	}
}

// breaks checks that no judge accepts any signature of msg, in which what has been changed.
func (s *story) breaks(what string, msg []byte, signatures int) {
	s.Helper()
	for _, j := range judge.All {
		for _, v := range s.verdicts(j, msg, signatures) {
			if v.Pass {
				s.Errorf("%s accepts a changed %s: %v", j.Name, what, v)
			}
		}
	}
}

// isLeftAlone checks that d has no signature, and that log and explain give reason.
func (s *story) isLeftAlone(d delivery, daemonName, reason string) {
	s.Helper()
	s.agree(d, daemonName, "unsigned", "")
	s.unsignedFor(d, reason)
}

// unsignedFor checks that d has no signature, and that the log gives reason.
func (s *story) unsignedFor(d delivery, reason string) {
	s.Helper()
	if d.line.Decision != "unsigned" || d.line.Reason != reason || d.line.Keys != "" {
		s.Errorf("want unsigned for %s, the log said %s", reason, d.line.Text)
	}
	if n := d.signatures(); n != 0 {
		s.Errorf("%d DKIM-Signature fields, want none", n)
	}
}

// agree checks the log line's decision and keys, and that postseal explain, a process of its own, says the same.
func (s *story) agree(d delivery, daemonName, decision, keys string) {
	s.Helper()
	if d.line.Decision != decision || d.line.Keys != keys {
		s.Errorf("log: decision=%s keys=%s, want %s %s", d.line.Decision, d.line.Keys, decision, keys)
	}
	e, err := s.daemon.Explain(daemon.Facts{
		From: d.author, User: d.line.User, Client: d.line.Client, DaemonName: daemonName, Message: d.sent,
	})
	s.Must(err)
	if told := d.line.Explanation(); !e.Equal(told) {
		s.Errorf("explain says %+v\nthe log said %+v", e, told)
	}
}

func (s *story) verdicts(j judge.Judge, msg []byte, want int) []judge.Verdict {
	s.Helper()
	verdicts, err := j.Verdict(msg)
	s.Must(err)
	if len(verdicts) != want {
		s.Errorf("%s judged %d signatures, want %d: %v", j.Name, len(verdicts), want, verdicts)
	}
	return verdicts
}

// changedBody is msg with one byte of the body changed, or, where the body is blank, with one added.
func changedBody(msg []byte) []byte {
	header, body, _ := bytes.Cut(msg, []byte("\r\n\r\n"))
	if len(bytes.TrimSpace(body)) == 0 {
		return append(bytes.Clone(msg), "x\r\n"...)
	}
	return changed(msg, len(header)+4)
}

// changedSubject is msg with the first letter of the subject changed.
func changedSubject(msg []byte) []byte {
	const name = "\r\nSubject:"
	return changed(msg, bytes.Index(msg, []byte(name))+len(name))
}

// changed flips one bit of the first byte from at on that is no white space: canonicalization cannot hide that.
func changed(msg []byte, at int) []byte {
	at += bytes.IndexFunc(msg[at:], func(r rune) bool { return !strings.ContainsRune(" \t\r\n", r) })
	out := bytes.Clone(msg)
	out[at] ^= 1
	return out
}
