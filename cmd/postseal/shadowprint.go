package main

import (
	"fmt"
	"strings"

	"github.com/postseal/postseal/internal/shadow"
)

// controlText says what became of the old signature over the file.
var controlText = map[shadow.Control]string{
	shadow.Verifies:      "verifies",
	shadow.NotTried:      "not verified: no key for it here",
	shadow.BodyChanged:   "does not verify: the body was changed",
	shadow.HeaderChanged: "does not verify: the header was changed",
	shadow.OtherKey:      "does not verify: another key",
	shadow.NoMatch:       "does not verify",
}

func printShadow(io stdio, r *shadow.Report) {
	fmt.Fprintf(io.out, "%s: %s\n", printable(r.File), r.Verdict)
	for _, d := range r.Differences {
		printShadowDifference(io, d)
	}
	for _, c := range r.Signatures {
		if c.Old != nil {
			fmt.Fprintf(io.out, "old       %s (%s)\n", printable(c.Old.String()), controlText[c.Control])
		}
		switch {
		case c.Ours != nil:
			fmt.Fprintf(io.out, "postseal  %s\n", c.Ours)
		default:
			fmt.Fprintln(io.out, "postseal  none")
		}
		for _, d := range c.Differences {
			printShadowDifference(io, d)
		}
	}
	if r.Verdict == shadow.Differs && r.Decision != "signed" {
		fmt.Fprintln(io.out, "because:")
		for _, l := range r.Trail {
			fmt.Fprintln(io.out, "  -", printable(l))
		}
	}
}

// printShadowDifference writes a line for a difference and one for what to do about it.
func printShadowDifference(io stdio, d shadow.Difference) {
	level := string(d.Level)
	if d.Level == shadow.Note {
		level = "note"
	}
	fmt.Fprintf(io.out, "  %-8s  %s\n", level, printable(d.Text))
	if d.Advice != "" {
		fmt.Fprintf(io.out, "            -> %s\n", printable(d.Advice))
	}
}

func printShadowSummary(io stdio, s *shadow.Summary) {
	fmt.Fprintf(io.out, "%d messages compared: %d equivalent, %d unsure, %d harmless, %d differ\n",
		s.Messages, s.Verdicts[shadow.Note], s.Verdicts[shadow.Unsure], s.Verdicts[shadow.Harmless], s.Verdicts[shadow.Differs])
	if s.Foreign > 0 {
		fmt.Fprintf(io.out, "%d without a signature of the old signer\n", s.Foreign)
	}
	if s.Cut {
		fmt.Fprintln(io.out, "there are more files; --limit looks at more")
	}
	for _, k := range s.Kinds {
		printShadowDifference(io, k.Difference)
		fmt.Fprintf(io.out, "            in %d: %s\n", k.Messages, printable(strings.Join(k.Examples, ", ")))
	}
	if s.OtherKinds > 0 {
		fmt.Fprintf(io.out, "  and %d more differences of other kinds\n", s.OtherKinds)
	}
	for _, u := range s.Unusable {
		fmt.Fprintf(io.out, "  unusable  %s\n", printable(u.Error))
	}
	if more := s.Unread - len(s.Unusable); more > 0 {
		fmt.Fprintf(io.out, "  and %d more that cannot be compared\n", more)
	}
}
