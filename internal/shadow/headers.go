package shadow

import (
	"slices"
	"strings"

	"github.com/postseal/postseal/dkim"
)

// coverage is in what the h= of two signatures differ, by names of fields.
type coverage struct {
	missing, extra []string // fields that the message has, signed by the old one only, by ours only
	bare, overdone []string // names that the old one oversigns and ours does not or less, and the other way round
	reordered      bool     // the same names, in another order
}

// covered compares two h=. fields is the header that both saw. A name takes the
// lowest instances of its field, and what is beyond them stands for fields that nobody shall add (RFC 6376
// section 5.4.2).
func covered(old, ours *dkim.Signature, fields *dkim.Fields) (c coverage) {
	seen := map[string]bool{}
	for _, name := range slices.Concat(old.HeaderNames, ours.HeaderNames) {
		key := strings.ToLower(name)
		if seen[key] {
			continue
		}
		seen[key] = true
		there, before, after := fields.Count(name), old.Covers(name), ours.Covers(name)
		switch signed, is := min(before, there), min(after, there); {
		case is < signed:
			c.missing = append(c.missing, name)
		case is > signed:
			c.extra = append(c.extra, name)
			continue // its oversigning is a part of that
		}
		switch over, is := max(before-there, 0), max(after-there, 0); {
		case is < over:
			c.bare = append(c.bare, name)
		case is > over:
			c.overdone = append(c.overdone, name)
		}
	}
	c.reordered = !slices.EqualFunc(old.HeaderNames, ours.HeaderNames, strings.EqualFold) &&
		len(c.missing)+len(c.extra)+len(c.bare)+len(c.overdone) == 0
	return c
}

// differences puts a comparison of h= in words.
func (c coverage) differences(fields *dkim.Fields) (all []Difference) {
	add := func(names []string, level Level, text, advice string) {
		if len(names) > 0 {
			list := strings.Join(names, ", ")
			all = append(all, Difference{What: "h", Level: level, Text: text + list, Advice: advice})
		}
	}
	add(c.missing, Differs, "h=: only the old signature covers ", `add `+quoted(c.missing)+` to sign.headers (a list there replaces the preset)`)
	add(c.extra, Differs, "h=: only ours covers ", `add `+quoted(c.extra)+` to sign.omit_headers`)
	present, absent, never := oversigned(c.bare, fields)
	add(present, Differs, "h=: only the old signature oversigns ", `add `+quoted(present)+` to sign.oversign`)
	add(absent, Differs, "h=: only the old signature oversigns, or the message lost, ", `add `+quoted(absent)+` to sign.oversign_absent`)
	add(never, Differs, "h=: only the old signature oversigns, or the message lost, ", "nothing to set: postseal names no such field that is absent, since it may rightly be added later")
	present, absent, _ = oversigned(c.overdone, fields)
	add(present, Harmless, "h=: ours oversigns also ", `to do without: take `+quoted(present)+` out of sign.oversign and sign.oversign_absent`)
	add(absent, Harmless, "h=: ours oversigns also the absent ", `to do without: take `+quoted(absent)+` out of sign.oversign_absent`)
	if c.reordered {
		all = append(all, Difference{What: "h", Level: Note, Text: "h=: the same names in another order"})
	}
	return all
}

// oversigned sorts names by the option that they belong into: sign.oversign where the
// message has the field, sign.oversign_absent, or none where that refuses them.
func oversigned(names []string, fields *dkim.Fields) (present, absent, never []string) {
	for _, name := range names {
		_, err := dkim.Selection{OversignAbsent: []string{name}}.Compile()
		switch {
		case fields.Count(name) > 0:
			present = append(present, name)
		case err != nil:
			never = append(never, name)
		default:
			absent = append(absent, name)
		}
	}
	return present, absent, never
}

// quoted writes names as they stand in a list of postseal.toml. Names of h= hold
// neither quotes that need an escape nor anything else but printable ASCII.
func quoted(names []string) string {
	return `"` + strings.Join(names, `", "`) + `"`
}
