package filter

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/dkim"
	"github.com/postseal/postseal/internal/policy"
)

// observe keeps what a test may look at; a benchmark looks at nothing.
func (w *world) observe(e Event) {
	select {
	case w.events <- e:
	default:
	}
}

// Each message is told of once, by its kind.
func TestEvents(t *testing.T) {
	w, mta, good := receiver(t)
	check := func(name, decision string, reason policy.Reason, fault bool) Event {
		t.Helper()
		e := <-w.events
		if e.Decision != decision || e.Reason != reason || e.Fault != fault || e.Elapsed <= 0 {
			t.Errorf("%s: %+v", name, e)
		}
		return e
	}
	if e := check("signed", "signed", policy.SigningTable, false); strings.Join(e.Keys, " ") != "example.com/s" {
		t.Errorf("keys %q", e.Keys)
	}
	deliver(t, mta, good)
	if e := check("verified", "verified", "pass", false); len(e.Verdicts) != 1 || e.Verdicts[0].Status != dkim.Pass {
		t.Errorf("verdicts %v", e.Verdicts)
	}
	deliver(t, w.dial(t), strings.ReplaceAll(plain, "example.com", "example.org"))
	check("unsigned", "unsigned", policy.NoKey, false)
	w.snapshot.Verifying.Verifier = nil
	deliver(t, mta, good)
	check("faulty", "verified", "temperror", true)
	if len(w.events) != 0 {
		t.Errorf("told again: %+v", <-w.events)
	}
}
