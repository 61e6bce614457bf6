package e2e

import (
	"bytes"
	"strings"

	"github.com/postseal/postseal/test/internal/daemon"
	"github.com/postseal/postseal/test/internal/judge"
)

// isSigned checks that d has exactly one signature with each of keys ("lab.test/r1"), in this order in log and explain; that all judges accept
// it and none accepts it with one byte changed; and that log and explain say so. daemonName is {daemon_name}.
func (s *story) isSigned(d delivery, daemonName string, keys ...string) {
	s.Helper()
	s.agree(d, daemonName, "signed", strings.Join(keys, ","))
	if n := d.signatures(); n != len(keys) {
		s.Fatalf("%d DKIM-Signature fields, want %v", n, keys)
	}
	for _, j := range judge.All {
		for _, v := range s.verdicts(j, d.Data, len(keys)) {
			if !v.Pass {
				s.Errorf("%s: %v", j.Name, v)
			}
			if name := v.Domain + "/" + v.Selector; v.Selector != "" && !bytes.Contains([]byte(strings.Join(keys, ",")), []byte(name)) {
				s.Errorf("%s: signed with %s, want %v", j.Name, name, keys)
			}
		}
		for what, changed := range map[string][]byte{"body": changedBody(d.Data), "subject": changedSubject(d.Data)} {
			for _, v := range s.verdicts(j, changed, len(keys)) {
				if v.Pass {
					s.Errorf("%s accepts a changed %s: %v", j.Name, what, v)
				}
			}
		}
	}
}

// isLeftAlone checks that d has no signature, and that log and explain give reason.
func (s *story) isLeftAlone(d delivery, daemonName, reason string) {
	s.Helper()
	s.agree(d, daemonName, "unsigned", "")
	if d.line.Reason != reason {
		s.Errorf("reason %q, want %q", d.line.Reason, reason)
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
	e, err := daemon.Explain(s.daemon.Config, daemon.Facts{
		From: d.author, User: d.line.User, Client: d.line.Client, DaemonName: daemonName,
	})
	s.must(err)
	told := daemon.Explanation{Decision: d.line.Decision, Reason: d.line.Reason, From: d.line.From, Keys: d.line.KeyList()}
	if !e.Equal(told) {
		s.Errorf("explain says %+v\nthe log said %+v", e, told)
	}
}

func (s *story) verdicts(j judge.Judge, msg []byte, want int) []judge.Verdict {
	s.Helper()
	verdicts, err := j.Verdict(msg)
	s.must(err)
	if len(verdicts) != want {
		s.Errorf("%s judged %d signatures, want %d: %v", j.Name, len(verdicts), want, verdicts)
	}
	return verdicts
}

// changedBody is msg with one letter of the body changed.
func changedBody(msg []byte) []byte {
	at := bytes.Index(msg, []byte("\r\n\r\n")) + 4
	return changed(msg, at)
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
