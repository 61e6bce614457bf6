package shadow

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func report(all ...Difference) *Report {
	r := &Report{Verdict: Note, Differences: all}
	for _, d := range all {
		r.Verdict = heavier(r.Verdict, d.Level)
	}
	return r
}

func TestSummary(t *testing.T) {
	var s Summary
	s.Add("a", report())
	s.Add("b", report(Difference{What: "h", Level: Harmless, Advice: "less"}, Difference{What: "h", Level: Note, Text: "order"}))
	for i := range 5 { // one remedy is one kind, whatever the text
		d := Difference{What: "i", Level: Differs, Text: fmt.Sprint(i), Advice: "sender"}
		s.Add(fmt.Sprint("c", i), report(d, d))
	}
	s.Add("d", report(Difference{What: "bh", Level: Unsure, Text: "body"}))
	s.Miss("e", fmt.Errorf("e: %w", &NoSignatureError{}))
	for range 5 {
		s.Miss("f", errors.New("f: broken"))
	}
	s.Sort()
	if s.Messages != 8 || s.Foreign != 1 || s.Unread != 5 || len(s.Unusable) != 3 || s.Verdict() != Differs ||
		s.Verdicts[Note] != 1 || s.Verdicts[Harmless] != 1 || s.Verdicts[Differs] != 5 || s.Verdicts[Unsure] != 1 {
		t.Errorf("%+v", s)
	}
	if len(s.Kinds) != 3 {
		t.Fatalf("%d kinds", len(s.Kinds))
	}
	k := s.Kinds[0]
	if k.What != "i" || k.Messages != 5 || !slices.Equal(k.Examples, []string{"c0", "c1", "c2"}) || s.Kinds[1].Level != Harmless || s.Kinds[2].Level != Unsure {
		t.Errorf("%+v %+v %+v", s.Kinds[0], s.Kinds[1], s.Kinds[2])
	}
}

// Whatever a mailbox holds, a summary stays small.
func TestSummaryIsBounded(t *testing.T) {
	var s Summary
	for i := range 3 * maxKinds {
		s.Add(fmt.Sprint(i), report(Difference{What: "d", Level: Differs, Text: fmt.Sprint(i)}))
	}
	if len(s.Kinds) != maxKinds || s.OtherKinds != 2*maxKinds || s.Messages != 3*maxKinds {
		t.Errorf("%d kinds, %d others", len(s.Kinds), s.OtherKinds)
	}
}
