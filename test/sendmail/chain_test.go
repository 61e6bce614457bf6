package sendmail

import (
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/test/internal/sink"
)

// Two milters in one InputMailFilters list, here two listeners of one daemon: the later one sees what the earlier one wrote. A
// signer that comes last finds a verdict in our own name in mail of our own user, and removes it.
func TestOrderOfMilters(t *testing.T) {
	s := begin(t, setup{listeners: []listener{{"inet:" + inetMilter, "sign"}, {"inet:" + secondMilter, "verify"}}})
	for _, c := range []struct {
		name, address string
		passes        int // in our field
	}{
		{"signer first", signerFirst, 2},
		{"signer last", signerLast, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			session := s.connect(c.address)
			m := letter("alice@lab.test")
			s.Must(s.offer(session, m))
			s.Must(session.Quit())
			d := s.delivered(m)
			s.verifies(d)
			have := strings.Join(sink.Values(d.Data, results), "")
			if strings.Count(have, "dkim=pass") != c.passes || strings.Count(have, "dkim=") != c.passes {
				t.Errorf("%q, want %d passes", have, c.passes)
			}
		})
	}
	var decisions []string
	for _, l := range s.daemon.Messages() {
		decisions = append(decisions, l.Decision+" "+l.Reason)
	}
	want := []string{"signed signing-table", "verified pass", "verified none", "signed signing-table"}
	if !slices.Equal(decisions, want) {
		t.Errorf("the log says %q, want %q", decisions, want)
	}
}
