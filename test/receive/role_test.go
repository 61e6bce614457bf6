package receive

import "testing"

// One daemon has our users' mail signed and strangers' verified, whichever way it is told them apart: by the listener, or on
// one listener by who the client is.
func TestOneDaemonSignsWhatLeavesAndVerifiesWhatComes(t *testing.T) {
	for _, c := range []struct {
		name       string
		listeners  []listener
		submission string
	}{
		{"on two listeners", bothWays, signingAddress},
		{"on one listener", []listener{{milter, "both"}}, mxAddress},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t, setup{listeners: c.listeners})
			out := s.submit(c.submission, letter("alice@lab.test"))
			s.isSigned(out, 1)
			if have := named(out.Data, "Authentication-Results"); len(have) != 0 {
				t.Errorf("our own user's mail carries %q", have)
			}
			if l := s.logLine(out.queueID); l.Decision != "signed" || l.Keys != "lab.test/postseal" {
				t.Errorf("the log says %s", l.Text)
			}

			back := s.receive(out.Data)
			s.says(back, passes("lab.test", "postseal"))
			s.isSigned(back, 1)

			forged := s.receive(letter("alice@lab.test"))
			s.says(forged, unsigned)
			s.isSigned(forged, 0)
		})
	}
}
