package receive

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// strict has another action for each situation.
const strict = `
[verify]
bad_signature = "reject"
key_not_found = "tempfail"
no_signature = "quarantine"
malformed = "discard"
security = "reject"

[[verify.domain]]
domain = "bank.test"
no_aligned_pass = "reject"
`

func TestBadMailIsRefusedWithTheCodeOfItsFault(t *testing.T) {
	s := begin(t, setup{more: strict})
	broken := func(msg []byte) []byte { return replaced(msg, "all is well", "all is hell") }
	for _, c := range []struct {
		name     string
		msg      []byte
		code     int
		enhanced string
		decision string
	}{
		{"broken signature", broken(signedFor("plain.test", "good")), 550, "5.7.20", "rejected"},
		{"second From", added(signedFor("plain.test", "good"), "From: ceo@plain.test"), 550, "5.7.21", "rejected"},
		{"author's domain did not sign", strangersKey.sign(letter("ceo@bank.test"), "plain.test", "good"), 550, "5.7.22", "rejected"},
		{"author's domain signed, altered", broken(signedFor("bank.test", "good")), 550, "5.7.22", "rejected"},
		{"key not there yet", signedFor("plain.test", "unknown"), 451, "4.7.5", "deferred"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			before := len(s.daemon.Messages())
			ticket, err := s.offer(c.msg)
			refused(t, err, c.code, c.enhanced)
			s.isNotDelivered(ticket)
			told := s.daemon.Messages()[before:]
			if len(told) != 1 || told[0].Decision != c.decision {
				t.Errorf("want decision=%s, the log says %+v", c.decision, told)
			}
		})
	}
}

func TestGoodMailPassesTheSameRules(t *testing.T) {
	s := begin(t, setup{more: strict})
	for name, c := range map[string]struct {
		msg  []byte
		want verdict
	}{
		"signed":                    {signedFor("plain.test", "good"), passes("plain.test", "good")},
		"signed by author's domain": {signedFor("bank.test", "good"), passes("bank.test", "good")},
		"broken under a key that is being tested": { // RFC 6376 3.6.1, t=y
			replaced(signedFor("plain.test", "testing"), "all is well", "all is hell"),
			verdict{"fail", "body-hash", "plain.test", "testing"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			s.says(s.receive(c.msg), c.want)
		})
	}
}

func TestDiscardedMailIsAcceptedAndGone(t *testing.T) {
	s := begin(t, setup{more: strict})
	ticket, err := s.offer(signedFor("plain.test", "prose"))
	s.Must(err)
	s.Must(mta.Emptied())
	s.isNotDelivered(ticket)
	if all := s.daemon.Messages(); len(all) != 1 || all[0].Decision != "discarded" || all[0].Reason != "permerror" {
		t.Errorf("the log says %+v", all)
	}
}

func TestQuarantinedMailWaitsInThePostmastersQueueWithItsVerdict(t *testing.T) {
	s := begin(t, setup{more: strict})
	msg := letter("bob@plain.test")
	ticket, err := s.offer(msg)
	s.Must(err)
	held, err := mta.Queued("hold")
	s.Must(err)
	if len(held) != 1 {
		t.Fatalf("held: %v", held)
	}
	s.isNotDelivered(ticket)
	if l := s.logLine(filepath.Base(held[0])); l.Decision != "quarantined" || l.Reason != "none" {
		t.Errorf("the log says %s", l.Text)
	}
	if file, err := os.ReadFile(held[0]); err != nil || !bytes.Contains(file, []byte("Authentication-Results: "+authservID+";")) {
		t.Errorf("the held message has no verdict: %v", err)
	}

	s.release(filepath.Base(held[0]))
	s.reported(s.delivered(ticket, msg), unsigned)
}

// release is what a postmaster does with a message that he finds harmless.
func (s *story) release(queueID string) {
	s.Helper()
	for _, args := range [][]string{
		{"postsuper", "-c", mta.ConfigDir, "-H", queueID},
		{"postqueue", "-c", mta.ConfigDir, "-i", queueID},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			s.Fatalf("%v: %v: %s", args, err, out)
		}
	}
}
