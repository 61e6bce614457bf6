package domains

import (
	"testing"
	"time"
)

// A look that jitter brings forward is not followed by another one at the very mark that it was meant for.
func TestPollDelay(t *testing.T) {
	for _, c := range []struct{ elapsed, want time.Duration }{
		{0, 15 * time.Second},
		{5 * time.Second, 10 * time.Second},
		{13500 * time.Millisecond, 16500 * time.Millisecond},
		{27 * time.Second, 33 * time.Second},
		{54 * time.Second, 66 * time.Second},
		{9 * time.Minute, 15 * time.Minute},
	} {
		if got := pollDelay(c.elapsed); got != c.want {
			t.Errorf("after %v: next in %v, want %v", c.elapsed, got, c.want)
		}
	}
}

// Jitter brings each look forward: none of them is a second time at the same mark.
func TestPollsDoNotCrowd(t *testing.T) {
	policy := DefaultPolicy()
	begin := time.Date(2026, 11, 22, 14, 17, 0, 0, time.UTC)
	l := &life{Policy: &policy, now: begin, jitter: func() float64 { return 0 }}
	k := &Key{State: Pending, PendingSince: begin, Deadline: begin.Add(policy.Window)}
	looks := 0
	for ; l.now.Before(k.Deadline); looks++ {
		k.LastCheckAt = l.now
		l.schedule(k)
		if gap := k.NextCheckAt.Sub(l.now); gap < 10*time.Second && k.NextCheckAt.Before(k.Deadline) {
			t.Fatalf("after %v: next in %v", l.now.Sub(begin), gap)
		}
		l.now = k.NextCheckAt
	}
	if looks > 90 {
		t.Errorf("%d looks", looks)
	}
}

// The confirming look comes PassGap after the first that passed, though there was one in between.
func TestConfirmingCheckIsNotPutOff(t *testing.T) {
	first := time.Date(2026, 11, 22, 14, 17, 0, 0, time.UTC)
	policy := DefaultPolicy()
	l := &life{Policy: &policy, now: first.Add(16 * time.Second), jitter: func() float64 { return 0.5 }}
	k := &Key{State: Pending, PendingSince: first.Add(-14 * time.Second), LastCheckAt: l.now, Deadline: first.Add(time.Hour), Good: Streak{Count: 2, First: first}}
	if next := l.nextPoll(k); next.Before(first.Add(30*time.Second)) || next.After(first.Add(32*time.Second)) {
		t.Errorf("next look %v after the first that passed", next.Sub(first))
	}
}
